import { afterAll, beforeAll, expect, test } from 'vitest';
import type { WriteTx } from '../../../src/data/write.ts';
import { BUG_MOVES, createBugs, moveBug, updateBug } from '../../../src/modules/delivery/bug.service.ts';
import { insertBugs } from '../../../src/modules/delivery/bug.store.ts';
import { BUG_SEVERITIES, type BugStatus } from '../../../src/modules/delivery/values.ts';
import { type Answer, createTestApp, type Tenant, type TestApp } from '../../support/app.ts';
import { randomOf } from '../../support/random.ts';
import {
  addBug,
  addProject,
  asOwner,
  DAY,
  ERRORS,
  HOUR,
  mutate,
  pick,
  projectUuid,
  range,
  sweepAt,
  writeAt,
} from './records.ts';

let t: TestApp;
beforeAll(async () => {
  t = await createTestApp();
});
afterAll(() => t?.close());

const TALLY = '{ severity bugs met missed breached open }';
const QUERY = `query($draft: SlaPolicyDraftInput!, $from: Instant!, $to: Instant) { simulateSlaPolicy(draft: $draft, from: $from, to: $to) {
  considered unknown draft ${TALLY} actual ${TALLY} breaches firstBreaches { bug { id } breachedAt state } openBugs } }`;

async function simulate(tenant: Tenant, draft: object, from = '-P100D', to?: string): Promise<Answer> {
  return (await t.runOk(tenant.key, QUERY, { draft, from, to })).simulateSlaPolicy;
}

const total = (tallies: Answer[], field: string): number => tallies.reduce((sum, tally) => sum + tally[field], 0);

/**
 * A bug that lives until now: pauses, reopenings and changes of severity at odd halves of an hour ago, while targets are
 * whole hours: no threshold is within minutes of now.
 */
async function live(tx: WriteTx, projectId: string, now: number, random: () => number): Promise<void> {
  let age = Math.floor(random() * 1_000);
  const travel = () => {
    tx.now = new Date(now - (age + 0.5) * HOUR);
  };
  travel();
  const [bug] = await createBugs(tx, [{ projectId, title: 'It fails', severity: pick(random, BUG_SEVERITIES) }]);
  if (!bug) throw new Error('no bug was made');
  let status = bug.status as BugStatus;
  while (random() < 0.8 && age > 0) {
    age = Math.max(0, age - Math.ceil(random() ** 2 * 300));
    travel();
    if (random() < 0.25) {
      await updateBug(tx, { id: bug.id, severity: pick(random, BUG_SEVERITIES), title: `at ${age}` });
      continue;
    }
    status = pick(random, BUG_MOVES[status]);
    await moveBug(tx, { id: bug.id, status, reason: 'it came back' });
  }
}

const RESTARTING = { restartOnReopen: true, pauseOn: ['DEFERRED', 'VERIFIED'], criticalHours: 30, warnAt: 0.3 };

test.for<[string, object]>([
  ['default', {}],
  ['restarting', RESTARTING],
])(
  'under the %s rules, which were in force, the simulation comes to what really was',
  { timeout: 60_000 },
  async ([name, rules]) => {
    const a = await t.tenant(`real-${name}`);
    const { id } = await addProject(t, a);
    const policy = { name: 'Now', position: 1, ...rules };
    await mutate(t, a.key, `createSlaPolicy { slaPolicy { id } ${ERRORS} }`, policy);
    const random = randomOf(77);
    const now = Date.now();
    for (const _ of range(200)) await writeAt(t, a, now, (tx) => live(tx, projectUuid(id), now, random));
    await sweepAt(t, a, now);
    const found = await simulate(a, rules);
    expect(found).toMatchObject({ considered: 200, unknown: 0 });
    expect(found.draft).toEqual(found.actual);
    const states = await asOwner(t, 'SELECT severity, sla_state AS state FROM bugs WHERE tenant_id = $1', [a.tenantId]);
    const count = (severity: string, ...wanted: string[]) =>
      states.filter((row) => row.severity === severity && wanted.includes(row.state)).length;
    expect(found.actual).toEqual(
      BUG_SEVERITIES.map((severity) => ({
        severity,
        bugs: states.filter((row) => row.severity === severity).length,
        met: count(severity, 'MET'),
        missed: count(severity, 'MISSED'),
        breached: count(severity, 'BREACHED'),
        open: count(severity, 'ON_TRACK', 'MEDIUM_RISK', 'HIGH_RISK', 'PAUSED'),
      })),
    );
    for (const field of ['met', 'missed', 'breached', 'open'])
      expect(total(found.actual, field), field).toBeGreaterThan(5);
    expect(found.openBugs).toBe(total(found.actual, 'open') + total(found.actual, 'breached'));
    const [breached] = await asOwner(
      t,
      `SELECT count(DISTINCT aggregate_id)::int AS n FROM event_store WHERE tenant_id = $1 AND type = 'BUG_SLA_BREACHED'`,
      [a.tenantId],
    );
    expect(found.breaches).toBe(breached.n);
    const times = found.firstBreaches.map(({ breachedAt }: Answer) => breachedAt);
    expect(times).toEqual(times.toSorted());
    expect(times).toHaveLength(Math.min(100, breached.n));

    const lateUnder = async (hours: number) => {
      const targets = { criticalHours: hours, highHours: hours, mediumHours: hours, lowHours: hours };
      const { draft, breaches } = await simulate(a, { ...rules, ...targets });
      expect(breaches).toBeGreaterThanOrEqual(total(draft, 'missed') + total(draft, 'breached'));
      return breaches;
    };
    const late = [await lateUnder(1), await lateUnder(24), await lateUnder(168), await lateUnder(10_000)];
    expect(late).toEqual(late.toSorted((x, y) => y - x));
    expect(new Set(late).size).toBe(4);
    expect(late[3]).toBe(0);
    expect(found.breaches).toBeGreaterThan(late[2] ?? 0);
  },
);

