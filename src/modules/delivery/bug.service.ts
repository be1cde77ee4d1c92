import type { Bug, Project } from '../../../generated/prisma/client.ts';
import { insertRows } from '../../data/insert-rows.ts';
import { selectList } from '../../data/models.ts';
import { filledUp, prepared } from '../../data/statement.ts';
import type { WriteTx } from '../../data/write.ts';
import { rowsById } from '../../data/write-rows.ts';
import { Conflict, InvalidInput, InvalidTransition, NotFound } from '../../errors.ts';
import { newId } from '../../graphql/ids.ts';
import { checkMembers } from '../platform/tenant.service.ts';
import { isResolved } from './bug.figures.ts';
import { type BugColumns, insertBugs, saveBug, takeNumbers } from './bug.store.ts';
import { countBug } from './bug.totals.ts';
import { bugGlobalId, commentGlobalId, projectGlobalId } from './global-ids.ts';
import { ensurePolicy } from './sla.rules.ts';
import type { BugSeverity, BugStatus } from './values.ts';

/** Allowed moves. From SHIPPED and CLOSED the way back is reopening, which needs a reason. */
export const BUG_MOVES: Readonly<Record<BugStatus, readonly BugStatus[]>> = {
  PENDING: ['IN_PROGRESS', 'DEFERRED', 'CLOSED'],
  IN_PROGRESS: ['VERIFIED', 'PENDING', 'DEFERRED', 'CLOSED'],
  VERIFIED: ['SHIPPED', 'IN_PROGRESS'],
  SHIPPED: ['CLOSED', 'IN_PROGRESS'],
  DEFERRED: ['PENDING', 'IN_PROGRESS', 'CLOSED'],
  CLOSED: ['PENDING'],
};

/** What a person says of a bug. Money and shares are decimal texts that were checked. */
export interface BugFields {
  title?: string | null;
  description?: string | null;
  severity?: BugSeverity | null;
  isBlocker?: boolean | null;
  affectedShare?: string | null;
  revenueImpactOverride?: string | null;
  hoursSpent?: string | null;
  url?: string | null;
  dueAt?: Date | null;
  labels?: readonly string[] | null;
}

export interface NewBug extends BugFields {
  projectId: string;
  title: string;
  assigneeId?: string | null;
  reporterId?: string | null;
  externalId?: string | null;
}

export const MAX_TITLE = 2_000;
export const MAX_DESCRIPTION = 100_000;
const MAX_LABELS = 50;
const MAX_REASON = 2_000;
const MAX_LABEL = 200;
const MAX_EXTERNAL_ID = 300;
const MAX_COMMENT = 50_000;

