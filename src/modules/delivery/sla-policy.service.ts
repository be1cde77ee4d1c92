import { isDeepStrictEqual } from 'node:util';
import type { BusinessCalendar, SlaPolicy } from '../../../generated/prisma/client.ts';
import { type Condition, type FilterInput, parseFilter } from '../../data/filter.ts';
import type { WriteTx } from '../../data/write.ts';
import { Conflict, InvalidInput, NotFound } from '../../errors.ts';
import { newId } from '../../graphql/ids.ts';
import { policyGlobalId } from './global-ids.ts';
import { bugList } from './lists.ts';
import type { CalendarSpec } from './sla/calendar.ts';
import { addVersion, forgetPolicies, POLICY_DEFAULTS } from './sla.rules.ts';
import { type BugStatus, RESOLVED_STATUSES } from './values.ts';

/** For which bugs new rules count: those that come, or those that are open too. */
export const APPLY_TO = ['NEW', 'OPEN'] as const;
export type ApplyTo = (typeof APPLY_TO)[number];

export interface PolicyFields {
  name?: string | null;
  position?: number | null;
  isActive?: boolean | null;
  filter?: FilterInput | null;
  criticalHours?: number | null;
  highHours?: number | null;
  mediumHours?: number | null;
  lowHours?: number | null;
  warnAt?: number | null;
  highRiskAt?: number | null;
  pauseOn?: readonly BugStatus[] | null;
  restartOnReopen?: boolean | null;
  calendarId?: string | null;
}

/** A minute. */
const LEAST_HOURS = 1 / 60;
const HOURS = ['criticalHours', 'highHours', 'mediumHours', 'lowHours'] as const;
const RULES = [...HOURS, 'warnAt', 'highRiskAt', 'pauseOn', 'restartOnReopen', 'calendarId'] as const;
export type Checked = typeof POLICY_DEFAULTS & { name: string };

/** Checks a whole policy. Throws InvalidInput naming the field. */
export function checkPolicy(policy: Checked, now: Date): void {
  if (policy.name.trim() === '' || policy.name.length > 200)
    throw new InvalidInput('a name has 1 to 200 characters', ['name']);
  if (!Number.isInteger(policy.position) || policy.position < 0 || policy.position > 10_000)
    throw new InvalidInput('a position is a whole number from 0 to 10,000', ['position']);
  for (const field of HOURS) {
    const hours = policy[field];
    if (!(hours >= LEAST_HOURS && hours <= 87_600))
      throw new InvalidInput(`${hours} hours: from a minute (0.0167) to 87,600 (ten years)`, [field]);
  }
  if (!(policy.warnAt > 0 && policy.warnAt < policy.highRiskAt && policy.highRiskAt < 1))
    throw new InvalidInput('shares of the target: 0 < warnAt < highRiskAt < 1', ['warnAt']);
  const never = policy.pauseOn.find((status) => RESOLVED_STATUSES.includes(status));
  if (never) throw new InvalidInput(`${never} resolves a bug: it cannot pause its clock`, ['pauseOn']);
  checkFilter(parseFilter(bugList, policy.filter as FilterInput, now));
}

/** What a bug has before its policy is chosen; the figures follow from the policy. */
const CHOSEN_BY = [
  'projectId',
  'status',
  'severity',
  'isBlocker',
  'assigneeId',
  'reporterId',
  'source',
  'externalId',
  'dueAt',
  'createdAt',
];

function checkFilter(condition: Condition): void {
  if ('parts' in condition) condition.parts.forEach(checkFilter);
  else if (condition.op === 'not') checkFilter(condition.part);
  else if (!('field' in condition) || !CHOSEN_BY.includes(condition.field.field)) {
    const allowed = CHOSEN_BY.join(', ');
    throw new InvalidInput(`a policy is chosen by what a new bug says of itself: ${allowed}`, ['filter']);
  }
}

/** A draft of a policy with all that it leaves out, checked. */
export function draftOf(fields: PolicyFields, now: Date): Checked {
  const given = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null && value !== undefined));
  const checked = { ...POLICY_DEFAULTS, name: 'draft', ...given } as Checked;
  checkPolicy(checked, now);
  return checked;
}

/**
 * Sets up a policy, the rules' version 1. It counts for bugs that come from now on, and with `applyTo` OPEN for the open
 * ones too that it is the first to fit: the sweep takes them over, their past included.
 */
export async function createPolicy(
  tx: WriteTx,
  { applyTo, ...input }: PolicyFields & { name: string; applyTo: ApplyTo },
): Promise<SlaPolicy> {
  const checked = draftOf(input, tx.now);
  await checkName(tx, 'slaPolicy', checked.name);
  const calendar = await calendarSpec(tx, checked.calendarId);
  const policy = await tx.db.slaPolicy.create({
    data: {
      ...columns(checked),
      openRulesVersion: applyTo === 'OPEN' ? 1 : 0,
      tenantId: tx.tenantId,
      id: newId(),
      createdAt: tx.now,
    },
  });
  await addVersion(tx, policy, calendar);
  if (applyTo === 'OPEN') await refreshOpenBugs(tx);
  return finishPolicy(tx, 'SLA_POLICY_CREATED', policy, { applyTo });
}

function columns(policy: Checked) {
  return {
    ...policy,
    name: policy.name.trim(),
    filter: JSON.parse(JSON.stringify(policy.filter)),
    pauseOn: [...new Set(policy.pauseOn)],
  };
}

