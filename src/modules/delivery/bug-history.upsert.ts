import { createHash } from 'node:crypto';
import type { Bug, BugHistory, Prisma, Project } from '../../../generated/prisma/client.ts';
import { insertRows } from '../../data/insert-rows.ts';
import type { WriteTx } from '../../data/write.ts';
import { newId } from '../../graphql/ids.ts';
import { figuresOf, isResolved } from './bug.figures.ts';
import { type BugRow, lockImported, writeBugRows } from './bug.rows.ts';
import { timelineOf } from './bug.timeline.ts';
import { countBug } from './bug.totals.ts';
import { bugGlobalId } from './global-ids.ts';
import type { HistoryRecord } from './imports/bug-history.import.ts';
import { replay } from './sla/replay.ts';
import { clockColumns, clockOf } from './sla.clock-columns.ts';
import { rulesOfBug } from './sla.rules.ts';
import type { ImportSource } from './values.ts';

export type HistoryOutcome = 'CREATED' | 'UNCHANGED' | { refused: string; code: 'NOT_FOUND' };

/**
 * Takes in what another tracker recorded of its bugs' past. Changes that are there already change nothing. Where they
 * tell a bug's statuses, its resolution and its SLA clock are reckoned from them.
 */
export async function importHistory(
  tx: WriteTx,
  records: readonly HistoryRecord[],
  source: ImportSource,
): Promise<HistoryOutcome[]> {
  const known = await lockImported(tx, source, [...new Set(records.map((record) => record.externalId))]);
  const bugs = new Map(known.map((bug) => [bug.externalId ?? '', bug]));
  const keys = records.map(keyOf);
  const there = await tx.db.bugHistory.findMany({
    where: { tenantId: tx.tenantId, importKey: { in: keys } },
    select: { importKey: true },
  });
  const seen = new Set(there.map(({ importKey }) => importKey));
  const rows: Prisma.BugHistoryCreateManyInput[] = [];
  const outcomes = records.map((record, i): HistoryOutcome => {
    const bug = bugs.get(record.externalId);
    const importKey = keys[i] ?? '';
    if (!bug) return { refused: `there is no bug ${record.externalId}: import the bugs first`, code: 'NOT_FOUND' };
    if (seen.has(importKey)) return 'UNCHANGED';
    seen.add(importKey);
    const { at, field, oldValue, newValue, actor: actorName, status } = record;
    const own = { tenantId: tx.tenantId, id: newId(), bugId: bug.id, importKey };
    rows.push({ ...own, at, field, oldValue, newValue, actorName, status });
    return 'CREATED';
  });
  if (rows.length === 0) return outcomes;
  insertRows(tx, 'BugHistory', rows);
  await retime(tx, known, rows);
  return outcomes;
}

function keyOf(record: HistoryRecord): string {
  const { externalId, projectKey, at, field, oldValue, newValue, actor } = record;
  const told = [externalId, projectKey, at.toISOString(), field, oldValue, newValue, actor];
  return createHash('sha256').update(JSON.stringify(told)).digest('base64url');
}

/** Brings resolution, clock and figures of the bugs that got history in line with it. One event for each bug. */
async function retime(
  tx: WriteTx,
  bugs: readonly (Bug & { project: Project })[],
  added: readonly Prisma.BugHistoryCreateManyInput[],
): Promise<void> {
  const addedTo = Map.groupBy(added, (row) => row.bugId);
  const told = [...addedTo].filter(([, rows]) => rows.some((row) => row.status)).map(([bugId]) => bugId);
  const histories = await tx.db.bugHistory.findMany({
    where: { tenantId: tx.tenantId, bugId: { in: told }, OR: [{ status: { not: null } }, { field: 'severity' }] },
  });
  const byBug = Map.groupBy(histories, (row) => row.bugId);
  const rows: BugRow[] = [];
  for (const { project, ...bug } of bugs) {
    const changes = addedTo.get(bug.id)?.length ?? 0;
    if (changes === 0) continue;
    const version = bug.version + 1;
    const history = byBug.get(bug.id);
    const timed = history ? await timedBy(tx, bug, history) : bug;
    const rules = await rulesOfBug(tx, bug);
    const next = { ...timed, version, ...figuresOf(timed, project, rules, tx.now) };
    countBug(tx, bug, project.currency, -1);
    countBug(tx, next, project.currency, 1);
    rows.push(next);
    tx.emit({
      type: 'BUG_HISTORY_IMPORTED',
      aggregateType: 'Bug',
      aggregateId: bug.id,
      aggregateVersion: version,
      payload: { id: bugGlobalId(bug.id), changes },
    });
  }
  await writeBugRows(tx, rows);
}

/** A bug as its history tells it: when it was resolved, if nobody knew, and its clock run over its life. */
export async function timedBy(tx: WriteTx, bug: Bug, history: readonly BugHistory[]): Promise<Bug> {
  const last = history
    .filter((row) => row.status !== null)
    .toSorted((a, b) => +a.at - +b.at)
    .at(-1);
  const resolvedByIt = isResolved(bug.status) && last?.status && isResolved(last.status) && last.at >= bug.createdAt;
  const known = { ...bug, resolvedAt: bug.resolvedAt ?? (resolvedByIt ? last.at : null) };
  const rules = await rulesOfBug(tx, bug);
  if (!rules) return known;
  const timeline = timelineOf(known, history);
  // What was recorded before the bug is said to have begun tells nothing of its clock.
  if (!timeline || timeline.some(({ at }) => at < known.createdAt)) return known;
  const until = known.resolvedAt ?? tx.now;
  const clock = replay(rules, timeline, until).clock ?? clockOf(bug);
  return { ...known, ...clockColumns(clock) };
}
