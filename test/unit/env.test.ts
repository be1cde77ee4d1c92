import { describe, expect, it } from 'vitest';
import { describeEnv, EnvError, env, loadEnv, poolShare } from '../../src/env.ts';

const KEYS = `2025a:${Buffer.alloc(32, 1).toString('base64')}`;
const URL_OK = 'postgresql://argus_app:0f1e2d3c@db.example.org/argus';
const PRODUCTION = { NODE_ENV: 'production', DATABASE_URL: URL_OK, ENCRYPTION_KEYS: KEYS };

describe('defaults', () => {
  it('suit development when nothing is set', () => {
    expect(loadEnv({})).toEqual({
      NODE_ENV: 'development',
      DATABASE_URL: null,
      DATABASE_OWNER_URL: null,
      DB_POOL_SIZE: 5,
      DB_POOL_OVERFLOW: 10,
      DB_POOL_TIMEOUT_MS: 30_000,
      DB_POOL_RECYCLE_S: 3600,
      CONNECT_TIMEOUT_MS: 20_000,
      STATEMENT_TIMEOUT_MS: 15_000,
      IDLE_TX_TIMEOUT_MS: 10_000,
      SLOW_STATEMENT_MS: 1000,
      PORT: 4000,
      HOST: '127.0.0.1',
      ARGUS_DIR: '.argus',
      BACKUP_DIR: '.argus/backups',
      BACKUP_RETENTION_DAYS: 30,
      BACKUP_WAL: false,
      BACKUP_DATABASE_URL: null,
      PG_BIN: null,
      ENCRYPTION_KEYS: null,
      LOG_LEVEL: 'info',
      SESSION_HOURS: 12,
      PUBLIC_URL: 'http://127.0.0.1:4000',
      CORS_ORIGINS: [],
      GRAPHIQL: true,
      GITHUB_API_URL: 'https://api.github.com',
      GITHUB_TOKEN: null,
      GITHUB_REPOSITORIES: [],
      EVENT_RETENTION_DAYS: 30,
      TRUST_PROXY: 0,
      TRUSTED_DOCUMENTS: null,
      RESULT_CACHE_MB: 64,
      WEBHOOK_ALLOW_PRIVATE: false,
      WEBHOOK_ALLOWED_NETWORKS: [],
      WEBHOOK_ALLOW_HTTP: true,
      WORKERS: 1,
      MAX_OPERATION_COST: 100_000,
      BUDGET_PER_KEY: 2_000_000,
      BUDGET_PER_TENANT: 10_000_000,
      BUDGET_PER_ADDRESS: 10_000,
      EXECUTION_TIMEOUT_MS: 30_000,
      MAX_CONCURRENT: 60,
      MAX_QUEUED: 1_000,
      STOP_TIMEOUT_S: 14,
      LOG_REQUESTS: 'slow',
      SLOW_REQUEST_MS: 1000,
      METRICS_PORT: null,
      METRICS_HOST: '127.0.0.1',
      TRACES: 0,
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://localhost:4318',
      OTEL_SERVICE_NAME: 'argus',
    });
  });

  it('change with NODE_ENV', () => {
    expect(loadEnv(PRODUCTION)).toMatchObject({
      DB_POOL_SIZE: 20,
      DB_POOL_OVERFLOW: 50,
      DB_POOL_TIMEOUT_MS: 60_000,
      DB_POOL_RECYCLE_S: 1800,
      HOST: '0.0.0.0',
      GRAPHIQL: false,
      WEBHOOK_ALLOW_HTTP: false,
      PUBLIC_URL: 'http://localhost:4000',
    });
    expect(loadEnv({ NODE_ENV: 'test' })).toMatchObject({ DB_POOL_SIZE: 1, DB_POOL_OVERFLOW: 0 });
  });

  it('apply to empty variables too, and values win over them', () => {
    expect(loadEnv({ PORT: '', NODE_ENV: '', HOST: '' })).toMatchObject({ PORT: 4000, HOST: '127.0.0.1' });
    const given = { PORT: '0', GRAPHIQL: 'false', DB_POOL_OVERFLOW: '0', PUBLIC_URL: 'https://a.example/', HOST: '::' };
    const expected = { PORT: 0, GRAPHIQL: false, DB_POOL_OVERFLOW: 0, PUBLIC_URL: 'https://a.example', HOST: '::' };
    expect(loadEnv(given)).toMatchObject(expected);
    expect(loadEnv({ ...PRODUCTION, GRAPHIQL: '1' }).GRAPHIQL).toBe(true);
    expect(loadEnv({ CORS_ORIGINS: 'https://a.example, http://localhost:3000' }).CORS_ORIGINS).toEqual([
      'https://a.example',
      'http://localhost:3000',
    ]);
  });
});

describe('the pools of one of several processes', () => {
  it('are shares of the defaults, rounded up', () => {
    expect(poolShare(loadEnv(PRODUCTION), 4, {})).toEqual({ DB_POOL_SIZE: 5, DB_POOL_OVERFLOW: 13 });
    expect(poolShare(loadEnv({ NODE_ENV: 'test' }), 3, {})).toEqual({ DB_POOL_SIZE: 1, DB_POOL_OVERFLOW: 0 });
  });

  it('are what was set, also when that is the default', () => {
    const source = { ...PRODUCTION, DB_POOL_SIZE: '20', DB_POOL_OVERFLOW: '' };
    expect(poolShare(loadEnv(source), 4, source)).toEqual({ DB_POOL_SIZE: 20, DB_POOL_OVERFLOW: 13 });
  });
});

