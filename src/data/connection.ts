import { readFileSync } from 'node:fs';
import { connect, isIP } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import type pg from 'pg';
import type { Env } from '../env.ts';

/**
 * From a PostgreSQL URL and the environment to the settings of node-postgres: TLS with the meaning libpq gives to
 * `sslmode`, `sslrootcert`, `sslcert` and `sslkey`
 * (https://www.postgresql.org/docs/current/libpq-ssl.html), and the pool.
 */

const SSL_MODES = ['disable', 'prefer', 'require', 'verify-ca', 'verify-full'] as const;
const SCHEMES: ReadonlySet<string> = new Set(['postgres:', 'postgresql:']);
type SslMode = (typeof SSL_MODES)[number];

/** Passwords that installation guides print. A password equal to its user name counts as one too. */
const DEFAULT_PASSWORDS = new Set(['postgres', 'password', 'changeme', 'admin', 'root', 'secret', '123456', 'argus']);

/** A database URL that cannot be used; the message says why without showing the password. */
export class ConnectionConfigError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ConnectionConfigError';
  }
}

/** Where and how to connect, as node-postgres takes it: for `new pg.Client`, `new pg.Pool` and the Prisma adapter. */
export interface ConnectionConfig {
  host: string;
  port: number;
  user: string | undefined;
  password: string | undefined;
  database: string | undefined;
  /** False for no TLS. */
  ssl: false | ConnectionOptions;
  application_name: string;
  options: string | undefined;
}

/** The URL with its password replaced, for messages and logs; nothing of it when it is not a database URL. */
export function maskUrl(url: string): string {
  const parsed = URL.parse(url);
  // `user:secret@host` parses as a URL too, with the scheme `user:` and the secret in its path.
  if (parsed === null || !SCHEMES.has(parsed.protocol)) return '***';
  if (parsed.password !== '') parsed.password = '***';
  for (const name of ['password', 'sslpassword']) {
    if (parsed.searchParams.has(name)) parsed.searchParams.set(name, '***');
  }
  return parsed.href;
}

/** What makes the text unusable as a database URL, or null. Reads no files and opens no connection. */
export function databaseUrlProblem(url: string): string | null {
  try {
    parseUrl(url);
    return null;
  } catch (error) {
    if (error instanceof ConnectionConfigError) return error.message;
    throw error;
  }
}

/** Whether the URL holds a password that anybody would try first. */
export function hasDefaultPassword(url: string): boolean {
  const { user, password } = parseUrl(url);
  return password !== undefined && (password === user || DEFAULT_PASSWORDS.has(password.toLowerCase()));
}

interface ParsedUrl {
  host: string;
  port: number;
  user: string | undefined;
  password: string | undefined;
  database: string | undefined;
  sslMode: SslMode | undefined;
  parameters: URLSearchParams;
}

function parseUrl(url: string): ParsedUrl {
  const parsed = URL.parse(url);
  if (parsed === null) throw new ConnectionConfigError('it is not a URL (encode special characters, e.g. "@" as %40)');
  if (!SCHEMES.has(parsed.protocol)) {
    throw new ConnectionConfigError('it does not start with postgresql://');
  }
  const parameters = parsed.searchParams;
  const host = (parameters.get('host') ?? decoded(parsed.hostname)).replace(/^\[(.+)\]$/, '$1');
  if (host.includes(',')) throw new ConnectionConfigError('it names several hosts; only one is supported');
  const port = Number(parameters.get('port') ?? (parsed.port || '5432'));
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new ConnectionConfigError('its port is not a port');
  return {
    host: host === '' ? 'localhost' : host,
    port,
    user: parameters.get('user') ?? (decoded(parsed.username) || undefined),
    password: parameters.get('password') ?? (decoded(parsed.password) || undefined),
    database: decoded(parsed.pathname.slice(1)) || undefined,
    sslMode: sslModeOf(parameters),
    parameters,
  };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new ConnectionConfigError('it holds a "%" that encodes nothing; write a literal "%" as %25');
  }
}

