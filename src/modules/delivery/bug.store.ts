import type { Bug, Project } from '../../../generated/prisma/client.ts';
import { insertRows } from '../../data/insert-rows.ts';
import { cutText } from '../../data/storable-text.ts';
import { updateRow } from '../../data/update-row.ts';
import type { WriteTx } from '../../data/write.ts';
import { newId } from '../../graphql/ids.ts';
import { type FiguredBug, type Figures, figuresOf, isResolved } from './bug.figures.ts';
import { changesOf, recordHistory } from './bug.history.ts';
import { countBug } from './bug.totals.ts';
import { bugGlobalId, projectGlobalId } from './global-ids.ts';
import { changeSeverity, moveClock, noteBreach, passedThresholds, type SlaClock, startClock } from './sla/clock.ts';
import { replay } from './sla/replay.ts';
import { clockColumns, clockOf } from './sla.clock-columns.ts';
import { type PolicyInForce, policyFor, rulesOfBug } from './sla.rules.ts';
import { BUG_SEVERITIES, type BugSeverity, type BugStatus } from './values.ts';

// The one way in which bugs are written: what follows from a change (clock, scores, totals, history, events) follows
// from every change, whoever makes it.

type Derived =
  | keyof ReturnType<typeof clockColumns>
  | keyof ReturnType<typeof figuresOf>
  | 'slaTold'
  | 'slaPolicyId'
  | 'slaRulesVersion'
  | 'severityRank'
  | 'revenueImpactSort'
  | 'slaDueSort';

/** A bug to be: what is left out has the model's default. */
export type BugDraft = { project: Project; title: string; labels?: readonly string[] } & Partial<
  Omit<Bug, Derived | 'tenantId' | 'projectId' | 'number' | 'version' | 'title'>
>;

/** Columns that a change may set. */
export type BugColumns = Partial<Omit<Bug, Derived | 'tenantId' | 'id' | 'projectId' | 'number' | 'version'>>;

const ALL_TOLD = 3;

/** The SLA of a new bug. One that was resolved before it came here has its clock run over its known life at once. */
async function firstClock(
  tx: WriteTx,
  bug: FiguredBug,
): Promise<{ policy: PolicyInForce | null; clock: SlaClock | null }> {
  const policy = await policyFor(tx, bug);
  if (!policy) return { policy: null, clock: null };
  const severity = bug.severity as BugSeverity;
  const status = bug.status as BugStatus;
  if (!isResolved(status)) return { policy, clock: startClock(policy.rules, severity, status, bug.createdAt) };
  if (!bug.resolvedAt || bug.resolvedAt < bug.createdAt) return { policy, clock: null };
  const life = [
    { at: bug.createdAt, status: 'PENDING' as const, severity },
    { at: bug.resolvedAt, status },
  ];
  return { policy, clock: replay(policy.rules, life, bug.resolvedAt).clock };
}

/**
 * Creates bugs under the next numbers of their projects, unless those were taken before, each with its event, and gives
 * their rows. They are written with what is asked next, or with the commit: see `WriteTx.later`.
 */
export async function insertBugs(tx: WriteTx, drafts: readonly BugDraft[], taken?: readonly number[]): Promise<Bug[]> {
  const numbers =
    taken ??
    (await takeNumbers(
      tx,
      drafts.map(({ project }) => project.id),
    ));
  const rows: (FiguredBug & Figures)[] = [];
  const labels: { tenantId: string; bugId: string; name: string }[] = [];
  for (const [i, { project, labels: names, ...draft }] of drafts.entries()) {
    const { row, figures } = await newRow(tx, project, draft, numbers[i] ?? 0);
    countBug(tx, { ...row, ...figures }, project.currency, 1);
    rows.push({ ...row, ...figures });
    labels.push(...[...new Set(names)].map((name) => ({ tenantId: tx.tenantId, bugId: row.id, name })));
    tx.emit({
      type: 'BUG_CREATED',
      aggregateType: 'Bug',
      aggregateId: row.id,
      aggregateVersion: 1,
      payload: {
        id: bugGlobalId(row.id),
        projectId: projectGlobalId(project.id),
        key: `${project.key}-${row.number}`,
        title: cutText(row.title, 200),
        severity: row.severity,
        status: row.status,
        source: row.source,
        slaState: figures.slaState,
      },
    });
  }
  insertRows(tx, 'Bug', rows);
  insertRows(tx, 'BugLabel', labels);
  return rows.map(withGenerated);
}

