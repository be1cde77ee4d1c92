import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { withWrite } from '../../../src/data/write.ts';
import { addMember } from '../../../src/modules/platform/tenant.service.ts';
import { createTestApp, type Tenant, type TestApp } from '../../support/app.ts';
import { addBug, addProject } from '../delivery/records.ts';
import { asOwner, mutate } from '../intel/records.ts';
import { ask } from './serving.ts';

let t: TestApp;
/** tenant → the last event that this process was told of */
const heard = new Map<string, bigint>();
beforeAll(async () => {
  t = await createTestApp();
  t.app.services.bus.onChange((change) => change && heard.set(change.tenantId, change.lastSeq));
});
afterAll(() => t?.close());

/** Connections that a request takes which reads nothing: all there is to look up is its credential. */
async function lookUps(key: string): Promise<number> {
  const connect = vi.spyOn(t.app.services.read.pool, 'connect');
  const { status } = await ask(t.app, key, '{ __typename }');
  const count = connect.mock.calls.length;
  connect.mockRestore();
  expect(status).toBe(200);
  return count;
}

/** Writes, and waits until this process has heard of everything that was written for the tenant. */
async function settled<R>(a: Tenant, write: () => Promise<R>): Promise<R> {
  const result = await write();
  const [row] = await asOwner(t, 'SELECT max(seq)::text AS seq FROM event_store WHERE tenant_id = $1', [a.tenantId]);
  await expect.poll(() => heard.get(a.tenantId)).toBe(BigInt(row.seq));
  return result;
}

async function newTenant(slug: string): Promise<Tenant> {
  const a = await t.tenant(slug);
  return settled(a, async () => a);
}

test('writes that change nobody’s rights cost no credential a look-up', async () => {
  const a = await newTenant('busy');
  await lookUps(a.key);
  expect(await lookUps(a.key)).toBe(0);
  const project = await addProject(t, a);
  const bug = await addBug(t, a, project.id);
  await settled(a, () => mutate(t, a.key, 'updateBug { userErrors { code } }', { id: bug.id, title: 'Changed' }));
  expect(await lookUps(a.key)).toBe(0);
  await settled(a, () => mutate(t, a.key, 'openCase { userErrors { code } }', { title: 'x' }));
  expect(await lookUps(a.key)).toBe(0);
});

test('writes that may change somebody’s rights cost one, of that tenant', async () => {
  const [a, b] = [await newTenant('rights-a'), await newTenant('rights-b')];
  await lookUps(a.key);
  await lookUps(b.key);
  const person = { email: 'v@rights.example', displayName: 'V', role: 'VIEWER', passwordHash: null } as const;
  await settled(a, () => withWrite(t.app.services.write, a.system, 'test', (tx) => addMember(tx, person)));
  expect([await lookUps(a.key), await lookUps(a.key), await lookUps(b.key)]).toEqual([1, 0, 0]);
  await settled(a, () => mutate(t, a.key, 'createApiKey { userErrors { code } }', { name: 'k' }));
  expect([await lookUps(a.key), await lookUps(b.key)]).toEqual([1, 0]);
});

test('a key that is revoked is refused by the next request that hears of it, whatever is written meanwhile', async () => {
  const a = await newTenant('revoked');
  const { key } = await settled(a, () =>
    mutate(t, a.key, 'createApiKey { key { secret apiKey { id } } userErrors { code } }', { name: 'k' }),
  );
  expect((await ask(t.app, key.secret, '{ __typename }')).status).toBe(200);
  await settled(a, () => mutate(t, a.key, 'openCase { userErrors { code } }', { title: 'x' }));
  expect(await lookUps(key.secret)).toBe(0);
  await settled(a, () => mutate(t, a.key, 'revokeApiKey { userErrors { code } }', { id: key.apiKey.id }));
  expect((await ask(t.app, key.secret, '{ __typename }')).status).toBe(401);
});

test('a notification that does not tell what it is about may be about anybody’s rights', async () => {
  const a = await newTenant('unclear');
  await lookUps(a.key);
  await asOwner(t, 'UPDATE api_keys SET revoked_at = now() WHERE tenant_id = $1', [a.tenantId]);
  const woken = new Promise((resolve) => t.app.services.bus.onTenant(a.tenantId, () => resolve(true)));
  await asOwner(t, `SELECT pg_notify('argus_events', $1)`, [a.tenantId]);
  await woken;
  expect((await ask(t.app, a.key, '{ __typename }')).status).toBe(401);
});
