import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { Prisma, type PrismaClient } from '../../generated/prisma/client.ts';
import type { Viewer } from '../access/viewer.ts';
import { Conflict, InvalidInput, NotFound, VersionMismatch } from '../errors.ts';
import { EVENT_COUNTER, type NewEvent } from '../events/event.ts';
import type { Tracing } from '../observe/tracing.ts';
import { countUp, queueForLog } from './counter.ts';
import type { CallKey } from './idempotency.ts';
import type { EventSeq } from './insert-rows.ts';
import { type ModelName, tableOf } from './models.ts';
import { tenantSettings } from './read-scope.ts';
import { sqlState } from './sql-state.ts';
import { prepared, type Statement } from './statement.ts';
import type { StatementLog } from './statement-log.ts';
import { type NewAuditEntry, WriteLog } from './write-log.ts';
import { WriteSession, withSession } from './write-session.ts';

export interface WriteDeps {
  prisma: PrismaClient;
  /** told of the statements that are not Prisma's */
  statements: StatementLog;
  /** the login role is not argus_app itself */
  setRole: boolean;
  /** told of the last event of each write, when it is committed */
  committed?: (tenantId: string, seq: bigint) => void;
  /** of the call that writes, when it came with an idempotency key */
  key?: CallKey;
  tracing?: Tracing | null;
}

/** What was written, and the last event of it (null when the write changed nothing). */
export interface Written<R> {
  value: R;
  eventSeq: bigint | null;
}

/** A write transaction as services see it. */
export interface WriteTx {
  db: Prisma.TransactionClient;
  /** runs a statement of our own, in one flight with all others of this tick and those put off */
  query<T extends object>(statement: Statement): Promise<T[]>;
  /** has a statement run before the next one that is waited for; its failure is that of the transaction */
  later(statement: Statement): void;
  /** has what was put off run now; rejects with its failure */
  flush(): Promise<void>;
  viewer: Viewer;
  tenantId: string;
  now: Date;
  /** gives the event's place among those of this transaction */
  emit(event: NewEvent): number;
  audit(entry: NewAuditEntry): void;
  /**
   * Puts off work to the end, when the log is locked: writers of this tenant do it one after the other, so that it may
   * count up rows that all of them share. It learns the seq of each event of this transaction, in the order of `emit`.
   * Others wait meanwhile: it should put off statements rather than wait for them.
   */
  atEnd(work: (seqs: readonly EventSeq[]) => void | Promise<void>): void;
  /** locks a row for the rest of the transaction and checks its version; NotFound, VersionMismatch */
  lock(model: ModelName, id: string, expectedVersion?: number | null): Promise<number>;
  /**
   * Does work that takes long before the transaction: this one is taken back, the work is done, and another one begun,
   * in which the result is there. The key names everything that the work depends on: if that changes meanwhile, it is
   * done again.
   */
  beforehand<T>(key: string, work: () => Promise<T>): Promise<T>;
  /** locks the tenant's log until the transaction ends, and gives its last seq */
  lockLog(): Promise<bigint>;
  /** the next number of a gapless sequence of this tenant; `count` takes several and gives the last */
  nextNumber(name: string, count?: number): Promise<bigint>;
}

const ATTEMPTS = 3;
/** in_failed_sql_transaction */
const FAILED_BEFORE = '25P02';
/** Pieces of work that one write does beforehand; more are done within its transaction. */
const MAX_BEFOREHAND = 5;

/** Results of work that was done before the transaction. */
type Results = Map<string, unknown>;

/** Thrown within a transaction to take it back and do something first. */
class First extends Error {
  readonly work: () => Promise<unknown>;

  constructor(work: () => Promise<unknown>) {
    super('something is to be done before this transaction');
    this.work = work;
  }
}

async function beforehand<T>(results: Results | null, key: string, work: () => Promise<T>): Promise<T> {
  if (results?.has(key)) return results.get(key) as T;
  if (results === null || results.size >= MAX_BEFOREHAND) return work();
  throw new First(async () => results.set(key, await work()));
}

export interface WriteOptions {
  /** milliseconds that the transaction may take; 15,000 when not given */
  timeout?: number;
  /** one transaction that does much: work is never done before it */
  whole?: boolean;
}

/**
 * Runs one business change as one transaction: rows, audit entries and events together or not at all. Serialization
 * failures and deadlocks are tried again, 3 times in all, with jitter; `fn` must therefore have no effect outside `tx`.
 * With a key that a transaction has committed with, `fn` does not run: what it gave then is given again.
 */