describe('other names', () => {
  it('fill in for the first name', () => {
    const { DATABASE_URL, ENCRYPTION_KEYS, ...rest } = PRODUCTION;
    const read = loadEnv({ ...rest, PRODUCTION_DATABASE_URL: DATABASE_URL, DB_ENCRYPTION_KEY: ENCRYPTION_KEYS });
    expect(read).toMatchObject({ DATABASE_URL, ENCRYPTION_KEYS });
    expect(Object.keys(read)).not.toContain('PRODUCTION_DATABASE_URL');
  });

  it('do not lead development to the production database', () => {
    expect(loadEnv({ PRODUCTION_DATABASE_URL: URL_OK }).DATABASE_URL).toBeNull();
  });
});

describe('bad values', () => {
  it.each([
    ['NODE_ENV', 'prod', /NODE_ENV = "prod".*development, production, test/],
    ['PORT', '80a', /PORT = "80a".*0 to 65535/],
    ['PORT', '65536', /PORT/],
    ['PORT', '-1', /PORT/],
    ['PORT', '1e3', /PORT/],
    ['WORKERS', '65', /WORKERS = "65".*0 to 64/],
    ['WORKERS', 'auto', /WORKERS = "auto"/],
    ['DB_POOL_SIZE', '0', /DB_POOL_SIZE = "0".*1 to 1000/],
    ['LOG_LEVEL', 'loud', /LOG_LEVEL.*fatal/],
    ['GRAPHIQL', 'yes', /GRAPHIQL = "yes"/],
    ['WEBHOOK_ALLOW_PRIVATE', 'yes', /WEBHOOK_ALLOW_PRIVATE = "yes".*true, false/],
    ['WEBHOOK_ALLOWED_NETWORKS', '10.0.0.0/8,10.1.0.0', /"10.1.0.0" is not a network/],
    ['WEBHOOK_ALLOWED_NETWORKS', '10.0.0.0/33', /CIDR/],
    ['WEBHOOK_ALLOWED_NETWORKS', 'fd00::/129', /CIDR/],
    ['PUBLIC_URL', 'ftp://x', /PUBLIC_URL/],
    ['CORS_ORIGINS', '*', /CORS_ORIGINS = "\*"/],
    ['CORS_ORIGINS', 'https://a.example,https://b.example/path', /"https:\/\/b.example\/path" is not an origin/],
    ['DATABASE_URL', 'mysql://a:b@c/d', /postgresql:\/\//],
    ['DATABASE_URL', 'postgres://a:b@c/d?sslmode=on', /sslmode "on"/],
    ['ENCRYPTION_KEYS', 'nonsense', /has no id/],
    ['LOG_REQUESTS', 'some', /LOG_REQUESTS = "some".*none, errors, slow, all/],
    ['METRICS_PORT', '65536', /METRICS_PORT/],
    ['TRACES', '101', /TRACES = "101".*0 to 100/],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'collector:4318', /is not an http/],
  ])('%s = %j', (name, value, problem) => {
    expect(() => loadEnv({ [name]: value })).toThrow(problem);
  });

  it('are all listed at once, without their secrets', () => {
    const source = {
      PORT: 'x',
      LOG_LEVEL: 'y',
      DATABASE_URL: 'postgres://user:hidden-1@host/db?sslmode=z',
      DATABASE_OWNER_URL: 'user:hidden-2@host/db',
      ENCRYPTION_KEYS: 'hidden-3',
    };
    const failure = (() => {
      try {
        return loadEnv(source);
      } catch (error) {
        return error;
      }
    })();
    if (!(failure instanceof EnvError)) throw new Error('nothing was refused');
    expect(failure.problems.map((problem) => problem.split(' ')[0]).toSorted()).toEqual(Object.keys(source).toSorted());
    expect(failure.message).not.toMatch(/hidden/);
    expect(failure.message).toContain('postgres://user:***@host/db');
  });
});

describe('production', () => {
  it('does not start without a database and keys, and says what to set', () => {
    const start = () => loadEnv({ NODE_ENV: 'production' });
    expect(start).toThrow(/DATABASE_URL \(or PRODUCTION_DATABASE_URL\)/);
    expect(start).toThrow(/ENCRYPTION_KEYS \(or DB_ENCRYPTION_KEY\).*openssl rand -base64 32/);
  });

  it.each(['postgres:postgres', 'user:password', 'argus:changeme', 'x:admin', 'x:Password', 'own-name:own-name'])(
    'refuses the login %s, which development may use',
    (login) => {
      const url = `postgresql://${login}@db.example.org/argus`;
      for (const name of ['DATABASE_URL', 'PRODUCTION_DATABASE_URL', 'DATABASE_OWNER_URL']) {
        expect(() => loadEnv({ ...PRODUCTION, [name]: url })).toThrow(new RegExp(`- ${name} = .*well-known default`));
      }
      expect(loadEnv({ DATABASE_URL: url }).DATABASE_URL).toBe(url);
    },
  );
});

describe('describeEnv', () => {
  it('has every variable with all its texts', () => {
    const rows = describeEnv();
    expect(rows.map(({ name }) => name)).toEqual(expect.arrayContaining(Object.keys(loadEnv({}))));
    for (const row of rows) expect(Object.values(row).every((words) => words.length > 0)).toBe(true);
  });
});

describe('env', () => {
  it('reads the environment once', () => {
    expect(env()).toBe(env());
  });
});
