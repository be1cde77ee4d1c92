import { afterAll, beforeAll, expect, test } from 'vitest';
import { createBugs, moveBug } from '../../../src/modules/delivery/bug.service.ts';
import { type Answer, createTestApp, type Tenant, type TestApp } from '../../support/app.ts';
import {
  addProject,
  asOwner,
  ERRORS,
  eventsOf,
  mutate,
  projectUuid,
  range,
  rowOf,
  slaTold,
  sweepAt,
  writeAt,
} from './records.ts';

let t: TestApp;
beforeAll(async () => {
  t = await createTestApp();
});
afterAll(() => t?.close());

const CALENDAR = 'businessCalendar { id name timeZone hours { day from to } holidays { date name from to } version }';
const run = (tenant: Tenant, name: string, input: object): Promise<Answer> =>
  mutate(t, tenant.key, `${name} { ${CALENDAR} ${ERRORS} }`, input);
const OFFICE = [1, 2, 3, 4, 5].map((day) => ({ day, from: '09:00', to: '17:00' }));
const BERLIN = { name: 'Office', timeZone: 'europe/berlin', hours: OFFICE };
const policy = (tenant: Tenant, input: object): Promise<Answer> =>
  mutate(t, tenant.key, `createSlaPolicy { slaPolicy { id } ${ERRORS} }`, { position: 1, ...input });

async function reported(tenant: Tenant, projectId: string, at: string): Promise<string> {
  const input = { projectId: projectUuid(projectId), title: 'It fails', severity: 'CRITICAL' as const };
  const [bug] = await writeAt(t, tenant, at, (tx) => createBugs(tx, [input]));
  return bug?.id ?? '';
}

async function dueOf(id: string): Promise<string> {
  const [row] = await asOwner(t, 'SELECT sla_due_at FROM bugs WHERE id = $1', [id]);
  return row.sla_due_at.toISOString();
}

/** A tenant whose critical bugs have two hours of Berlin's office time. */
async function office(slug: string, holidays: object[] = []) {
  const a = await t.tenant(slug);
  const project = await addProject(t, a);
  const { businessCalendar: calendar, userErrors } = await run(a, 'createBusinessCalendar', { ...BERLIN, holidays });
  expect(userErrors).toEqual([]);
  const made = await policy(a, { name: 'Office', criticalHours: 2, calendarId: calendar.id });
  expect(made.userErrors).toEqual([]);
  return { a, projectId: project.id, calendar };
}

// 6 March 2026 is a Friday, on which Berlin is an hour ahead of UTC; clocks go forward on Sunday 29.
test('what is reported on Friday at 16:00 in Berlin with two open hours is due on Monday at 10:00', async () => {
  const { a, projectId, calendar } = await office('friday');
  expect(calendar).toMatchObject({ timeZone: 'Europe/Berlin', hours: OFFICE, holidays: [], version: 1 });
  const id = await reported(a, projectId, '2026-03-06T15:00:00Z');
  expect(await dueOf(id)).toBe('2026-03-09T09:00:00.000Z');
  expect(await dueOf(await reported(a, projectId, '2026-03-27T15:00:00Z'))).toBe('2026-03-30T08:00:00.000Z');
  expect(await dueOf(await reported(a, projectId, '2026-03-07T03:00:00Z'))).toBe('2026-03-09T10:00:00.000Z');
  // All that passes before Monday is the first hour of it: the warning at half of the target, and no more.
  await sweepAt(t, a, '2026-03-08T23:00:00Z');
  expect(await slaTold(t, id)).toEqual(['MEDIUM_RISK 1']);
  await writeAt(t, a, '2026-03-09T09:00:00Z', (tx) => moveBug(tx, { id, status: 'CLOSED' }));
  expect(await slaTold(t, id)).toEqual(['MEDIUM_RISK 1', 'HIGH_RISK 1', 'MET 1']);
  const query = '{ bugs { nodes { id title resolvedAt sla { elapsedHours remainingHours } } } }';
  const { bugs } = await t.runOk(a.key, query);
  const closed = bugs.nodes.find((bug: Answer) => bug.resolvedAt !== null);
  expect(closed.sla).toEqual({ elapsedHours: 2, remainingHours: 0 });
  expect((await rowOf(t, closed.id)).sla_state).toBe('MET');
});

test('a holiday is closed, and a half day has hours of its own', async () => {
  const holidays = [
    { date: '2026-03-09', name: 'Closed' },
    { date: '2026-03-10', name: 'Half', from: '14:00', to: '14:30' },
  ];
  const { a, projectId, calendar } = await office('holidays', holidays);
  expect(calendar.holidays).toEqual([{ ...holidays[0], from: null, to: null }, holidays[1]]);
  // An hour on Friday, half of one on Tuesday, and the last half on Wednesday.
  expect(await dueOf(await reported(a, projectId, '2026-03-06T15:00:00Z'))).toBe('2026-03-11T08:30:00.000Z');
});

