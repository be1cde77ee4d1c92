import type { NotificationRule } from '../../../generated/prisma/client.ts';
import { isRole } from '../../access/permissions.ts';
import type { FilterInput } from '../../data/filter.ts';
import type { WriteTx } from '../../data/write.ts';
import { Conflict, InvalidInput } from '../../errors.ts';
import { eventCondition, storedFilter } from '../../events/log.ts';
import { newId } from '../../graphql/ids.ts';
import { checkMembers } from '../platform/tenant.service.ts';
import { ruleEntity } from './entities.ts';

export interface RuleFields {
  name?: string | null;
  filter?: FilterInput | null;
  /** who is told, by UUID, besides those with one of the roles */
  memberIds?: readonly string[] | null;
  roles?: readonly string[] | null;
  isEnabled?: boolean | null;
}

const MAX_RULES = 100;
const MAX_NAME = 200;
const MAX_MEMBERS = 500;

/** Sets up a rule, which tells what happens from now on. Without members and roles it tells who sets it up. */
export async function createRule(tx: WriteTx, input: RuleFields & { name: string }): Promise<NotificationRule> {
  const end = await tx.lockLog();
  if ((await tx.db.notificationRule.count({ where: { tenantId: tx.tenantId } })) >= MAX_RULES)
    throw new Conflict(`there are ${MAX_RULES} notification rules already, which is as many as there may be`);
  const { memberId } = tx.viewer;
  const isForMe = !input.memberIds?.length && !input.roles?.length && memberId !== null;
  const fields = await checkFields(tx, { ...input, ...(isForMe ? { memberIds: [memberId] } : {}) });
  const rule = await tx.db.notificationRule.create({
    data: {
      memberIds: [],
      roles: [],
      ...fields,
      name: fields.name ?? '',
      tenantId: tx.tenantId,
      id: newId(),
      lastSeq: end,
      createdAt: tx.now,
    },
  });
  return tell(tx, rule, 'NOTIFICATION_RULE_CREATED', 'notificationRule.create');
}

async function checkFields(tx: WriteTx, { name, filter, memberIds, roles, isEnabled }: RuleFields) {
  const trimmed = name?.trim();
  if (trimmed !== undefined && (trimmed === '' || trimmed.length > MAX_NAME))
    throw new InvalidInput(`a name has 1 to ${MAX_NAME} characters`, ['name']);
  if (filter) eventCondition(filter, tx.now);
  const bad = roles?.find((role) => !isRole(role));
  if (bad) throw new InvalidInput(`there is no role ${bad}`, ['roles']);
  if (memberIds) await checkTold(tx, memberIds);
  return {
    ...(trimmed === undefined ? {} : { name: trimmed }),
    ...(filter === undefined ? {} : { filter: storedFilter(filter ?? {}) }),
    ...(memberIds ? { memberIds: [...new Set(memberIds)] } : {}),
    ...(roles ? { roles: [...new Set(roles)] } : {}),
    ...(typeof isEnabled === 'boolean' ? { isEnabled } : {}),
  };
}

async function checkTold(tx: WriteTx, memberIds: readonly string[]): Promise<void> {
  if (memberIds.length > MAX_MEMBERS)
    throw new InvalidInput(`${memberIds.length} members: at most ${MAX_MEMBERS}; a role tells all who have it`, [
      'memberIds',
    ]);
  await checkMembers(tx, memberIds, 'memberIds');
}

/** Changes a rule. One that is switched on again tells what happens from then on. */
export async function updateRule(
  tx: WriteTx,
  { id, expectedVersion, ...input }: RuleFields & { id: string; expectedVersion?: number | null },
): Promise<NotificationRule> {
  const version = (await tx.lock('NotificationRule', id, expectedVersion)) + 1;
  const where = { tenantId_id: { tenantId: tx.tenantId, id } };
  const before = await tx.db.notificationRule.findUniqueOrThrow({ where });
  const fields = await checkFields(tx, input);
  const after = { ...before, ...fields };
  if (after.memberIds.length === 0 && after.roles.length === 0)
    throw new InvalidInput('a rule tells somebody: give members or roles', ['memberIds']);
  const lastSeq = fields.isEnabled && !before.isEnabled ? await tx.lockLog() : before.lastSeq;
  const rule = await tx.db.notificationRule.update({ where, data: { ...fields, lastSeq, version } });
  return tell(tx, rule, 'NOTIFICATION_RULE_UPDATED', 'notificationRule.update');
}

/** Takes a rule away. What it has put into inboxes stays there. */
export async function deleteRule(
  tx: WriteTx,
  { id, expectedVersion }: { id: string; expectedVersion?: number | null },
): Promise<NotificationRule> {
  const version = (await tx.lock('NotificationRule', id, expectedVersion)) + 1;
  const rule = await tx.db.notificationRule.delete({ where: { tenantId_id: { tenantId: tx.tenantId, id } } });
  return tell(tx, { ...rule, version }, 'NOTIFICATION_RULE_DELETED', 'notificationRule.delete');
}

function tell(tx: WriteTx, rule: NotificationRule, type: string, action: string): NotificationRule {
  tx.emit({
    type,
    aggregateType: 'NotificationRule',
    aggregateId: rule.id,
    aggregateVersion: rule.version,
    payload: { id: ruleEntity.encode(rule.id), name: rule.name },
  });
  tx.audit({ action, resource: 'NotificationRule', resourceId: rule.id });
  return rule;
}
