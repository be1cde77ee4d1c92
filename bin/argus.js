#!/usr/bin/env node
// The argus command, for any Node from 18 on: runs src/main.ts on the project's own Node, which npm installs.
import { spawn } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const main = join(root, 'src', 'main.ts');
const own = join(root, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');

/** The Node to run on: the project's own, or without it this one when that is new enough; null: there is none. */
function nodeToRun() {
  if (existsSync(own)) return realpathSync(own);
  return Number(process.versions.node.split('.')[0]) >= 24 ? process.execPath : null;
}

/** What a clone lacks before its first run, and the command for it; null: nothing. */
function missing(node) {
  if (node === null || !existsSync(join(root, 'node_modules', 'commander')))
    return ['packages are not installed', 'npm ci && npm run generate'];
  const generated = ['prisma/client.ts', 'pothos.ts'];
  if (!generated.every((file) => existsSync(join(root, 'generated', file))))
    return ['database client is not generated', 'npm run generate'];
  return null;
}

function runOn(node) {
  const child = spawn(node, [main, ...process.argv.slice(2)], { stdio: 'inherit' });
  // A terminal sends Ctrl-C to both; the child decides when it ends.
  process.on('SIGINT', () => {});
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    console.error(`argus: ${node} cannot be run: ${error.message}`);
    process.exitCode = 1;
  });
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 128 + constants.signals[signal];
  });
}

const node = nodeToRun();
const lack = missing(node);
if (lack) {
  const [what, command] = lack;
  console.error(`argus: the ${what}: run "${command}" in ${root}, or "npm start", which does that and serves.`);
  process.exitCode = 1;
} else if (node === realpathSync(process.execPath)) await import(main);
else runOn(node);
