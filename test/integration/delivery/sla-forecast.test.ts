import { afterAll, beforeAll, expect, test } from 'vitest';
import { createBugs, moveBug, type NewBug } from '../../../src/modules/delivery/bug.service.ts';
import { bugEntity } from '../../../src/modules/delivery/entities.ts';
import { type Answer, createTestApp, type Tenant, type TestApp } from '../../support/app.ts';
import { addMemberWith, addProject, DAY, projectUuid, range, writeAt } from './records.ts';

let t: TestApp;
beforeAll(async () => {
  t = await createTestApp();
});
afterAll(() => t?.close());

const QUERY = `query($days: Int) { slaForecast(days: $days) { willBreach late revenueImpact { currency amount }
  queues { assignee { id } throughput queued late willBreach } bugs { bug { id } dueAt expectedAt } } }`;

async function forecast(tenant: Tenant, days?: number): Promise<Answer> {
  return (await t.runOk(tenant.key, QUERY, { days })).slaForecast;
}

test('each one’s queue is worked off at their pace: an example by hand', async () => {
  const a = await t.tenant('queues');
  const dollars = projectUuid((await addProject(t, a, { currency: 'USD' })).id);
  const euros = projectUuid((await addProject(t, a, { currency: 'EUR' })).id);
  const [ann, bob] = [
    await addMemberWith(t, a, 'ENGINEER', ['bug:read']),
    await addMemberWith(t, a, 'ENGINEER', ['bug:read']),
  ];
  const now = Date.now();
  const report = (daysAgo: number, bug: Partial<NewBug>) =>
    writeAt(t, a, now - daysAgo * DAY, async (tx) => {
      const [made] = await createBugs(tx, [{ projectId: dollars, title: 'It fails', ...bug }]);
      return made?.id ?? '';
    });
  /** Resolved on each of so many days ago. */
  const resolved = (assigneeId: string | null, daysAgo: number[]) =>
    writeAt(t, a, now - 40 * DAY, async (tx) => {
      const bugs = await createBugs(
        tx,
        daysAgo.map(() => ({ projectId: dollars, title: 'Done', assigneeId })),
      );
      for (const [i, { id }] of bugs.entries()) {
        tx.now = new Date(now - (daysAgo[i] ?? 0) * DAY);
        await moveBug(tx, { id, status: 'CLOSED' });
      }
    });

  // Ann resolves one in two days. Her three are due in 1, 5 and 5.5 days, and done in 2, 4 and 6.
  await resolved(
    ann.memberId,
    range(14).map((i) => 2 * i + 0.5),
  );
  const first = await report(6, { assigneeId: ann.memberId, revenueImpactOverride: '100.25' });
  await report(2, { assigneeId: ann.memberId, revenueImpactOverride: '7' });
  const third = await report(1.5, { assigneeId: ann.memberId, revenueImpactOverride: '0.0001' });
  // Bob one a day. One is late since a day; the other is due in 3 days and done in 2.
  await resolved(
    bob.memberId,
    range(28).map((i) => i + 0.5),
  );
  await report(8, { assigneeId: bob.memberId, revenueImpactOverride: '1000' });
  await report(4, { assigneeId: bob.memberId });
  // Nobody resolved anything within 28 days. One is due in 10 days, one in 20; one is paused.
  await resolved(null, [28.1, 35]);
  const nobodys = await report(20, { projectId: euros, severity: 'LOW', revenueImpactOverride: '50.5' });
  const later = await report(10, { projectId: euros, severity: 'LOW', revenueImpactOverride: '1' });
  const paused = await report(2, { projectId: euros });
  await writeAt(t, a, now, (tx) => moveBug(tx, { id: paused, status: 'DEFERRED' }));

  const id = (uuid: string) => ({ bug: { id: bugEntity.encode(uuid) } });
  const day = (days: number) => new Date(now + days * DAY).toISOString();
  const near = (days: number) => (shown: string) => Math.abs(Date.parse(shown) - now - days * DAY) < 120_000;
  const fortnight = await forecast(a);
  expect(fortnight).toMatchObject({
    willBreach: 3,
    late: 1,
    revenueImpact: [
      { currency: 'EUR', amount: '50.5' },
      { currency: 'USD', amount: '100.2501' },
    ],
    queues: [
      { assignee: { id: ann.id }, throughput: 0.5, queued: 3, late: 0, willBreach: 2 },
      { assignee: null, throughput: 0, queued: 1, late: 0, willBreach: 1 },
      { assignee: { id: bob.id }, throughput: 1, queued: 2, late: 1, willBreach: 0 },
    ],
    bugs: [
      { ...id(first), dueAt: day(1) },
      { ...id(third), dueAt: day(5.5) },
      { ...id(nobodys), dueAt: day(10), expectedAt: null },
    ],
  });
  expect(fortnight.bugs[0].expectedAt).toSatisfy(near(2));
  expect(fortnight.bugs[1].expectedAt).toSatisfy(near(6));

  // Within 5 days Ann's third is not yet asked about, and within 30 nobody's second is.
  expect(await forecast(a, 5)).toMatchObject({ willBreach: 1, late: 1, bugs: [id(first)] });
  expect(await forecast(a, 30)).toMatchObject({ willBreach: 4, bugs: [id(first), id(third), id(nobodys), id(later)] });
  const other = await t.tenant('queues-other');
  expect(await forecast(other)).toEqual({ willBreach: 0, late: 0, revenueImpact: [], queues: [], bugs: [] });
});

test.for([0, -1, 366])('a forecast of %i days is refused', async (days) => {
  const a = await t.tenant(`days${days}`);
  const { errors } = await t.run(a.key, QUERY, { days });
  expect(errors).toMatchObject([{ extensions: { code: 'INVALID_INPUT' } }]);
});
