import { once } from 'node:events';
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { withWrite } from '../../../src/data/write.ts';
import { encodeId } from '../../../src/graphql/ids.ts';
import { addMember } from '../../../src/modules/platform/tenant.service.ts';
import { createTestApp, type Tenant, type TestApp } from '../../support/app.ts';
import { keyWith } from '../../support/isolation.ts';
import { asOwner } from '../intel/records.ts';
import { anotherApp, ask, type Served, serve } from './serving.ts';

let t: TestApp;
let a: Tenant;
let served: Served;
beforeAll(async () => {
  t = await createTestApp();
  a = await t.tenant('once');
  served = await serve(t.app);
});
afterAll(async () => {
  await served?.stop();
  await t?.close();
});

const LESS = `mutation { createSource(input: { name: "S", kind: FORUM, externalRef: "less" }, idempotencyKey: "less") {
  source { id name } userErrors { code message path } eventSeq } }`;
/** How much there is of what a change leaves. */
const traces = async () =>
  (
    await asOwner(
      t,
      `SELECT (SELECT count(*)::int FROM event_store WHERE tenant_id = $1) AS events,
         (SELECT count(*)::int FROM audit_logs WHERE tenant_id = $1) AS audits`,
      [a.tenantId],
    )
  )[0];

test.for<[string, string, string[]]>([
  [
    'createApiKey',
    'mutation { made: createApiKey(input: { name: "full" }, idempotencyKey: "secret") { key { secret } userErrors { code path } } }',
    ['key:write', 'tenant:read'],
  ],
  [
    'createWebhook',
    'mutation { made: createWebhook(input: { url: "https://example.com/x" }, idempotencyKey: "hook") { created { secret } userErrors { code path } } }',
    ['webhook:write', 'event:read'],
  ],
])('a key of another credential gets no secret out of %s, and does nothing', async ([, call, restricted]) => {
  const { made } = await t.runOk(a.key, call);
  expect(made.userErrors).toEqual([]);
  const conflict = { userErrors: [{ code: 'IDEMPOTENCY_CONFLICT', path: ['idempotencyKey'] }] };
  const keys = [await keyWith(t, a, restricted), await keyWith(t, a)];
  const after = await traces();
  for (const key of keys) {
    const { data, errors } = await t.run(key, call);
    expect([data?.made, errors]).toMatchObject([conflict, undefined]);
    expect(JSON.stringify(data)).not.toContain('argus_');
  }
  expect(await traces()).toEqual(after);
  expect((await t.runOk(a.key, call)).made).toEqual(made);
});

test('a key of a caller who may do less than then is refused, and answered when the rights are back', async () => {
  const { value: member } = await withWrite(t.app.services.write, a.system, 'test', (tx) =>
    addMember(tx, { email: 'less@once.example', displayName: 'L', role: 'ADMIN', passwordHash: null }),
  );
  const { createApiKey } = await t.runOk(
    a.key,
    'mutation($id: ID!) { createApiKey(input: { name: "l", memberId: $id }) { key { secret } } }',
    { id: encodeId('mem', member.memberId) },
  );
  const { secret } = createApiKey.key;
  const own = (await t.runOk(secret, LESS)).createSource;
  expect(own.userErrors).toEqual([]);
  /** The same call in a process that remembers no rights. */
  const callAs = async (role: string) => {
    await asOwner(t, 'UPDATE members SET role = $2 WHERE id = $1', [member.memberId, role]);
    const app = await anotherApp(t);
    const { body } = await ask(app, secret, LESS);
    await app.close();
    return body.data.createSource;
  };
  const refused = await callAs('ANALYST');
  expect(refused).toMatchObject({ source: null, userErrors: [{ code: 'FORBIDDEN', path: ['idempotencyKey'] }] });
  expect(refused.userErrors[0].message).toMatch(/with the permission [a-z]+:[a-z]+, which is not there any more/);
  expect(await callAs('ADMIN')).toEqual(own);
});

test('a key comes once in the headers', async () => {
  const { hostname, port } = new URL(served.url);
  const body = JSON.stringify({ query: 'mutation { openCase(input: { title: "Two" }) { case { id } } }' });
  for (const type of ['application/json', 'application/json; charset=utf8'])
    for (const [one, two] of [
      ['k1', 'k2'],
      ['"k1"', '"k2"'],
    ] as const) {
      const sent = request({ hostname, port, path: '/graphql', method: 'POST' });
      sent.setHeader('content-type', type).setHeader('authorization', `Bearer ${a.key}`);
      sent.setHeader('idempotency-key', [one, two]).end(body);
      const [answer] = await once(sent, 'response');
      expect([answer.statusCode, JSON.parse(await text(answer)).errors[0].extensions.code]).toEqual([
        400,
        'INVALID_INPUT',
      ]);
    }
});
