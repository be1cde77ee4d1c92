import { join } from 'node:path';
import { systemViewer } from '../../src/access/viewer.ts';
import { withWrite } from '../../src/data/write.ts';
import { addMember } from '../../src/modules/platform/tenant.service.ts';
import { readExamples } from '../../src/server/graphiql/examples.ts';
import type { TestApp } from './app.ts';
import { backgroundWork, imports } from './background-writes.ts';
import { change, type MadeWrite, run, settle } from './one-write.ts';
import { webhooks } from './webhook-writes.ts';

const PERSON = { email: 'ada@demo.example', password: 'demo-analyst-2026' };
const HOURS = [1, 2, 3, 4, 5].map((day) => ({ day, from: '08:00', to: '17:00' }));

/**
 * Makes a write of every kind in the demo's tenant, one after the other: every mutation, the examples, imports of every
 * kind, and the background work.
 */
export async function* allWrites(t: TestApp, tenantId: string, key: string): AsyncGenerator<MadeWrite> {
  yield* examples(t, key);
  yield* intelligence(t, key);
  yield* delivery(t, key);
  yield* access(t, tenantId, key);
  yield* webhooks(t, tenantId, key);
  yield* imports(t, tenantId, key);
  yield* backgroundWork(t, tenantId);
}

async function* examples(t: TestApp, key: string): AsyncGenerator<MadeWrite> {
  for (const example of readExamples(join(import.meta.dirname, '../../examples/queries'))) {
    // A query that decrypts writes too: it is audited.
    if (!/^mutation\b/m.test(example.query) && example.name !== 'OsintDecrypted') continue;
    await t.runOk(key, example.query, example.variables ? JSON.parse(example.variables) : {});
    await settle(t);
    yield { name: `the example ${example.name}` };
  }
}

async function* intelligence(t: TestApp, key: string): AsyncGenerator<MadeWrite> {
  const { source } = await change(
    t,
    key,
    'createSource',
    { name: 'New', kind: 'FORUM', externalRef: 'new' },
    'source { id }',
  );
  yield { name: 'createSource', mutation: 'createSource' };
  const { keyword } = await change(
    t,
    key,
    'createKeyword',
    { term: 'quagga', weight: 0.9, category: 'OTHER' },
    'keyword { id }',
  );
  yield { name: 'createKeyword', mutation: 'createKeyword' };
  const author = { platformUserId: 'p1', username: 'quaggaseller' };
  const text = 'a quagga for sale, mail quagga@example.com or call +49 30 901820';
  const item = { sourceId: source.id, externalId: 'q1', text, author };
  const { ingested } = await change(t, key, 'ingestContent', item, 'ingested { content { id } }');
  yield { name: 'ingestContent', mutation: 'ingestContent' };
  yield* run(t, key, [
    ['updateSource', { id: source.id, reliability: 'F' }],
    [
      'createKeywords',
      {
        items: [
          { term: 'bridge', weight: 0.7, category: 'OTHER' },
          { term: 'toll', weight: 0.2, category: 'OTHER' },
        ],
      },
    ],
    [
      'ingestContents',
      { items: [item, { ...item, text: `${text} bridge` }, { ...item, externalId: 'q2', origin: 'elsewhere' }] },
    ],
    ['ingestContents', { items: [{ ...item, text: `${text} bridge`, origin: 'somewhere else' }] }],
    ['setContentStatus', { id: ingested.content.id, status: 'REVIEWED' }],
    ['updateKeyword', { id: keyword.id, weight: 0.3 }],
  ]);
  const found = await t.runOk(
    key,
    `{ detections(filter: { status: { eq: NEW } }) { nodes { id content { id } } } platformUsers { nodes { id } } identifiers { nodes { id } } }`,
  );
  const [detection, user, identifier] = [found.detections, found.platformUsers, found.identifiers].map(
    (list) => list.nodes[0],
  );
  yield* run(t, key, [
    ['decideDetection', { id: detection.id, status: 'DISMISSED', reason: 'no' }],
    ['flagPlatformUser', { id: user.id, flagged: true, reason: 'asked' }],
    ['flagPlatformUser', { id: user.id, flagged: false, reason: 'asked again' }],
  ]);
  const { case: opened } = await change(t, key, 'openCase', { title: 'Quaggas' }, 'case { id }');
  yield { name: 'openCase', mutation: 'openCase' };
  const links = {
    caseId: opened.id,
    contentIds: [detection.content.id],
    detectionIds: [detection.id],
    identifierIds: [identifier.id],
    platformUsers: [{ platformUserId: user.id, role: 'SUSPECT' }],
  };
  yield* run(t, key, [
    ['linkToCase', links],
    ['unlinkFromCase', links],
    ['updateCase', { id: opened.id, title: 'Quaggas and bridges' }],
    ['moveCase', { id: opened.id, status: 'IN_PROGRESS' }],
  ]);
  const lookup = { query: 'quagga-trade.com', queryType: 'DOMAIN', parameters: { deep: true } };
  const { osintResult } = await change(t, key, 'startOsintLookup', lookup, 'osintResult { id }');
  yield { name: 'startOsintLookup', mutation: 'startOsintLookup' };
  yield* run(t, key, [
    ['cancelOsintLookup', { id: osintResult.id }],
    ['startOsintLookup', { ...lookup, query: 'bridge-toll.com' }],
  ]);
}

