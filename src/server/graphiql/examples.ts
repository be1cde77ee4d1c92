import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'graphql';

/** One example operation, shown as a tab. */
export interface Example {
  /** Operation name; GraphiQL shows it on the tab. */
  name: string;
  /** First comment line of the file, or the operation name. */
  title: string;
  /** The text of the tab: the file without its variables line. */
  query: string;
  /** Pretty-printed JSON, or the empty string. */
  variables: string;
}

const VARIABLES_LINE = /^#\s*variables:\s*(.*)$/i;

/** Reads every `*.graphql` file of a folder in name order. Throws an Error naming the file when one is malformed. */
export function readExamples(folder: string): Example[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.graphql'))
    .sort()
    .map((name) => {
      const file = join(folder, name);
      try {
        return parseExample(readFileSync(file, 'utf8'));
      } catch (error) {
        throw new Error(`Example ${file}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
      }
    });
}

/**
 * Parses one example: leading `#` lines are title and description, a `# variables: {…}` line among them
 * gives the variables, the rest is the operation.
 */
export function parseExample(text: string): Example {
  const lines = text.trim().split(/\r?\n/);
  const firstCode = lines.findIndex((line) => line.trim() !== '' && !line.startsWith('#'));
  const comments = lines.slice(0, Math.max(firstCode, 0)).filter((line) => line.startsWith('#'));
  const variablesLine = comments.find((line) => VARIABLES_LINE.test(line));
  const query = lines.filter((line, index) => index >= firstCode || line !== variablesLine).join('\n');

  const name = operationName(query);
  const title = comments
    .filter((line) => line !== variablesLine)
    .map((line) => line.replace(/^#+\s*/, '').trim())
    .find((line) => line !== '');
  return { name, title: title ?? name, query: `${query.trim()}\n`, variables: formatVariables(variablesLine) };
}

function operationName(query: string): string {
  const operation = parse(query).definitions.find((definition) => definition.kind === 'OperationDefinition');
  if (!operation?.name) throw new Error('its operation needs a name');
  return operation.name.value;
}

function formatVariables(line: string | undefined): string {
  const json = line && VARIABLES_LINE.exec(line)?.[1];
  if (!json) return '';
  const variables: unknown = JSON.parse(json);
  if (typeof variables !== 'object' || variables === null || Array.isArray(variables)) {
    throw new Error('its variables must be a JSON object');
  }
  return JSON.stringify(variables, null, 2);
}
