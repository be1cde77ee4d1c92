import { afterAll, beforeAll, expect, test } from 'vitest';
import { withWrite } from '../../../src/data/write.ts';
import { createTestApp, type TestApp } from '../../support/app.ts';
import { asOwner, countOf, mutate } from '../intel/records.ts';
import { post, type Served, serve } from './serving.ts';

let t: TestApp;
let server: Served;
beforeAll(async () => {
  t = await createTestApp();
  server = await serve(t.app);
});
afterAll(async () => {
  await server?.stop();
  await t?.close();
});

const OPEN = 'mutation { openCase(input: { title: "x" }) { case { id } userErrors { code } } }';
const AUDIT = `{ auditEntries { nodes { action actorKind actor { displayName } resource resourceId ipAddress userAgent
  requestId metadata createdAt } } }`;

test('a change is noted with who, from where and with what, and reads back by its id', async () => {
  const a = await t.tenant('noted');
  const { body } = await post(
    server.url,
    a.key,
    OPEN,
    {},
    { 'user-agent': 'Case-Tool/1.0', 'x-forwarded-for': '6.6.6.6' },
  );
  const { auditEntries } = await t.runOk(a.key, AUDIT);
  const [entry] = auditEntries.nodes;
  expect(entry).toMatchObject({
    action: 'case.open',
    actorKind: 'API_KEY',
    actor: { displayName: 'Owner' },
    resource: 'Case',
    resourceId: body.data?.openCase.case.id,
    ipAddress: '127.0.0.1',
    userAgent: 'Case-Tool/1.0',
  });
  expect(entry.requestId).toBeTruthy();
  const [row] = await asOwner(
    t,
    `SELECT a.created_at = c.created_at AS same FROM audit_logs a JOIN cases c ON c.tenant_id = a.tenant_id AND c.id = a.resource_id
     WHERE a.tenant_id = $1 AND a.action = 'case.open'`,
    [a.tenantId],
  );
  expect(row.same).toBe(true);
});

test('signing in is noted, a refused change is not, and neither is one that fails at its end', async () => {
  const a = await t.tenant('none');
  const before = await countOf(t, a, 'audit_logs');
  const cases = [
    ['openCase { userErrors { code } }', { title: ' ' }],
    ['moveCase { userErrors { code } }', { id: 'cas_01h455vb4pex5vsknk084sn02q', status: 'CLOSED' }],
    ['createKeyword { userErrors { code } }', { term: '(', matchType: 'REGEX', category: 'OTHER', weight: 1 }],
  ] as const;
  for (const [text, input] of cases) {
    expect((await mutate(t, a.key, text, input)).userErrors).toHaveLength(1);
  }
  const doomed = withWrite(t.app.services.write, a.system, 'test', async (tx) => {
    tx.audit({ action: 'test.doomed' });
    tx.emit({ type: 'DOOMED', aggregateType: 'Tenant', aggregateId: a.tenantId, aggregateVersion: 1 });
    throw new Error('at the end');
  });
  await expect(doomed).rejects.toThrow('at the end');
  expect(await countOf(t, a, 'audit_logs')).toBe(before);
});

test('the log cannot be changed or shortened by the application', async () => {
  const a = await t.tenant('append-only');
  const attempt = (text: string) =>
    withWrite(t.app.services.write, a.system, 'test', (tx) => tx.db.$executeRawUnsafe(text));
  for (const change of ['UPDATE audit_logs SET created_at = now()', 'UPDATE event_store SET occurred_at = now()'])
    await expect(attempt(change)).rejects.toThrow(/permission denied/);
  await expect(attempt('DELETE FROM audit_logs')).rejects.toThrow(/permission denied/);
  // Retention removes what is old; what happened within a day it cannot.
  const events = await countOf(t, a, 'event_store');
  await attempt('DELETE FROM event_store');
  expect(events).toBeGreaterThan(0);
  expect(await countOf(t, a, 'event_store')).toBe(events);
});

test('a user agent that is too long, or hostile, is kept as far as it fits', async () => {
  const a = await t.tenant('agent');
  await post(server.url, a.key, OPEN, {}, { 'user-agent': `Mozilla ${'x'.repeat(5_000)}` });
  const [row] = await asOwner(t, `SELECT user_agent FROM audit_logs WHERE tenant_id = $1 AND action = 'case.open'`, [
    a.tenantId,
  ]);
  expect(row.user_agent).toMatch(/^Mozilla x{492}$/);
});
