import { describe, expect, test } from 'vitest';
import type { Viewer } from '../../../src/access/viewer.ts';
import { childPageStatement, defineLinkList, pageStatement, planPage } from '../../../src/data/list.ts';
import { byIdStatements } from '../../../src/data/loaders.ts';
import { touches } from '../../../src/events/changes.ts';
import type { LogChange } from '../../../src/events/event.ts';
import { MAX_AGE_MS, observedViewer, TIME_AGE_MS, UNTOLD_AGE_MS, Uses } from '../../../src/server/answer-uses.ts';
import { readingOf } from '../../../src/server/statement-tables.ts';

const TENANT = '018f0000-0000-7000-8000-000000000001';
const idOf = (n: number) => `018f0000-0000-7000-8000-${String(n).padStart(12, '0')}`;
const read = (text: string) => ({ text, values: [] });
const tablesOf = (text: string) => readingOf(text).tables && [...(readingOf(text).tables ?? [])].sort();

const changeOf = (types: Record<string, number[] | null>): LogChange => ({
  tenantId: TENANT,
  firstSeq: 1n,
  lastSeq: 1n,
  types: new Map(Object.entries(types).map(([type, ids]) => [type, ids && new Set(ids.map(idOf))])),
});

function usesOf(...texts: string[]): Uses {
  const uses = new Uses();
  for (const text of texts) uses.statement(read(text));
  return uses;
}

describe('a statement', () => {
  test.each([
    ['SELECT 1 FROM cases', ['cases']],
    ['SELECT count(*) FROM "bugs" b JOIN public.projects p ON TRUE', ['bugs', 'projects']],
    ['SELECT 1 FROM BUGS', ['bugs']],
    ['SELECT id FROM search_bugs($1)', ['bugs', 'projects']],
    ['SELECT argus_text_config($1)', []],
    ['SELECT bug_labels_and_more FROM unnest($1)', []],
  ])('%s is made of %j', (text, tables) => {
    expect(tablesOf(text)).toEqual(tables);
  });

  test.each(['SELECT argus_secret($1)', 'SELECT * FROM search_watchlists ($1) w JOIN cases c USING (id)'])(
    '%s calls what nobody knows: it may be made of anything',
    (text) => {
      expect(tablesOf(text)).toBeNull();
      expect(touches(changeOf({ SlaPolicy: [1] }), usesOf(text).dependence)).toBe(true);
    },
  );

  test('of rows by their keys is told from those that read a table', () => {
    expect(readingOf(byIdStatements('Case', 't.id')(TENANT, [idOf(1)]).text).byKey).toBe('cases');
    const links = defineLinkList('CaseContent', 'contentId', 'TestLinks');
    const plan = planPage(links, {}, new Date());
    expect(readingOf(pageStatement(plan, TENANT).text).byKey).toBeNull();
    expect(readingOf(childPageStatement(plan, TENANT, 'caseId', [idOf(1)]).text).byKey).toBeNull();
    const joined = `SELECT t.id, (SELECT count(*) FROM bugs) FROM "cases" t WHERE t.tenant_id = $1::uuid AND t.id = ANY($2::uuid[])`;
    expect(readingOf(joined).byKey).toBeNull();
  });

  test.each([
    ['SELECT now()', TIME_AGE_MS],
    ['SELECT 1 FROM cases WHERE created_at > CURRENT_TIMESTAMP', TIME_AGE_MS],
    ['SELECT 1 FROM cases WHERE day = current_date', TIME_AGE_MS],
    ['SELECT random() FROM cases', TIME_AGE_MS],
    [`SELECT current_setting('server_version') AS version`, TIME_AGE_MS],
    ['SELECT pg_database_size(current_database())', TIME_AGE_MS],
    ['SELECT relname FROM pg_stat_user_tables', TIME_AGE_MS],
    ['SELECT 1 FROM audit_logs', UNTOLD_AGE_MS],
    ['SELECT 1 FROM cases JOIN bugs ON TRUE', UNTOLD_AGE_MS],
    ['SELECT argus_secret($1)', UNTOLD_AGE_MS],
    ['SELECT 1 FROM cases', MAX_AGE_MS],
    [`SELECT to_tsvector('pg_catalog.simple', name) FROM cases`, MAX_AGE_MS],
    ['SELECT known_now FROM cases', MAX_AGE_MS],
  ])('%s makes an answer last %i ms', (text, age) => {
    expect(usesOf('SELECT 1 FROM keywords', text).maxAge).toBe(age);
  });
});

