import { delimiter } from 'node:path';
import type { z } from 'zod';
import { maskUrl, POOL_DEFAULTS } from './data/connection.ts';
import { BACKUP_VARIABLES, type BackupEnv, backupEnv } from './env-backup.ts';
import { LIMIT_VARIABLES, type LimitSettings } from './env-limits.ts';
import { OBSERVE_VARIABLES, type ObserveEnv, observeDefaults } from './env-observe.ts';
import { productionRefusals } from './env-production.ts';
import {
  choice,
  databaseUrl,
  encryptionKeys,
  flagProblem,
  httpProblem,
  listOf,
  noProblem,
  originsProblem,
  repositoriesProblem,
  type Shown,
  text,
  wholeNumber,
} from './env-variables.ts';
import { WEBHOOK_VARIABLES, type WebhookEnv, webhookEnv } from './env-webhooks.ts';

/** Settings of the process. This is the only file that reads `process.env`; every variable is a row of `VARIABLES`. */

const ENVIRONMENTS = ['development', 'production', 'test'] as const;
const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

const VARIABLES = {
  NODE_ENV: choice(ENVIRONMENTS, 'development', ['What the process is for', 'development', 'production']),
  DATABASE_URL: databaseUrl(
    'Database of the server; sslmode, sslrootcert, sslcert and sslkey in it decide about TLS',
    'none: development runs a database of its own, production does not start',
  ),
  PRODUCTION_DATABASE_URL: databaseUrl('Used in production when DATABASE_URL is not set', 'none'),
  DATABASE_OWNER_URL: databaseUrl('The database as the role that owns the tables, for migrations', 'DATABASE_URL'),
  DB_POOL_SIZE: wholeNumber(1, 1000, null, ['Connections kept open', '5; production 20; test 1', '10']),
  DB_POOL_OVERFLOW: wholeNumber(0, 1000, null, [
    'Connections above that while busy',
    '10; production 50; test 0',
    '20',
  ]),
  DB_POOL_TIMEOUT_MS: wholeNumber(1, 600_000, null, [
    'Longest wait for a connection of the pool',
    '30000; production 60000',
    '5000',
  ]),
  DB_POOL_RECYCLE_S: wholeNumber(0, 86_400, null, [
    'Seconds after which a connection is replaced; 0: never',
    '3600; production 1800',
    '900',
  ]),
  CONNECT_TIMEOUT_MS: wholeNumber(1, 600_000, 20_000, ['Longest time to connect outside the pool', '20000', '5000']),
  STATEMENT_TIMEOUT_MS: wholeNumber(0, 3_600_000, 15_000, [
    'Longest run of a statement; 0: no limit',
    '15000',
    '30000',
  ]),
  IDLE_TX_TIMEOUT_MS: wholeNumber(0, 3_600_000, 10_000, [
    'Longest idle time in a transaction; 0: any',
    '10000',
    '5000',
  ]),
  SLOW_STATEMENT_MS: wholeNumber(0, 3_600_000, 1000, ['Statements that take longer are logged', '1000', '250']),
  PORT: wholeNumber(0, 65_535, 4000, ['Port to listen on; 0: any free one', '4000', '8080']),
  HOST: text(
    noProblem,
    ['Address to listen on', '127.0.0.1; production 0.0.0.0', '0.0.0.0'],
    'an address or host name',
  ),
  ARGUS_DIR: text(noProblem, ['Where development keeps its database and key', '.argus', '/var/lib/argus'], 'a path'),
  ENCRYPTION_KEYS: encryptionKeys(
    'Keys of protected columns; make one with: openssl rand -base64 32',
    'none: development keeps one in ARGUS_DIR, production does not start',
  ),
  DB_ENCRYPTION_KEY: encryptionKeys('Other name of ENCRYPTION_KEYS, which wins', 'none'),
  LOG_LEVEL: choice(LOG_LEVELS, 'info', ['Least serious level that is logged', 'info', 'debug']),
  SESSION_HOURS: wholeNumber(1, 8760, 12, ['Hours until a session ends', '12', '8']),
  PUBLIC_URL: text(
    httpProblem,
    ['Address under which callers reach the server', 'http:// with HOST and PORT', 'https://argus.example.org'],
    'an http:// or https:// URL',
  ),
  CORS_ORIGINS: text(
    originsProblem,
    ['Origins whose pages may call the server', 'none', 'https://app.example.org,https://admin.example.org'],
    'scheme://host[:port] without a path, several with commas; "*" is not allowed',
  ),
  GRAPHIQL: text(flagProblem, ['Whether the GraphiQL page is served', 'true; production false', 'true'], 'true, false'),
  TRUSTED_DOCUMENTS: text(
    noProblem,
    ['Documents that clients may ask for by their hash', 'none', '/etc/argus/documents.json'],
    'a folder of .graphql files, or a JSON file { "<sha256 of the text in hex>": "<text>" }',
  ),
  GITHUB_API_URL: text(
    httpProblem,
    ['Address of GitHub’s API, for imports', 'https://api.github.com', 'https://github.example.org/api/v3'],
    'an http:// or https:// URL',
  ),
  GITHUB_TOKEN: text(
    noProblem,
    ['Token for GitHub’s API: private repositories, higher rate limits', 'none', 'ghp_…'],
    'a token',
    'nothing',
  ),
  GITHUB_REPOSITORIES: text(
    repositoriesProblem,
    [
      'For which imports over the API GITHUB_TOKEN is used; the command line may use it for any',
      'none: they read public repositories only',
      'acme:acme/private-app,acme:acme/other',
    ],
    'tenant:owner/name, several with commas',
  ),
  EVENT_RETENTION_DAYS: wholeNumber(0, 36_500, 30, ['Days that events are kept; 0: for ever', '30', '90']),
  TRUST_PROXY: wholeNumber(0, 10, 0, ['Proxies in front whose X-Forwarded-For entry is believed', '0', '1']),
  RESULT_CACHE_MB: wholeNumber(0, 65_536, 64, [
    'Memory of each process for answers that are asked for again, in MB; 0: none',
    '64',
    '256',
  ]),
  ...WEBHOOK_VARIABLES,
  WORKERS: wholeNumber(0, 64, 1, ['Processes that serve behind the port; 0: one for each core', '1', '4']),
  ...LIMIT_VARIABLES,
  ...BACKUP_VARIABLES,
  ...OBSERVE_VARIABLES,
} as const;

