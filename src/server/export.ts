import type { IncomingMessage, ServerResponse } from 'node:http';
import { GraphQLError } from 'graphql';
import { requestFrom } from '../access/viewer.ts';
import type { App } from '../app.ts';
import { InvalidInput, NotFound } from '../errors.ts';
import { exportLists } from '../exports/columns.ts';
import { FORMAT_NAMES } from '../exports/formats.ts';
import type { ExportRequest } from '../exports/request.ts';
import { EXPORT_LIMIT_MS, type ExportHead, runExport } from '../exports/run.ts';
import { writerTo } from '../exports/writer.ts';
import { EXPORT_COST } from '../graphql/cost-weights.ts';
import { Pace } from './export-pace.ts';
import { maskError } from './mask-error.ts';
import { clientAddress } from './request.ts';

export const EXPORT_PATH = '/export/';

export interface ExportLimits {
  /** exports at a time in this process */
  concurrent: number;
  /** those of one tenant */
  perTenant: number;
  /** how long a client may take nothing at all */
  stallMs: number;
  /** how long an export may take */
  totalMs: number;
  /** bytes a second that a client has to take while it is waited for, on the average of so long a wait */
  leastRate: number;
  rateMs: number;
}

const MOST = 4;
const STALL_MS = 60_000;
const LEAST_RATE = 16_384;
const RATE_MS = 60_000;

export interface Exports {
  /** answers `GET /export/<list>.<format>` */
  handle(req: IncomingMessage, res: ServerResponse): Promise<void>;
  /** resolves when those that run have ended */
  settled(): Promise<void>;
}

/** Exports over HTTP. Each holds a connection of the read pool, so that together they never take more than half of it. */
export function createExports(app: App, limits: Partial<ExportLimits> = {}): Exports {
  const { env } = app.services;
  const half = Math.max(1, Math.floor((env.DB_POOL_SIZE + env.DB_POOL_OVERFLOW) / 2));
  const chosen = limitsOf(Math.min(MOST, half), limits);
  const handled = new Set<Promise<void>>();
  const inTurn = turns(chosen);
  return {
    handle: async (req, res) => {
      const one = answer(app, req, res, chosen, inTurn);
      handled.add(one);
      await one.finally(() => handled.delete(one));
    },
    settled: async () => {
      await Promise.all(handled);
    },
  };
}

function limitsOf(most: number, given: Partial<ExportLimits>): ExportLimits {
  const concurrent = given.concurrent ?? most;
  return {
    concurrent,
    // A tenant whose clients are slow leaves room for others.
    perTenant: Math.max(1, Math.floor(concurrent / 2)),
    stallMs: STALL_MS,
    totalMs: EXPORT_LIMIT_MS,
    leastRate: LEAST_RATE,
    rateMs: RATE_MS,
    ...given,
  };
}

type InTurn = (tenantId: string, work: () => Promise<unknown>) => Promise<void>;

/** Refuses what is more than may run at a time. */
function turns({ concurrent, perTenant }: ExportLimits): InTurn {
  const running = new Map<string, number>();
  let all = 0;
  return async (tenantId, work) => {
    const own = running.get(tenantId) ?? 0;
    if (own >= perTenant) throw overloaded(`${own} exports of your organisation`);
    if (all >= concurrent) throw overloaded(`${all} exports`);
    running.set(tenantId, own + 1);
    all++;
    try {
      await work();
    } finally {
      all--;
      const left = (running.get(tenantId) ?? 0) - 1;
      if (left > 0) running.set(tenantId, left);
      else running.delete(tenantId);
    }
  };
}

function overloaded(what: string): GraphQLError {
  const message = `${what} are running, which is as many as may: try again in a while`;
  return new GraphQLError(message, { extensions: { code: 'OVERLOADED' } });
}

