import type { Content } from '../../../generated/prisma/client.ts';
import type { WriteTx } from '../../data/write.ts';
import { InvalidTransition } from '../../errors.ts';
import { contentGlobalId } from './global-ids.ts';
import type { CONTENT_STATUSES } from './values.ts';

type Status = (typeof CONTENT_STATUSES)[number];

/** Allowed moves: analysis comes first, and nothing that a person has seen becomes unseen. */
export const CONTENT_MOVES: Readonly<Record<Status, readonly Status[]>> = {
  PENDING: ['ANALYZED', 'ARCHIVED'],
  ANALYZED: ['REVIEWED', 'ARCHIVED'],
  REVIEWED: ['ANALYZED', 'ARCHIVED'],
  ARCHIVED: ['ANALYZED', 'REVIEWED'],
};

/** Moves a content along its state machine. */
export async function setContentStatus(
  tx: WriteTx,
  input: { id: string; status: Status; expectedVersion?: number | null },
): Promise<Content> {
  const version = (await tx.lock('Content', input.id, input.expectedVersion)) + 1;
  const where = { tenantId_id: { tenantId: tx.tenantId, id: input.id } };
  const { status: from } = await tx.db.content.findUniqueOrThrow({ where, select: { status: true } });
  const allowed = CONTENT_MOVES[from as Status];
  if (!allowed.includes(input.status)) throw new InvalidTransition('content', from, input.status, allowed);
  const row = await tx.db.content.update({ where, data: { status: input.status, version } });
  const payload = { id: contentGlobalId(row.id), from, to: input.status };
  tx.emit({ type: 'CONTENT_MOVED', aggregateType: 'Content', aggregateId: row.id, aggregateVersion: version, payload });
  tx.audit({ action: 'content.move', resource: 'Content', resourceId: row.id, metadata: { from, to: input.status } });
  return row;
}