type Name = keyof typeof VARIABLES;
type Raw = { [N in Name]: z.output<(typeof VARIABLES)[N]['schema']> };

/** The settings, with every default that depends on NODE_ENV filled in. Names are those of the variables. */
export interface Env extends LimitSettings, BackupEnv, ObserveEnv, WebhookEnv {
  NODE_ENV: Raw['NODE_ENV'];
  /** Never null in production; null elsewhere means the database that development runs itself. */
  DATABASE_URL: string | null;
  /** Null means that migrations use DATABASE_URL. */
  DATABASE_OWNER_URL: string | null;
  DB_POOL_SIZE: number;
  DB_POOL_OVERFLOW: number;
  DB_POOL_TIMEOUT_MS: number;
  /** Seconds; 0 is never. */
  DB_POOL_RECYCLE_S: number;
  CONNECT_TIMEOUT_MS: number;
  STATEMENT_TIMEOUT_MS: number;
  IDLE_TX_TIMEOUT_MS: number;
  SLOW_STATEMENT_MS: number;
  PORT: number;
  HOST: string;
  ARGUS_DIR: string;
  /** Text for `parseKeyRing`. Never null in production; null elsewhere means `ephemeralKeyRing(ARGUS_DIR)`. */
  ENCRYPTION_KEYS: string | null;
  LOG_LEVEL: Raw['LOG_LEVEL'];
  SESSION_HOURS: number;
  /** Without a slash at the end. */
  PUBLIC_URL: string;
  CORS_ORIGINS: readonly string[];
  GRAPHIQL: boolean;
  /** A folder or a file. */
  TRUSTED_DOCUMENTS: string | null;
  /** Without a slash at the end. */
  GITHUB_API_URL: string;
  GITHUB_TOKEN: string | null;
  /** tenant:owner/name */
  GITHUB_REPOSITORIES: readonly string[];
  /** 0 keeps them for ever. */
  EVENT_RETENTION_DAYS: number;
  /** Number of proxies; 0 means X-Forwarded-For is ignored. */
  TRUST_PROXY: number;
  /** 0 means that no answer is kept. */
  RESULT_CACHE_MB: number;
  /** 0 is one for each core. */
  WORKERS: number;
}

/** One or more variables are wrong; the message has a paragraph for each, with secrets masked. */
export class EnvError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`the environment is not usable:\n${problems.map((problem) => `- ${problem}`).join('\n')}`);
    this.name = 'EnvError';
    this.problems = problems;
  }
}

/**
 * Reads and checks the settings. A variable that is empty counts as unset.
 *
 * @throws EnvError naming every bad variable, its value (secrets masked), the problem and what is allowed
 */
