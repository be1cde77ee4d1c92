import { isDeepStrictEqual } from 'node:util';
import type { BusinessCalendar } from '../../../generated/prisma/client.ts';
import type { WriteTx } from '../../data/write.ts';
import { InvalidInput } from '../../errors.ts';
import { newId } from '../../graphql/ids.ts';
import { calendarGlobalId } from './global-ids.ts';
import { type CalendarSpec, checkCalendar } from './sla/calendar.ts';
import { type ApplyTo, checkName, finishPolicy, newVersion, specOf } from './sla-policy.service.ts';

export interface CalendarFields extends CalendarSpec {
  name: string;
}

/** Sets up a business calendar. */
export async function createCalendar(tx: WriteTx, input: CalendarFields): Promise<BusinessCalendar> {
  const data = calendarColumns(input);
  await checkName(tx, 'businessCalendar', data.name);
  const row = await tx.db.businessCalendar.create({
    data: { ...data, tenantId: tx.tenantId, id: newId(), createdAt: tx.now },
  });
  return finishCalendar(tx, 'BUSINESS_CALENDAR_CREATED', row);
}

function calendarColumns({ name, ...spec }: CalendarFields) {
  if (name.trim() === '' || name.length > 200) throw new InvalidInput('a name has 1 to 200 characters', ['name']);
  const { timeZone, hours, holidays } = checkCalendar(spec);
  return {
    name: name.trim(),
    timeZone,
    ...(JSON.parse(JSON.stringify({ hours, holidays })) as { hours: []; holidays: [] }),
  };
}

/** Changes a calendar: when its times change, each policy that runs by it gets a new version of its rules. */
export async function updateCalendar(
  tx: WriteTx,
  {
    id,
    expectedVersion,
    applyTo,
    ...input
  }: CalendarFields & { id: string; expectedVersion?: number | null; applyTo: ApplyTo },
): Promise<BusinessCalendar> {
  const version = (await tx.lock('BusinessCalendar', id, expectedVersion)) + 1;
  const data = calendarColumns(input);
  await checkName(tx, 'businessCalendar', data.name, id);
  const where = { tenantId_id: { tenantId: tx.tenantId, id } };
  const before = await tx.db.businessCalendar.findUniqueOrThrow({ where });
  const sameTimes = isDeepStrictEqual(specOf(before), specOf(data));
  if (sameTimes && before.name === data.name) return before;
  const row = await tx.db.businessCalendar.update({ where, data: { ...data, version } });
  const policies = await tx.db.slaPolicy.findMany({
    where: { tenantId: tx.tenantId, calendarId: id },
    orderBy: { id: 'asc' },
    select: { id: true },
  });
  for (const { id: policyId } of sameTimes ? [] : policies) {
    await tx.lock('SlaPolicy', policyId);
    const policy = await tx.db.slaPolicy.findUniqueOrThrow({
      where: { tenantId_id: { tenantId: tx.tenantId, id: policyId } },
    });
    const changed = await newVersion(tx, policy, { version: policy.version + 1 }, specOf(row), applyTo);
    finishPolicy(tx, 'SLA_POLICY_UPDATED', changed, { applyTo });
  }
  return finishCalendar(tx, 'BUSINESS_CALENDAR_UPDATED', row);
}

function finishCalendar(tx: WriteTx, type: string, row: BusinessCalendar): BusinessCalendar {
  tx.emit({
    type,
    aggregateType: 'BusinessCalendar',
    aggregateId: row.id,
    aggregateVersion: row.version,
    payload: { id: calendarGlobalId(row.id), name: row.name },
  });
  const action = type === 'BUSINESS_CALENDAR_CREATED' ? 'calendar.create' : 'calendar.update';
  tx.audit({ action, resource: 'BusinessCalendar', resourceId: row.id });
  return row;
}
