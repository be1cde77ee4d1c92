import { effectivePermissions, type Permission } from '../../access/permissions.ts';
import { toParameter } from '../../data/insert-rows.ts';
import type { Row } from '../../data/models.ts';
import type { WriteTx } from '../../data/write.ts';
import { InvalidInput } from '../../errors.ts';
import { mayRead } from './visibility.ts';

/** An event for somebody's inbox. */
export interface Notice {
  event: Pick<Row<'Event'>, 'id' | 'seq' | 'type' | 'aggregateType'>;
  title: string;
  ruleId?: string;
}

/** A member, and what he may do. */
export interface Recipient {
  id: string;
  role: string;
  permissions: ReadonlySet<Permission>;
}

/** The members who can be told, with what they may do now. */
export async function activeMembers(tx: WriteTx): Promise<Recipient[]> {
  const rows = await tx.db.member.findMany({
    where: { tenantId: tx.tenantId, isActive: true },
    select: { id: true, role: true, permissions: true },
  });
  return rows.map(({ id, role, permissions }) => {
    return { id, role, permissions: effectivePermissions({ role, extra: permissions }) };
  });
}

/** Tells everybody of the last event about a row who holds a permission and may read what it is about. */
export async function notifyHolders(
  tx: WriteTx,
  permission: Permission,
  aggregateId: string,
  title: string,
): Promise<void> {
  const where = { tenantId: tx.tenantId, aggregateId };
  const event = await tx.db.event.findFirstOrThrow({ where, orderBy: { seq: 'desc' } });
  const holders = (await activeMembers(tx)).filter(({ permissions }) => permissions.has(permission));
  await deliver(
    tx,
    holders.map((recipient) => ({ recipient, notice: { event, title } })),
  );
}

/** One statement takes so many rows. */
const BATCH = 5_000;
/** Of a notice's columns, in the order of the statement below. */
const TYPES = ['uuid', 'int8', 'uuid', 'uuid', 'text', 'text', 'text'];

/**
 * Puts notices into inboxes, but for those whose recipients may not read what they are about. A member gets an event
 * once: one that is there already stays as it is.
 */
export async function deliver(
  tx: WriteTx,
  notices: readonly { recipient: Recipient; notice: Notice }[],
): Promise<void> {
  const allowed = notices.filter(({ recipient, notice }) => mayRead(recipient.permissions, notice.event.aggregateType));
  for (let from = 0; from < allowed.length; from += BATCH) {
    const part = allowed.slice(from, from + BATCH);
    const values = part.flatMap(({ recipient, notice: { event, title, ruleId } }) => [
      recipient.id,
      String(event.seq),
      event.id,
      ruleId ?? null,
      title,
      event.type,
      event.aggregateType,
    ]);
    const places = part.map((_, row) => {
      const own = TYPES.map((type, column) => `$${row * TYPES.length + column + 3}::${type}`);
      return `($1::uuid, ${own.join(', ')}, $2::timestamptz)`;
    });
    await tx.db.$executeRawUnsafe(
      `/* Notification.deliver */ INSERT INTO notifications
         (tenant_id, member_id, seq, event_id, rule_id, title, event_type, aggregate_type, created_at)
       VALUES ${places.join(', ')} ON CONFLICT DO NOTHING`,
      tx.tenantId,
      toParameter(tx.now, 'timestamptz'),
      ...values,
    );
  }
}

const MAX_SEQS = 1_000;

/** Marks what the viewer's member has in the inbox as read: up to an event, or single ones. Gives how many these were. */
export async function markRead(
  tx: WriteTx,
  { upToSeq, seqs }: { upToSeq?: bigint | null; seqs?: readonly bigint[] | null },
): Promise<{ count: number }> {
  const { memberId } = tx.viewer;
  if (!memberId) throw new InvalidInput('only a member has an inbox');
  const single = seqs ?? [];
  if ((upToSeq ?? null) === null && single.length === 0)
    throw new InvalidInput('give upToSeq or seqs: which notifications were read', ['upToSeq']);
  if (single.length > MAX_SEQS) throw new InvalidInput(`${single.length}: at most ${MAX_SEQS} at once`, ['seqs']);
  const { count } = await tx.db.notification.updateMany({
    where: {
      tenantId: tx.tenantId,
      memberId,
      readAt: null,
      OR: [{ seq: { in: [...single] } }, ...(upToSeq ? [{ seq: { lte: upToSeq } }] : [])],
    },
    data: { readAt: tx.now },
  });
  return { count };
}
