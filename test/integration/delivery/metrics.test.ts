import { afterAll, beforeAll, expect, test } from 'vitest';
import { projectGlobalId } from '../../../src/modules/delivery/global-ids.ts';
import { type MetricRow, recordProjectMetrics } from '../../../src/modules/delivery/metric.service.ts';
import { type Answer, createTestApp, type Tenant, type TestApp } from '../../support/app.ts';
import { randomOf } from '../../support/random.ts';
import { addProject, asOwner, type Company, company, rowsOf, write } from './figures.ts';

let t: TestApp;
let a: Company;
let b: Company;
beforeAll(async () => {
  t = await createTestApp();
  a = await company(t, 'first', 71, 60);
  b = await company(t, 'second', 72, 15);
}, 120_000);
afterAll(() => t?.close());

const RECORD = `mutation($input: RecordProjectMetricsInput!) { recordProjectMetrics(input: $input) {
  recorded { created updated unchanged outcomes } userErrors { code path message } eventSeq } }`;
const record = async (tenant: Tenant, rows: object[]): Promise<Answer> =>
  (await t.runOk(tenant.key, RECORD, { input: { rows } })).recordProjectMetrics;

const told = async (tenant: Tenant): Promise<Answer[]> =>
  (
    await asOwner(
      t,
      `SELECT payload FROM event_store WHERE tenant_id = $1 AND type = 'PROJECT_METRICS_RECORDED' ORDER BY seq`,
      [tenant.tenantId],
    )
  ).map(({ payload }) => payload);

test('days are recorded, changed and left alone; one event for each project that changed', async () => {
  const tenant = await t.tenant('recording');
  const one = projectGlobalId((await addProject(t, tenant, 'ONE')).id);
  const two = projectGlobalId((await addProject(t, tenant, 'TWO')).id);
  const rows = [
    {
      projectId: one,
      date: '2024-03-02',
      commits: 3,
      contributors: 2,
      linesAdded: 10,
      techStack: ['Go', 'Go', ' SQL '],
    },
    { projectId: one, date: '2024-03-01', commits: 0 },
    { projectId: two, date: '2024-03-01', filesChanged: 4 },
  ];
  const first = await record(tenant, rows);
  expect(first).toMatchObject({ userErrors: [], recorded: { created: 3, updated: 0, unchanged: 0 } });
  const stored = await rowsOf(t, tenant, 'project_metrics');
  expect(await record(tenant, rows)).toEqual({
    recorded: { created: 0, updated: 0, unchanged: 3, outcomes: ['UNCHANGED', 'UNCHANGED', 'UNCHANGED'] },
    userErrors: [],
    eventSeq: null,
  });
  expect(await rowsOf(t, tenant, 'project_metrics')).toEqual(stored);
  const third = await record(tenant, [
    { projectId: one, date: '2024-03-01', commits: 0, linesDeleted: 7 },
    { projectId: one, date: '2024-03-02', commits: null, techStack: [] },
    { projectId: one, date: '2024-03-05', commits: 1 },
  ]);
  expect(third.recorded).toEqual({
    created: 1,
    updated: 1,
    unchanged: 1,
    outcomes: ['UPDATED', 'UNCHANGED', 'CREATED'],
  });
  expect((await told(tenant)).map(({ id, from, to, days }) => [id, from, to, days])).toEqual(
    expect.arrayContaining([
      [one, '2024-03-01', '2024-03-02', 2],
      [two, '2024-03-01', '2024-03-01', 1],
      [one, '2024-03-01', '2024-03-05', 2],
    ]),
  );
  expect(await told(tenant)).toHaveLength(3);
  const { projectMetrics } = await t.runOk(
    tenant.key,
    `query($id: ID) { projectMetrics(filter: { projectId: { eq: $id } }) { nodes { date commits contributors filesChanged
      linesAdded linesDeleted linesOfCode techStack version project { id } } } }`,
    { id: one },
  );
  const none = {
    commits: null,
    contributors: null,
    filesChanged: null,
    linesAdded: null,
    linesDeleted: null,
    linesOfCode: null,
  };
  const day = { ...none, techStack: [], version: 1, project: { id: one } };
  expect(projectMetrics.nodes).toEqual([
    { ...day, date: '2024-03-05', commits: 1 },
    { ...day, date: '2024-03-02', commits: 3, contributors: 2, linesAdded: 10, techStack: ['Go', 'SQL'] },
    { ...day, date: '2024-03-01', commits: 0, linesDeleted: 7, version: 2 },
  ]);
});