/** A row with the columns that the database makes of the others. */
function withGenerated(row: FiguredBug & Figures): Bug {
  return {
    ...row,
    severityRank: BUG_SEVERITIES.length - BUG_SEVERITIES.indexOf(row.severity as BugSeverity),
    revenueImpactSort: Number(row.revenueImpact),
    slaDueSort: row.slaDueAt ?? NEVER_DUE,
  };
}

const NEVER_DUE = new Date('9999-12-31T00:00:00Z');

/**
 * The next numbers for a bug in each of these projects. They are taken project by project in one order, so that two
 * writers never wait for each other in a circle.
 */
export async function takeNumbers(tx: WriteTx, projectIds: readonly string[]): Promise<number[]> {
  const byProject = Map.groupBy(projectIds.keys(), (i) => projectIds[i] ?? '');
  const numbers: number[] = [];
  const taken = [...byProject]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(async ([projectId, places]) => {
      const last = Number(await tx.nextNumber(`bug:${projectId}`, places.length));
      for (const [n, place] of places.entries()) numbers[place] = last - places.length + 1 + n;
    });
  await Promise.all(taken);
  return numbers;
}

async function newRow(
  tx: WriteTx,
  project: Project,
  draft: Omit<BugDraft, 'project' | 'labels'>,
  number: number,
): Promise<{ row: FiguredBug; figures: ReturnType<typeof figuresOf> }> {
  const bare = {
    ...EMPTY,
    createdAt: tx.now,
    updatedAt: tx.now,
    ...draft,
    ...clockColumns(null),
    tenantId: tx.tenantId,
    id: draft.id ?? newId(),
    projectId: project.id,
    number,
  } as FiguredBug;
  const { policy, clock } = await firstClock(tx, bare);
  const row: FiguredBug = {
    ...bare,
    slaPolicyId: policy?.policyId ?? null,
    slaRulesVersion: policy?.rulesVersion ?? null,
    ...clockColumns(clock),
    slaTold: isResolved(bare.status) ? ALL_TOLD : 0,
  };
  return { row, figures: figuresOf(row, project, policy?.rules ?? null, tx.now) };
}

const EMPTY = {
  description: null,
  severity: 'MEDIUM',
  status: 'PENDING',
  isBlocker: false,
  affectedShare: '0',
  revenueImpactOverride: null,
  assigneeId: null,
  reporterId: null,
  assigneeName: null,
  reporterName: null,
  source: 'MANUAL',
  externalId: null,
  url: null,
  importHash: null,
  details: {},
  hoursSpent: '0',
  dueAt: null,
  firstResponseAt: null,
  resolvedAt: null,
  reopenCount: 0,
  version: 1,
};

export interface Saving {
  /** the main event's type, and what its payload tells beside the changed fields */
  event: string;
  payload?: Record<string, unknown>;
  /** when it happened, for what comes late; now when left out */
  at?: Date;
  labels?: { before: readonly string[]; after: readonly string[] };
  /** the event is told and the version grows even if no field changes */
  always?: boolean;
}

/**
 * Changes a locked bug. Gives the row as it is then: the same object when nothing changes. It is written with what is
 * asked next, or with the commit: see `WriteTx.later`.
 */
