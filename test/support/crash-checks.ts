import { hash } from 'node:crypto';
import { decodeId } from '../../src/graphql/ids.ts';
import { asOwner, totalsAndRecount } from '../integration/delivery/records.ts';
import type { Answer } from './app.ts';
import { type Attempt, IMPORTED } from './crash-load.ts';
import { faultsOfWebhook } from './crash-webhook.ts';
import type { Received } from './webhook-receiver.ts';

/** What the clients were told, and the database that is left. */
export interface Aftermath {
  attempts: readonly Attempt[];
  ownerUrl: string;
  tenantId: string;
  /** what came to a webhook for all events */
  received: readonly Received[];
}

/** Looks for one kind of fault; gives each in words. */
type Check = (after: Aftermath) => Promise<string[]>;

/** Everything that must hold whatever was killed. */
export const CHECKS: Readonly<Record<string, Check>> = {
  'what was acknowledged is there, with its event and audit': acknowledged,
  'what was refused left nothing': refused,
  'what was not answered is there as a whole or not at all': whole,
  'nothing is there twice': once,
  'a change has its idempotency key, and a key its change': keyed,
  'a change that is asked for again is not made again': replayed,
  'the log has no gap': gapless,
  'every row has its events, history and version': told,
  'totals are what a recount gives': totals,
  'every event has reached its webhook': (after) => faultsOfWebhook(after.received, (sql) => read(after, sql)),
};

const read = ({ ownerUrl, tenantId }: Aftermath, sql: string, ...values: unknown[]): Promise<Answer[]> =>
  asOwner({ database: { ownerUrl } }, sql, [tenantId, ...values]);

/** Runs all checks. */
export async function faultsOf(after: Aftermath): Promise<string[]> {
  const faults: string[] = [];
  for (const [name, check] of Object.entries(CHECKS))
    faults.push(...(await check(after)).map((fault) => `${name}: ${fault}`));
  return faults;
}

const ROWS = `SELECT id FROM bugs WHERE tenant_id = $1 UNION ALL SELECT id FROM cases WHERE tenant_id = $1
  UNION ALL SELECT id FROM import_logs WHERE tenant_id = $1`;

async function acknowledged(after: Aftermath): Promise<string[]> {
  const rows = new Set((await read(after, ROWS)).map(({ id }) => id));
  const events = await read(after, 'SELECT seq::text, aggregate_id AS id FROM event_store WHERE tenant_id = $1');
  const aggregates = new Map(events.map(({ seq, id }) => [seq, id]));
  const audited = await auditsByRequest(after);
  return after.attempts
    .filter(({ outcome }) => outcome === 'acknowledged')
    .flatMap(({ requestId, kind, ids, eventSeq }) => {
      const uuids = ids.map((id) => uuidOf(id));
      const faults = uuids.filter((id) => !rows.has(id)).map((id) => `${requestId}: ${id} is not there`);
      // A change to what was so already tells nothing; an import tells later.
      if (eventSeq === null) return faults;
      if (!uuids.includes(aggregates.get(String(eventSeq)) ?? '')) faults.push(`${requestId}: no event ${eventSeq}`);
      if ((audited.get(requestId) ?? 0) < 1) faults.push(`${requestId}: a ${kind} without an audit entry`);
      return faults;
    });
}

async function refused(after: Aftermath): Promise<string[]> {
  const audited = await auditsByRequest(after);
  const left = after.attempts.filter(({ outcome, requestId }) => outcome === 'refused' && audited.has(requestId));
  return left.map(({ requestId }) => requestId);
}

async function auditsByRequest(after: Aftermath): Promise<Map<string, number>> {
  const sql = 'SELECT request_id AS id, count(*)::int AS count FROM audit_logs WHERE tenant_id = $1 GROUP BY 1';
  return new Map((await read(after, sql)).map(({ id, count }) => [id, count]));
}

/** Rows of each creation: all of them, each audited, or none. An import that was broken off may lack its batch. */
async function whole(after: Aftermath): Promise<string[]> {
  const sql = `SELECT split_part(coalesce(external_id, description), '.', 1) AS marker, count(*)::int AS count
    FROM bugs WHERE tenant_id = $1 GROUP BY 1`;
  const rows = new Map((await read(after, sql)).map(({ marker, count }) => [marker, count]));
  const runs = await read(after, 'SELECT file_name AS marker, status FROM import_logs WHERE tenant_id = $1');
  const completed = new Set(runs.filter(({ status }) => status === 'COMPLETED').map(({ marker }) => marker));
  const audited = await auditsByRequest(after);
  return after.attempts.flatMap(({ requestId, kind, marker, outcome }) => {
    const count = rows.get(marker) ?? 0;
    if (kind === 'import') {
      const wanted = completed.has(marker) ? [IMPORTED] : [0, IMPORTED];
      return wanted.includes(count) ? [] : [`${requestId}: ${count} of ${IMPORTED} rows`];
    }
    if (kind !== 'create' && kind !== 'batchCreate') return [];
    const full = kind === 'create' ? 1 : 5;
    const audits = audited.get(requestId) ?? 0;
    const allowed = outcome === 'acknowledged' ? [full] : outcome === 'refused' ? [0] : [0, full];
    return allowed.includes(count) && audits === count ? [] : [`${requestId}: ${count} rows, ${audits} audit entries`];
  });
}

