import { accessSync, constants, mkdirSync, statfsSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname } from 'node:path';
import type { Command } from 'commander';
import pg from 'pg';
import { sessionConfig } from '../data/connection.ts';
import { embeddedStatus } from '../data/embedded.ts';
import { migrationStatus } from '../data/migrate.ts';
import { type Env, loadEnv } from '../env.ts';

type Finding = { ok: true; detail: string } | { ok: false; detail: string; todo: string };
type Check = [what: string, run: () => Finding | Promise<Finding>];

export function addDoctor(program: Command): void {
  program
    .command('doctor')
    .description('Check everything that a first run can trip over, and say what to do.')
    .action(async () => {
      let failed = 0;
      for (const [what, run] of checks()) {
        const finding = await attempt(run);
        if (!finding.ok) failed++;
        console.log(
          `${finding.ok ? ' ok ' : 'FAIL'}  ${what}: ${finding.detail}${finding.ok ? '' : `\n      → ${finding.todo}`}`,
        );
      }
      console.log(failed === 0 ? '\nEverything is fine.' : `\n${failed} to mend.`);
      if (failed > 0) process.exitCode = 1;
    });
}

async function attempt(run: Check[1]): Promise<Finding> {
  try {
    return await run();
  } catch (error) {
    return {
      ok: false,
      detail: error instanceof Error ? error.message : String(error),
      todo: 'mend what the message says and run "argus doctor" again',
    };
  }
}

function checks(): Check[] {
  const settings = readSettings();
  const list: Check[] = [
    ['Node', node],
    [
      'Settings',
      () =>
        settings instanceof Error
          ? { ok: false, detail: settings.message, todo: 'correct these variables; "argus --help" lists all' }
          : { ok: true, detail: settings.NODE_ENV },
    ],
  ];
  if (settings instanceof Error) return list;
  list.push(['Port', () => port(settings)], ['Folder', () => folder(settings)]);
  list.push(['Encryption keys', () => keys(settings)]);
  list.push(['Metrics', () => metrics(settings)], ['Traces', () => traces(settings)]);
  list.push(
    settings.DATABASE_URL === null
      ? ['Embedded PostgreSQL', () => embedded(settings)]
      : ['PostgreSQL', () => external(settings)],
  );
  return list;
}

function readSettings(): Env | Error {
  try {
    return loadEnv();
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

function node(): Finding {
  const [major = 0] = process.versions.node.split('.').map(Number);
  return major >= 24
    ? { ok: true, detail: process.versions.node }
    : {
        ok: false,
        detail: `${process.versions.node} is too old`,
        todo: 'run "npm install": it brings Node 24 for this project, which npm scripts and npx use',
      };
}

async function port({ PORT, HOST, DATABASE_URL, ARGUS_DIR }: Env): Promise<Finding> {
  const problem = await listenProblem(HOST, PORT);
  if (problem === null) return { ok: true, detail: `${HOST}:${PORT} is free` };
  const todo = 'stop what listens there, or choose another port: PORT=4001 npm start';
  if (!(await isArgus(PORT))) return { ok: false, detail: `${HOST}:${PORT} cannot be used (${problem})`, todo };
  const mayBeOurs = DATABASE_URL !== null || (await embeddedStatus(ARGUS_DIR)).state === 'running';
  return mayBeOurs
    ? { ok: true, detail: `an Argus server listens on ${PORT}; if it is not yours, start with another port: PORT=4001` }
    : { ok: false, detail: `another Argus server listens on ${PORT}: the database of ${ARGUS_DIR} does not run`, todo };
}

/** Whether what holds the port is a server of ours. */
async function isArgus(port: number): Promise<boolean> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/livez`, { signal: AbortSignal.timeout(1_000) });
    return response.ok && (await response.text()) === '{"status":"ok"}';
  } catch {
    return false;
  }
}

const WANTED_BYTES = 1024 ** 3;

function folder({ ARGUS_DIR }: Env): Finding {
  try {
    mkdirSync(ARGUS_DIR, { recursive: true });
    accessSync(ARGUS_DIR, constants.W_OK);
  } catch (error) {
    return {
      ok: false,
      detail: `${ARGUS_DIR} cannot be written (${Reflect.get(Object(error), 'code')})`,
      todo: `allow writing in ${dirname(ARGUS_DIR)}, or set ARGUS_DIR to another folder`,
    };
  }
  const { bavail, bsize } = statfsSync(ARGUS_DIR);
  const free = bavail * bsize;
  const detail = `${ARGUS_DIR}, ${Math.round(free / 1024 ** 2)} MiB free`;
  return free >= WANTED_BYTES ? { ok: true, detail } : { ok: false, detail, todo: 'free 1 GiB of space there' };
}

function keys({ ENCRYPTION_KEYS, ARGUS_DIR }: Env): Finding {
  return {
    ok: true,
    detail: ENCRYPTION_KEYS ? 'from the environment' : `development key in ${ARGUS_DIR}/encryption.key`,
  };
}

async function metrics({ METRICS_HOST, METRICS_PORT }: Env): Promise<Finding> {
  if (METRICS_PORT === null) return { ok: true, detail: 'off: METRICS_PORT is not set' };
  const url = `http://${METRICS_HOST}:${METRICS_PORT}/metrics`;
  const open = !/^(127\.|::1$|localhost$)/.test(METRICS_HOST);
  const detail = `${url}${open ? ', for whoever reaches it: a firewall has to decide who does' : ''}`;
  if (METRICS_PORT === 0 || (await listenProblem(METRICS_HOST, METRICS_PORT)) === null) return { ok: true, detail };
  const text = await fetch(url, { signal: AbortSignal.timeout(1_000) }).then((response) => response.text(), String);
  return text.includes('argus_build_info')
    ? { ok: true, detail: `${detail}: Argus itself answers there` }
    : { ok: false, detail: `${url} cannot be used`, todo: 'stop what listens there, or choose another METRICS_PORT' };
}

/** Why a port cannot be listened on, as the system's code; null when it can. */
function listenProblem(host: string, port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    probe.listen(port, host, () => probe.close(() => resolve(null)));
  });
}

