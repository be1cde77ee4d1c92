import { setTimeout as sleep } from 'node:timers/promises';
import { Prisma, type PrismaClient } from '../../generated/prisma/client.ts';
import type { Viewer } from '../access/viewer.ts';
import { Conflict, InvalidInput, NotFound, VersionMismatch } from '../errors.ts';
import { EVENT_CHANNEL, EVENT_COUNTER, type NewEvent } from '../events/event.ts';
import { newId } from '../graphql/ids.ts';
import { type ModelName, tableOf } from './models.ts';
import { assertUuid, tenantSettings } from './read-scope.ts';

export interface WriteDeps {
  prisma: PrismaClient;
  /** the login role is not argus_app itself */
  setRole: boolean;
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
  emit(event: NewEvent): void;
  audit(entry: NewAuditEntry): void;
  /** locks a row for the rest of the transaction and checks its version; NotFound, VersionMismatch */
  lock(model: ModelName, id: string, expectedVersion?: number | null): Promise<number>;
  /** the next number of a gapless sequence of this tenant; `count` takes several and gives the last */
  nextNumber(name: string, count?: number): Promise<bigint>;
}

const ATTEMPTS = 3;
const EVENTS_PER_INSERT = 1_000;

/**
 * Runs one business change as one transaction: rows, audit entries and events together or not at all. Serialization
 * failures and deadlocks are tried again, 3 times in all, with jitter; `fn` must therefore have no effect outside `tx`.
 */
export async function withWrite<R>(
  deps: WriteDeps,
  viewer: Viewer,
  name: string,
  fn: (tx: WriteTx) => Promise<R>,
  options: { timeout?: number } = {},
): Promise<Written<R>> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await runOnce(deps, viewer, name, fn, options.timeout ?? 15_000);
    } catch (error) {
      if (attempt >= ATTEMPTS || !isRetryable(error)) throw toDomainError(error);
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
): Promise<Written<R>> {
  return deps.prisma.$transaction(
    async (db) => {
      // One by one: Prisma sends raw text as a prepared statement, which holds one command; and Citus passes on SET LOCAL
      // to its workers only as a statement of its own.
      for (const setting of tenantSettings(viewer, deps.setRole))
        await db.$executeRawUnsafe(`/* ${name} */ ${setting}`);
      const events: NewEvent[] = [];
      const audits: NewAuditEntry[] = [];
      const tx: WriteTx = {
        db,
        viewer,
        tenantId: viewer.tenantId,
        now: new Date(),
        emit: (event) => events.push(event),
        audit: (entry) => audits.push(entry),
        lock: (model, id, expected) => lockRow(db, viewer.tenantId, model, id, expected),
        nextNumber: (counter, count = 1) => nextNumber(db, viewer.tenantId, counter, count),
      };
      const value = await fn(tx);
      if (audits.length > 0) await db.auditEntry.createMany({ data: audits.map((entry) => auditRow(tx, entry)) });
      const eventSeq = events.length > 0 ? await appendEvents(tx, events) : null;
      return { value, eventSeq };
    },
    { timeout, maxWait: 10_000 },
  );
}

async function lockRow(
  db: Prisma.TransactionClient,
  tenantId: string,
  model: ModelName,
  id: string,
  expected?: number | null,
): Promise<number> {
  const rows = await db.$queryRawUnsafe<{ version: number }[]>(
    `SELECT version FROM "${tableOf(model).table}" WHERE tenant_id = $1::uuid AND id = $2::uuid FOR UPDATE`,
    tenantId,
    id,
  );
  const [row] = rows;
  if (!row) throw new NotFound(`there is no such ${model}`, ['id']);
  if (expected !== undefined && expected !== null && expected !== row.version)
    throw new VersionMismatch(expected, row.version);
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
 * and their order the order of commits, and keeps the time that writers wait for each other short.
 */
async function appendEvents(tx: WriteTx, events: NewEvent[]): Promise<bigint> {
  const last = await tx.nextNumber(EVENT_COUNTER, events.length);
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
    payload: (event.payload ?? {}) as Prisma.InputJsonObject,
  }));
  for (let at = 0; at < rows.length; at += EVENTS_PER_INSERT) {
    await tx.db.event.createMany({ data: rows.slice(at, at + EVENTS_PER_INSERT) });
  }
  await tx.db.$executeRawUnsafe(`SELECT pg_notify('${EVENT_CHANNEL}', '${assertUuid(tx.tenantId)}')`);
  return last;
}

/** SQLSTATE of a database error, wherever Prisma or its adapter put it. */
function sqlState(error: unknown): string | undefined {
  const cause =
    Reflect.get(Object(error), 'cause') ??
    Reflect.get(Object(Reflect.get(Object(error), 'meta')), 'driverAdapterError');
  const inner = Reflect.get(Object(cause), 'cause') ?? cause;
  const code: unknown = Reflect.get(Object(inner), 'originalCode') ?? Reflect.get(Object(inner), 'code');
  return typeof code === 'string' ? code : undefined;
}

function isRetryable(error: unknown): boolean {
  const code: unknown = Reflect.get(Object(error), 'code');
  return code === 'P2034' || ['40001', '40P01'].includes(sqlState(error) ?? '');
}

/** Constraint violations that a caller can do something about; the rest stays what it is. */
function toDomainError(error: unknown): unknown {
  if (!(error instanceof Prisma.PrismaClientKnownRequestError)) return error;
  if (error.code === 'P2002') return new Conflict('another row has the same key');
  if (error.code === 'P2003') return new InvalidInput('refers to a row that does not exist or is still referred to');
  if (error.code === 'P2025') return new NotFound('there is no such row');
  if (sqlState(error) === '23514') return new InvalidInput('a value is out of the range that the database allows');
  return error;
}
