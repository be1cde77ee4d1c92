import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Answer, createTestApp, type Tenant, type TestApp } from '../../support/app.ts';
import { addProject } from './records.ts';

let t: TestApp;
let a: Tenant;
let b: Tenant;

const PROJECTS = [
  {
    key: 'CAMEL',
    name: 'Desert shipping',
    tags: ['logistics', 'Größe'],
    description: 'Tracks parcels across the sand.',
  },
  { key: 'LLAMA', name: 'Mountain billing', tags: ['invoices', 'finance'], description: 'Sends monthly statements.' },
  { key: 'CAMEL2', name: 'Camel', tags: [], description: 'Another one.' },
  { key: 'ODD', name: '50%_off \\ sale', tags: ['a_b'], description: null },
];

beforeAll(async () => {
  t = await createTestApp();
  a = await t.tenant('projects');
  b = await t.tenant('projects-other');
  for (const project of PROJECTS) {
    await addProject(t, a, project);
    await addProject(t, b, { ...project, name: `${project.name} secretly`, tags: [...project.tags, 'zebra'] });
  }
});
afterAll(() => t?.close());

const QUERY =
  'query($query: String!, $first: Int) { searchProjects(query: $query, first: $first) { rank node { key } } }';

async function search(query: string, first?: number): Promise<string[]> {
  const { searchProjects } = await t.runOk(a.key, QUERY, { query, first });
  const ranks = searchProjects.map(({ rank }: Answer) => rank);
  expect(ranks).toEqual(ranks.toSorted((x: number, y: number) => y - x));
  return searchProjects.map(({ node }: Answer) => node.key);
}

test('by key and by name, also in part and written nearly so', async () => {
  expect((await search('llama'))[0]).toBe('LLAMA');
  expect(await search('LLAM')).toContain('LLAMA');
  expect((await search('Desert shipping'))[0]).toBe('CAMEL');
  expect((await search('desert'))[0]).toBe('CAMEL');
  expect((await search('Mountan biling'))[0]).toBe('LLAMA');
  expect((await search('montain'))[0]).toBe('LLAMA');
  expect((await search('camel')).toSorted()).toEqual(['CAMEL', 'CAMEL2']);
});

test('by tags, and by the words of the description', async () => {
  expect((await search('finance'))[0]).toBe('LLAMA');
  expect((await search('logistcs'))[0]).toBe('CAMEL');
  expect((await search('größe'))[0]).toBe('CAMEL');
  expect(await search('parcel')).toEqual(['CAMEL']);
  expect(await search('"monthly statements"')).toContain('LLAMA');
  expect(await search('xylophone')).toEqual([]);
});

test('characters that are wild in patterns stand for themselves', async () => {
  expect(await search('50%_off')).toEqual(['ODD']);
  expect(await search('off \\ sale')).toContain('ODD');
  expect(await search('%')).toEqual(['ODD']);
  expect(await search('_')).toEqual(['ODD']);
  expect(await search('\\')).toEqual(['ODD']);
  for (const wild of ['%%', '__', 'c%l', 'C_MEL', "'';--", ':*', '((']) {
    expect(
      (await search(wild)).filter((key) => key === 'ODD'),
      wild,
    ).toEqual([]);
  }
});

test('another tenant’s projects are never found', async () => {
  expect(await search('zebra')).toEqual([]);
  expect(await search('secretly')).toEqual([]);
  const { searchProjects } = await t.runOk(b.key, QUERY, { query: 'zebra', first: 100 });
  expect(searchProjects).toHaveLength(4);
});

test('no more than asked for come; what cannot be asked is refused', async () => {
  expect(await search('camel', 1)).toHaveLength(1);
  expect(await search('x'.repeat(200))).toEqual([]);
  for (const [query, first] of [
    ['', 20],
    [' ', 20],
    ['x'.repeat(201), 20],
    ['a\0', 20],
    ['camel', 0],
    ['camel', 101],
  ] as const) {
    const { errors } = await t.run(a.key, QUERY, { query, first });
    expect(errors, JSON.stringify([query, first])).toMatchObject([{ extensions: { code: 'INVALID_INPUT' } }]);
  }
});
