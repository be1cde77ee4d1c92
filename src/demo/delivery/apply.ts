import type { WriteTx } from '../../data/write.ts';
import { assignBug, commentOnBug, moveBug, updateBug } from '../../modules/delivery/bug.service.ts';
import { type BugDraft, insertBugs } from '../../modules/delivery/bug.store.ts';
import type { Members } from '../apply.ts';
import { demoBugId } from '../stable-ids.ts';
import type { Session } from './sessions.ts';
import type { BugAction } from './story.ts';

type Keys = ReadonlyMap<string, string>;

/** Does what one person did, each thing at its own time. Bugs of the tracker are found by its `keys`. */
export async function applySession(tx: WriteTx, members: Members, session: Session, keys: Keys): Promise<void> {
  await report(
    tx,
    members,
    session.actions.filter((one) => one.kind === 'report'),
  );
  const others = session.actions.filter((one) => one.kind !== 'report');
  const imported = await importedIds(tx, others, keys);
  for (const action of others) {
    tx.now = action.at;
    await apply(tx, members, action, imported.get(action.bug) ?? demoBugId(action.bug));
  }
  // The log tells of all of it when it is done.
  tx.now = session.at;
}

/** Reports bugs under ids that follow from what they are, which the service does not take. */
async function report(
  tx: WriteTx,
  members: Members,
  actions: readonly (BugAction & { kind: 'report' })[],
): Promise<void> {
  if (actions.length === 0) return;
  const { tenantId } = tx;
  const wanted = [...new Set(actions.map((one) => one.report.project))];
  const rows = await tx.db.project.findMany({ where: { tenantId, key: { in: wanted } } });
  const projects = new Map(rows.map((row) => [row.key, row]));
  const drafts = actions.map((one): BugDraft => {
    const { project: key, assignee, affectedShare, ...fields } = one.report;
    const project = projects.get(key);
    if (!project) throw new Error(`the demo's project ${key} is missing`);
    return {
      ...fields,
      id: demoBugId(one.bug),
      project,
      // A decimal is a text until it is stored.
      affectedShare: affectedShare as unknown as BugDraft['affectedShare'],
      assigneeId: (assignee && members.get(assignee)?.memberId) ?? null,
      reporterId: tx.viewer.memberId,
      createdAt: one.at,
      updatedAt: one.at,
    };
  });
  for (const { id } of await insertBugs(tx, drafts))
    tx.audit({ action: 'bug.create', resource: 'Bug', resourceId: id });
}

async function importedIds(tx: WriteTx, actions: readonly BugAction[], keys: Keys): Promise<Map<string, string>> {
  const byKey = new Map(actions.flatMap(({ bug }) => (keys.has(bug) ? [[keys.get(bug) ?? '', bug]] : [])));
  if (byKey.size === 0) return new Map();
  const rows = await tx.db.bug.findMany({
    where: { tenantId: tx.tenantId, source: 'CSV', externalId: { in: [...byKey.keys()] } },
    select: { id: true, externalId: true },
  });
  return new Map(rows.map((row) => [byKey.get(row.externalId ?? '') ?? '', row.id]));
}

async function apply(tx: WriteTx, members: Members, action: BugAction, id: string): Promise<void> {
  switch (action.kind) {
    case 'assign':
      await assignBug(tx, { id, assigneeId: members.get(action.to)?.memberId ?? null });
      return;
    case 'move':
      await moveBug(tx, { id, status: action.status, reason: action.reason });
      return;
    case 'comment':
      await commentOnBug(tx, { id, body: action.body });
      return;
    case 'change':
      await updateBug(tx, { id, severity: action.severity, hoursSpent: action.hoursSpent });
  }
}