function sslModeOf(parameters: URLSearchParams): SslMode | undefined {
  const text = parameters.get('sslmode');
  // JDBC's spelling; libpq takes it for sslmode=require as well.
  if (text === null) return parameters.get('ssl') === 'true' ? 'require' : undefined;
  const mode = SSL_MODES.find((known) => known === text);
  if (mode === undefined) {
    throw new ConnectionConfigError(`sslmode "${text}" is not supported; allowed: ${SSL_MODES.join(', ')}`);
  }
  return mode;
}

function isLoopback(host: string): boolean {
  return (
    host.startsWith('/') || host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
  );
}

/**
 * Connection settings from a URL. Certificate files are read now.
 *
 * Without `sslmode`: `require` in production unless the host is this machine, otherwise no TLS.
 *
 * @param production whether the stricter default applies
 * @throws ConnectionConfigError for a malformed URL, an unknown sslmode, or a certificate file that cannot be used
 */
export function connectionConfig(url: string, { production }: { production: boolean }): ConnectionConfig {
  const { host, port, user, password, database, sslMode, parameters } = parseUrl(url);
  const mode = sslMode ?? (production && !isLoopback(host) ? 'require' : 'disable');
  return {
    host,
    port,
    user,
    password,
    database,
    // TLS does not exist on a Unix socket; libpq ignores sslmode there.
    ssl: host.startsWith('/') ? false : tlsOptions(mode, parameters),
    application_name: parameters.get('application_name') ?? 'argus',
    options: parameters.get('options') ?? undefined,
  };
}

function tlsOptions(mode: SslMode, parameters: URLSearchParams): false | ConnectionOptions {
  if (mode === 'disable') return false;
  const rootCertificate = parameters.get('sslrootcert');
  const certificate = parameters.get('sslcert');
  const key = parameters.get('sslkey');
  if ((certificate === null) !== (key === null)) {
    throw new ConnectionConfigError('sslcert and sslkey belong together; give both or neither');
  }
  const options: ConnectionOptions = {};
  // `system` is libpq's word for the trusted roots of the machine, which is what Node uses when none are given.
  const ownRoot = rootCertificate !== null && rootCertificate !== 'system';
  if (ownRoot) options.ca = readPem('sslrootcert', rootCertificate);
  if (certificate !== null) options.cert = readPem('sslcert', certificate);
  if (key !== null) options.key = readPem('sslkey', key);
  const passphrase = parameters.get('sslpassword');
  if (passphrase !== null) options.passphrase = passphrase;
  // libpq accepts only verify-full with the machine's roots: anybody can get a certificate those roots sign.
  if (rootCertificate === 'system' && mode !== 'verify-full') {
    throw new ConnectionConfigError(`sslrootcert=system needs sslmode=verify-full, not ${mode}`);
  }
  // libpq: with a root certificate, require means verify-ca.
  const effective = mode === 'require' && ownRoot ? 'verify-ca' : mode;
  options.rejectUnauthorized = effective === 'verify-ca' || effective === 'verify-full';
  if (effective === 'verify-ca') options.checkServerIdentity = () => undefined;
  return options;
}

function readPem(parameter: string, file: string): string {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConnectionConfigError(`cannot read the ${parameter} file "${file}": ${reason}`);
  }
  if (!text.includes('-----BEGIN ')) {
    throw new ConnectionConfigError(`the ${parameter} file "${file}" is not a PEM file (it has no -----BEGIN line)`);
  }
  return text;
}

/**
 * Settles `sslmode=prefer`, which node-postgres does not know: asks the server whether it speaks TLS and turns TLS off
 * in the settings when it does not. Other modes are returned as they are, without a connection.
 *
 * @param url the URL the settings came from
 * @param timeoutMs how long the server may take to answer
 * @throws Error when the server cannot be reached
 */
export async function settlePreferredTls(
  url: string,
  config: ConnectionConfig,
  timeoutMs: number,
): Promise<ConnectionConfig> {
  if (parseUrl(url).sslMode !== 'prefer' || config.ssl === false) return config;
  return (await speaksTls(config.host, config.port, timeoutMs)) ? config : { ...config, ssl: false };
}

