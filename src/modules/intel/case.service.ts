import type { Case, Prisma } from '../../../generated/prisma/client.ts';
import type { WriteTx } from '../../data/write.ts';
import { InvalidInput, InvalidTransition } from '../../errors.ts';
import { newId } from '../../graphql/ids.ts';
import {
  caseGlobalId,
  contentGlobalId,
  detectionGlobalId,
  identifierGlobalId,
  platformUserGlobalId,
} from './global-ids.ts';
import type { CASE_IMPACTS, CASE_PRIORITIES, CASE_RESOLUTIONS, CASE_ROLES, CASE_STATUSES, Tlp } from './values.ts';

export type CaseStatus = (typeof CASE_STATUSES)[number];
type Priority = (typeof CASE_PRIORITIES)[number];

/** Allowed moves. From RESOLVED and CLOSED the way back is reopening, which needs a reason. */
export const CASE_MOVES: Readonly<Record<CaseStatus, readonly CaseStatus[]>> = {
  OPEN: ['IN_PROGRESS'],
  IN_PROGRESS: ['ON_HOLD', 'RESOLVED'],
  ON_HOLD: ['IN_PROGRESS', 'RESOLVED'],
  RESOLVED: ['CLOSED', 'IN_PROGRESS'],
  CLOSED: ['IN_PROGRESS'],
};

export interface CaseInput {
  title: string;
  description?: string | null;
  priority?: Priority | null;
  severity?: Priority | null;
  tlp?: Tlp | null;
  startDate?: Date | null;
  dueDate?: Date | null;
  assignedToId?: string | null;
}

export interface CaseChange extends Partial<Omit<CaseInput, 'startDate'>> {
  id: string;
  expectedVersion?: number | null;
  impact?: (typeof CASE_IMPACTS)[number] | null;
}

export interface CaseMove {
  id: string;
  status: CaseStatus;
  /** needed when reopening */
  reason?: string | null;
  resolution?: (typeof CASE_RESOLUTIONS)[number] | null;
  expectedVersion?: number | null;
}

const MAX_TITLE = 500;

function checkTitle(title: string): void {
  if (title.trim() === '' || title.length > MAX_TITLE)
    throw new InvalidInput(`a title has 1 to ${MAX_TITLE} characters`, ['title']);
}

/** Opens a case under the tenant's next number. */
export async function openCase(tx: WriteTx, input: CaseInput): Promise<Case> {
  checkTitle(input.title);
  if (input.dueDate && input.startDate && input.dueDate < input.startDate)
    throw new InvalidInput('it would be due before it starts', ['dueDate']);
  const row = await tx.db.case.create({
    data: {
      tenantId: tx.tenantId,
      id: newId(),
      number: Number(await tx.nextNumber('case')),
      title: input.title.trim(),
      description: input.description ?? null,
      priority: input.priority ?? 'MEDIUM',
      severity: input.severity ?? 'MEDIUM',
      tlp: input.tlp ?? 'GREEN',
      startDate: input.startDate ?? tx.now,
      dueDate: input.dueDate ?? null,
      assignedToId: input.assignedToId ?? null,
      createdById: tx.viewer.memberId,
      createdAt: tx.now,
    },
  });
  emit(tx, 'CASE_OPENED', row, { title: row.title, priority: row.priority });
  tx.audit({ action: 'case.open', resource: 'Case', resourceId: row.id });
  return row;
}

function emit(
  tx: WriteTx,
  type: string,
  row: { id: string; version: number; number?: number },
  payload: Record<string, unknown>,
): void {
  tx.emit({
    type,
    aggregateType: 'Case',
    aggregateId: row.id,
    aggregateVersion: row.version,
    payload: { id: caseGlobalId(row.id), ...payload },
  });
}

/** Changes what a case says of itself, its assignee included. */
export async function updateCase(tx: WriteTx, change: CaseChange): Promise<Case> {
  if (change.title !== undefined && change.title !== null) checkTitle(change.title);
  const version = (await tx.lock('Case', change.id, change.expectedVersion)) + 1;
  const data: Prisma.CaseUncheckedUpdateInput = {
    title: change.title?.trim() ?? undefined,
    description: change.description,
    priority: change.priority ?? undefined,
    severity: change.severity ?? undefined,
    tlp: change.tlp ?? undefined,
    dueDate: change.dueDate,
    assignedToId: change.assignedToId,
    impact: change.impact,
    version,
  };
  const row = await tx.db.case.update({ where: { tenantId_id: { tenantId: tx.tenantId, id: change.id } }, data });
  const fields = Object.entries(data).flatMap(([field, value]) =>
    value === undefined || field === 'version' ? [] : [field],
  );
  emit(tx, 'CASE_UPDATED', row, { fields });
  tx.audit({ action: 'case.update', resource: 'Case', resourceId: row.id, metadata: { fields } });
  return row;
}