async function once(after: Aftermath): Promise<string[]> {
  const sql = `SELECT what, count(*)::int AS count FROM (
      SELECT 'bug ' || coalesce(external_id, description) AS what FROM bugs WHERE tenant_id = $1
      UNION ALL SELECT 'case ' || title FROM cases WHERE tenant_id = $1
      UNION ALL SELECT 'import ' || file_name FROM import_logs WHERE tenant_id = $1
      UNION ALL SELECT 'audit ' || request_id || resource_id FROM audit_logs WHERE tenant_id = $1 AND request_id LIKE 'crash-%'
      UNION ALL SELECT 'number ' || project_id || number FROM bugs WHERE tenant_id = $1
    ) x GROUP BY 1 HAVING count(*) > 1`;
  return (await read(after, sql)).map(({ what, count }) => `${what} is there ${count} times`);
}

/** An import has a key for each of its transactions, under names of its own. */
async function keyed(after: Aftermath): Promise<string[]> {
  const sql = `SELECT encode(key_hash, 'hex') AS hash FROM idempotency_keys WHERE tenant_id = $1 AND outcome IS NOT NULL`;
  const keys = new Set((await read(after, sql)).map((row) => row.hash));
  const audited = await auditsByRequest(after);
  return after.attempts.flatMap(({ requestId, kind, outcome }) => {
    if (kind === 'import') return [];
    const isThere = keys.has(hash('sha256', requestId, 'hex'));
    const isMade = audited.has(requestId);
    if (isMade && !isThere) return [`${requestId}: a ${kind} without its key`];
    if (outcome === 'acknowledged' && !isThere) return [`${requestId}: acknowledged, without its key`];
    const isNeverEmpty = kind === 'create' || kind === 'batchCreate' || kind === 'openCase';
    return isThere && !isMade && isNeverEmpty ? [`${requestId}: a key without its ${kind}`] : [];
  });
}

async function replayed(after: Aftermath): Promise<string[]> {
  const sql = `SELECT request_id AS id FROM audit_logs WHERE tenant_id = $1 AND request_id LIKE 'again-%'`;
  return (await read(after, sql)).map(({ id }) => `${id} has changed something`);
}

async function gapless(after: Aftermath): Promise<string[]> {
  const sql = `SELECT count(*)::int AS count, min(seq)::int AS first, max(seq)::int AS last,
      (SELECT value::int FROM counters WHERE tenant_id = $1 AND name = 'event') AS counter
    FROM event_store WHERE tenant_id = $1`;
  const [{ count, first, last, counter }] = (await read(after, sql)) as [Answer];
  return first === 1 && last === count && counter === count ? [] : [JSON.stringify({ count, first, last, counter })];
}

/** Rows against the log: none without its events, none that is ahead of or behind them, no change without history. */
async function told(after: Aftermath): Promise<string[]> {
  const of = (table: string, type: string, created: string) =>
    `SELECT '${table} ' || r.id || ' is at version ' || r.version || ', its events: ' || coalesce(string_agg(e.type || e.aggregate_version, ' '), 'none') AS fault
     FROM ${table} r LEFT JOIN event_store e ON e.tenant_id = r.tenant_id AND e.aggregate_type = '${type}' AND e.aggregate_id = r.id
     WHERE r.tenant_id = $1 GROUP BY r.id, r.version
     HAVING count(*) FILTER (WHERE e.type = '${created}') <> 1 OR max(e.aggregate_version) IS DISTINCT FROM r.version
       OR count(DISTINCT e.aggregate_version) <> r.version`;
  const sqls = [
    of('bugs', 'Bug', 'BUG_CREATED'),
    of('cases', 'Case', 'CASE_OPENED'),
    `SELECT 'event ' || seq || ' is about nothing' AS fault FROM event_store e WHERE tenant_id = $1 AND aggregate_type IN ('Bug', 'Case')
       AND NOT EXISTS (SELECT FROM bugs r WHERE r.tenant_id = e.tenant_id AND r.id = e.aggregate_id)
       AND NOT EXISTS (SELECT FROM cases r WHERE r.tenant_id = e.tenant_id AND r.id = e.aggregate_id)`,
    `SELECT 'no history for event ' || seq || ' ' || type AS fault FROM event_store e WHERE tenant_id = $1 AND type IN ('BUG_UPDATED', 'BUG_MOVED')
       AND NOT EXISTS (SELECT FROM bug_history h WHERE h.tenant_id = e.tenant_id AND h.bug_id = e.aggregate_id AND h.event_seq = e.seq)`,
    `SELECT 'no event for history ' || h.id AS fault FROM bug_history h WHERE tenant_id = $1 AND event_seq IS NOT NULL
       AND NOT EXISTS (SELECT FROM event_store e WHERE e.tenant_id = h.tenant_id AND e.aggregate_id = h.bug_id AND e.seq = h.event_seq)`,
  ];
  const found = await Promise.all(sqls.map((sql) => read(after, sql)));
  return found.flat().map(({ fault }) => fault);
}

async function totals({ ownerUrl, tenantId }: Aftermath): Promise<string[]> {
  const { kept, recount } = await totalsAndRecount({ database: { ownerUrl } }, { tenantId });
  const texts = (rows: readonly Answer[]) => rows.map((row) => JSON.stringify(row));
  const without = (rows: readonly Answer[], others: readonly Answer[]) => {
    const known = new Set(texts(others));
    return texts(rows).filter((text) => !known.has(text));
  };
  return [
    ...without(kept, recount).map((row) => `kept ${row}`),
    ...without(recount, kept).map((row) => `counted ${row}`),
  ];
}

function uuidOf(id: string): string {
  return decodeId(id)?.uuid ?? id;
}
