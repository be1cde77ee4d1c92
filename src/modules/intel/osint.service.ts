import type { OsintResult, Prisma } from '../../../generated/prisma/client.ts';
import { decrypt, encrypt, type KeyRing } from '../../access/encryption.ts';
import { storableText } from '../../data/storable-text.ts';
import type { WriteTx } from '../../data/write.ts';
import { InvalidInput, InvalidTransition } from '../../errors.ts';
import { newId } from '../../graphql/ids.ts';
import { osintGlobalId } from './global-ids.ts';
import { ensureIdentifiers } from './identifier.service.ts';
import { normaliseIdentifier } from './identifiers/normalise.ts';
import { IDENTIFIER_TYPES, type IdentifierType } from './identifiers/types.ts';
import type { OsintAnswer } from './osint.provider.ts';

export const OSINT_QUERY_TYPES = [...IDENTIFIER_TYPES, 'TEXT'] as const;

/** A completed lookup answers the same question again for so long. */
const REUSE_MS = 24 * 3_600_000;
const MAX_QUERY = 500;

export interface LookupInput {
  query: string;
  queryType: (typeof OSINT_QUERY_TYPES)[number];
  parameters?: Record<string, unknown> | null;
  /** look again even when there is a fresh answer */
  force?: boolean | null;
  /** the lookup whose answer led to this one */
  parentId?: string | null;
}

/** What a value is encrypted for: it cannot be moved to another row, column or tenant. */
export function osintAad(column: 'results' | 'search_parameters', tenantId: string, id: string): string {
  return `osint_results.${column}:${tenantId}:${id}`;
}

function normalise(input: LookupInput): string {
  const query = input.query.trim();
  if (query === '' || query.length > MAX_QUERY)
    throw new InvalidInput(`a query has 1 to ${MAX_QUERY} characters`, ['query']);
  if (query.includes('\0')) throw new InvalidInput('text cannot hold the character U+0000', ['query']);
  if (input.queryType === 'TEXT') return query.normalize('NFKC');
  const normal = normaliseIdentifier(input.queryType as IdentifierType, query);
  if (!normal.ok) throw new InvalidInput(`not a ${input.queryType}: ${normal.reason}`, ['query']);
  return normal.value;
}

/** Starts a lookup as a job, or gives the one that was completed within 24 hours. */
export async function startLookup(
  tx: WriteTx,
  input: LookupInput,
  provider: string,
  keyRing: KeyRing,
): Promise<OsintResult> {
  const normalisedQuery = normalise(input);
  if (!input.force) {
    const fresh = await tx.db.osintResult.findFirst({
      where: {
        tenantId: tx.tenantId,
        normalisedQuery,
        status: 'COMPLETED',
        queryType: input.queryType,
        provider,
        expiresAt: { gt: tx.now },
      },
      orderBy: { createdAt: 'desc' },
    });
    if (fresh) return fresh;
  }
  const id = newId();
  const parameters = input.parameters
    ? encrypt(keyRing, JSON.stringify(input.parameters), osintAad('search_parameters', tx.tenantId, id))
    : null;
  const row = await tx.db.osintResult.create({
    data: {
      tenantId: tx.tenantId,
      id,
      query: input.query.trim(),
      queryType: input.queryType,
      normalisedQuery,
      provider,
      requestedById: tx.viewer.memberId,
      searchParameters: parameters ? new Uint8Array(parameters) : null,
      parentId: input.parentId ?? null,
      createdAt: tx.now,
    },
  });
  emit(tx, 'OSINT_REQUESTED', row);
  tx.audit({
    action: 'osint.request',
    resource: 'OsintResult',
    resourceId: id,
    metadata: { queryType: input.queryType, provider },
  });
  return row;
}

// The query itself stays out of the log: it may be somebody's phone number.
function emit(tx: WriteTx, type: string, row: OsintResult): void {
  tx.emit({
    type,
    aggregateType: 'OsintResult',
    aggregateId: row.id,
    aggregateVersion: row.version,
    payload: {
      id: osintGlobalId(row.id),
      status: row.status,
      queryType: row.queryType,
      provider: row.provider,
      resultCount: row.resultCount,
    },
  });
}

/** Takes the oldest waiting lookup for this process; null when there is none. */
export async function claimLookup(tx: WriteTx): Promise<OsintResult | null> {
  const [next] = await tx.db.$queryRawUnsafe<{ id: string }[]>(
    `/* intel.osint.claim */ SELECT id FROM osint_results WHERE tenant_id = $1::uuid AND status = 'PENDING'
     ORDER BY created_at, id LIMIT 1 FOR UPDATE SKIP LOCKED`,
    tx.tenantId,
  );
  if (!next) return null;
  const row = await change(tx, next.id, { status: 'RUNNING', startedAt: tx.now, error: null });
  emit(tx, 'OSINT_STARTED', row);
  return row;
}