/** Checks what the database would refuse without naming the field. Throws InvalidInput. */
function checkFields(fields: BugFields): void {
  const { title, description, labels } = fields;
  if (title !== undefined && title !== null && (title.trim() === '' || title.length > MAX_TITLE))
    throw new InvalidInput(`a title has 1 to ${MAX_TITLE} characters`, ['title']);
  if ((description?.length ?? 0) > MAX_DESCRIPTION)
    throw new InvalidInput(`a description has at most ${MAX_DESCRIPTION} characters`, ['description']);
  if ((labels?.length ?? 0) > MAX_LABELS) throw new InvalidInput(`a bug has at most ${MAX_LABELS} labels`, ['labels']);
  for (const label of labels ?? []) {
    if (label.trim() === '' || label.length > MAX_LABEL)
      throw new InvalidInput(`a label has 1 to ${MAX_LABEL} characters`, ['labels']);
  }
  checkDecimal(fields.affectedShare, 1, 4, 'affectedShare');
  checkDecimal(fields.revenueImpactOverride, 1e14, 4, 'revenueImpactOverride');
  checkDecimal(fields.hoursSpent, 99_999_999, 2, 'hoursSpent');
  if (typeof fields.url === 'string' && (fields.url.length > 2_000 || !/^https?:\/\//i.test(fields.url)))
    throw new InvalidInput('an address begins with http:// or https:// and has at most 2,000 characters', ['url']);
}

function checkDecimal(text: string | null | undefined, most: number, decimals: number, field: string): void {
  if (text === null || text === undefined) return;
  const fits = Number(text) >= 0 && Number(text) <= most && (text.split('.')[1]?.length ?? 0) <= decimals;
  if (!fits) throw new InvalidInput(`${text} is not from 0 to ${most} with at most ${decimals} decimals`, [field]);
}

/** Columns of what was given; null takes away where a bug can be without. */
function columnsOf(fields: BugFields): BugColumns {
  const given = {
    title: fields.title?.trim() || undefined,
    description: fields.description,
    severity: fields.severity ?? undefined,
    isBlocker: fields.isBlocker ?? undefined,
    affectedShare: fields.affectedShare ?? undefined,
    revenueImpactOverride: fields.revenueImpactOverride,
    hoursSpent: fields.hoursSpent ?? undefined,
    url: fields.url,
    dueAt: fields.dueAt,
  };
  // Decimals are texts, as in rows of lists.
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as BugColumns;
}

function labelsOf(labels: readonly string[]): string[] {
  return [...new Set(labels.map((label) => label.trim()))];
}

const TAKEN = `/* Bug.taken */ SELECT id FROM bugs
  WHERE tenant_id = $1::uuid AND source = 'MANUAL' AND external_id = ANY($2::text[]) LIMIT 1`;

/** Throws InvalidInput for a text that is no id, Conflict for one that another bug reported here has. */
async function checkExternalIds(tx: WriteTx, ids: readonly (string | null | undefined)[]): Promise<void> {
  const wanted = ids.filter((id) => typeof id === 'string');
  if (wanted.some((id) => id.trim() === '' || id.length > MAX_EXTERNAL_ID))
    throw new InvalidInput(`an external id has 1 to ${MAX_EXTERNAL_ID} characters`, ['externalId']);
  if (wanted.length === 0) return;
  const distinct = [...new Set(wanted)];
  const taken = await tx.query(prepared(TAKEN, tx.tenantId, filledUp(distinct)));
  if (distinct.length < wanted.length || taken.length > 0)
    throw new Conflict('there is a bug with this external id already', ['externalId']);
}

/**
 * Reports new bugs, in any number of projects. NotFound for a project or member that is not there, Conflict for an
 * external id that is taken.
 */
export async function createBugs(tx: WriteTx, bugs: readonly NewBug[]): Promise<Bug[]> {
  for (const bug of bugs) checkFields(bug);
  const projectIds = bugs.map((bug) => bug.projectId);
  const given = (field: 'assigneeId' | 'reporterId' | 'externalId') => bugs.map((bug) => bug[field]);
  // All in one flight. For a project that is not there a number is taken in vain, and taken back. The policy is there
  // since the first project was, so that nobody waits for it who holds a number.
  const [projects, numbers] = await Promise.all([
    rowsById(tx, 'Project', projectIds),
    takeNumbers(tx, projectIds),
    ensurePolicy(tx),
    checkMembers(tx, given('assigneeId'), 'assigneeId'),
    checkMembers(tx, given('reporterId'), 'reporterId'),
    checkExternalIds(tx, given('externalId')),
  ]);
  const made = await insertBugs(
    tx,
    bugs.map((bug) => ({
      ...columnsOf(bug),
      project: projectOf(projects, bug.projectId),
      title: bug.title.trim(),
      labels: labelsOf(bug.labels ?? []),
      assigneeId: bug.assigneeId ?? null,
      reporterId: bug.reporterId === undefined ? tx.viewer.memberId : bug.reporterId,
      externalId: bug.externalId ?? null,
    })),
    numbers,
  );
  for (const { id } of made) tx.audit({ action: 'bug.create', resource: 'Bug', resourceId: id });
  return made;
}

function projectOf(projects: Map<string, Project>, id: string): Project {
  const project = projects.get(id);
  if (!project) throw new NotFound('there is no such Project', ['projectId']);
  return project;
}

const PROJECT_OF_BUG = `/* Project.ofBug */ SELECT ${selectList('Project', 't')} FROM projects t
  WHERE t.tenant_id = $1::uuid AND t.id = (SELECT project_id FROM bugs WHERE tenant_id = $1::uuid AND id = $2::uuid)`;

/** A bug under lock, with its project. */
export interface LockedBug {
  bug: Bug;
  project: Project;
}

/** Locks a bug and checks its version. NotFound, VersionMismatch. */
export async function lockBug(tx: WriteTx, id: string, expectedVersion?: number | null): Promise<LockedBug> {
  // One flight: each statement sees what was committed when the lock was there.
  const [, bugs, projects] = await Promise.all([
    tx.lock('Bug', id, expectedVersion),
    rowsById(tx, 'Bug', [id]),
    tx.query<Project>(prepared(PROJECT_OF_BUG, tx.tenantId, id)),
  ]);
  const [bug, project] = [bugs.get(id), projects[0]];
  if (!bug || !project) throw new NotFound('there is no such Bug', ['id']);
  return { bug, project };
}

async function labelChange(tx: WriteTx, bugId: string, wanted: readonly string[] | null | undefined) {
  if (wanted === undefined || wanted === null) return undefined;
  const rows = await tx.db.bugLabel.findMany({ where: { tenantId: tx.tenantId, bugId }, select: { name: true } });
  return { before: rows.map(({ name }) => name), after: labelsOf(wanted) };
}

/** Changes what a bug says of itself. */
export async function updateBug(
  tx: WriteTx,
  change: BugFields & { id: string; expectedVersion?: number | null },
): Promise<Bug> {
  checkFields(change);
  const { bug, project } = await lockBug(tx, change.id, change.expectedVersion);
  const labels = await labelChange(tx, bug.id, change.labels);
  const saved = await saveBug(tx, bug, project, columnsOf(change), { event: 'BUG_UPDATED', labels });
  if (saved !== bug) tx.audit({ action: 'bug.update', resource: 'Bug', resourceId: bug.id });
  return saved;
}

/** Gives a bug to a member, or to nobody. */
export async function assignBug(
  tx: WriteTx,
  { id, assigneeId, expectedVersion }: { id: string; assigneeId: string | null; expectedVersion?: number | null },
): Promise<Bug> {
  const [{ bug, project }] = await Promise.all([
    lockBug(tx, id, expectedVersion),
    checkMembers(tx, [assigneeId], 'assigneeId'),
  ]);
  const columns = { assigneeId, assigneeName: null, ...firstResponse(tx, bug) };
  const saved =
    bug.assigneeId === assigneeId ? bug : await saveBug(tx, bug, project, columns, { event: 'BUG_ASSIGNED' });
  if (saved !== bug) tx.audit({ action: 'bug.assign', resource: 'Bug', resourceId: id });
  return saved;
}

/** The first thing that somebody but the reporter does with a bug is the response to it. */
function firstResponse(tx: WriteTx, bug: Bug): BugColumns {
  const responds = bug.firstResponseAt === null && tx.viewer.memberId !== null && tx.viewer.memberId !== bug.reporterId;
  return responds ? { firstResponseAt: tx.now } : {};
}

export interface BugMove {
  id: string;
  status: BugStatus;
  /** needed when reopening */
  reason?: string | null;
  /** when the bug was seen again: reopening is refused when that was before it was resolved */
  seenAt?: Date | null;
  expectedVersion?: number | null;
}

/** Moves a bug along its state machine. InvalidTransition tells what is allowed. */
export async function moveBug(tx: WriteTx, move: BugMove): Promise<Bug> {
  if ((move.reason?.length ?? 0) > MAX_REASON)
    throw new InvalidInput(`a reason has at most ${MAX_REASON} characters`, ['reason']);
  const { bug, project } = await lockBug(tx, move.id, move.expectedVersion);
  const from = bug.status as BugStatus;
  const allowed = BUG_MOVES[from];
  if (!allowed.includes(move.status)) throw new InvalidTransition('bug', from, move.status, allowed);
  const reopened = isResolved(from) && !isResolved(move.status);
  if (reopened) checkReopening(bug, move);
  const resolvedAt = isResolved(move.status) ? (bug.resolvedAt ?? tx.now) : null;
  const columns = {
    status: move.status,
    resolvedAt,
    reopenCount: bug.reopenCount + (reopened ? 1 : 0),
    ...firstResponse(tx, bug),
  };
  const payload = { from, to: move.status, reason: move.reason ?? null };
  const saved = await saveBug(tx, bug, project, columns, { event: reopened ? 'BUG_REOPENED' : 'BUG_MOVED', payload });
  tx.audit({ action: 'bug.move', resource: 'Bug', resourceId: bug.id, metadata: { from, to: move.status } });
  return saved;
}

function checkReopening(bug: Bug, { reason, seenAt }: BugMove): void {
  if (!reason?.trim()) throw new InvalidInput('say why it is opened again', ['reason']);
  if (seenAt && bug.resolvedAt && seenAt <= bug.resolvedAt) {
    throw new Conflict('it was seen before it was resolved, so it is no regression', ['seenAt']);
  }
}

/** Writes a comment under a bug. */
export async function commentOnBug(tx: WriteTx, { id, body }: { id: string; body: string }) {
  if (body.trim() === '' || body.length > MAX_COMMENT)
    throw new InvalidInput(`a comment has 1 to ${MAX_COMMENT} characters`, ['body']);
  const { bug, project } = await lockBug(tx, id);
  const { tenantId, viewer, now } = tx;
  const comment = { tenantId, id: newId(), bugId: id, body, authorId: viewer.memberId, createdAt: now };
  insertRows(tx, 'BugComment', [comment]);
  const payload = { commentId: commentGlobalId(comment.id) };
  await saveBug(tx, bug, project, firstResponse(tx, bug), { event: 'BUG_COMMENTED', payload, always: true });
  return comment;
}

/** Deletes a bug with its history and comments; the audit trail and the log keep that it was there. */
export async function deleteBug(tx: WriteTx, { id, expectedVersion }: { id: string; expectedVersion?: number | null }) {
  const { bug, project } = await lockBug(tx, id, expectedVersion);
  await tx.db.bug.delete({ where: { tenantId_id: { tenantId: tx.tenantId, id } } });
  countBug(tx, bug, project.currency, -1);
  tx.emit({
    type: 'BUG_DELETED',
    aggregateType: 'Bug',
    aggregateId: id,
    aggregateVersion: bug.version + 1,
    payload: { id: bugGlobalId(id), projectId: projectGlobalId(project.id), key: `${project.key}-${bug.number}` },
  });
  tx.audit({ action: 'bug.delete', resource: 'Bug', resourceId: id, metadata: { number: bug.number } });
  return bug;
}