test('rows for one day add to each other, whatever way they are cut into calls', async () => {
  const random = randomOf(73);
  for (let run = 0; run < 20; run++) {
    const tenant = await t.tenant(`merge-${run}`);
    const ids = [(await addProject(t, tenant, 'X')).id, (await addProject(t, tenant, 'Y')).id];
    const maybe = () => (random() < 0.4 ? Math.floor(random() * 3) : random() < 0.5 ? null : undefined);
    const rows = Array.from(
      { length: 30 },
      (): MetricRow => ({
        projectId: ids[Math.floor(random() * 2)] ?? '',
        date: new Date(Date.UTC(2024, 0, 1 + Math.floor(random() * 5))),
        commits: maybe(),
        linesOfCode: maybe(),
        techStack: random() < 0.3 ? ['Go', 'SQL'].slice(Math.floor(random() * 2)) : null,
      }),
    );
    const outcomes: string[] = [];
    for (let at = 0; at < rows.length; ) {
      const part = rows.slice(at, at + 1 + Math.floor(random() * 12));
      outcomes.push(...(await write(t, tenant, (tx) => recordProjectMetrics(tx, part))));
      at += part.length;
    }
    const expected = new Map<string, { commits: number | null; loc: number | null; stack: readonly string[] }>();
    const counts = rows.map((row) => {
      const key = `${row.projectId} ${row.date.toISOString().slice(0, 10)}`;
      const before = expected.get(key);
      const after = {
        commits: row.commits ?? before?.commits ?? null,
        loc: row.linesOfCode ?? before?.loc ?? null,
        stack: row.techStack ?? before?.stack ?? [],
      };
      expected.set(key, after);
      return before === undefined
        ? 'CREATED'
        : JSON.stringify(before) === JSON.stringify(after)
          ? 'UNCHANGED'
          : 'UPDATED';
    });
    const stored = (await rowsOf(t, tenant, 'project_metrics')).map(
      (row) =>
        [
          `${row.project_id} ${row.date}`,
          { commits: row.commits, loc: row.lines_of_code, stack: row.tech_stack },
        ] as const,
    );
    expect(new Map(stored)).toEqual(expected);
    expect(outcomes.filter((one) => one === 'CREATED')).toHaveLength(expected.size);
    expect(outcomes.filter((_, i) => counts[i] === 'CREATED').every((one) => one === 'CREATED')).toBe(true);
  }
});

test('what is no count, too many rows and projects of another tenant are refused, and nothing is written', async () => {
  const projectId = projectGlobalId(b.projects[0]?.id ?? '');
  const date = '2024-03-01';
  const bad: [object[], string, string[], RegExp][] = [
    [
      [
        { projectId, date },
        { projectId, date, commits: -1 },
      ],
      'INVALID_INPUT',
      ['rows', '1', 'commits'],
      /-1 is not/,
    ],
    [[{ projectId, date, techStack: [' '] }], 'INVALID_INPUT', ['rows', '0', 'techStack'], /technologies/],
    [[], 'INVALID_INPUT', ['rows'], /0 rows: 1 to 500/],
    [Array.from({ length: 501 }, () => ({ projectId, date })), 'INVALID_INPUT', ['rows'], /501 rows/],
    [
      [
        { projectId, date },
        { projectId: projectGlobalId(a.projects[0]?.id ?? ''), date },
      ],
      'NOT_FOUND',
      ['rows', '1', 'projectId'],
      /no such Project/,
    ],
  ];
  for (const [rows, code, path, message] of bad) {
    expect((await record(b.tenant, rows)).userErrors).toEqual([
      { code, path, message: expect.stringMatching(message) },
    ]);
  }
  expect(await rowsOf(t, b.tenant, 'project_metrics')).toEqual([]);
});

test('the same rows from two writers at once are there once', async () => {
  const projectId = (await addProject(t, b.tenant, 'RACE')).id;
  const rows = Array.from({ length: 40 }, (_, i) => ({
    projectId,
    date: new Date(Date.UTC(2024, 5, 1 + i)),
    commits: i,
  }));
  const both = [rows, rows.toReversed()].map((part) => write(t, b.tenant, (tx) => recordProjectMetrics(tx, part)));
  const outcomes = (await Promise.all(both)).flat();
  expect(outcomes.filter((one) => one === 'CREATED')).toHaveLength(40);
  expect(outcomes.filter((one) => one === 'UNCHANGED')).toHaveLength(40);
});