/** Puts lookups whose process died back into the queue. Gives how many. */
export async function requeueLost(tx: WriteTx, startedBefore: Date): Promise<number> {
  const { count } = await tx.db.osintResult.updateMany({
    where: { tenantId: tx.tenantId, status: 'RUNNING', startedAt: { lt: startedBefore } },
    data: { status: 'PENDING', startedAt: null },
  });
  return count;
}

function change(tx: WriteTx, id: string, data: Prisma.OsintResultUncheckedUpdateInput): Promise<OsintResult> {
  return tx.db.osintResult.update({
    where: { tenantId_id: { tenantId: tx.tenantId, id } },
    data: { ...data, version: { increment: 1 } },
  });
}

/** Stores an answer, encrypted, and links what it found. A lookup that was cancelled meanwhile stays cancelled. */
export async function completeLookup(tx: WriteTx, id: string, answer: OsintAnswer, keyRing: KeyRing): Promise<void> {
  await tx.lock('OsintResult', id);
  const before = await tx.db.osintResult.findUniqueOrThrow({ where: { tenantId_id: { tenantId: tx.tenantId, id } } });
  if (before.status !== 'RUNNING') return;
  const results = encrypt(keyRing, JSON.stringify(answer.results), osintAad('results', tx.tenantId, id));
  const row = await change(tx, id, {
    status: 'COMPLETED',
    results: new Uint8Array(results),
    resultCount: answer.count,
    completedAt: tx.now,
    expiresAt: new Date(tx.now.getTime() + REUSE_MS),
  });
  const queried =
    before.queryType === 'TEXT'
      ? []
      : [{ type: before.queryType, value: before.normalisedQuery, confidence: 1, relation: 'QUERIED' }];
  const links = [...queried, ...answer.found.map((found) => ({ ...found, relation: 'FOUND' }))];
  const ids = await ensureIdentifiers(tx, links);
  await tx.db.osintIdentifierLink.createMany({
    data: links.flatMap(({ type, value, relation, confidence }) => {
      const identifierId = ids.get(`${type}:${value}`);
      return identifierId
        ? [{ tenantId: tx.tenantId, osintResultId: id, identifierId, relation, confidence, createdAt: tx.now }]
        : [];
    }),
    skipDuplicates: true,
  });
  emit(tx, 'OSINT_COMPLETED', row);
}

export async function failLookup(tx: WriteTx, id: string, error: string): Promise<void> {
  await tx.lock('OsintResult', id);
  const before = await tx.db.osintResult.findUniqueOrThrow({ where: { tenantId_id: { tenantId: tx.tenantId, id } } });
  if (before.status !== 'RUNNING') return;
  emit(
    tx,
    'OSINT_FAILED',
    // A provider's message may hold anything, the database's text cannot.
    await change(tx, id, {
      status: 'FAILED',
      error: storableText(error.slice(0, 1000)),
      completedAt: tx.now,
    }),
  );
}

/** Puts a lookup that this process broke off back into the queue. */
export async function releaseLookup(tx: WriteTx, id: string): Promise<void> {
  await tx.db.osintResult.updateMany({
    where: { tenantId: tx.tenantId, id, status: 'RUNNING' },
    data: { status: 'PENDING', startedAt: null },
  });
}

/** Cancels a lookup that waits or runs. */
export async function cancelLookup(
  tx: WriteTx,
  input: { id: string; expectedVersion?: number | null },
): Promise<OsintResult> {
  await tx.lock('OsintResult', input.id, input.expectedVersion);
  const before = await tx.db.osintResult.findUniqueOrThrow({
    where: { tenantId_id: { tenantId: tx.tenantId, id: input.id } },
  });
  if (before.status !== 'PENDING' && before.status !== 'RUNNING')
    throw new InvalidTransition('lookup', before.status, 'CANCELLED', []);
  const row = await change(tx, input.id, { status: 'CANCELLED', completedAt: tx.now });
  emit(tx, 'OSINT_CANCELLED', row);
  tx.audit({ action: 'osint.cancel', resource: 'OsintResult', resourceId: row.id });
  return row;
}

/** The plain values of a row's encrypted columns. The caller audits the reading. */
export function openSecrets(row: OsintResult, keyRing: KeyRing): { results: unknown; searchParameters: unknown } {
  const open = (blob: Uint8Array | null, column: 'results' | 'search_parameters'): unknown =>
    blob ? JSON.parse(decrypt(keyRing, blob, osintAad(column, row.tenantId, row.id))) : null;
  return { results: open(row.results, 'results'), searchParameters: open(row.searchParameters, 'search_parameters') };
}
