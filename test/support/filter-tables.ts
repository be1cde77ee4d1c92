import fc from 'fast-check';
import { defineList } from '../../src/data/list.ts';
import { SOURCES } from './list-world.ts';

// Tables that filters are tried on: every kind of field, nullable ones and generated ones among them.

export const TEXTS = ['a', 'A', 'ab', 'a%', 'a_', 'é', 'e\u0301', 'ß', 'ss', '😀', '\uffff', '\u00a0', '\\', "'", 'z'];
export const IDS = [...SOURCES, '00000000-0000-7000-8000-000000000001', 'ffffffff-ffff-7fff-bfff-ffffffffffff'];
const INSTANTS = [
  '0001-01-01T00:00:00.000Z',
  '1969-12-31T23:59:59.999Z',
  '2024-02-29T00:00:00.000Z',
  '2026-02-22T00:00:00.000Z',
  '2026-02-28T23:59:59.999Z',
  '2026-03-01T00:00:00.000Z',
  '9999-12-31T23:59:59.999Z',
];
export const MOMENTS = [...INSTANTS, '2024-02-29', '-P7D', '-PT0S', 'P1Y', '-P2Y1D', '2026-03-01T02:00:00+02:00'];
export const FLOATS = [0, -0, 0.1, 0.30000000000000004, 0.3, 1, Number.MIN_VALUE];
/** Of decimal columns, which lists compare as floats: the largest amount that one holds is among them. */
export const AMOUNTS = ['0', '0.1', '0.3', '1299.9', '1299.9001', '999999999999999.9999'];
const LEVELS = ['LOW', 'HIGH'] as const;

export const users = defineList('PlatformUser', {
  filters: {
    sourceId: { kind: 'id', field: 'sourceId' },
    name: { kind: 'string', field: 'username' },
    alias: { kind: 'string', field: 'displayName' },
    score: { kind: 'float', field: 'riskScore' },
    flagged: { kind: 'boolean', field: 'isFlagged' },
    flaggedAt: { kind: 'date', field: 'flaggedAt' },
    flaggedBy: { kind: 'enum', field: 'flaggedBy', values: ['RULE', 'HUMAN'] },
    version: { kind: 'int', field: 'version' },
  },
  orders: { CREATED_AT: 'createdAt' },
  defaultOrder: 'CREATED_AT',
});
export const events = defineList('Event', {
  filters: {
    seq: { kind: 'bigint', field: 'seq' },
    actorId: { kind: 'id', field: 'actorId' },
    type: { kind: 'string', field: 'type' },
    level: { kind: 'enum', field: 'aggregateType', values: LEVELS },
    occurredAt: { kind: 'date', field: 'occurredAt' },
  },
  orders: { SEQ: 'seq' },
  defaultOrder: 'SEQ',
  key: 'seq',
});
const bugs = defineList('Bug', {
  filters: {
    severity: { kind: 'enum', field: 'severity', values: LEVELS },
    blocker: { kind: 'boolean', field: 'isBlocker' },
    rank: { kind: 'int', field: 'severityRank' },
    impact: { kind: 'float', field: 'revenueImpactSort' },
    dueAt: { kind: 'date', field: 'dueAt' },
    slaDue: { kind: 'date', field: 'slaDueSort' },
    externalId: { kind: 'string', field: 'externalId' },
  },
  orders: { REVENUE_IMPACT: 'revenueImpactSort' },
  defaultOrder: 'REVENUE_IMPACT',
});
const days = defineList('ProjectMetric', {
  filters: {
    date: { kind: 'day', field: 'date' },
    commits: { kind: 'int', field: 'commits' },
  },
  orders: { DATE: 'date' },
  defaultOrder: 'DATE',
});

/** A row of any of the tables. */
export const rows = fc.record({
  text: fc.constantFrom(...TEXTS),
  alias: fc.option(fc.constantFrom(...TEXTS)),
  source: fc.constantFrom(...SOURCES),
  actor: fc.option(fc.constantFrom(...IDS)),
  score: fc.constantFrom(...FLOATS),
  amount: fc.constantFrom(...AMOUNTS),
  flag: fc.boolean(),
  at: fc.constantFrom(...INSTANTS),
  maybe: fc.option(fc.constantFrom(...INSTANTS)),
  judge: fc.option(fc.constantFrom('RULE', 'HUMAN')),
  level: fc.constantFrom(...LEVELS),
  number: fc.constantFrom(1, 2, 2 ** 31 - 1),
  count: fc.option(fc.constantFrom(0, 1, 2 ** 31 - 1)),
});
const ROW = `FROM jsonb_to_recordset($1) AS r(id uuid, n int, text text, alias text, source uuid, actor uuid,
  score float8, amount text, flag bool, at timestamptz, maybe timestamptz, judge text, level text, number int, count int)`;
/** Each row in a project of its own. */
const IN_PROJECTS = `WITH given AS (SELECT * ${ROW}), made AS (
    INSERT INTO projects (tenant_id, id, key, name, tags, cash_flows) SELECT argus_tenant(), id, 'K' || n, 'P', '{}', '{}'
    FROM given)`;

export const TABLES = [
  {
    spec: users,
    sql: `INSERT INTO platform_users (tenant_id, id, source_id, platform_user_id, username, display_name, risk_score,
      is_flagged, flagged_at, flagged_by, version) SELECT argus_tenant(), id, source, 'p' || n, text, alias, score, flag,
      maybe, judge, number ${ROW}`,
  },
  {
    spec: events,
    sql: `INSERT INTO event_store (tenant_id, seq, id, type, aggregate_type, aggregate_id, aggregate_version, actor_id,
      occurred_at) SELECT argus_tenant(), 9007199254740990 + n, id, text, level, id, 1, actor, at ${ROW}`,
  },
  {
    spec: bugs,
    sql: `${IN_PROJECTS} INSERT INTO bugs (tenant_id, id, project_id, number, title, severity, is_blocker, revenue_impact,
      due_at, sla_due_at, external_id) SELECT DISTINCT ON (alias, CASE WHEN alias IS NULL THEN n END) argus_tenant(), id, id,
      n, text, level, flag, amount::numeric, maybe, maybe, alias FROM given`,
  },
  {
    spec: days,
    sql: `${IN_PROJECTS} INSERT INTO project_metrics (tenant_id, id, project_id, date, commits, tech_stack)
      SELECT argus_tenant(), id, id, (at AT TIME ZONE 'UTC')::date, count, '{}' FROM given`,
  },
] as const;