export async function withWrite<R>(
  deps: WriteDeps,
  viewer: Viewer,
  name: string,
  fn: (tx: WriteTx) => Promise<R>,
  options: WriteOptions = {},
): Promise<Written<R>> {
  const results: Results | null = options.whole ? null : new Map();
  for (let attempt = 1; ; attempt++) {
    try {
      const once = () => runOnce(deps, viewer, name, fn, options.timeout ?? 15_000, results);
      const written = await (deps.tracing ? deps.tracing.within(`write ${name}`, { attempt }, once) : once());
      deps.key?.spend();
      if (written.eventSeq !== null) deps.committed?.(viewer.tenantId, written.eventSeq);
      return written;
    } catch (error) {
      if (error instanceof First) {
        await error.work();
        attempt--;
        continue;
      }
      if (!isRetryable(error)) throw toDomainError(error);
      if (attempt >= ATTEMPTS) throw new Conflict('others were changing the same at the same time: try again');
      await sleep(Math.random() * 50 * 2 ** attempt);
    }
  }
}

async function runOnce<R>(
  deps: WriteDeps,
  viewer: Viewer,
  name: string,
  fn: (tx: WriteTx) => Promise<R>,
  timeout: number,
  results: Results | null,
): Promise<Written<R>> {
  const session = new WriteSession(deps.statements);
  let outcome: (() => Promise<Written<R>>) | undefined;
  const work = async (db: Prisma.TransactionClient) => {
    for (const setting of tenantSettings(viewer, deps.setRole))
      session.later({ text: `/* ${name} */ ${setting}`, values: [] });
    const log = new WriteLog();
    const tx = writeTx(session, db, viewer, log, results);
    const before = await deps.key?.claim(tx);
    if (before) return before as Written<R>;
    const value = await fn(tx);
    const { eventSeq } = await log.write(tx);
    outcome = () => eventSeq.then((seq) => ({ value, eventSeq: seq }));
    if (deps.key) deps.key.keep(tx, await outcome());
    await session.commit();
    return outcome();
  };
  try {
    return await withSession(session, () => deps.prisma.$transaction(work, { timeout, maxWait: 10_000 }));
  } catch (error) {
    // Prisma's limit may have been reached while the commit was under way: what the database says is what counts.
    if (outcome && (await session.committed)) return outcome();
    // What PostgreSQL says to statements after one that failed tells nobody why.
    throw sqlState(error) === FAILED_BEFORE ? (session.failure ?? error) : error;
  }
}

function writeTx(
  session: WriteSession,
  db: Prisma.TransactionClient,
  viewer: Viewer,
  log: WriteLog,
  results: Results | null,
): WriteTx {
  const { tenantId } = viewer;
  return {
    db,
    viewer,
    tenantId,
    now: new Date(),
    query: (statement) => session.query(statement),
    later: (statement) => session.later(statement),
    flush: () => session.flush(),
    emit: (event) => log.emit(event),
    audit: (entry) => log.audit(entry),
    atEnd: (work) => log.atEnd(work),
    beforehand: (key, work) => beforehand(results, key, work),
    lock: (model, id, expected) => lockRow(session, tenantId, model, id, expected),
    lockLog() {
      session.later(queueForLog(tenantId));
      return nextNumber(session, tenantId, EVENT_COUNTER, 0);
    },
    nextNumber: (counter, count = 1) => nextNumber(session, tenantId, counter, count),
  };
}

async function lockRow(
  session: WriteSession,
  tenantId: string,
  model: ModelName,
  id: string,
  expected?: number | null,
): Promise<number> {
  const { table } = tableOf(model);
  const text = `/* ${model}.lock */ SELECT version FROM "${table}" WHERE tenant_id = $1::uuid AND id = $2::uuid FOR NO KEY UPDATE`;
  const [row] = await session.query<{ version: number }>(prepared(text, tenantId, id));
  if (!row) throw new NotFound(`there is no such ${model}`, ['id']);
  if (expected !== undefined && expected !== null && expected !== row.version)
    throw new VersionMismatch(expected, row.version, { model, id });
  return row.version;
}

const NEXT = countUp('Counter.next');

async function nextNumber(session: WriteSession, tenantId: string, name: string, count: number): Promise<bigint> {
  const [row] = await session.query<{ value: bigint }>(prepared(NEXT, tenantId, name, count));
  return row?.value ?? 0n;
}

function isRetryable(error: unknown): boolean {
  const code: unknown = Reflect.get(Object(error), 'code');
  return code === 'P2034' || ['40001', '40P01'].includes(sqlState(error) ?? '');
}

/** Constraint violations that a caller can do something about; the rest stays what it is. */
export function toDomainError(error: unknown): unknown {
  const known = error instanceof Prisma.PrismaClientKnownRequestError;
  if (!known && !(error instanceof pg.DatabaseError)) return error;
  const code = known ? error.code : undefined;
  // SQL of our own tells PostgreSQL's codes.
  const state = sqlState(error);
  if (code === 'P2002' || state === '23505') return new Conflict('another row has the same key');
  if (code === 'P2003' || state === '23503')
    return new InvalidInput('refers to a row that does not exist or is still referred to');
  if (code === 'P2025') return new NotFound('there is no such row');
  if (state === '23514' || state === '22003')
    return new InvalidInput('a value is out of the range that the database allows');
  return error;
}
