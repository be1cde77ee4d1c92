import { systemViewer } from '../access/viewer.ts';
import type { WriteTx } from '../data/write.ts';
import { linkToCase, moveCase, openCase, updateCase } from '../modules/intel/case.service.ts';
import { ingestContents } from '../modules/intel/content.ingest.ts';
import { setContentStatus } from '../modules/intel/content.service.ts';
import { decideDetection } from '../modules/intel/detection.service.ts';
import { createKeywords } from '../modules/intel/keyword.service.ts';
import { localProvider } from '../modules/intel/osint.local-provider.ts';
import { cancelLookup, claimLookup, failLookup, startLookup } from '../modules/intel/osint.service.ts';
import { setFlag } from '../modules/intel/platform-user.service.ts';
import type { Services } from '../services.ts';
import type { Action, DemoLookup, Who } from './actions.ts';
import type { DemoContent } from './contents.ts';
import { CREWS } from './material/crews.ts';
import { LATE_KEYWORDS } from './material/keywords.ts';
import { demoCaseId, demoSourceId } from './stable-ids.ts';
import * as synthetic from './synthetic.ts';

export type Members = ReadonlyMap<Who, { memberId: string; userId: string }>;
type Needs = Pick<Services, 'matchers' | 'keyRing'>;

/** Takes one batch of contents in. */
export async function applyBatch(tx: WriteTx, services: Needs, batch: readonly DemoContent[]): Promise<void> {
  const items = batch.map(({ sourceRef, tier: _tier, crew: _crew, ...item }) => ({
    ...item,
    sourceId: demoSourceId(sourceRef),
  }));
  await ingestContents(tx, services, items);
}

/** Does what somebody did, through the service that the API would use. */
export async function applyAction(tx: WriteTx, services: Needs, members: Members, action: Action): Promise<void> {
  switch (action.kind) {
    case 'decide':
      for (const decision of action.decisions) await decide(tx, decision);
      return;
    case 'archive':
      for (const id of await contentIds(tx, action.externalIds)) await setContentStatus(tx, { id, status: 'ARCHIVED' });
      return;
    case 'openCase': {
      const { title, description, priority, tlp } = action.case;
      const { dueDate } = action;
      await openCase(tx, { title, description, priority, severity: priority, tlp, startDate: tx.now, dueDate });
      return;
    }
    case 'assignCase': {
      const assignedToId = members.get(action.to)?.memberId;
      await updateCase(tx, { id: demoCaseId(action.title), assignedToId, impact: action.impact });
      return;
    }
    case 'linkCase':
      return linkCase(tx, action);
    case 'moveCase': {
      const { title, status, reason, resolution } = action;
      await moveCase(tx, { id: demoCaseId(title), status, reason, resolution });
      return;
    }
    case 'flag': {
      const account = await tx.db.platformUser.findFirst({
        where: { tenantId: tx.tenantId, username: action.username },
        orderBy: { platformUserId: 'asc' },
      });
      if (account) await setFlag(tx, { id: account.id, flagged: action.flagged, reason: action.reason });
      return;
    }
    case 'lookup':
      return startDemoLookup(tx, services, action.lookup);
    case 'addKeywords':
      await createKeywords(tx, LATE_KEYWORDS);
  }
}

async function contentIds(tx: WriteTx, externalIds: readonly string[]): Promise<string[]> {
  const rows = await tx.db.content.findMany({
    where: { tenantId: tx.tenantId, externalId: { in: [...externalIds] } },
    select: { id: true },
    orderBy: { externalId: 'asc' },
  });
  return rows.map((row) => row.id);
}

/** Decides on the strongest detection of a content that nobody has decided on; then the content counts as reviewed. */
async function decide(
  tx: WriteTx,
  { externalId, ...decision }: { externalId: string; status: 'CONFIRMED' | 'DISMISSED'; reason: string },
): Promise<void> {
  const [contentId] = await contentIds(tx, [externalId]);
  if (!contentId) return;
  // What the sweep finds comes at its own time: only what was there at once is the same in every run.
  const detection = await tx.db.detection.findFirst({
    where: { tenantId: tx.tenantId, contentId, status: 'NEW', origin: 'LIVE' },
    orderBy: [{ score: 'desc' }, { keyword: { term: 'asc' } }],
  });
  if (!detection) return;
  await decideDetection(tx, { id: detection.id, ...decision });
  await setContentStatus(tx, { id: contentId, status: 'REVIEWED' });
}

/** Links contents to a case, with what was detected in them, their group's identifiers and accounts. */
async function linkCase(tx: WriteTx, action: Action & { kind: 'linkCase' }): Promise<void> {
  const ids = await contentIds(tx, action.externalIds);
  const { tenantId } = tx;
  const crew = CREWS.find((one) => one.key === action.crew);
  const own = crew ? [crew.email, synthetic.bitcoin(crew.key), synthetic.monero(crew.key)] : [];
  const identifiers = await tx.db.identifier.findMany({
    where: {
      tenantId,
      OR: [{ value: { in: own } }, { value: { endsWith: crew?.handle ?? '-' }, type: 'HANDLE' }],
    },
    select: { id: true },
    orderBy: { value: 'asc' },
  });
  const detections = await tx.db.detection.findMany({
    where: { tenantId, contentId: { in: ids }, origin: 'LIVE', score: { gte: 0.4 } },
    select: { id: true },
    orderBy: [{ content: { externalId: 'asc' } }, { keyword: { term: 'asc' } }],
  });
  const accounts = await tx.db.platformUser.findMany({
    where: { tenantId, username: crew?.handle ?? '' },
    select: { id: true },
    orderBy: { platformUserId: 'asc' },
  });
  await linkToCase(tx, {
    caseId: demoCaseId(action.title),
    contentIds: ids,
    identifierIds: identifiers.map((row) => row.id),
    detectionIds: detections.map((row) => row.id),
    platformUsers: accounts.map((row) => ({ platformUserId: row.id, role: action.role })),
  });
}

/** Starts a lookup. One that ends badly does so at once, in the same transaction, before a job can run it. */
async function startDemoLookup(tx: WriteTx, services: Needs, lookup: DemoLookup): Promise<void> {
  const { query, queryType, parent, end } = lookup;
  const before = parent
    ? await tx.db.osintResult.findFirst({ where: { tenantId: tx.tenantId, query: parent }, select: { id: true } })
    : null;
  const input = { query, queryType, parentId: before?.id, parameters: { limit: 50 } };
  const { id } = await startLookup(tx, input, localProvider.name, services.keyRing);
  if (end === 'CANCELLED') await cancelLookup(tx, { id });
  if (end === 'FAILED') {
    // The oldest that waits is claimed: this one, for the failed lookup is the demo's first.
    const job = await claimLookup({ ...tx, viewer: systemViewer(tx.tenantId, 'osint') });
    if (job?.id === id) await failLookup(tx, id, 'the provider did not answer within 60 seconds');
  }
}
