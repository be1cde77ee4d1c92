import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemViewer } from '../../src/access/viewer.ts';
import { withWrite } from '../../src/data/write.ts';
import { syncGithub } from '../../src/imports/github.sync.ts';
import { contentImporter, type IntelOptions, keywordImporter } from '../../src/imports/intel.importers.ts';
import { importRecords } from '../../src/imports/run.ts';
import { startJobs } from '../../src/jobs.ts';
import { keepDay } from '../../src/modules/delivery/daily.service.ts';
import { sweepSla } from '../../src/modules/delivery/sla.sweep.ts';
import { updateKeyword } from '../../src/modules/intel/keyword.service.ts';
import { runLookups } from '../../src/modules/intel/osint.runner.ts';
import { claimLookup, requeueLost } from '../../src/modules/intel/osint.service.ts';
import { sweepDictionary } from '../../src/modules/intel/sweep.ts';
import { asImportRun, failAbandoned } from '../../src/modules/platform/import.service.ts';
import type { TestApp } from './app.ts';
import { type MadeWrite, run } from './one-write.ts';

const DAY_MS = 86_400_000;

/** Imports of every kind. */
export async function* imports(t: TestApp, tenantId: string, key: string): AsyncGenerator<MadeWrite> {
  const bugs =
    'Issue key,Project,Summary,Priority,Status,Created\nZ-1,ZEBRA,It is striped,Major,Open,2026-05-02\nZ-2,ZEBRA,It runs,Minor,Closed,2026-05-03\n';
  const history = 'bug_id,changed_at,field,old,new,who\nZ-1,2026-05-04T10:00:00Z,status,Open,In Progress,x\n';
  const metrics = 'project,date,commits\nZEBRA,2026-05-04,4\n';
  const issues = JSON.stringify([issueOf(7)]);
  yield* run(t, key, [
    ['startImport', { kind: 'BUGS', format: 'CSV', content: bugs }],
    ['startImport', { kind: 'BUGS', format: 'CSV', content: bugs.replace('Minor', 'Blocker'), atomic: true }],
    ['startImport', { kind: 'BUG_HISTORY', format: 'CSV', content: history, project: 'ZEBRA' }],
    ['startImport', { kind: 'METRICS', format: 'CSV', content: metrics }],
    [
      'startImport',
      { kind: 'GITHUB_ISSUES', format: 'JSON', content: issues, repository: 'octo/demo', project: 'ZEBRA' },
    ],
  ]);
  const { importRuns } = await t.runOk(key, '{ importRuns(first: 5) { nodes { kind status created errors } } }');
  for (const made of importRuns.nodes)
    if (made.status !== 'COMPLETED' || (made.created === 0 && made.kind === 'METRICS'))
      throw new Error(JSON.stringify(importRuns.nodes));
  const { services } = t.app;
  const viewer = systemViewer(tenantId, 'test');
  const options = { kind: 'FORUM', category: 'OTHER', weight: 0.5 } as IntelOptions;
  for (const kind of ['content', 'keywords'] as const) {
    const importer = kind === 'content' ? contentImporter(services, 'zoo.csv', options) : keywordImporter(options);
    const record =
      kind === 'content' ? { id: 'z1', text: 'a zebra at zebra@example.com', author: 'zz' } : { term: 'zebra' };
    const records = async function* () {
      yield { ok: true as const, line: 2, record, bytesRead: 10 } as never;
    };
    await asImportRun(services, viewer, { kind, source: 'csv', fileName: 'zoo.csv' }, async (report) => {
      await importRecords(services, viewer, importer as never, records, report, {
        file: 'zoo.csv',
        signal: services.streams.signal,
      });
      if (report.created === 0) throw new Error(JSON.stringify(report));
      return { mapping: {} };
    });
    yield { name: `an import of ${kind}` };
  }
  yield* fromGithub(t, tenantId);
}

const issueOf = (number: number) => ({
  number,
  title: `Issue ${number}`,
  state: 'open',
  user: { login: 'octo', type: 'User' },
  labels: [],
  created_at: '2026-05-01T00:00:00Z',
  updated_at: '2026-05-02T00:00:00Z',
});

async function* fromGithub(t: TestApp, tenantId: string): AsyncGenerator<MadeWrite> {
  const server = createServer((_, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify([issueOf(1), issueOf(2)]));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const apiUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const options = { repository: 'octo/other', apiUrl, token: null };
  await syncGithub(t.app.services, systemViewer(tenantId, 'test'), options);
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
  yield { name: 'a reading of GitHub' };
}

/** What a server does by itself. */
export async function* backgroundWork(t: TestApp, tenantId: string): AsyncGenerator<MadeWrite> {
  const { services } = t.app;
  const viewer = systemViewer(tenantId, 'jobs');
  const { signal } = new AbortController();
  const steps: [string, () => Promise<unknown>][] = [
    ['the sweep of the dictionary', () => sweepDictionary(services, viewer, { signal })],
    ['a keyword of another kind', () => changeKeyword(t, tenantId)],
    ['the sweep of that', () => sweepDictionary(services, viewer, { signal })],
    ['a lookup that begins', () => withWrite(services.write, viewer, 'test', claimLookup)],
    ['a lookup that is lost', () => withWrite(services.write, viewer, 'test', (tx) => requeueLost(tx, new Date()))],
    ['lookups', () => runLookups(services, tenantId, signal)],
    ...[0, 1, 2, 5, 30].map((days): [string, () => Promise<unknown>] => [
      `the sweep of the SLA ${days} days from now`,
      () => sweepSla(services, viewer, { now: new Date(Date.now() + days * DAY_MS) }),
    ]),
    ['the day’s figures', () => keepDay(services, viewer)],
    ['abandoned imports', () => failAbandoned(services, viewer)],
  ];
  for (const [name, step] of steps) {
    await step();
    yield { name };
  }
  const jobs = startJobs(services);
  await new Promise((resolve) => setTimeout(resolve, 500));
  await jobs.stop();
  yield { name: 'the jobs of a server' };
}

/** Another category changes what is to be swept, but no score. */
async function changeKeyword(t: TestApp, tenantId: string): Promise<void> {
  await withWrite(t.app.services.write, systemViewer(tenantId, 'test'), 'test', async (tx) => {
    const { id } = await tx.db.keyword.findFirstOrThrow({
      where: { tenantId, isActive: true, detections: { some: {} } },
    });
    await updateKeyword(tx, { id, category: 'OTHER' });
  });
}
