import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Answer, createTestApp, type Tenant, type TestApp } from '../../support/app.ts';
import { addBug, addProject, change, moveThrough, range } from './records.ts';

let t: TestApp;
let a: Tenant;
let b: Tenant;
const ids: Record<string, string> = {};
const projects: string[] = [];

const CORPUS: Record<string, object> = {
  crash: { title: 'Payment page crashes on submit', description: 'Since the last deployment nobody can pay.' },
  slow: { title: 'Dashboard is slow', description: 'It takes ten seconds until the payment overview is shown.' },
  login: { title: 'Login fails with expired tokens', externalId: 'EXT-77', severity: 'HIGH' },
  logout: { title: 'Logout button is hidden', description: 'A page that nobody finds.' },
  percent: { title: 'Rounding: 100%_off shows C:\\temp\\new' },
  digits: { title: 'Twelve', externalId: '12' },
};

beforeAll(async () => {
  t = await createTestApp();
  a = await t.tenant('search');
  b = await t.tenant('search-other');
  for (const tenant of [a, b]) {
    for (const key of ['CAMEL', 'OCTO/WEB-1']) {
      const { id } = await addProject(t, tenant, { key });
      if (tenant === a) projects.push(id);
      for (const [name, bug] of Object.entries(CORPUS)) {
        if (key !== 'CAMEL' && !['crash', 'logout'].includes(name)) continue;
        const made = await addBug(t, tenant, id, bug);
        if (tenant === a) ids[key === 'CAMEL' ? name : `${name} 2`] = made.id;
      }
      for (const i of range(key === 'CAMEL' ? 6 : 0)) {
        const filler = await addBug(t, tenant, id, { title: `Filler ${i}` });
        if (tenant === a) ids[`filler ${i}`] = filler.id;
      }
    }
  }
});
afterAll(() => t?.close());

const QUERY = `query($query: String!, $first: Int, $projectIds: [ID!], $statuses: [BugStatus!]) {
  searchBugs(query: $query, first: $first, projectIds: $projectIds, statuses: $statuses) { rank node { id ref title } } }`;

/** Names of the bugs that were found, best first. */
async function search(query: string, over: object = {}, tenant = a): Promise<string[]> {
  const { searchBugs } = await t.runOk(tenant.key, QUERY, { query, ...over });
  const ranks = searchBugs.map(({ rank }: Answer) => rank);
  expect(ranks).toEqual(ranks.toSorted((x: number, y: number) => y - x));
  const names = new Map(Object.entries(ids).map(([name, id]) => [id, name]));
  return searchBugs.map(({ node }: Answer) => names.get(node.id) ?? `unknown ${node.ref}`);
}

test('a number, with or without its project, comes first', async () => {
  // CAMEL has six of the corpus and six fillers: the twelfth is the last of these.
  expect(await search('CAMEL-12')).toEqual(['filler 5']);
  expect(await search(' camel-12 ')).toEqual(['filler 5']);
  expect((await search('#12')).slice(0, 1)).toEqual(['filler 5']);
  expect((await search('12')).slice(0, 2).toSorted()).toEqual(['digits', 'filler 5']);
  expect(await search('OCTO/WEB-1-2')).toEqual(['logout 2']);
  expect((await search('#1')).slice(0, 2).toSorted()).toEqual(['crash', 'crash 2']);
  for (const unknown of ['CAMEL-99', '#999999999', 'LLAMA-1']) expect(await search(unknown), unknown).toEqual([]);
  await search('99999999999999999999');
});

test('another tracker’s id comes first', async () => {
  expect((await search('EXT-77'))[0]).toBe('login');
  expect(await search('EXT-7')).not.toContain('login');
});

test('words are found in title and description, the title’s first, and in any of their forms', async () => {
  expect(await search('payment')).toEqual(expect.arrayContaining(['crash', 'crash 2', 'slow']));
  expect((await search('payment')).slice(0, 2).toSorted()).toEqual(['crash', 'crash 2']);
  expect((await search('crashing submits', { projectIds: [projects[0]] }))[0]).toBe('crash');
  expect(await search('deployments')).toEqual(expect.arrayContaining(['crash']));
  expect((await search('payment seconds'))[0]).toBe('slow');
});