/** Moves a case along its state machine. Closing sets `actualCompletion`; reopening takes it back and needs a reason. */
export async function moveCase(tx: WriteTx, move: CaseMove): Promise<Case> {
  const version = (await tx.lock('Case', move.id, move.expectedVersion)) + 1;
  const where = { tenantId_id: { tenantId: tx.tenantId, id: move.id } };
  const before = await tx.db.case.findUniqueOrThrow({ where });
  const from = before.status as CaseStatus;
  const allowed = CASE_MOVES[from];
  if (!allowed.includes(move.status)) throw new InvalidTransition('case', from, move.status, allowed);
  const reopened = from === 'RESOLVED' || from === 'CLOSED' ? move.status === 'IN_PROGRESS' : false;
  if (reopened && !move.reason?.trim()) throw new InvalidInput('say why it is opened again', ['reason']);
  if (move.status === 'CLOSED' && !move.resolution && !before.resolution)
    throw new InvalidInput('a case is closed with a resolution', ['resolution']);
  const row = await tx.db.case.update({
    where,
    data: {
      status: move.status,
      resolution: reopened ? null : (move.resolution ?? undefined),
      reopenReason: reopened ? move.reason : undefined,
      actualCompletion: move.status === 'CLOSED' ? tx.now : null,
      version,
    },
  });
  emit(tx, reopened ? 'CASE_REOPENED' : 'CASE_MOVED', row, { from, to: move.status, reason: move.reason ?? null });
  tx.audit({ action: 'case.move', resource: 'Case', resourceId: row.id, metadata: { from, to: move.status } });
  return row;
}

export interface CaseLinks {
  caseId: string;
  contentIds?: readonly string[] | null;
  identifierIds?: readonly string[] | null;
  detectionIds?: readonly string[] | null;
  platformUsers?: readonly { platformUserId: string; role: (typeof CASE_ROLES)[number] }[] | null;
}

/** Adds links to a case; those that are there stay as they are, but a platform user's role is brought up to date. */
export async function linkToCase(tx: WriteTx, links: CaseLinks): Promise<Case> {
  const version = (await tx.lock('Case', links.caseId)) + 1;
  const { contentIds, identifierIds, detectionIds, users, base } = rowsOf(tx, links);
  const added =
    (
      await tx.db.caseContent.createMany({
        data: contentIds.map((contentId) => ({ ...base, contentId })),
        skipDuplicates: true,
      })
    ).count +
    (
      await tx.db.caseIdentifier.createMany({
        data: identifierIds.map((identifierId) => ({ ...base, identifierId })),
        skipDuplicates: true,
      })
    ).count +
    (
      await tx.db.caseDetection.createMany({
        data: detectionIds.map((detectionId) => ({ ...base, detectionId })),
        skipDuplicates: true,
      })
    ).count;
  let changed = added;
  for (const { platformUserId, role } of users) {
    const data = { ...base, platformUserId, role };
    const { count } = await tx.db.casePlatformUser.createMany({ data, skipDuplicates: true });
    const here = { tenantId: tx.tenantId, caseId: links.caseId, platformUserId };
    changed +=
      count ||
      (await tx.db.casePlatformUser.updateMany({ where: { ...here, role: { not: role } }, data: { role } })).count;
  }
  return finishLinks(tx, 'CASE_LINKED', links, changed, version);
}

/** Takes links off a case. */
export async function unlinkFromCase(tx: WriteTx, links: CaseLinks): Promise<Case> {
  const version = (await tx.lock('Case', links.caseId)) + 1;
  const { contentIds, identifierIds, detectionIds, users } = rowsOf(tx, links);
  const here = { tenantId: tx.tenantId, caseId: links.caseId };
  const removed =
    (await tx.db.caseContent.deleteMany({ where: { ...here, contentId: { in: contentIds } } })).count +
    (await tx.db.caseIdentifier.deleteMany({ where: { ...here, identifierId: { in: identifierIds } } })).count +
    (await tx.db.caseDetection.deleteMany({ where: { ...here, detectionId: { in: detectionIds } } })).count +
    (
      await tx.db.casePlatformUser.deleteMany({
        where: { ...here, platformUserId: { in: users.map((user) => user.platformUserId) } },
      })
    ).count;
  return finishLinks(tx, 'CASE_UNLINKED', links, removed, version);
}

const MAX_LINKS = 500;

function rowsOf(tx: WriteTx, links: CaseLinks) {
  for (const field of ['contentIds', 'identifierIds', 'detectionIds', 'platformUsers'] as const) {
    const given = links[field]?.length ?? 0;
    if (given > MAX_LINKS) throw new InvalidInput(`${given} given: at most ${MAX_LINKS}`, [field]);
  }
  return {
    contentIds: [...(links.contentIds ?? [])],
    identifierIds: [...(links.identifierIds ?? [])],
    detectionIds: [...(links.detectionIds ?? [])],
    users: links.platformUsers ?? [],
    base: { tenantId: tx.tenantId, caseId: links.caseId, addedById: tx.viewer.memberId, createdAt: tx.now },
  };
}

async function finishLinks(tx: WriteTx, type: string, links: CaseLinks, count: number, version: number): Promise<Case> {
  const where = { tenantId_id: { tenantId: tx.tenantId, id: links.caseId } };
  if (count === 0) return tx.db.case.findUniqueOrThrow({ where });
  const row = await tx.db.case.update({ where, data: { version } });
  emit(tx, type, row, {
    contentIds: links.contentIds?.map(contentGlobalId) ?? [],
    identifierIds: links.identifierIds?.map(identifierGlobalId) ?? [],
    detectionIds: links.detectionIds?.map(detectionGlobalId) ?? [],
    platformUsers:
      links.platformUsers?.map(({ platformUserId, role }) => ({ id: platformUserGlobalId(platformUserId), role })) ??
      [],
  });
  tx.audit({ action: type === 'CASE_LINKED' ? 'case.link' : 'case.unlink', resource: 'Case', resourceId: row.id });
  return row;
}