export function loadEnv(source: Readonly<Record<string, string | undefined>> = process.env): Env {
  const raw: Record<string, unknown> = {};
  const problems: string[] = [];
  for (const [name, variable] of Object.entries(VARIABLES)) {
    const given = source[name] === '' ? undefined : source[name];
    const result = variable.schema.safeParse(given);
    if (result.success) raw[name] = result.data;
    else problems.push(problemLine(name, given ?? '', result.error.issues[0]?.message ?? 'is not valid', variable));
  }
  if (problems.length > 0) throw new EnvError(problems);
  // Every row of the table has just been parsed by its own schema, which is what Raw says.
  const parsed = raw as Raw;
  const refusals = parsed.NODE_ENV === 'production' ? productionRefusals(parsed) : [];
  if (refusals.length > 0) throw new EnvError(refusals);
  return resolve(parsed);
}

function problemLine(
  name: string,
  given: string,
  problem: string,
  { shown, allowed }: { shown: Shown; allowed: string },
) {
  const value = shown === 'all' ? JSON.stringify(given) : shown === 'url' ? maskUrl(given) : '***';
  return `${name} = ${value}: ${problem}${problem.includes(allowed) ? '' : `. Allowed: ${allowed}`}`;
}

function resolve(raw: Raw): Env {
  const { PRODUCTION_DATABASE_URL, DB_ENCRYPTION_KEY, ...rest } = raw;
  const production = raw.NODE_ENV === 'production';
  const pool = POOL_DEFAULTS[raw.NODE_ENV];
  const size = raw.DB_POOL_SIZE ?? pool.size;
  const overflow = raw.DB_POOL_OVERFLOW ?? pool.overflow;
  const host = raw.HOST ?? (production ? '0.0.0.0' : '127.0.0.1');
  const reachable = host === '0.0.0.0' || host === '::' ? 'localhost' : host.includes(':') ? `[${host}]` : host;
  return {
    ...rest,
    ...backupEnv(raw, raw.ARGUS_DIR ?? '.argus'),
    ...observeDefaults(raw),
    ...webhookEnv(raw, production),
    DATABASE_URL: raw.DATABASE_URL ?? (production ? PRODUCTION_DATABASE_URL : null),
    DB_POOL_SIZE: size,
    DB_POOL_OVERFLOW: overflow,
    MAX_CONCURRENT: raw.MAX_CONCURRENT ?? 4 * (size + overflow),
    DB_POOL_TIMEOUT_MS: raw.DB_POOL_TIMEOUT_MS ?? pool.timeoutMs,
    DB_POOL_RECYCLE_S: raw.DB_POOL_RECYCLE_S ?? pool.recycleS,
    HOST: host,
    ARGUS_DIR: raw.ARGUS_DIR ?? '.argus',
    ENCRYPTION_KEYS: raw.ENCRYPTION_KEYS ?? DB_ENCRYPTION_KEY,
    PUBLIC_URL: (raw.PUBLIC_URL ?? `http://${reachable}:${raw.PORT}`).replace(/\/+$/, ''),
    CORS_ORIGINS: listOf(raw.CORS_ORIGINS ?? ''),
    GITHUB_REPOSITORIES: listOf(raw.GITHUB_REPOSITORIES ?? ''),
    GITHUB_API_URL: (raw.GITHUB_API_URL ?? 'https://api.github.com').replace(/\/+$/, ''),
    GRAPHIQL: raw.GRAPHIQL === null ? !production : raw.GRAPHIQL === 'true' || raw.GRAPHIQL === '1',
  };
}

let loaded: Env | undefined;

/** The settings of this process, read at the first call. */
export function env(): Env {
  loaded ??= loadEnv();
  return loaded;
}

/**
 * Pool sizes of one of `workers` processes: a default is divided among them, rounded up, so that together they open
 * about as many connections as one process would; a variable that is set holds for each process as it stands.
 */
export function poolShare(
  env: Env,
  workers: number,
  source: Readonly<Record<string, string | undefined>> = process.env,
): Pick<Env, 'DB_POOL_SIZE' | 'DB_POOL_OVERFLOW'> {
  const share = (name: 'DB_POOL_SIZE' | 'DB_POOL_OVERFLOW') =>
    source[name] ? env[name] : Math.ceil(env[name] / workers);
  return { DB_POOL_SIZE: share('DB_POOL_SIZE'), DB_POOL_OVERFLOW: share('DB_POOL_OVERFLOW') };
}

/** Where the system looks for programs, for those that are started with an environment of their own. */
export function searchPath(): readonly string[] {
  return (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
}

/** Every variable with its texts, for `--help` and the documentation. */
export function describeEnv(): {
  name: string;
  description: string;
  default: string;
  example: string;
  allowed: string;
}[] {
  return Object.entries(VARIABLES).map(([name, { description, fallback, example, allowed }]) => {
    return { name, description, default: fallback, example, allowed };
  });
}
