import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestApp, type Tenant, type TestApp } from '../../support/app.ts';
import { ERRORS, eventsOf, mutate } from './records.ts';

let t: TestApp;
beforeAll(async () => {
  t = await createTestApp();
});
afterAll(() => t?.close());

const run = (tenant: Tenant, name: string, input: object) =>
  mutate(t, tenant.key, `${name} { project { id } ${ERRORS} }`, input);
const create = (tenant: Tenant, input: object) =>
  run(tenant, 'createProject', { key: 'CAMEL', name: 'Camel', ...input });
const update = (tenant: Tenant, input: object) => run(tenant, 'updateProject', input);

let refusals = 0;

test.for<[string, object, string[]]>([
  ['a key with a blank', { key: 'A B' }, ['key']],
  ['a key of 101 characters', { key: 'A'.repeat(101) }, ['key']],
  ['an empty name', { name: ' ' }, ['name']],
  ['a name of 201 characters', { name: 'x'.repeat(201) }, ['name']],
  ['U+0000 in the name', { name: 'a\0b' }, ['name']],
  ['half a surrogate pair in the description', { description: 'a\ud800' }, ['description']],
  ['a description of 10,001 characters', { description: 'x'.repeat(10_001) }, ['description']],
  ['51 tags', { tags: Array.from({ length: 51 }, (_, i) => `tag ${i}`) }, ['tags']],
  ['an empty tag', { tags: ['web', ' '] }, ['tags']],
  ['a repository without an owner', { githubRepository: 'camel' }, ['githubRepository']],
  ['an empty repository', { githubRepository: '' }, ['githubRepository']],
  ['an unknown currency', { currency: 'ABC' }, ['currency']],
  ['a currency in lower case', { currency: 'usd' }, ['currency']],
  ['a negative revenue', { arr: '-1' }, ['arr']],
  ['a revenue of 5 decimals', { arr: '1.00001' }, ['arr']],
  ['a revenue of 16 digits', { arr: '1234567890123456' }, ['arr']],
  ['a negative cost', { infrastructureCost: '-0.01' }, ['infrastructureCost']],
  ['a negative rate', { hourlyRate: '-1' }, ['hourlyRate']],
  ['a cash flow of 5 decimals', { cashFlows: ['1', '1.00001'] }, ['cashFlows', '1']],
  ['51 cash flows', { cashFlows: Array(51).fill('1') }, ['cashFlows']],
  ['a discount rate of 0', { discountRate: '0' }, ['discountRate']],
  ['a discount rate above 1', { discountRate: '1.1' }, ['discountRate']],
  ['a discount rate of 7 decimals', { discountRate: '0.1234567' }, ['discountRate']],
  ['growth at the discount rate', { terminalGrowth: '0.12' }, ['terminalGrowth']],
  ['growth of -1', { terminalGrowth: '-1' }, ['terminalGrowth']],
  ['an appeal above 100', { appealScore: 100.1 }, ['appealScore']],
  ['a negative complexity', { complexityScore: -1 }, ['complexityScore']],
])('%s is refused, and the path says where', async ([, input, path]) => {
  const a = await t.tenant(`refused-${refusals++}`);
  const made = await create(a, { key: 'GOOD' });
  const before = (await eventsOf(t, a)).length;
  const refused = { project: null, eventSeq: null, userErrors: [{ code: 'INVALID_INPUT', path }] };
  expect(await create(a, input)).toMatchObject(refused);
  if (!('key' in input || 'currency' in input))
    expect(await update(a, { id: made.project.id, ...input })).toMatchObject(refused);
  expect(await eventsOf(t, a)).toHaveLength(before);
});

test('a rate that falls to the growth is refused like growth that rises to the rate', async () => {
  const a = await t.tenant('rates');
  const { project } = await create(a, { cashFlows: ['1000'], discountRate: '0.1', terminalGrowth: '0.05' });
  for (const change of [{ discountRate: '0.05' }, { terminalGrowth: '0.1' }, { terminalGrowth: '0.2' }]) {
    expect((await update(a, { id: project.id, ...change })).userErrors).toMatchObject([
      { code: 'INVALID_INPUT', path: ['terminalGrowth'] },
    ]);
  }
  expect((await update(a, { id: project.id, terminalGrowth: '0.099999' })).userErrors).toEqual([]);
});