export async function saveBug(
  tx: WriteTx,
  bug: Bug,
  project: Project,
  columns: BugColumns,
  saving: Saving,
): Promise<Bug> {
  const next: Bug = { ...bug, ...columns };
  const changes = changesOf(bug, next, saving.labels);
  if (changes.length === 0 && !saving.always && !hasOther(bug, columns)) return bug;
  const version = bug.version + 1;
  const rules = await rulesOfBug(tx, bug);
  const emit = (type: string, payload: Record<string, unknown>) =>
    tx.emit({
      type,
      aggregateType: 'Bug',
      aggregateId: bug.id,
      aggregateVersion: version,
      payload: { id: bugGlobalId(bug.id), ...payload },
    });
  const main = emit(saving.event, {
    ...saving.payload,
    changes: Object.fromEntries(
      changes.map(({ field, oldValue, newValue }) => [field, [cut(oldValue), cut(newValue)]]),
    ),
  });
  recordHistory(tx, bug.id, main, changes, saving.at);
  const sla = rules ? moveSla(bug, next, rules, saving.at ?? tx.now) : null;
  for (const threshold of sla?.reached ?? [])
    emit(`BUG_SLA_${threshold}`, { cycle: sla?.clock?.cycle ?? bug.slaCycle });
  if (sla?.met) emit('BUG_SLA_MET', { cycle: sla.clock?.cycle });
  const written = {
    ...columns,
    ...(sla ? { ...clockColumns(sla.clock), slaTold: sla.told } : {}),
    version,
    updatedAt: tx.now,
  };
  const figures = figuresOf({ ...bug, ...written }, project, rules, tx.now);
  countBug(tx, bug, project.currency, -1);
  countBug(tx, { ...next, ...figures }, project.currency, 1);
  if (saving.labels) await writeLabels(tx, bug.id, saving.labels);
  const changed = { ...written, ...figures };
  updateRow(tx, 'Bug', bug.id, changed);
  return withGenerated({ ...bug, ...changed });
}

/** Columns that are kept without a history of their own. */
function hasOther(bug: Bug, columns: BugColumns): boolean {
  const { resolvedAt, firstResponseAt, importHash, reopenCount } = columns;
  const differs = (a: Date | null | undefined, b: Date | null) => a !== undefined && a?.getTime() !== b?.getTime();
  return (
    differs(resolvedAt, bug.resolvedAt) ||
    differs(firstResponseAt, bug.firstResponseAt) ||
    (importHash !== undefined && importHash !== bug.importHash) ||
    (reopenCount !== undefined && reopenCount !== bug.reopenCount)
  );
}

const MAX_SHOWN = 500;
/** Events tell what changed, not whole descriptions: the history holds those. */
function cut(value: string | null): string | null {
  return value === null || value.length <= MAX_SHOWN ? value : `${cutText(value, MAX_SHOWN)}…`;
}

/** What is told late happened before a breach that was noted meanwhile: there was none then. */
function asOf(clock: SlaClock | null, at: Date): SlaClock | null {
  return clock?.breachedAt && clock.breachedAt > at ? { ...clock, breachedAt: null } : clock;
}

type Threshold = ReturnType<typeof passedThresholds>[number];

/** The clock after a change, with what it reached before it and by it. */
function moveSla(
  bug: Bug,
  next: Bug,
  rules: PolicyInForce['rules'],
  at: Date,
): { clock: SlaClock | null; told: number; reached: Threshold[]; met: boolean } {
  const before = asOf(clockOf(bug), at);
  const reached = before ? passedThresholds(before, bug.slaTold, at) : [];
  let told = bug.slaTold + reached.length;
  let clock = before && noteBreach(before, at);
  if (clock && next.severity !== bug.severity) clock = changeSeverity(rules, clock, next.severity as BugSeverity, at);
  if (next.status !== bug.status) {
    clock = moveClock(rules, clock, next.severity as BugSeverity, next.status as BugStatus, at);
    if (clock && clock.cycle !== (before?.cycle ?? 0)) told = 0;
  }
  if (clock && !isResolved(next.status)) {
    const more = passedThresholds(clock, told, at);
    told += more.length;
    reached.push(...more);
  }
  return { clock, told, reached, met: Boolean(clock?.metAt && !before?.metAt) };
}

async function writeLabels(
  tx: WriteTx,
  bugId: string,
  { before, after }: { before: readonly string[]; after: readonly string[] },
): Promise<void> {
  const gone = before.filter((name) => !after.includes(name));
  const fresh = after.filter((name) => !before.includes(name));
  if (gone.length > 0) await tx.db.bugLabel.deleteMany({ where: { tenantId: tx.tenantId, bugId, name: { in: gone } } });
  const data = fresh.map((name) => ({ tenantId: tx.tenantId, bugId, name }));
  if (data.length > 0) await tx.db.bugLabel.createMany({ data, skipDuplicates: true });
}
