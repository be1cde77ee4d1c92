import type { Detection } from '../../../generated/prisma/client.ts';
import type { WriteTx } from '../../data/write.ts';
import { InvalidTransition } from '../../errors.ts';
import { contentGlobalId, detectionGlobalId, keywordGlobalId } from './global-ids.ts';
import { rescoreContents } from './rescore.ts';
import type { DETECTION_STATUSES } from './values.ts';

type Status = (typeof DETECTION_STATUSES)[number];

/** Allowed moves. A decision can be turned into the other one, and taken back. */
export const DETECTION_MOVES: Readonly<Record<Status, readonly Status[]>> = {
  NEW: ['CONFIRMED', 'DISMISSED'],
  CONFIRMED: ['DISMISSED', 'NEW'],
  DISMISSED: ['CONFIRMED', 'NEW'],
};

export interface Decision {
  id: string;
  status: Status;
  reason?: string | null;
  expectedVersion?: number | null;
}

/** Confirms, dismisses or reopens a detection; the content's risk is computed anew in the same transaction. */
export async function decideDetection(tx: WriteTx, input: Decision): Promise<Detection> {
  const version = (await tx.lock('Detection', input.id, input.expectedVersion)) + 1;
  const where = { tenantId_id: { tenantId: tx.tenantId, id: input.id } };
  const before = await tx.db.detection.findUniqueOrThrow({ where });
  const allowed = DETECTION_MOVES[before.status as Status];
  if (!allowed.includes(input.status)) throw new InvalidTransition('detection', before.status, input.status, allowed);
  const row = await tx.db.detection.update({
    where,
    data: {
      status: input.status,
      decidedById: input.status === 'NEW' ? null : tx.viewer.memberId,
      decidedAt: input.status === 'NEW' ? null : tx.now,
      decisionReason: input.reason ?? null,
      version,
    },
  });
  tx.emit({
    type: input.status === 'NEW' ? 'DETECTION_REOPENED' : `DETECTION_${input.status}`,
    aggregateType: 'Detection',
    aggregateId: row.id,
    aggregateVersion: version,
    payload: {
      id: detectionGlobalId(row.id),
      contentId: contentGlobalId(row.contentId),
      keywordId: keywordGlobalId(row.keywordId),
      reason: input.reason ?? null,
    },
  });
  tx.audit({
    action: 'detection.decide',
    resource: 'Detection',
    resourceId: row.id,
    metadata: { status: input.status },
  });
  await rescoreContents(tx, [row.contentId]);
  return row;
}
