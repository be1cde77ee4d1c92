import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'graphql';

/** One example operation: an entry of the menu. */
export interface Example {
  /** The digits that the file's name begins with. */
  number: string;
  /** Under which heading of the menu it stands. */
  group: string;
  /** Operation name; GraphiQL shows it on the tab. */
  name: string;
  /** First comment line of the file, or the operation name. */
  title: string;
  /** The text of the tab: the file without the lines of its group and variables. */
  query: string;
  /** Pretty-printed JSON, or the empty string. */
  variables: string;
}

const SETTING_LINE = /^#\s*(group|variables):\s*(.*)$/i;

/** Reads every `*.graphql` file of a folder in name order. Throws an Error naming the file when one is malformed. */
export function readExamples(folder: string): Example[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.graphql'))
    .sort()
    .map((name) => {
      const file = join(folder, name);
      try {
        return { number: /^\d+/.exec(name)?.[0] ?? '', ...parseExample(readFileSync(file, 'utf8')) };
      } catch (error) {
        throw new Error(`Example ${file}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
      }
    });
}

/**
 * Parses one example: leading `#` lines are title and description, among them `# group: …` and, where there are any,
 * `# variables: {…}`; the rest is the operation.
 */
function parseExample(text: string): Omit<Example, 'number'> {
  const lines = text.trim().split(/\r?\n/);
  const firstCode = lines.findIndex((line) => line.trim() !== '' && !line.startsWith('#'));
  const comments = lines.slice(0, Math.max(firstCode, 0)).filter((line) => line.startsWith('#'));
  const settings = comments.filter((line) => SETTING_LINE.test(line));
  const setting = (name: string) =>
    settings.map((line) => SETTING_LINE.exec(line)).find((found) => found?.[1]?.toLowerCase() === name)?.[2];
  const query = lines.filter((line, index) => index >= firstCode || !settings.includes(line)).join('\n');

  const name = operationName(query);
  const group = setting('group');
  if (!group) throw new Error('it needs a line "# group: …"');
  const title = comments
    .filter((line) => !settings.includes(line))
    .map((line) => line.replace(/^#+\s*/, '').trim())
    .find((line) => line !== '');
  return {
    name,
    group,
    title: title ?? name,
    query: `${query.trim()}\n`,
    variables: formatVariables(setting('variables')),
  };
}

function operationName(query: string): string {
  const operation = parse(query).definitions.find((definition) => definition.kind === 'OperationDefinition');
  if (!operation?.name) throw new Error('its operation needs a name');
  return operation.name.value;
}

function formatVariables(json: string | undefined): string {
  if (!json) return '';
  const variables: unknown = JSON.parse(json);
  if (typeof variables !== 'object' || variables === null || Array.isArray(variables)) {
    throw new Error('its variables must be a JSON object');
  }
  return JSON.stringify(variables, null, 2);
}
