import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MIGRATIONS_DIR } from '../../../src/data/migration-files.ts';
import { importBugs, type PlacedRecord } from '../../../src/modules/delivery/bug.upsert.ts';
import { importHistory } from '../../../src/modules/delivery/bug-history.upsert.ts';
import { BUG_SEVERITIES } from '../../../src/modules/delivery/values.ts';
import { createTestApp, type TestApp } from '../../support/app.ts';
import { randomOf } from '../../support/random.ts';
import { addProject, at, bugAt, DAY, moveAt, pick, range, severityAt, totalsAndRecount, writeAt } from './records.ts';

let t: TestApp;
beforeAll(async () => {
  t = await createTestApp();
});
afterAll(() => t?.close());

const NOTHING_TOLD = {
  projectKey: 'IMPORTED',
  description: null,
  isBlocker: false,
  assignee: null,
  reporter: null,
  labels: [],
  hoursSpent: null,
  url: null,
  details: {},
  warnings: [],
};
const CLOSED_THEN = {
  projectKey: null,
  field: 'status',
  oldValue: 'Open',
  newValue: 'Closed',
  actor: null,
  status: 'CLOSED' as const,
};

test('a bug that comes back is resolved in no hour, and in another one when it is resolved again', async () => {
  const a = await t.tenant('back');
  const { id: projectId } = await addProject(t, a);
  const id = await bugAt(t, a, projectId, 0.5, { severity: 'HIGH' });
  const hours = async () => {
    const { kept, recount } = await totalsAndRecount(t, a);
    expect(kept).toEqual(recount);
    return kept
      .filter(({ what }) => what === 'hour')
      .map(({ owner, status, count, sums }) => `${owner.slice(11, 16)} ${status} ${count} ${sums}`);
  };
  expect(await hours()).toEqual(['00:00 CREATED 1 {0,1,0,0}']);
  await moveAt(t, a, id, 2.9, 'CLOSED');
  expect(await hours()).toEqual(['00:00 CREATED 1 {0,1,0,0}', '02:00 RESOLVED 1 {0,1,0,0}']);
  await severityAt(t, a, id, 3, 'LOW');
  expect(await hours()).toEqual(['00:00 CREATED 1 {0,0,0,1}', '02:00 RESOLVED 1 {0,0,0,1}']);
  await moveAt(t, a, id, 4, 'PENDING');
  expect(await hours()).toEqual(['00:00 CREATED 1 {0,0,0,1}']);
  await moveAt(t, a, id, 5, 'CLOSED');
  expect(await hours()).toEqual(['00:00 CREATED 1 {0,0,0,1}', '05:00 RESOLVED 1 {0,0,0,1}']);
});

test('imports that give bugs other dates and another past keep the totals', async () => {
  const a = await t.tenant('imports');
  const random = randomOf(9);
  const time = () => at(Math.floor(random() * 300) / 4);
  const record = (i: number): PlacedRecord => {
    const createdAt = random() < 0.9 ? time() : null;
    const status = pick(random, ['PENDING', 'CLOSED', 'CLOSED', 'SHIPPED'] as const);
    const resolvedAt =
      random() < 0.3 || status === 'PENDING' ? null : new Date(+(createdAt ?? at(80)) + random() * DAY);
    const told = { createdAt, resolvedAt, updatedAt: null, severity: pick(random, BUG_SEVERITIES), status };
    return { ...NOTHING_TOLD, ...told, externalId: `X-${i}`, title: `Bug ${i}` };
  };
  let hours = new Set<string>();
  for (let round = 0; round < 6; round++) {
    const records = range(40).filter((i) => round === 0 || (i + round) % 3 > 0);
    await writeAt(t, a, at(200 + round), (tx) => importBugs(tx, records.map(record), 'CSV'));
    await writeAt(t, a, at(200.5 + round), (tx) =>
      importHistory(
        tx,
        records.slice(0, 20).map((i) => ({ ...CLOSED_THEN, externalId: `X-${i}`, at: time() })),
        'CSV',
      ),
    );
    const { kept, recount } = await totalsAndRecount(t, a);
    expect(kept, `round ${round}`).toEqual(recount);
    const now = kept.filter(({ what }) => what === 'hour').map((row) => JSON.stringify(row));
    expect(now.filter((one) => !hours.has(one)).length).toBeGreaterThan(5);
    hours = new Set(now);
  }
});

test('the migration counts the bugs that are there, also where row-level security is forced on the owner', async () => {
  const a = await t.tenant('before');
  const { id: projectId } = await addProject(t, a);
  for (const [i, hour] of [0, 0.9, 1, 26, 26.5].entries()) {
    const id = await bugAt(t, a, projectId, hour, { severity: BUG_SEVERITIES[i % 4] });
    if (i < 3) await moveAt(t, a, id, 30 + i / 2, 'CLOSED');
  }
  const script = (name: string) => readFile(join(MIGRATIONS_DIR, '0005_bug_hour_totals', name), 'utf8');
  const owner = new Client({ connectionString: t.database.ownerUrl });
  await owner.connect();
  const role = `plain_${a.tenantId.replaceAll('-', '')}`;
  const read = async () =>
    (await owner.query('SELECT * FROM bug_hour_totals WHERE tenant_id = $1 ORDER BY 1, 2, 3', [a.tenantId])).rows;
  try {
    const kept = await read();
    expect(kept).toHaveLength(5);
    await owner.query(`CREATE ROLE ${role}`);
    await owner.query(`BEGIN; ${await script('down.sql')}`);
    await owner.query(`GRANT USAGE, CREATE ON SCHEMA public TO ${role}; GRANT EXECUTE ON FUNCTION argus_tenant TO ${role};
      ALTER TABLE bugs OWNER TO ${role}; ALTER TABLE tenants OWNER TO ${role}; SET LOCAL ROLE ${role}`);
    expect((await owner.query('SELECT FROM bugs')).rows).toEqual([]);
    await owner.query(await script('migration.sql'));
    await owner.query('RESET ROLE');
    expect(await read()).toEqual(kept);
    const { rows } = await owner.query("SELECT relforcerowsecurity AS forced FROM pg_class WHERE relname = 'bugs'");
    expect(rows).toEqual([{ forced: true }]);
  } finally {
    await owner.query('ROLLBACK');
    await owner.query(`DROP ROLE IF EXISTS ${role}`);
    await owner.end();
  }
});
