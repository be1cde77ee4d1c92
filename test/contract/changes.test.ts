import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemViewer } from '../../src/access/viewer.ts';
import { withWrite } from '../../src/data/write.ts';
import { demoKey } from '../../src/demo/key.ts';
import { loadDemo } from '../../src/demo/load.ts';
import { FUNCTIONS, UNTOLD } from '../../src/events/changes.ts';
import { OWN_FUNCTION } from '../../src/server/statement-tables.ts';
import { allWrites } from '../support/all-writes.ts';
import { createTestApp, type GraphQLResponse, type TestApp } from '../support/app.ts';
import { withKeys } from '../support/keyed-calls.ts';
import { settle } from '../support/one-write.ts';
import { isTold, RowWatch } from '../support/row-changes.ts';
import { rootFields } from '../support/schema-walk.ts';

const NOW = new Date(Date.now() - 60_000);

let t: TestApp;
let watch: RowWatch;
let tenantId: string;
let key: string;
/** every mutation that was made a second time with the same idempotency key */
const repeated: { name: string; first: GraphQLResponse; second: GraphQLResponse; changed: string[] }[] = [];
beforeAll(async () => {
  t = await createTestApp({ env: { ARGUS_DIR: '.argus/test-changes' } });
  ({ tenantId } = await loadDemo(t.app.services, { now: NOW }));
  key = await demoKey(t.app.services, tenantId);
  watch = new RowWatch(t.database.ownerUrl, tenantId);
  await watch.start();
}, 120_000);
afterAll(async () => {
  await watch?.close();
  await t?.close();
});

/** Tables of which rows changed untold, with what changed them. */
async function untoldBy(step: string): Promise<string[]> {
  const changes = (await watch.changes()).filter((one) => !isTold(one));
  return [...new Set(changes.map(({ table }) => table))].map((table) => `${table} by ${step}`);
}

/** A row of these may change untold when its key is used. */
const WHEN_READ = ['api_keys'];
/** Mutations that do not answer the second time as the first, and why. */
const NOT_AGAIN: Readonly<Record<string, string>> = {
  signOut: 'it ended what the second call comes with: that is refused as not signed in',
};

describe('what the log tells of tables', () => {
  test('covers every row that a write of any kind changes', { timeout: 240_000 }, async () => {
    const untold: string[] = [];
    const ran = new Set<string>();
    let changed = 0;
    const keyed = withKeys(t);
    await watch.look();
    for await (const { name, mutation } of allWrites(keyed.t, tenantId, key)) {
      if (mutation) ran.add(mutation);
      const found = await watch.changes();
      changed += found.length;
      for (const table of new Set(found.filter((one) => !isTold(one)).map((one) => one.table)))
        untold.push(`${table} by ${name}`);
      for (const { names, answer, again } of keyed.taken()) {
        const second = await again();
        await settle(t);
        const changed = (await watch.changes()).filter((one) => one.change !== null || !WHEN_READ.includes(one.table));
        repeated.push({ name: names.join(), first: answer, second, changed: changed.map(({ table }) => table) });
      }
    }
    expect(
      rootFields('Mutation')
        .map((field) => field.name)
        .filter((name) => !ran.has(name)),
    ).toEqual([]);
    expect(changed).toBeGreaterThan(500);
    expect(untold.filter((one) => !((one.split(' ')[0] as string) in UNTOLD))).toEqual([]);
    const tables = new Set(untold.map((one) => one.split(' ')[0]));
    expect(
      Object.keys(UNTOLD).filter((table) => !tables.has(table)),
      'these are told',
    ).toEqual([]);
  });

  test('a change that is called again with its idempotency key answers as before, and changes no row', () => {
    const names = rootFields('Mutation').map((field) => field.name);
    expect(names.filter((name) => !repeated.some((one) => one.name === name))).toEqual([]);
    for (const { name, first, second, changed } of repeated) {
      expect.soft(changed, name).toEqual([]);
      if (name in NOT_AGAIN) expect(second.errors?.[0]?.extensions?.code, name).toBe('UNAUTHENTICATED');
      else expect.soft(second, name).toEqual(first);
    }
  });

  test('is seen to lack a write that tells nothing, and one that tells of another row', async () => {
    const owner = new pg.Client({ connectionString: t.database.ownerUrl });
    await owner.connect();
    await watch.look();
    await owner.query(`UPDATE cases SET title = title || '.' WHERE tenant_id = $1`, [tenantId]);
    expect(await untoldBy('a write past the services')).toEqual(['cases by a write past the services']);
    const { rows } = await owner.query<{ id: string }>('SELECT id FROM cases WHERE tenant_id = $1 LIMIT 2', [tenantId]);
    await owner.end();
    const [one, other] = rows.map(({ id }) => id);
    const tell = (aggregateId = '') =>
      withWrite(t.app.services.write, systemViewer(tenantId, 'test'), 'test', async (tx) => {
        await tx.db.case.update({
          where: { tenantId_id: { tenantId, id: one ?? '' } },
          data: { description: aggregateId },
        });
        tx.emit({ type: 'CASE_UPDATED', aggregateType: 'Case', aggregateId, aggregateVersion: 1 });
      });
    await tell(one);
    expect(await untoldBy('itself')).toEqual([]);
    await tell(other);
    expect(await untoldBy('another')).toEqual(['cases by another']);
  });

  test('is the same for all members of a tenant: row-level security does not ask who reads', async () => {
    const owner = new pg.Client({ connectionString: t.database.ownerUrl });
    await owner.connect();
    const { rows } = await owner.query<{ text: string }>(
      `SELECT policyname || ': ' || concat(qual, with_check) AS text FROM pg_policies WHERE schemaname = 'public'
       UNION ALL SELECT proname || ': ' || prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace`,
    );
    await owner.end();
    expect(rows.filter(({ text }) => text.includes('app.auth_user')).length).toBeGreaterThan(0);
    expect(rows.filter(({ text }) => text.includes('app.member_id'))).toEqual([]);
  });

  test('names the tables of every function of the database', async () => {
    const owner = new pg.Client({ connectionString: t.database.ownerUrl });
    await owner.connect();
    const { rows } = await owner.query<{ name: string; source: string }>(
      `SELECT p.proname AS name, p.prosrc AS source FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace
         AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')`,
    );
    const { rows: tables } = await owner.query<{ name: string }>(
      `SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')`,
    );
    await owner.end();
    expect(rows.map(({ name }) => name).sort()).toEqual(Object.keys(FUNCTIONS).sort());
    for (const { name, source } of rows) {
      expect(name).toMatch(OWN_FUNCTION);
      const named = tables.filter((table) => new RegExp(`\\b(FROM|JOIN) ${table.name}\\b`).test(source));
      const called = rows
        .filter((other) => source.includes(`${other.name}(`))
        .flatMap((one) => FUNCTIONS[one.name] ?? []);
      expect(new Set(FUNCTIONS[name]), name).toEqual(new Set([...named.map((table) => table.name), ...called]));
    }
  });
});
