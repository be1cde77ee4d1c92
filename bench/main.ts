// Installs what the contenders need when that is missing, then runs the benchmark: node main.ts [options of run.ts].
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('.', import.meta.url));

/** Runs a step unless it already ran with the same inputs, which a mark beside its output tells. */
function once(what: string, mark: string, inputs: readonly string[], step: () => { status: number | null }): void {
  const hash = createHash('sha256');
  for (const input of inputs) hash.update(readFileSync(join(ROOT, input)));
  const digest = hash.digest('hex');
  const path = join(ROOT, mark);
  if (existsSync(path) && readFileSync(path, 'utf8') === digest) return;
  console.error(what);
  const { status } = step();
  if (status !== 0) throw new Error(`${what}: failed with code ${status}`);
  writeFileSync(path, digest);
}

/** Runs a program in this folder. What it writes goes to standard error: standard output is the report's. */
function run(program: string, args: string[], env: NodeJS.ProcessEnv = {}) {
  return spawnSync(program, args, {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  });
}

once('installing the contenders', 'node_modules/.bench-hash', ['package-lock.json'], () =>
  run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']),
);

const prisma = join(ROOT, '../node_modules/prisma');
if (!existsSync(prisma)) throw new Error('install the packages of Argus first: npm ci, in the folder above');
const schema = 'peers/stock/schema.prisma';
once('generating the Prisma client of the stock stack', 'generated/.hash', [schema, '../package-lock.json'], () =>
  // `prisma generate` needs no engine, but the CLI insists on finding one: any executable satisfies it.
  run(process.execPath, [join(prisma, 'build/index.js'), 'generate', '--schema', schema], {
    PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
    PRISMA_HIDE_UPDATE_MESSAGE: '1',
  }),
);

// Ended from outside, it takes what it has started with it.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));
const { bench } = await import('./run.ts');
await bench(process.argv.slice(2));
