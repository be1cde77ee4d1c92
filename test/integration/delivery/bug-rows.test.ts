import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bug, Prisma } from '../../../generated/prisma/client.ts';
import type { WriteTx } from '../../../src/data/write.ts';
import { rowsById } from '../../../src/data/write-rows.ts';
import { assignBug, BUG_MOVES, createBugs, moveBug, updateBug } from '../../../src/modules/delivery/bug.service.ts';
import { BUG_SEVERITIES, type BugStatus } from '../../../src/modules/delivery/values.ts';
import { createTestApp, type TestApp } from '../../support/app.ts';
import { randomOf } from '../../support/random.ts';
import { addMemberWith, addProject, DAY, pick, projectUuid, range, T0, writeAt } from './records.ts';

let t: TestApp;
beforeAll(async () => {
  t = await createTestApp();
});
afterAll(() => t?.close());

const DECIMALS = ['affectedShare', 'revenueImpact', 'revenueImpactOverride', 'hoursSpent', 'figuresArr'];

/** A row with its decimals as the answer shows them. */
function plain(row: object | undefined) {
  const decimal = (value: unknown) => (value === null ? null : new Prisma.Decimal(String(value)).toFixed());
  return Object.fromEntries(
    Object.entries(row ?? {}).map(([field, value]) => [field, DECIMALS.includes(field) ? decimal(value) : value]),
  );
}

test('what a change gives is what the database then has', async () => {
  const a = await t.tenant('given');
  const random = randomOf(11);
  const project = projectUuid((await addProject(t, a, { arr: '1234567.89' })).id);
  const member = (await addMemberWith(t, a, 'ENGINEER', ['bug:read'])).memberId;
  const fields = () => ({
    severity: pick(random, BUG_SEVERITIES),
    isBlocker: random() < 0.3,
    affectedShare: pick(random, ['0', '0.5', '0.5000', '1']),
    revenueImpactOverride: pick(random, [null, '0', '1.10', '99999.9999']),
    hoursSpent: pick(random, ['0', '1.50', '12']),
    url: pick(random, [null, 'https://example.test/1']),
    dueAt: pick(random, [null, new Date(T0 + 3 * DAY)]),
    description: pick(random, [null, 'What happens', ' spaces stay ']),
  });
  for (const i of range(40)) {
    let now = T0 + i * DAY;
    await writeAt(t, a, now, async (tx: WriteTx) => {
      const stored = async (id: string) => plain((await rowsById(tx, 'Bug', [id])).get(id));
      const [made] = await createBugs(tx, [{ projectId: project, title: ` Bug ${i} `, labels: ['x'], ...fields() }]);
      if (!made) throw new Error('no bug was made');
      expect(plain(made)).toEqual(await stored(made.id));
      let bug: Bug = made;
      const change = (id: string, status: BugStatus): Promise<Bug> =>
        pick(random, [
          () => updateBug(tx, { id, ...fields(), labels: [pick(random, ['x', 'y'])] }),
          () => moveBug(tx, { id, status, reason: 'it came back' }),
          () => assignBug(tx, { id, assigneeId: pick(random, [null, member]) }),
        ])();
      for (const _ of range(5)) {
        now += Math.floor(random() * 4 * DAY);
        tx.now = new Date(now);
        bug = await change(bug.id, pick(random, BUG_MOVES[bug.status as BugStatus]));
        expect(plain(bug)).toEqual(await stored(bug.id));
      }
    });
  }
});