describe('an answer', () => {
  test('that nothing was read for tells of the server, and of this moment', () => {
    expect(usesOf().maxAge).toBe(TIME_AGE_MS);
  });

  test('that the time was read for lasts as long as that', () => {
    const uses = usesOf('SELECT 1 FROM cases');
    uses.time();
    expect(uses.maxAge).toBe(TIME_AGE_MS);
  });

  test('ends with events that may have changed its tables, and with no others', () => {
    const { dependence } = usesOf('SELECT 1 FROM projects', 'SELECT 1 FROM sla_policies');
    const ends = (types: Record<string, number[] | null>) => touches(changeOf(types), dependence);
    expect(ends({ Project: [1] })).toBe(true);
    expect(ends({ SlaPolicy: null })).toBe(true);
    expect(ends({ Bug: [1], Case: null, Content: [2] })).toBe(false);
    expect(ends({ Watchlist: [1] }), 'of which nobody knows what it changes').toBe(true);
    expect(touches({ tenantId: TENANT, firstSeq: 0n, lastSeq: 0n, types: null }, dependence)).toBe(true);
  });

  test('of a table of which nobody says what tells of it ends with any event', () => {
    expect(touches(changeOf({ Keyword: [1] }), usesOf('SELECT 1 FROM event_store').dependence)).toBe(true);
  });

  test('of some rows outlives events about others', () => {
    const uses = new Uses();
    uses.statement(byIdStatements('Case', 't.id')(TENANT, [idOf(1), idOf(2)]));
    uses.statement(byIdStatements('Case', 't.title')(TENANT, [idOf(3)]));
    const ends = (types: Record<string, number[] | null>) => touches(changeOf(types), uses.dependence);
    expect([1, 2, 3].map((n) => ends({ Case: [9, n] }))).toEqual([true, true, true]);
    expect(ends({ Case: [4, 5] })).toBe(false);
    expect(ends({ Case: null })).toBe(true);
    uses.statement(read('SELECT count(*) FROM cases'));
    expect(ends({ Case: [4, 5] })).toBe(true);
  });

  test('of some rows ends with any event of another type that may change them', () => {
    const uses = new Uses();
    uses.statement(byIdStatements('Bug', 't.id')(TENANT, [idOf(1)]));
    const ends = (types: Record<string, number[] | null>) => touches(changeOf(types), uses.dependence);
    expect(ends({ Bug: [2] })).toBe(false);
    expect(ends({ Project: [2] })).toBe(true);
  });
});

describe('an observed viewer', () => {
  const viewer: Viewer = {
    kind: 'MEMBER',
    tenantId: TENANT,
    memberId: idOf(1),
    userId: idOf(2),
    permissions: new Set(['case:read']),
    credentialId: idOf(3),
    request: { id: idOf(4), ip: null, userAgent: null },
  };

  test('has what the viewer has', () => {
    expect({ ...observedViewer(viewer, new Uses()) }).toEqual(viewer);
  });

  test.each(['kind', 'memberId', 'userId', 'credentialId', 'request'] as const)(
    'makes an answer personal when its %s is read',
    (name) => {
      const uses = new Uses();
      const observed = observedViewer(viewer, uses);
      expect([observed.tenantId, observed.permissions, uses.isPersonal]).toEqual([TENANT, viewer.permissions, false]);
      expect(observed[name]).toBe(viewer[name]);
      expect(uses.isPersonal).toBe(true);
    },
  );
});