test('a first breach is the bug and the moment that its clock ran out', async () => {
  const a = await t.tenant('first');
  const { id } = await addProject(t, a);
  const now = Date.now();
  const fields = { projectId: projectUuid(id), title: 'It fails', severity: 'HIGH' as const };
  const made = async (hours: number) => (await writeAt(t, a, now - hours * HOUR, (tx) => createBugs(tx, [fields])))[0];
  const [older] = [await made(50), await made(20), await made(5)];
  const { firstBreaches, breaches, draft } = await simulate(a, { highHours: 10 });
  expect(breaches).toBe(2);
  expect(draft).toEqual([{ severity: 'HIGH', bugs: 3, met: 0, missed: 0, breached: 2, open: 1 }]);
  expect(firstBreaches[0]).toEqual({
    bug: { id: expect.stringMatching(/^bug_/) },
    breachedAt: new Date((older?.createdAt.getTime() ?? 0) + 10 * HOUR).toISOString(),
    state: 'BREACHED',
  });
});

test('filter, begin and end choose the bugs; the begin is taken, the end is not; unknown ends are counted', async () => {
  const a = await t.tenant('choice');
  const [project, other] = [await addProject(t, a), await addProject(t, a)];
  const base = Date.now() - 10 * DAY;
  const days = [0, 1, 1, 2, 3];
  for (const [i, day] of days.entries()) {
    const projectId = projectUuid(i === 2 ? other.id : project.id);
    const bug = { projectId, title: 'It fails', severity: i === 4 ? ('CRITICAL' as const) : ('LOW' as const) };
    await writeAt(t, a, base + day * DAY, (tx) => createBugs(tx, [bug]));
  }
  const at = (day: number) => new Date(base + day * DAY).toISOString();
  const considered = async (draft: object, from: string, to?: string) =>
    (await simulate(a, draft, from, to)).considered;
  expect(await considered({}, at(0), at(3))).toBe(4);
  expect(await considered({}, at(1), at(2))).toBe(2);
  expect(await considered({}, at(0))).toBe(5);
  expect(await considered({}, at(3), at(3))).toBe(0);
  expect(await considered({ filter: { projectId: { eq: other.id } } }, at(0))).toBe(1);
  expect(await considered({ filter: { not: { severity: { eq: 'LOW' } } } }, at(0))).toBe(1);
  expect(await considered({}, at(0), '-P9DT1H')).toBe(1);

  // As an import may bring one: closed, and nothing tells when.
  await writeAt(t, a, base, async (tx) => {
    const row = await tx.db.project.findUniqueOrThrow({
      where: { tenantId_id: { tenantId: tx.tenantId, id: projectUuid(project.id) } },
    });
    await insertBugs(tx, [{ project: row, title: 'Closed', status: 'CLOSED', source: 'CSV', externalId: '1' }]);
  });
  const { considered: all, unknown, draft, actual } = await simulate(a, {}, at(0));
  expect([all, unknown, total(draft, 'bugs'), total(actual, 'bugs')]).toEqual([6, 1, 5, 5]);
  const stranger = await t.tenant('choice-other');
  expect(await simulate(stranger, {}, at(0))).toMatchObject({ considered: 0, draft: [], firstBreaches: [] });
});

test('a draft is checked like a policy', async () => {
  const a = await t.tenant('wrong');
  await addBug(t, a, (await addProject(t, a)).id);
  for (const [draft, path] of [
    [{ criticalHours: 0 }, 'criticalHours'],
    [{ warnAt: 0.9 }, 'warnAt'],
    [{ pauseOn: ['SHIPPED'] }, 'pauseOn'],
    [{ filter: { labels: { some: {} } } }, 'filter'],
    [{ calendarId: 'cal_01h455vb4pex5vsknk084sn02q' }, 'calendarId'],
  ] as const) {
    const { errors } = await t.run(a.key, QUERY, { draft, from: '-P1D' });
    expect(errors?.[0]?.extensions?.code, path).toMatch(/^(INVALID_INPUT|NOT_FOUND)$/);
    expect(JSON.stringify(errors?.[0]), path).toContain(path);
  }
  const { errors } = await t.run(a.key, QUERY, { draft: {}, from: 'yesterday' });
  expect(errors?.[0]?.extensions?.code).toBe('INVALID_INPUT');
});