function speaksTls(host: string, port: number, timeoutMs: number): Promise<boolean> {
  // SSLRequest: length 8, code 80877103; the server answers with one byte, S or N.
  // https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-SSL
  const request = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port }, () => socket.write(request));
    socket.setTimeout(timeoutMs, () => socket.destroy(new Error(`no answer from ${host}:${port} in ${timeoutMs} ms`)));
    socket.once('error', reject);
    socket.once('close', () => reject(new Error(`${host}:${port} closed the connection without an answer`)));
    socket.once('data', (answer) => {
      resolve(answer[0] === 0x53);
      socket.destroy();
    });
  });
}

/**
 * Pool settings of each environment that apply when the DB_POOL_ variables are not set. Times are milliseconds and
 * seconds, as the names say.
 */
export const POOL_DEFAULTS: Readonly<
  Record<Env['NODE_ENV'], { size: number; overflow: number; timeoutMs: number; recycleS: number }>
> = {
  development: { size: 5, overflow: 10, timeoutMs: 30_000, recycleS: 3600 },
  production: { size: 20, overflow: 50, timeoutMs: 60_000, recycleS: 1800 },
  test: { size: 1, overflow: 0, timeoutMs: 30_000, recycleS: 3600 },
};

type PoolSettings = Pick<
  Env,
  | 'NODE_ENV'
  | 'DB_POOL_SIZE'
  | 'DB_POOL_OVERFLOW'
  | 'DB_POOL_TIMEOUT_MS'
  | 'DB_POOL_RECYCLE_S'
  | 'STATEMENT_TIMEOUT_MS'
  | 'IDLE_TX_TIMEOUT_MS'
>;

/** How long a connection above the pool's size stays open unused. */
const OVERFLOW_IDLE_MS = 10_000;

/**
 * Settings of the shared pool. node-postgres has no overflow; size and overflow map to
 *
 * - `min` = size: that many connections, once opened, stay open (none is opened before it is needed);
 * - `max` = size + overflow: those above the size are closed after ten idle seconds;
 * - `connectionTimeoutMillis`: how long a caller waits for a connection, free or new;
 * - `maxLifetimeSeconds`: the age at which a connection is replaced.
 *
 * A process has two such pools, for reads and for writes: 140 connections with the production values, while PostgreSQL
 * allows 100 in all unless `max_connections` is raised. Lower DB_POOL_SIZE and DB_POOL_OVERFLOW, or raise that.
 *
 * LISTEN must not use this pool: it would hold a connection for ever, and a test pool has only one. See
 * `sessionConfig`.
 */
export function poolConfig(url: string, env: PoolSettings): pg.PoolConfig {
  return {
    ...connectionConfig(url, { production: env.NODE_ENV === 'production' }),
    min: env.DB_POOL_SIZE,
    max: env.DB_POOL_SIZE + env.DB_POOL_OVERFLOW,
    idleTimeoutMillis: OVERFLOW_IDLE_MS,
    connectionTimeoutMillis: env.DB_POOL_TIMEOUT_MS,
    maxLifetimeSeconds: env.DB_POOL_RECYCLE_S,
    statement_timeout: env.STATEMENT_TIMEOUT_MS,
    idle_in_transaction_session_timeout: env.IDLE_TX_TIMEOUT_MS,
    keepAlive: true,
  };
}

/**
 * Settings of a connection outside the pool, for LISTEN and migrations: no statement timeout, since both may
 * rightly take long, and CONNECT_TIMEOUT_MS to connect.
 */
export function sessionConfig(url: string, env: Pick<Env, 'NODE_ENV' | 'CONNECT_TIMEOUT_MS'>): pg.ClientConfig {
  return {
    ...connectionConfig(url, { production: env.NODE_ENV === 'production' }),
    connectionTimeoutMillis: env.CONNECT_TIMEOUT_MS,
    keepAlive: true,
  };
}