test('a phrase, or and a minus are understood', async () => {
  expect(await search('"payment page"')).toEqual(expect.arrayContaining(['crash', 'crash 2']));
  expect(await search('"payment page"')).not.toContain('slow');
  expect(await search('"page payment"', { projectIds: [projects[0]] })).not.toContain('slow');
  const either = await search('tokens or seconds');
  expect(either.slice(0, 2).toSorted()).toEqual(['login', 'slow']);
  expect((await search('payment -crashes'))[0]).toBe('slow');
});

test('a title that is written nearly so is found, after what has the words', async () => {
  expect((await search('Dashbord is slwo'))[0]).toBe('slow');
  expect((await search('pament pgae'))[0]).toMatch(/^crash/);
  expect(await search('ogin fai')).toContain('login');
  expect(await search('zebra')).toEqual([]);
});

test('to quoted words nothing is added that is only like them', async () => {
  expect(await search('pament page')).not.toEqual([]);
  expect(await search('"pament page"')).toEqual([]);
});

test('characters that are wild in patterns stand for themselves', async () => {
  expect(await search('100%_off')).toEqual(['percent']);
  expect(await search('C:\\temp\\new')).toEqual(['percent']);
  for (const wild of ['%', '_', '\\', '%%%', '___', '\\\\\\', '%a%', "'", "''';--", '"', '!', '&|', '(((', ':*', '-']) {
    expect(await search(wild), wild).toEqual([]);
  }
});

test('statuses and projects narrow every way of finding', async () => {
  const closed = await addBug(t, a, projects[0] ?? '', { title: 'Payment page blinks', externalId: 'EXT-CLOSED' });
  ids.closed = closed.id;
  await moveThrough(t, a, closed.id, ['CLOSED']);
  const only = { statuses: ['CLOSED'] };
  for (const query of ['payment page', closed.ref, 'EXT-CLOSED', 'blnks paymnt']) {
    expect(await search(query, only), query).toEqual(['closed']);
    expect(await search(query, { statuses: ['PENDING', 'SHIPPED'] }), query).not.toContain('closed');
    expect(await search(query, { projectIds: [projects[1]] }), query).not.toContain('closed');
  }
  expect(await search('payment', { projectIds: [projects[1]] })).toEqual(['crash 2']);
  expect(await search('payment', { projectIds: [] })).toEqual([]);
  expect(await search('payment', { statuses: [] })).toEqual([]);
  await change(t, a.key, 'deleteBug', { id: closed.id });
  expect(await search('EXT-CLOSED')).toEqual([]);
});

test('another tenant’s bugs are never found, not by its own projects’ ids either', async () => {
  const theirs = await t.runOk(b.key, '{ projects { nodes { id } } }');
  const projectIds = theirs.projects.nodes.map(({ id }: Answer) => id);
  const secret = await addBug(t, b, projectIds[0], { title: 'Secret zebra', externalId: 'EXT-Z' });
  for (const query of ['zebra', 'EXT-Z', secret.ref, 'payment', '#1', 'zbra secret']) {
    expect(await search(query), query).not.toContainEqual(expect.stringContaining('unknown'));
    expect(await search(query, { projectIds }), query).toEqual([]);
  }
  const { searchBugs } = await t.runOk(b.key, QUERY, { query: 'zebra' });
  expect(searchBugs).toMatchObject([{ node: { id: secret.id } }]);
});

test('no more than asked for come; what cannot be asked is refused', async () => {
  expect(await search('filler', { first: 3 })).toHaveLength(3);
  expect(await search('filler', { first: 100 })).toHaveLength(6);
  expect(await search('x'.repeat(200))).toEqual([]);
  for (const [query, over] of [
    ['', {}],
    ['  \n', {}],
    ['x'.repeat(201), {}],
    ['a\0b', {}],
    ['payment', { first: 0 }],
    ['payment', { first: 101 }],
    ['payment', { projectIds: ['bug_01h455vb4pex5vsknk084sn02q'] }],
  ] as const) {
    const { errors } = await t.run(a.key, QUERY, { query, ...over });
    expect(errors, JSON.stringify(query)).toMatchObject([{ extensions: { code: 'INVALID_INPUT' } }]);
  }
  expect(await search('\ud800 zebra')).toEqual([]);
});