/** Names are unique in a tenant. Throws Conflict. */
export async function checkName(tx: WriteTx, model: 'slaPolicy' | 'businessCalendar', name: string, own?: string) {
  const where = { tenantId: tx.tenantId, name: name.trim(), ...(own ? { id: { not: own } } : {}) };
  const taken =
    model === 'slaPolicy' ? await tx.db.slaPolicy.count({ where }) : await tx.db.businessCalendar.count({ where });
  if (taken > 0) throw new Conflict(`there is one named ${JSON.stringify(name.trim())} already`, ['name']);
}

async function calendarSpec(tx: WriteTx, id: string | null): Promise<CalendarSpec | null> {
  if (id === null) return null;
  const calendar = await tx.db.businessCalendar.findUnique({ where: { tenantId_id: { tenantId: tx.tenantId, id } } });
  if (!calendar) throw new NotFound('there is no such BusinessCalendar', ['calendarId']);
  return specOf(calendar);
}

/** A calendar's row as the arithmetic takes it. */
export function specOf(calendar: Pick<BusinessCalendar, 'timeZone' | 'hours' | 'holidays'>): CalendarSpec {
  const { timeZone, hours, holidays } = calendar;
  return { timeZone, hours, holidays } as unknown as CalendarSpec;
}

/**
 * Changes a policy. Other rules make a new version of it: bugs keep the one that they began under, unless `applyTo` is
 * OPEN; then the sweep takes the open ones to it, their past included.
 */
export async function updatePolicy(
  tx: WriteTx,
  {
    id,
    expectedVersion,
    applyTo,
    ...change
  }: PolicyFields & { id: string; expectedVersion?: number | null; applyTo: ApplyTo },
): Promise<SlaPolicy> {
  await tx.lock('SlaPolicy', id, expectedVersion);
  const where = { tenantId_id: { tenantId: tx.tenantId, id } };
  const before = await tx.db.slaPolicy.findUniqueOrThrow({ where });
  const given = Object.fromEntries(
    Object.entries(change).filter(
      ([field, value]) => value !== undefined && (value !== null || field === 'calendarId'),
    ),
  );
  const checked = { ...pick(before), ...given } as Checked;
  checkPolicy(checked, tx.now);
  await checkName(tx, 'slaPolicy', checked.name, id);
  // As it would be stored, whatever the order of the keys in the filter.
  const wanted = columns(checked);
  const differs = (field: keyof Checked) => !isDeepStrictEqual(wanted[field], pick(before)[field]);
  if (!(Object.keys(checked) as (keyof Checked)[]).some(differs)) {
    // Rules that were changed for new bugs only may be given to the open ones later.
    if (applyTo === 'NEW' || before.openRulesVersion === before.rulesVersion) return before;
    const policy = await tx.db.slaPolicy.update({
      where,
      data: { version: before.version + 1, openRulesVersion: before.rulesVersion },
    });
    await refreshOpenBugs(tx);
    return finishPolicy(tx, 'SLA_POLICY_UPDATED', policy, { applyTo });
  }
  const calendar = await calendarSpec(tx, checked.calendarId);
  const newRules = RULES.some(differs);
  const data = { ...wanted, version: before.version + 1 };
  const policy = newRules
    ? await newVersion(tx, before, data, calendar, applyTo)
    : await tx.db.slaPolicy.update({ where, data });
  return finishPolicy(tx, 'SLA_POLICY_UPDATED', policy, newRules ? { applyTo } : {});
}

function pick(policy: SlaPolicy): Checked {
  const fields = ['name', ...Object.keys(POLICY_DEFAULTS)] as (keyof Checked)[];
  return Object.fromEntries(fields.map((field) => [field, policy[field]])) as unknown as Checked;
}

/** Writes a new version of a policy's rules, and has the sweep take open bugs to it when they are to follow. */
export async function newVersion(
  tx: WriteTx,
  before: SlaPolicy,
  data: object,
  calendar: CalendarSpec | null,
  applyTo: ApplyTo,
): Promise<SlaPolicy> {
  const rulesVersion = before.rulesVersion + 1;
  const open = applyTo === 'OPEN' ? { openRulesVersion: rulesVersion } : {};
  const policy = await tx.db.slaPolicy.update({
    where: { tenantId_id: { tenantId: tx.tenantId, id: before.id } },
    data: { ...data, rulesVersion, ...open },
  });
  await addVersion(tx, policy, calendar);
  if (applyTo === 'OPEN') await refreshOpenBugs(tx);
  return policy;
}

/** Has the sweep look at all open bugs, which takes them to the policy and the rules that they are to have. */
async function refreshOpenBugs(tx: WriteTx): Promise<void> {
  // In one order, so that two writers never wait for each other in a circle.
  await tx.db.$executeRawUnsafe(
    `/* Bug.refreshOpen */ UPDATE bugs SET refresh_at = $2::timestamptz WHERE tenant_id = $1::uuid AND id IN (
       SELECT id FROM bugs WHERE tenant_id = $1::uuid AND status IN ('PENDING', 'IN_PROGRESS', 'VERIFIED', 'DEFERRED')
       ORDER BY id FOR NO KEY UPDATE)`,
    tx.tenantId,
    tx.now,
  );
}

/** Tells of a policy that was written. */
export function finishPolicy(
  tx: WriteTx,
  type: string,
  policy: SlaPolicy,
  payload: Record<string, unknown>,
): SlaPolicy {
  forgetPolicies(tx);
  tx.emit({
    type,
    aggregateType: 'SlaPolicy',
    aggregateId: policy.id,
    aggregateVersion: policy.version,
    payload: { id: policyGlobalId(policy.id), name: policy.name, rulesVersion: policy.rulesVersion, ...payload },
  });
  tx.audit({
    action: type === 'SLA_POLICY_CREATED' ? 'sla.create' : 'sla.update',
    resource: 'SlaPolicy',
    resourceId: policy.id,
  });
  return policy;
}