test('another calendar makes a version of each policy that runs by it, for open bugs if wanted', async () => {
  const { a, projectId, calendar } = await office('changed');
  const second = await policy(a, { name: 'Second', position: 2, calendarId: calendar.id });
  await policy(a, { name: 'Always', position: 3 });
  const id = await reported(a, projectId, '2026-03-06T15:00:00Z');
  const change = (input: object) => run(a, 'updateBusinessCalendar', { id: calendar.id, ...BERLIN, ...input });
  const versions = async () => {
    const { slaPolicies } = await t.runOk(a.key, '{ slaPolicies { nodes { name rulesVersion version } } }');
    return Object.fromEntries(slaPolicies.nodes.map((one: Answer) => [one.name, [one.rulesVersion, one.version]]));
  };
  const before = await eventsOf(t, a);
  expect(await change({ name: ' Office', applyTo: 'OPEN' })).toMatchObject({ eventSeq: null, userErrors: [] });
  expect(await eventsOf(t, a)).toEqual(before);
  expect((await change({ name: 'Renamed' })).businessCalendar).toMatchObject({ name: 'Renamed', version: 2 });
  const same = { Default: [1, 1], Always: [1, 1], Office: [1, 1], Second: [1, 1] };
  expect(await versions()).toEqual(same);

  const monday = [{ date: '2026-03-09' }];
  expect((await change({ holidays: monday, expectedVersion: 1 })).userErrors).toMatchObject([
    { code: 'VERSION_MISMATCH' },
  ]);
  expect((await change({ holidays: monday })).businessCalendar).toMatchObject({ version: 3 });
  expect(await versions()).toEqual({ ...same, Office: [2, 2], Second: [2, 2] });
  const told = (await eventsOf(t, a)).slice(-3);
  expect(told.map(({ type }) => type)).toEqual([
    'SLA_POLICY_UPDATED',
    'SLA_POLICY_UPDATED',
    'BUSINESS_CALENDAR_UPDATED',
  ]);
  expect(told.map(({ payload }) => payload.id)).toContain(second.slaPolicy.id);
  await sweepAt(t, a, '2026-03-06T15:00:01Z');
  expect(await dueOf(id)).toBe('2026-03-09T09:00:00.000Z');
  expect(await dueOf(await reported(a, projectId, '2026-03-06T15:00:00Z'))).toBe('2026-03-10T09:00:00.000Z');

  await change({ holidays: [...monday, { date: '2026-03-10' }], applyTo: 'OPEN' });
  await sweepAt(t, a, new Date());
  expect(await dueOf(id)).not.toBe('2026-03-09T09:00:00.000Z');
  const [row] = await asOwner(t, 'SELECT sla_rules_version, sla_breached_at FROM bugs WHERE id = $1', [id]);
  expect(row).toEqual({ sla_rules_version: 3, sla_breached_at: new Date('2026-03-11T09:00:00Z') });
});

const HOURS = { day: 1, from: '09:00', to: '17:00' };

test.for<[string, object, string[]]>([
  ['a blank name', { name: ' ' }, ['name']],
  ['a time zone that is not there', { timeZone: 'Europe/Atlantis' }, ['timeZone']],
  ['an offset', { timeZone: '+02:00' }, ['timeZone']],
  ['no hours at all', { hours: [] }, ['hours']],
  ['51 intervals', { hours: range(51).map(() => HOURS) }, ['hours']],
  ['a weekday 0', { hours: [HOURS, { ...HOURS, day: 0 }] }, ['hours', '1', 'day']],
  ['a time of 25:00', { hours: [{ ...HOURS, to: '25:00' }] }, ['hours', '0', 'to']],
  ['hours that end before they begin', { hours: [{ ...HOURS, from: '18:00' }] }, ['hours', '0', 'to']],
  ['hours that overlap', { hours: [HOURS, { day: 1, from: '16:00', to: '18:00' }] }, ['hours', '1']],
  ['a day that does not exist', { holidays: [{ date: '2026-02-30' }] }, ['holidays', '0', 'date']],
  ['a day listed twice', { holidays: [{ date: '2026-02-01' }, { date: '2026-02-01' }] }, ['holidays', '1', 'date']],
  ['half a half day', { holidays: [{ date: '2026-02-01', from: '09:00' }] }, ['holidays', '0', 'to']],
  ['a holiday with U+0000', { holidays: [{ date: '2026-02-01', name: 'a\0' }] }, ['holidays', '0', 'name']],
])('%s is refused, and the path says where', async ([, input, path]) => {
  const a = await t.tenant(`wrong-${wrongs++}`);
  const { businessCalendar } = await run(a, 'createBusinessCalendar', { ...BERLIN, name: 'Good' });
  const before = await eventsOf(t, a);
  const refused = { businessCalendar: null, eventSeq: null, userErrors: [{ code: 'INVALID_INPUT', path }] };
  expect(await run(a, 'createBusinessCalendar', { ...BERLIN, ...input })).toMatchObject(refused);
  expect(await run(a, 'updateBusinessCalendar', { id: businessCalendar.id, ...BERLIN, ...input })).toMatchObject(
    refused,
  );
  expect(await eventsOf(t, a)).toEqual(before);
});
let wrongs = 0;

test('a calendar that gives too few hours for a policy is refused where the two meet', async () => {
  const a = await t.tenant('few');
  const few = { name: 'Few', timeZone: 'UTC', hours: [{ day: 1, from: '00:00', to: '00:01' }] };
  const { businessCalendar } = await run(a, 'createBusinessCalendar', few);
  const calendarId = businessCalendar.id;
  const refused = { code: 'INVALID_INPUT', path: ['calendarId'] };
  expect((await policy(a, { name: 'Few', calendarId })).userErrors).toMatchObject([refused]);
  const hours = { criticalHours: 0.1, highHours: 0.1, mediumHours: 0.1, lowHours: 0.1 };
  expect((await policy(a, { name: 'Few', calendarId, ...hours })).userErrors).toEqual([]);
  const [taken] = (await run(a, 'createBusinessCalendar', few)).userErrors;
  expect(taken).toMatchObject({ code: 'CONFLICT', path: ['name'] });
});
