import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Lists and runs the programs in test/prove: proofs that take too long for the tests.
 * `npm run prove`, `npm run prove -- <name> --help`, `npm run prove -- <name> [arguments]`
 */
const FOLDER = 'test/prove';

const names = readdirSync(FOLDER)
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.slice(0, -'.ts'.length))
  .sort();
const [name, ...args] = process.argv.slice(2);

/** What a program says of itself: the comment that it begins with. */
function aboutOf(program: string): string {
  const [, comment = ''] = /^\/\*\*([\s\S]*?)\*\//.exec(readFileSync(join(FOLDER, `${program}.ts`), 'utf8')) ?? [];
  return comment
    .split('\n')
    .map((line) => line.replace(/^\s*\*? ?/, '').trim())
    .join(' ')
    .trim();
}

/** Its first sentence. */
function headOf(program: string): string {
  return /^.*?(?:[.:](?=\s|$)|$)/.exec(aboutOf(program))?.[0].replace(/:$/, '.') ?? '';
}

if (name === undefined) {
  const width = Math.max(...names.map(({ length }) => length));
  for (const one of names) console.log(`${one.padEnd(width)}  ${headOf(one)}`);
} else if (!names.includes(name)) {
  console.error(`there is no proof ${JSON.stringify(name)}: there are ${names.join(', ')}`);
  process.exitCode = 1;
} else if (args.includes('--help')) {
  console.log(aboutOf(name));
} else {
  const child = spawn(process.execPath, [join(FOLDER, `${name}.ts`), ...args], { stdio: 'inherit' });
  // A signal goes to both; the program decides when it ends.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
  child.once('exit', (code, signal) => {
    process.exitCode = signal ? 1 : (code ?? 1);
  });
}