async function traces({ TRACES, OTEL_EXPORTER_OTLP_ENDPOINT }: Env): Promise<Finding> {
  if (TRACES === 0) return { ok: true, detail: 'off: TRACES is 0' };
  const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"resourceSpans":[]}' };
  const url = `${OTEL_EXPORTER_OTLP_ENDPOINT}/v1/traces`;
  try {
    const { ok, status } = await fetch(url, { ...init, signal: AbortSignal.timeout(2_000) });
    if (ok) return { ok: true, detail: `${TRACES} % of requests to ${url}` };
    return { ok: false, detail: `${url} answers ${status}`, todo: 'check OTEL_EXPORTER_OTLP_ENDPOINT and _HEADERS' };
  } catch {
    return { ok: false, detail: `${url} does not answer`, todo: 'start the collector, or set TRACES=0' };
  }
}

async function embedded({ ARGUS_DIR }: Env): Promise<Finding> {
  const { state, detail } = await embeddedStatus(ARGUS_DIR);
  return state === 'broken'
    ? { ok: false, detail, todo: 'move the folder away to start afresh, or restore it from a backup' }
    : { ok: true, detail: `${state}: ${detail}` };
}

const OLDEST = 150_000;

async function external(env: Env): Promise<Finding> {
  const url = env.DATABASE_URL ?? '';
  const client = new pg.Client(sessionConfig(url, env));
  try {
    await client.connect();
  } catch (error) {
    return {
      ok: false,
      detail: error instanceof Error ? error.message : String(error),
      todo: 'check that PostgreSQL runs there, and host, port, user and password of DATABASE_URL',
    };
  }
  try {
    const { rows } = await client.query<{ number: number; version: string; role: string; bypass: boolean }>(
      `SELECT current_setting('server_version_num')::int AS number, current_setting('server_version') AS version, current_user AS role,
        (SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user) AS bypass`,
    );
    const [row] = rows;
    if (!row || row.number < OLDEST)
      return { ok: false, detail: `version ${row?.version}`, todo: 'Argus needs PostgreSQL 15 or newer' };
    const pending = (await migrationStatus({ ownerUrl: env.DATABASE_OWNER_URL ?? url })).filter(
      ({ state }) => state !== 'applied',
    );
    if (pending.length > 0)
      return {
        ok: false,
        detail: `${row.version}, not up to date: ${pending.map(({ name }) => name).join(', ')}`,
        todo: 'run "argus migrate up"',
      };
    const note = row.bypass ? `; ${row.role} bypasses row-level security, so each transaction becomes argus_app` : '';
    return { ok: true, detail: `${row.version} as ${row.role}${note}` };
  } finally {
    await client.end();
  }
}
