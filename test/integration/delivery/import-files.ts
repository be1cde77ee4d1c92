import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Answer, Tenant, TestApp } from '../../support/app.ts';
import { asOwner } from './figures.ts';

const HOUR = 3_600_000;
const START = Date.parse('2026-01-05T08:00:00Z');

/** Text of a CSV file: cells with the separator, quotes or line breaks are quoted. */
export function csv(rows: readonly (readonly string[])[], separator = ','): string {
  const cell = (text: string) => (/["\r\n,;\t]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  return rows.map((row) => `${row.map(cell).join(separator)}\r\n`).join('');
}

export const JIRA_HEADER = [
  'Issue key',
  'Project',
  'Summary',
  'Priority',
  'Status',
  'Assignee',
  'Reporter',
  'Created',
  'Resolved',
  'Components',
  'Fix version',
];
const PRIORITIES = ['Blocker', 'Critical', 'Major', 'Minor', 'Trivial'];
const STATUSES = ['Open', 'In Progress', 'Closed', 'Resolved'];

/** Bugs as Jira exports them, of two projects; half of them resolved, after 10 to 890 hours. */
export function jiraRows(count: number): string[][] {
  return Array.from({ length: count }, (_, i) => {
    const project = i % 3 === 0 ? 'LLAMA' : 'CAMEL';
    const status = STATUSES[i % STATUSES.length] ?? '';
    const created = START + i * HOUR;
    return [
      `${project}-${i + 1}`,
      project,
      `Page ${i} fails, "sometimes"`,
      PRIORITIES[i % PRIORITIES.length] ?? '',
      status,
      i % 7 === 0 ? 'Owner' : `user-${i % 11}`,
      'user-1',
      new Date(created).toISOString(),
      i % STATUSES.length > 1 ? new Date(created + (10 + ((i * 40) % 900)) * HOUR).toISOString() : '',
      'ui; api',
      i % 2 === 0 ? '1.0' : '',
    ];
  });
}

export function jiraCsv(count: number, separator = ','): string {
  return csv([JIRA_HEADER, ...jiraRows(count)], separator);
}

/** Bugs as Bugzilla exports them: words of its own, and descriptions of several lines. */
export const BUGZILLA = csv([
  ['Summary', 'Issue id', 'Product', 'Status', 'Priority', 'Resolution', 'Created', 'Resolved', 'Description'],
  [
    'Tabs vanish',
    '101',
    'SEA',
    'RESOLVED',
    'P1',
    'FIXED',
    '2026-01-02 17:14:21+00:00',
    '2026-01-03 09:00:00+00:00',
    '',
  ],
  [
    'Menu "File" is grey',
    '102',
    'SEA',
    'NEW',
    '--',
    '',
    '2026-01-04 10:00:00+02:00',
    '2026-01-09 10:00:00+00:00',
    'one',
  ],
  [
    'Old',
    '103',
    'SEA',
    'VERIFIED',
    'P5',
    'FIXED',
    '2026-01-01 00:00:00',
    '2026-01-02 00:00:00',
    'first\r\n\r\n"third", line\n',
  ],
  ['Same', '104', 'SEA', 'RESOLVED', 'P3', 'DUPLICATE', '2026-01-01 00:00:00', '2026-01-01 00:00:00', 'x'],
]);

/** Issues as GitHub's REST API gives them. */
export function issue(number: number, over: object = {}): Record<string, unknown> {
  return {
    number,
    title: `Issue ${number}`,
    state: 'open',
    state_reason: null,
    user: { login: 'octo-user' },
    labels: [],
    created_at: '2026-01-05T08:00:00Z',
    updated_at: new Date(START + number * HOUR).toISOString(),
    closed_at: null,
    body: null,
    html_url: `https://github.com/octo/demo/issues/${number}`,
    ...over,
  };
}

/** The command `argus import …` as a user runs it, over a test's database, with files in a folder of its own. */
export function importCommand(t: TestApp) {
  const dir = mkdtempSync(join(tmpdir(), 'argus-import-'));
  const start = (...args: string[]): ChildProcess =>
    spawn(process.execPath, ['src/main.ts', 'import', ...args], {
      env: {
        ...process.env,
        DATABASE_URL: t.database.appUrl,
        DATABASE_OWNER_URL: t.database.ownerUrl,
        ARGUS_DIR: dir,
        NODE_ENV: 'development',
        GITHUB_TOKEN: '',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  return {
    start,
    run: async (...args: string[]): Promise<{ code: number; text: string }> => {
      const child = start(...args);
      let text = '';
      child.stdout?.on('data', (chunk) => (text += chunk));
      child.stderr?.on('data', (chunk) => (text += chunk));
      const [code] = await once(child, 'close');
      return { code, text };
    },
    file: (name: string, content: string | Uint8Array): string => {
      const path = join(dir, name);
      writeFileSync(path, content);
      return path;
    },
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
}

const START_IMPORT = `mutation ($input: StartImportInput!) { startImport(input: $input) {
  importRun { id status } userErrors { code message path } } }`;
const RUN = `query ($id: ID!) { node(id: $id) { ... on ImportRun { id kind source fileName status isDryRun isAtomic total
  created updated unchanged rejected warned errors warnings mapping finishedAt startedBy { displayName } } } }`;

export async function startImport(t: TestApp, key: string | null, input: object): Promise<Answer> {
  return (await t.runOk(key, START_IMPORT, { input })).startImport;
}

/** Starts an import by the mutation, waits for its end, and gives its run. */
export async function importText(t: TestApp, { key }: Tenant, input: object): Promise<Answer> {
  const { importRun, userErrors } = await startImport(t, key, input);
  if (userErrors.length > 0) throw new Error(JSON.stringify(userErrors));
  await Promise.all(t.app.services.background);
  return runOf(t, key, importRun.id);
}

export async function runOf(t: TestApp, key: string, id: string): Promise<Answer> {
  return (await t.runOk(key, RUN, { id })).node;
}

/** The tenant's newest run. */
export async function lastRun(t: TestApp, key: string): Promise<Answer> {
  return runOf(t, key, (await t.runOk(key, '{ importRuns(first: 1) { nodes { id } } }')).importRuns.nodes[0].id);
}

export async function lastSeq(t: TestApp, key: string): Promise<number> {
  return (await t.runOk(key, '{ lastEventSeq }')).lastEventSeq;
}

/** The tenant's bugs by what they say, without ids and the times of writing. */
export function bugsOf(t: TestApp, { tenantId }: Tenant): Promise<Answer[]> {
  return asOwner(
    t,
    `SELECT b.external_id, p.key || '-' || b.number AS key, b.title, b.description, b.severity, b.status, b.is_blocker,
       b.assignee_id IS NOT NULL AS assigned, b.assignee_name, b.reporter_name, b.hours_spent::float, b.url, b.details,
       b.created_at, b.resolved_at, b.sla_state, b.sla_due_at, b.version, b.reopen_count, b.source,
       (SELECT coalesce(array_agg(l.name ORDER BY l.name), '{}') FROM bug_labels l WHERE l.bug_id = b.id) AS labels
     FROM bugs b JOIN projects p ON p.id = b.project_id WHERE b.tenant_id = $1 ORDER BY b.external_id COLLATE "C"`,
    [tenantId],
  );
}

/** Everything that an import writes for a tenant, but for its runs: each row with the transaction that wrote it. */
export async function writtenRows(t: TestApp, { tenantId }: Tenant): Promise<Answer[]> {
  const tables = ['bugs', 'bug_labels', 'bug_history', 'projects', 'project_metrics', 'sla_policies', 'bug_totals'];
  const each = [...tables, 'project_bug_totals', 'project_totals', 'event_store', 'sync_states'].map(
    (name) => `SELECT '${name}' AS name, xmin::text, md5(r::text) AS hash FROM ${name} r WHERE tenant_id = $1`,
  );
  return asOwner(t, `${each.join(' UNION ALL ')} ORDER BY 1, 2, 3`, [tenantId]);
}

/** The kept totals and a recount of the bugs, of the same form. */
export async function totalsOf(t: TestApp, { tenantId }: Tenant): Promise<{ kept: Answer[]; counted: Answer[] }> {
  const kept = await asOwner(
    t,
    `SELECT severity, status, sla_state, is_blocker, count, revenue_impact::float AS impact FROM bug_totals
     WHERE tenant_id = $1 AND count <> 0 ORDER BY 1, 2, 3, 4`,
    [tenantId],
  );
  const counted = await asOwner(
    t,
    `SELECT severity, status, sla_state, is_blocker, count(*)::int, sum(revenue_impact)::float AS impact FROM bugs
     WHERE tenant_id = $1 GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4`,
    [tenantId],
  );
  return { kept, counted };
}
