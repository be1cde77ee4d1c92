import { setTimeout as sleep } from 'node:timers/promises';
import { Prisma, type PrismaClient } from '../../generated/prisma/client.ts';
import type { Viewer } from '../access/viewer.ts';
import { Conflict, InvalidInput, NotFound, VersionMismatch } from '../errors.ts';
import { EVENT_CHANNEL, EVENT_COUNTER, type NewEvent, notificationOf } from '../events/event.ts';
import { newId } from '../graphql/ids.ts';
import type { Tracing } from '../observe/tracing.ts';
import type { CallKey } from './idempotency.ts';
import { insertRows } from './insert-rows.ts';
import { type ModelName, tableOf } from './models.ts';
import { tenantSettings } from './read-scope.ts';
import { sqlState } from './sql-state.ts';

export interface WriteDeps {
  prisma: PrismaClient;
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

export interface NewAuditEntry {
  action: string;
  resource?: string;
  resourceId?: string;
  metadata?: Record<string, Prisma.InputJsonValue>;
}

/** A write transaction as services see it. */
export interface WriteTx {
  db: Prisma.TransactionClient;
  viewer: Viewer;
  tenantId: string;
  now: Date;
  /** gives the event's place among those of this transaction */
  emit(event: NewEvent): number;
  audit(entry: NewAuditEntry): void;
  /**
   * Puts off work to the end, when the log is locked: writers of this tenant do it one after the other, so that it may
   * count up rows that all of them share. It learns the seq of each event of this transaction, in the order of `emit`.
   */
  atEnd(work: (seqs: readonly bigint[]) => Promise<void>): void;
  /** locks a row for the rest of the transaction and checks its version; NotFound, VersionMismatch */
  lock(model: ModelName, id: string, expectedVersion?: number | null): Promise<number>;
  /**
   * Does work that takes long before the transaction: this one is taken back, the work is done, and another one begun,
   * in which the result is there. The key names everything that the work depends on: if that changes meanwhile, it is
   * done again.
   */
  beforehand<T>(key: string, work: () => Promise<T>): Promise<T>;
  /** the next number of a gapless sequence of this tenant; `count` takes several and gives the last */
  nextNumber(name: string, count?: number): Promise<bigint>;
}

const ATTEMPTS = 3;
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

function runOnce<R>(
  deps: WriteDeps,
  viewer: Viewer,
  name: string,
  fn: (tx: WriteTx) => Promise<R>,
  timeout: number,
  results: Results | null,
): Promise<Written<R>> {
  return deps.prisma.$transaction(
    async (db) => {
      // One by one: Prisma sends raw text as a prepared statement, which holds one command; and Citus passes on SET LOCAL
      // to its workers only as a statement of its own.
      for (const setting of tenantSettings(viewer, deps.setRole))
        await db.$executeRawUnsafe(`/* ${name} */ ${setting}`);
      const events: NewEvent[] = [];
      const audits: NewAuditEntry[] = [];
      const ending: ((seqs: readonly bigint[]) => Promise<void>)[] = [];
      const tx: WriteTx = {
        db,
        viewer,
        tenantId: viewer.tenantId,
        now: new Date(),
        emit: (event) => events.push(event) - 1,
        audit: (entry) => audits.push(entry),
        atEnd: (work) => ending.push(work),
        beforehand: (key, work) => beforehand(results, key, work),
        lock: (model, id, expected) => lockRow(db, viewer.tenantId, model, id, expected),
        nextNumber: (counter, count = 1) => nextNumber(db, viewer.tenantId, counter, count),
      };
      const before = await deps.key?.claim(tx);
      if (before) return before as Written<R>;
      const value = await fn(tx);
      if (audits.length > 0) await db.auditEntry.createMany({ data: audits.map((entry) => auditRow(tx, entry)) });
      const written = { value, eventSeq: await endWrite(tx, events, ending) };
      await deps.key?.keep(tx, written);
      return written;
    },
    { timeout, maxWait: 10_000 },
  );
}

async function endWrite(
  tx: WriteTx,
  events: NewEvent[],
  ending: readonly ((seqs: readonly bigint[]) => Promise<void>)[],
): Promise<bigint | null> {
  if (events.length === 0 && ending.length === 0) return null;
  const last = await appendEvents(tx, events);
  const seqs = events.map((_, i) => last - BigInt(events.length - 1 - i));
  for (const work of ending) await work(seqs);
  return events.length > 0 ? last : null;
}

async function lockRow(
  db: Prisma.TransactionClient,
  tenantId: string,
  model: ModelName,
  id: string,
  expected?: number | null,
): Promise<number> {
  const rows = await db.$queryRawUnsafe<{ version: number }[]>(
    `SELECT version FROM "${tableOf(model).table}" WHERE tenant_id = $1::uuid AND id = $2::uuid FOR NO KEY UPDATE`,
    tenantId,
    id,
  );
  const [row] = rows;
  if (!row) throw new NotFound(`there is no such ${model}`, ['id']);
  if (expected !== undefined && expected !== null && expected !== row.version)
    throw new VersionMismatch(expected, row.version, { model, id });
  return row.version;
}

async function nextNumber(
  db: Prisma.TransactionClient,
  tenantId: string,
  name: string,
  count: number,
): Promise<bigint> {
  const { value } = await db.counter.upsert({
    where: { tenantId_name: { tenantId, name } },
    create: { tenantId, name, value: BigInt(count) },
    update: { value: { increment: count } },
    select: { value: true },
  });
  return value;
}

function auditRow(tx: WriteTx, entry: NewAuditEntry): Prisma.AuditEntryCreateManyInput {
  const { viewer } = tx;
  return {
    tenantId: tx.tenantId,
    id: newId(),
    actorId: viewer.memberId,
    actorKind: viewer.kind,
    action: entry.action,
    resource: entry.resource ?? null,
    resourceId: entry.resourceId ?? null,
    metadata: entry.metadata ?? {},
    ipAddress: viewer.request.ip,
    userAgent: viewer.request.userAgent?.slice(0, 500) ?? null,
    requestId: viewer.request.id,
    createdAt: tx.now,
  };
}

/**
 * The log's `seq` is taken last: the counter's row stays locked from here to the commit, which makes the numbers gapless
 * and their order the order of commits, and keeps the time that writers wait for each other short. Without events only
 * the lock is taken.
 */
async function appendEvents(tx: WriteTx, events: NewEvent[]): Promise<bigint> {
  const last = await tx.nextNumber(EVENT_COUNTER, events.length);
  if (events.length === 0) return last;
  const first = last - BigInt(events.length) + 1n;
  const rows = events.map((event, i) => ({
    tenantId: tx.tenantId,
    seq: first + BigInt(i),
    id: newId(),
    type: event.type,
    aggregateType: event.aggregateType,
    aggregateId: event.aggregateId,
    aggregateVersion: event.aggregateVersion,
    actorId: tx.viewer.memberId,
    occurredAt: tx.now,
    payload: event.payload ?? {},
  }));
  await insertRows(tx.db, 'Event', rows);
  const payload = notificationOf(tx.tenantId, last, events);
  await tx.db.$executeRawUnsafe('SELECT pg_notify($1::text, $2::text)', EVENT_CHANNEL, payload);
  return last;
}

function isRetryable(error: unknown): boolean {
  const code: unknown = Reflect.get(Object(error), 'code');
  return code === 'P2034' || ['40001', '40P01'].includes(sqlState(error) ?? '');
}

/** Constraint violations that a caller can do something about; the rest stays what it is. */
function toDomainError(error: unknown): unknown {
  if (!(error instanceof Prisma.PrismaClientKnownRequestError)) return error;
  // Raw SQL tells PostgreSQL's own codes.
  const state = sqlState(error);
  if (error.code === 'P2002' || state === '23505') return new Conflict('another row has the same key');
  if (error.code === 'P2003' || state === '23503')
    return new InvalidInput('refers to a row that does not exist or is still referred to');
  if (error.code === 'P2025') return new NotFound('there is no such row');
  if (state === '23514') return new InvalidInput('a value is out of the range that the database allows');
  return error;
}
