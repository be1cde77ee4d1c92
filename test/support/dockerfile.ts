import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** One line of a Dockerfile, continuation lines included; `text` is as it stands there. */
export type Command = { text: string } & (
  | { kind: 'WORKDIR'; path: string }
  | { kind: 'ENV'; variables: Record<string, string> }
  | { kind: 'USER'; user: string }
  | { kind: 'COPY'; from: string | null; args: string[] }
  | { kind: 'RUN'; line: string }
  | { kind: 'EXPOSE' }
);

/** What begins with a FROM; CMD and HEALTHCHECK in their exec form, empty when there is none. */
export interface Stage {
  image: string;
  name: string | null;
  commands: Command[];
  cmd: string[];
  healthcheck: string[];
}

/** Reads the Dockerfile and .dockerignore of a folder. Throws on an instruction that it does not know. */
export function readDockerfile(folder: string): { stages: Stage[]; ignored: (path: string) => boolean } {
  const text = readFileSync(join(folder, 'Dockerfile'), 'utf8');
  const lines = text.replace(/^#.*\n/gm, '').replace(/\\\n\s*/g, '');
  const stages: Stage[] = [];
  for (const line of lines.split('\n').filter((one) => one.trim() !== '')) {
    const [, word = '', rest = ''] = /^(\S+)\s+(.*)$/.exec(line) ?? [];
    const stage = stages.at(-1);
    if (word === 'FROM') stages.push(from(rest));
    else if (!stage) throw new Error(`${line}: before the first FROM`);
    else if (word === 'CMD') stage.cmd = execForm(rest);
    else if (word === 'HEALTHCHECK') stage.healthcheck = execForm(rest.slice(rest.indexOf('CMD') + 3));
    else stage.commands.push({ text: line, ...command(word, rest) } as Command);
  }
  const rules = readFileSync(join(folder, '.dockerignore'), 'utf8').split('\n');
  return { stages, ignored: (path) => !rules.includes(`!${path.split('/')[0]}`) };
}

function from(rest: string): Stage {
  const [image = '', , name = null] = rest.split(/\s+/);
  return { image, name, commands: [], cmd: [], healthcheck: [] };
}

function execForm(json: string): string[] {
  const value: unknown = JSON.parse(json);
  if (!Array.isArray(value)) throw new Error(`${json} is not in exec form: the shell would be process 1`);
  return value.map(String);
}

function command(word: string, rest: string) {
  if (word === 'WORKDIR') return { kind: word, path: rest };
  if (word === 'USER') return { kind: word, user: rest };
  if (word === 'RUN') return { kind: word, line: rest };
  if (word === 'EXPOSE') return { kind: word };
  if (word === 'ENV') {
    const pairs = rest.split(/\s+/).map((pair) => pair.split('=', 2) as [string, string]);
    return { kind: word, variables: Object.fromEntries(pairs) };
  }
  if (word === 'COPY') {
    const args = rest.split(/\s+/);
    const source = args[0]?.startsWith('--from=') ? (args.shift() ?? '').slice('--from='.length) : null;
    return { kind: word, from: source, args };
  }
  throw new Error(`${word} ${rest}: an instruction that is not known here`);
}
