import { afterAll, afterEach, beforeAll, beforeEach, expect, vi } from 'vitest';
import { withReadScope } from '../../../src/data/read-scope.ts';
import { withWrite } from '../../../src/data/write.ts';
import { openCase } from '../../../src/modules/intel/case.service.ts';
import { createSource } from '../../../src/modules/intel/source.service.ts';
import type { Uses } from '../../../src/server/answer-uses.ts';
import { type Answer, type Question, ResultCache } from '../../../src/server/result-cache.ts';
import { createTestApp, type Tenant, type TestApp } from '../../support/app.ts';
import { asOwner } from '../intel/records.ts';

// Each test of a file that imports this has a tenant and a cache of its own.
export let t: TestApp;
export let cache: ResultCache;
export let a: Tenant;
let made = 0;
beforeAll(async () => {
  t = await createTestApp();
});
beforeEach(async () => {
  a = await anotherTenant();
  cache = new ResultCache(t.app.services);
});
afterEach(() => {
  cache.close();
  vi.useRealTimers();
});
afterAll(() => t?.close());

export const anotherTenant = () => t.tenant(`cache-${++made}`);

const CASES = 'SELECT count(*)::int AS count FROM cases WHERE tenant_id = $1::uuid';

export const questionOf = (over: Partial<Question> = {}): Question => ({
  viewer: a.system,
  operation: '{ cases }',
  variables: '{}',
  minSeq: null,
  ...over,
});

/** How many cases there are, read for real. */
export async function countCases(uses: Uses, tenant = a): Promise<Answer> {
  const statement = { text: CASES, values: [tenant.tenantId] };
  uses.statement(statement);
  const [row] = await withReadScope(t.app.services.read, tenant.system, (scope) =>
    scope.query<{ count: number }>(statement),
  );
  return { body: String(row?.count), keep: true };
}

/** Body and origin of the answer. */
export async function ask(over: Partial<Question> = {}, compute: (uses: Uses) => Promise<Answer> = countCases) {
  const { body, from } = await cache.answer(questionOf(over), compute);
  return [body, from];
}

export async function writeCase(tenant = a): Promise<bigint> {
  const { eventSeq } = await withWrite(t.app.services.write, tenant.system, 'test', (tx) =>
    openCase(tx, { title: 'x' }),
  );
  return eventSeq ?? 0n;
}

export async function writeSource(): Promise<bigint> {
  const source = { name: 'x', kind: 'FORUM', externalRef: String(Math.random()) } as const;
  return (await withWrite(t.app.services.write, a.system, 'test', (tx) => createSource(tx, source))).eventSeq ?? 0n;
}

/** Waits until this process has heard of a write. */
export async function heard(write: () => Promise<bigint>, tenant = a): Promise<bigint> {
  const seqs: bigint[] = [];
  const off = t.app.services.bus.onChange(
    (change) => change?.tenantId === tenant.tenantId && seqs.push(change.lastSeq),
  );
  const seq = await write();
  await expect.poll(() => seqs.at(-1) ?? 0n).toBeGreaterThanOrEqual(seq);
  off();
  return seq;
}

export const notify = (payload: string) => asOwner(t, `SELECT pg_notify('argus_events', $1)`, [payload]);

/** A computation that waits to be let go on after it has read. */
export function held(read: (uses: Uses) => Promise<Answer> = countCases) {
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  const compute = async (uses: Uses) => {
    const answer = await read(uses);
    begin();
    await released;
    return answer;
  };
  return { compute, begun, release };
}