async function answer(
  app: App,
  req: IncomingMessage,
  res: ServerResponse,
  limits: ExportLimits,
  inTurn: InTurn,
): Promise<void> {
  const { env, log } = app.services;
  const userAgent = req.headers['user-agent'] ?? null;
  const request = requestFrom(clientAddress(req, env.TRUST_PROXY), userAgent);
  const end = new AbortController();
  const cut = (message: string) => {
    end.abort(new Error(message));
    res.destroy();
  };
  const total = setTimeout(() => cut(`an export may take ${limits.totalMs / 1_000} s`), limits.totalMs);
  const pace = new Pace(res, limits, () => cut(`the client took less than ${limits.leastRate} bytes a second`));
  const write = writerTo(res, end.signal);
  const send = (text: string) => pace.during(write(text));
  try {
    const asked = requestOf(app, req);
    const credential = req.headers.authorization ?? bearer(req.headers['x-api-key']);
    const viewerNow = () => app.endpoint.contextOf(credential, request);
    const begin = (head: ExportHead) => {
      writeHead(res, head, asked.format);
      res.setTimeout(limits.stallMs, () => cut(`the client took nothing for ${limits.stallMs / 1_000} s`));
      return send;
    };
    const ctx = await viewerNow();
    if (ctx.viewer) app.endpoint.meter.charge(ctx, EXPORT_COST);
    const run = () => runExport(app.schema, ctx, asked, { begin, recheck: viewerNow });
    // Who is nobody is refused without taking anybody's turn.
    await (ctx.viewer ? inTurn(ctx.viewer.tenantId, run) : run());
    res.end();
  } catch (error) {
    if (!res.headersSent) refuse(res, maskError(error, request.id, log));
    else {
      log.warn({ err: error, requestId: request.id, path: req.url?.split('?', 1)[0] }, 'an export broke off');
      // Without the last chunk the client sees that the transfer is incomplete.
      res.destroy();
    }
  } finally {
    clearTimeout(total);
    pace.stop();
  }
}

function bearer(key: string | string[] | undefined): string | null {
  return typeof key === 'string' ? `Bearer ${key}` : null;
}

const PARAMETERS = ['filter', 'orderBy', 'fields', 'bom'];

/** What a request asks for. Unknown parameters are refused: a misspelt filter would export everything. */
function requestOf(app: App, { method, url }: IncomingMessage): ExportRequest {
  if (method !== 'GET')
    throw new GraphQLError('exports are read with GET', { extensions: { code: 'METHOD_NOT_ALLOWED' } });
  const { pathname, searchParams } = new URL(url ?? '', 'http://localhost');
  const match = /^(\w+)\.(\w+)$/.exec(pathname.slice(EXPORT_PATH.length));
  if (!match) {
    const known = [...exportLists(app.schema).keys()].join(', ');
    throw new NotFound(
      `exports are at ${EXPORT_PATH}<list>.<format>, with a list of ${known} and a format of ${FORMAT_NAMES.join(', ')}`,
    );
  }
  for (const name of searchParams.keys()) {
    if (!PARAMETERS.includes(name)) {
      const shown = JSON.stringify(name.slice(0, 80));
      throw new InvalidInput(`there is no parameter ${shown}: there are ${PARAMETERS.join(', ')}`, [name]);
    }
    if (searchParams.getAll(name).length > 1) throw new InvalidInput(`${name} comes more than once`, [name]);
  }
  const bom = searchParams.get('bom') ?? 'false';
  if (bom !== 'true' && bom !== 'false') throw new InvalidInput('bom is true or false', ['bom']);
  const [, list = '', format = ''] = match;
  const { filter, orderBy, fields } = Object.fromEntries(searchParams);
  return { list, format, filter, orderBy, fields, bom: bom === 'true' };
}

function writeHead(res: ServerResponse, { fileName, contentType }: ExportHead, format: string): void {
  res.writeHead(200, {
    'content-type': contentType,
    'content-disposition': `attachment; filename="${fileName}.${format}"`,
    'cache-control': 'no-store',
  });
}

const STATUS: Readonly<Record<string, number>> = {
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  RATE_LIMITED: 429,
  OVERLOADED: 503,
  TIMEOUT: 504,
  INTERNAL: 500,
  UNKNOWN_ENCRYPTION_KEY: 500,
};

/** Headers that belong to a status. */
const ALONG: Readonly<Record<number, Record<string, string>>> = {
  405: { allow: 'GET' },
  503: { 'retry-after': '10' },
};

/** A refusal in the API's form; what has no status of its own is the caller's mistake. */
function refuse(res: ServerResponse, { message, extensions }: GraphQLError): void {
  const { http, ...told } = extensions as { http?: { headers?: Record<string, string> } };
  const status = STATUS[String(extensions.code)] ?? 400;
  const headers = {
    'content-type': 'application/json; charset=utf-8',
    'cache-control': 'no-store',
    ...ALONG[status],
    ...http?.headers,
  };
  res.writeHead(status, headers).end(JSON.stringify({ errors: [{ message, extensions: told }] }));
}