async function* delivery(t: TestApp, key: string): AsyncGenerator<MadeWrite> {
  const created = { key: 'QUAG', name: 'Quagga', arr: '1000000', cashFlows: ['10', '20'] };
  const { project } = await change(t, key, 'createProject', created, 'project { id }');
  yield { name: 'createProject', mutation: 'createProject' };
  const drafted = { projectId: project.id, title: 'Stripes fade', affectedShare: '0.5', labels: ['paint'] };
  const { bug } = await change(t, key, 'createBug', drafted, 'bug { id }');
  yield { name: 'createBug', mutation: 'createBug' };
  const { members } = await t.runOk(key, '{ members { nodes { id } } }');
  const holidays = [{ name: 'Day', date: '2027-01-01' }];
  const times = { name: 'Stable', timeZone: 'Europe/Berlin', hours: HOURS };
  const { businessCalendar: calendar } = await change(
    t,
    key,
    'createBusinessCalendar',
    times,
    'businessCalendar { id }',
  );
  yield { name: 'createBusinessCalendar', mutation: 'createBusinessCalendar' };
  const rules = { name: 'Strict', criticalHours: 2, calendarId: calendar.id, position: 1, applyTo: 'OPEN' };
  const { slaPolicy: policy } = await change(t, key, 'createSlaPolicy', rules, 'slaPolicy { id }');
  yield { name: 'createSlaPolicy', mutation: 'createSlaPolicy' };
  const { id } = bug;
  yield* run(t, key, [
    ['updateBug', { id, severity: 'CRITICAL', labels: ['paint', 'hoof'] }],
    ['assignBug', { id, assigneeId: members.nodes[0].id }],
    ['commentOnBug', { bugId: id, body: 'They do.' }],
    ['moveBug', { id, status: 'IN_PROGRESS' }],
    ['bugBatchCreate', { bugs: [drafted, { ...drafted, title: 'Hooves clatter' }] }],
    ['bugBatchUpdate', { ids: [id], severity: 'LOW' }],
    ['updateBusinessCalendar', { id: calendar.id, ...times, holidays, applyTo: 'OPEN' }],
    ['updateSlaPolicy', { id: policy.id, criticalHours: 4, applyTo: 'OPEN' }],
    ['updateProject', { id: project.id, arr: '2000000', tags: ['zoo'] }],
    ['recordProjectMetrics', { rows: [{ projectId: project.id, date: '2026-01-05', commits: 3 }] }],
    ['computeMonthlyMetrics', { from: '2025-01-01', to: '2026-01-01' }],
    ['computeMonthlyMetrics', { from: '2026-01-01', to: '2026-11-01', projectId: project.id }],
    ['takePortfolioSnapshot', null],
    ['deleteBug', { id }],
    ['moveProject', { id: project.id, status: 'DEFERRED' }],
  ]);
}

async function* access(t: TestApp, tenantId: string, key: string): AsyncGenerator<MadeWrite> {
  const { services } = t.app;
  const { key: made } = await change(t, key, 'createApiKey', { name: 'k' }, 'key { secret apiKey { id } }');
  yield { name: 'createApiKey', mutation: 'createApiKey' };
  await t.runOk(made.secret, '{ viewer { kind } }');
  // That a key was used is noted a moment later.
  await new Promise((resolve) => setTimeout(resolve, 100));
  yield { name: 'the use of a key' };
  yield* run(t, key, [['revokeApiKey', { id: made.apiKey.id }]]);
  const { session } = await change(t, null, 'signIn', PERSON, 'session { token }');
  yield { name: 'signIn', mutation: 'signIn' };
  await change(t, session.token, 'signOut', null);
  yield { name: 'signOut', mutation: 'signOut' };
  const person = { email: 'new@demo.example', displayName: 'New', role: 'VIEWER', passwordHash: null } as const;
  await withWrite(services.write, systemViewer(tenantId, 'test'), 'test', (tx) => addMember(tx, person));
  yield { name: 'addMember' };
}
