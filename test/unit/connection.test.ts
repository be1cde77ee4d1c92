import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import {
  ConnectionConfigError,
  connectionConfig,
  databaseUrlProblem,
  hasDefaultPassword,
  maskUrl,
  poolConfig,
  sessionConfig,
  settlePreferredTls,
} from '../../src/data/connection.ts';
import { loadEnv } from '../../src/env.ts';

const directory = mkdtempSync(join(tmpdir(), 'argus-tls-'));
const pem = join(directory, 'ca.pem');
writeFileSync(pem, '-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n');
const notPem = join(directory, 'ca.txt');
writeFileSync(notPem, 'hello');
afterAll(() => rmSync(directory, { recursive: true }));

const config = (rest: string, production = false) => connectionConfig(`postgresql://u:p@${rest}`, { production });

describe('connectionConfig', () => {
  it('takes the URL apart', () => {
    const url = 'postgres://us%40er:p%3Aw@db.example.org:6432/my%20db?application_name=x&options=-c%20a=b';
    expect(connectionConfig(url, { production: false })).toEqual({
      host: 'db.example.org',
      port: 6432,
      user: 'us@er',
      password: 'p:w',
      database: 'my db',
      ssl: false,
      application_name: 'x',
      options: '-c a=b',
    });
    expect(config('[::1]/d')).toMatchObject({ host: '::1', port: 5432, application_name: 'argus' });
    expect(config('%2Fvar%2Frun%2Fpostgresql/d')).toMatchObject({ host: '/var/run/postgresql' });
    const socket = connectionConfig('postgresql:///d?host=/run/pg&user=u', { production: true });
    expect(socket).toMatchObject({ host: '/run/pg', user: 'u', password: undefined, ssl: false });
  });

  it.each([
    ['disable', false],
    ['prefer', { rejectUnauthorized: false }],
    ['require', { rejectUnauthorized: false }],
    ['verify-ca', { rejectUnauthorized: true, checkServerIdentity: expect.any(Function) }],
    ['verify-full', { rejectUnauthorized: true }],
  ])('gives sslmode=%s the meaning it has in libpq', (mode, ssl) => {
    expect(config(`h.example/d?sslmode=${mode}`).ssl).toEqual(ssl);
  });

  it('checks the chain but not the name when require comes with a root certificate', () => {
    const { ssl } = config(`h.example/d?sslmode=require&sslrootcert=${pem}`);
    expect(ssl).toMatchObject({ rejectUnauthorized: true, ca: expect.stringContaining('BEGIN') });
    expect(ssl).toHaveProperty('checkServerIdentity');
    expect(config(`h.example/d?sslmode=verify-full&sslrootcert=${pem}`).ssl).not.toHaveProperty('checkServerIdentity');
  });

  it('reads the certificate and the key of the client', () => {
    const { ssl } = config(`h.example/d?sslmode=verify-full&sslcert=${pem}&sslkey=${pem}&sslrootcert=system`);
    expect(ssl).toMatchObject({ cert: expect.any(String), key: expect.any(String), rejectUnauthorized: true });
    expect(ssl).not.toHaveProperty('ca');
  });

  it('defaults to TLS in production, except on this machine', () => {
    expect(config('h.example/d', true).ssl).toEqual({ rejectUnauthorized: false });
    expect(config('h.example/d', false).ssl).toBe(false);
    for (const host of ['localhost', '127.0.0.1', '127.8.8.8', '[::1]', '%2Frun%2Fpg']) {
      expect(config(`${host}/d`, true).ssl, host).toBe(false);
    }
    expect(config('127.example.org/d', true).ssl).not.toBe(false);
    expect(config('h.example/d?sslmode=disable', true).ssl).toBe(false);
    expect(config('127.0.0.1/d?ssl=true', false).ssl).toEqual({ rejectUnauthorized: false });
  });

  it.each([
    ['h/d?sslmode=require&sslrootcert=/nowhere/ca.pem', /sslrootcert file "\/nowhere\/ca.pem": ENOENT/],
    ['h/d?sslmode=require&sslcert=/nowhere/c.pem&sslkey=/nowhere/k.pem', /sslcert file "\/nowhere\/c.pem"/],
    [`h/d?sslmode=require&sslrootcert=${directory}`, /EISDIR/],
    [`h/d?sslmode=require&sslrootcert=${notPem}`, /ca.txt" is not a PEM file/],
    [`h/d?sslmode=require&sslcert=${pem}`, /sslcert and sslkey belong together/],
    ['h/d?sslmode=require&sslrootcert=system', /needs sslmode=verify-full/],
    ['h/d?sslmode=no-verify', /sslmode "no-verify".*disable, prefer, require, verify-ca, verify-full/],
    ['h1,h2/d', /several hosts/],
    ['h/%zz', /%25/],
    ['h/d?port=99999', /port/],
    ['h:x/d', /not a URL/],
  ])('refuses %s', (rest, problem) => {
    expect(() => config(rest)).toThrow(ConnectionConfigError);
    expect(() => config(rest)).toThrow(problem);
  });
});

describe('databaseUrlProblem, hasDefaultPassword and maskUrl', () => {
  it('find problems without reading files', () => {
    expect(databaseUrlProblem('postgres://a:b@h/d?sslrootcert=/nowhere')).toBeNull();
    expect(databaseUrlProblem('http://h/d')).toMatch(/postgresql:/);
    expect(databaseUrlProblem('h')).toMatch(/not a URL/);
  });

  it('know the passwords of installation guides', () => {
    expect(hasDefaultPassword('postgres://postgres:postgres@h/d')).toBe(true);
    expect(hasDefaultPassword('postgres://x:change%6De@h/d')).toBe(true);
    expect(hasDefaultPassword('postgres://h/d?user=x&password=admin')).toBe(true);
    expect(hasDefaultPassword('postgres://x:8f14e45fceea@h/d')).toBe(false);
    expect(hasDefaultPassword('postgres://x@h/d')).toBe(false);
  });

  it('hide passwords wherever they are', () => {
    expect(maskUrl('postgres://u:hidden@h/d')).toBe('postgres://u:***@h/d');
    expect(maskUrl('postgres://u@h/d?password=hidden&sslpassword=hidden')).not.toMatch(/hidden/);
    expect(maskUrl('u:hidden@h/d')).toBe('***');
    expect(maskUrl('postgres://u:hidden@h:x/d')).toBe('***');
  });
});

describe('poolConfig and sessionConfig', () => {
  it('map size and overflow to min and max', () => {
    expect(poolConfig('postgres://u:p@h/d', loadEnv({}))).toMatchObject({
      host: 'h',
      min: 5,
      max: 15,
      connectionTimeoutMillis: 30_000,
      maxLifetimeSeconds: 3600,
      statement_timeout: 15_000,
      idle_in_transaction_session_timeout: 10_000,
    });
    expect(poolConfig('postgres://u:p@h/d', loadEnv({ NODE_ENV: 'test' }))).toMatchObject({ min: 1, max: 1 });
  });

  it('leave connections outside the pool without a statement timeout', () => {
    const session = sessionConfig('postgres://u:p@h/d', loadEnv({ CONNECT_TIMEOUT_MS: '5' }));
    expect(session).toMatchObject({ connectionTimeoutMillis: 5 });
    expect(session).not.toHaveProperty('statement_timeout');
  });
});

describe('settlePreferredTls', () => {
  const servers: Server[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
  });

  /** A server that answers the question about TLS with the given text (nothing: it hangs up), and its URL. */
  async function serverSaying(answer: string, mode: string): Promise<string> {
    const server = createServer((socket) => {
      socket.once('data', (request) => {
        if (request.toString('hex') === '0000000804d2162f') socket.end(answer);
      });
    });
    servers.push(server);
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('the server has no port');
    return `postgres://u:p@127.0.0.1:${address.port}/d?sslmode=${mode}`;
  }

  async function settled(answer: string, mode = 'prefer') {
    const url = await serverSaying(answer, mode);
    return settlePreferredTls(url, connectionConfig(url, { production: false }), 1000);
  }

  it('keeps TLS when the server has it and drops it when not', async () => {
    expect((await settled('S')).ssl).toEqual({ rejectUnauthorized: false });
    expect((await settled('N')).ssl).toBe(false);
  });

  it('never drops TLS that was required', async () => {
    expect((await settled('N', 'require')).ssl).toEqual({ rejectUnauthorized: false });
  });

  it('fails when the server hangs up', async () => {
    await expect(settled('')).rejects.toThrow(/closed the connection/);
  });
});
