import type { Bug, Project } from '../../../generated/prisma/client.ts';
import type { Viewer } from '../../access/viewer.ts';
import { type WriteTx, withWrite } from '../../data/write.ts';
import { InvalidInput } from '../../errors.ts';
import type { Services } from '../../services.ts';
import { figuresOf, isResolved } from './bug.figures.ts';
import { type BugRow, writeBugRows } from './bug.rows.ts';
import { timelineOf } from './bug.timeline.ts';
import { countBug } from './bug.totals.ts';
import { bugGlobalId, policyGlobalId } from './global-ids.ts';
import { noteBreach, passedThresholds, type SlaClock, type SlaRules } from './sla/clock.ts';
import { replay } from './sla/replay.ts';
import { clockColumns, clockOf } from './sla.clock-columns.ts';
import { policyFor, rulesAt } from './sla.rules.ts';

const BATCH = 250;
const PUT_OFF_MS = 86_400_000;

/** What a sweep did. */
export interface Swept {
  bugs: number;
  /** BUG_SLA_… events that were told */
  told: number;
}

/**
 * Brings every bug whose time has come up to date: tells the SLA thresholds that have passed, each once in a cycle,
 * reckons priority and revenue impact anew, and takes open bugs to their policy's newest rules where those are to count
 * for them. Any number of processes may sweep: each takes rows that no other has locked. `now` is for tests.
 */
export async function sweepSla(
  services: Pick<Services, 'write'>,
  viewer: Viewer,
  options: { signal?: AbortSignal; now?: Date; onProgress?: (bugs: number) => void } = {},
): Promise<Swept> {
  const sum: Swept = { bugs: 0, told: 0 };
  while (!options.signal?.aborted) {
    const { value } = await withWrite(
      services.write,
      viewer,
      'sla.sweep',
      (tx) => sweepBatch(options.now ? Object.assign(tx, { now: options.now }) : tx),
      { timeout: 60_000 },
    );
    sum.bugs += value.bugs;
    sum.told += value.told;
    options.onProgress?.(sum.bugs);
    if (value.bugs < BATCH) break;
  }
  return sum;
}

async function sweepBatch(tx: WriteTx): Promise<Swept> {
  const due = await tx.db.$queryRawUnsafe<{ id: string }[]>(
    `/* sla.due */ SELECT id FROM bugs WHERE tenant_id = $1::uuid AND refresh_at <= $2::timestamptz
     ORDER BY refresh_at, id LIMIT ${BATCH} FOR NO KEY UPDATE SKIP LOCKED`,
    tx.tenantId,
    tx.now,
  );
  if (due.length === 0) return { bugs: 0, told: 0 };
  const bugs = await tx.db.bug.findMany({
    where: { tenantId: tx.tenantId, id: { in: due.map(({ id }) => id) } },
    include: { project: true },
    orderBy: { id: 'asc' },
  });
  const versions = await openVersions(tx, bugs);
  const rows: BugRow[] = [];
  let told = 0;
  for (const { project, ...bug } of bugs) {
    const row = await refresh(tx, bug, project, versions.get(bug.slaPolicyId ?? '')).catch((error: unknown) => {
      if (!(error instanceof InvalidInput || error instanceof RangeError)) throw error;
      // One bug whose rules cannot be reckoned with (a calendar that never opened in its time) must not stop the rest.
      return { columns: { ...bug, refreshAt: new Date(tx.now.getTime() + PUT_OFF_MS) }, told: 0 };
    });
    told += row.told;
    rows.push(row.columns);
  }
  await writeBugRows(tx, rows);
  return { bugs: bugs.length, told };
}

/** The version of the rules that open bugs of each policy are to have. */
async function openVersions(tx: WriteTx, bugs: readonly Bug[]): Promise<Map<string, number>> {
  const ids = [...new Set(bugs.map((bug) => bug.slaPolicyId).filter((id) => id !== null))];
  const policies = await tx.db.slaPolicy.findMany({
    where: { tenantId: tx.tenantId, id: { in: ids } },
    select: { id: true, openRulesVersion: true },
  });
  return new Map(policies.map((policy) => [policy.id, policy.openRulesVersion]));
}

async function refresh(
  tx: WriteTx,
  bug: Bug,
  project: Project,
  wanted: number | undefined,
): Promise<{ columns: BugRow; told: number }> {
  const { slaPolicyId, rulesVersion } = await inForce(tx, bug, wanted ?? 0);
  const rules = slaPolicyId && rulesVersion ? await rulesAt(tx, slaPolicyId, rulesVersion) : null;
  const rebased = rules !== null && (slaPolicyId !== bug.slaPolicyId || rulesVersion !== bug.slaRulesVersion);
  const clock = rebased ? await rebase(tx, bug, rules) : clockOf(bug);
  const told = rebased && clock?.cycle !== bug.slaCycle ? 0 : bug.slaTold;
  const passed = clock ? passedThresholds(clock, told, tx.now) : [];
  const version = bug.version + (rebased || passed.length > 0 ? 1 : 0);
  const next: Bug = {
    ...bug,
    ...clockColumns(clock && noteBreach(clock, tx.now)),
    slaPolicyId,
    slaRulesVersion: rulesVersion,
    slaTold: told + passed.length,
    version,
  };
  const figures = figuresOf(next, project, rules, tx.now);
  const emit = (type: string, payload: Record<string, unknown>) =>
    tx.emit({
      type,
      aggregateType: 'Bug',
      aggregateId: bug.id,
      aggregateVersion: version,
      payload: { id: bugGlobalId(bug.id), cycle: clock?.cycle ?? null, ...payload },
    });
  if (rebased)
    emit('BUG_SLA_CHANGED', {
      policyId: policyGlobalId(slaPolicyId ?? ''),
      rulesVersion,
      dueAt: clock?.dueAt?.toISOString() ?? null,
    });
  for (const threshold of passed) emit(`BUG_SLA_${threshold}`, {});
  countBug(tx, bug, project.currency, -1);
  countBug(tx, { ...next, ...figures }, project.currency, 1);
  return { columns: { ...next, ...figures }, told: passed.length };
}

/** Which policy a bug is to be under, and which version: its own, or the first that it fits if that takes open bugs over. */
async function inForce(
  tx: WriteTx,
  bug: Bug,
  wanted: number,
): Promise<{ slaPolicyId: string | null; rulesVersion: number | null }> {
  const fitting = isResolved(bug.status) ? null : await policyFor(tx, bug);
  if (fitting && fitting.policyId !== bug.slaPolicyId && fitting.openRulesVersion > 0)
    return { slaPolicyId: fitting.policyId, rulesVersion: fitting.rulesVersion };
  return { slaPolicyId: bug.slaPolicyId, rulesVersion: Math.max(bug.slaRulesVersion ?? 0, wanted) || null };
}

/** The clock under other rules: the bug's whole life so far is run again by them; if that is not known, it stays. */
async function rebase(tx: WriteTx, bug: Bug, rules: SlaRules): Promise<SlaClock | null> {
  const history = await tx.db.bugHistory.findMany({ where: { tenantId: tx.tenantId, bugId: bug.id } });
  const timeline = timelineOf(bug, history);
  return timeline ? replay(rules, timeline, tx.now).clock : clockOf(bug);
}
