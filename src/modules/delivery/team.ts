import type { ReadScope } from '../../data/read-scope.ts';
import { SqlBuilder } from '../../data/statement.ts';
import { encodeId } from '../../graphql/ids.ts';
import { memberEntity } from '../platform/entities.ts';
import { type BugFigure, OPEN_SQL, OPEN_STATUSES } from './bug.statistics.ts';
import { RESOLUTION_HOURS } from './engineering.ts';
import { BUG_SEVERITIES, type BugSeverity } from './values.ts';

/** What an open bug of a severity weighs. */
export const WORKLOAD_POINTS: Readonly<Record<BugSeverity, number>> = { CRITICAL: 5, HIGH: 3, MEDIUM: 2, LOW: 1 };

const DAY_MS = 86_400_000;
const SLA_DAYS = 90;
/** A team has far fewer members; an organisation may have more. */
const MAX_MEMBERS = 1_000;

/** What a member has to do. */
export interface Workload {
  memberId: string;
  open: BugFigure;
  bySeverity: { severity: BugSeverity; open: number; weight: number; points: number }[];
  /** the sum of those by severity */
  points: number;
  /** past the SLA or the date that was set */
  overdue: BugFigure;
  /** of the open ones; null: there is none */
  averageAgeDays: number | null;
  /** resolved in the last 90 days */
  slaMet: number;
  slaMissed: number;
}

type WorkloadRow = Record<Lowercase<BugSeverity>, number> & {
  id: string;
  open: number;
  overdue: number;
  age: number | null;
  met: number;
  missed: number;
};

/** What one member has to do: all zeroes when there is nothing. */
export async function workload(scope: ReadScope, memberId: string, now: Date): Promise<Workload> {
  const [row] = await scope.query<WorkloadRow>(workloadSql(scope.viewer.tenantId, now, memberId));
  const none = { critical: 0, high: 0, medium: 0, low: 0, open: 0, overdue: 0, age: null, met: 0, missed: 0 };
  return toWorkload(row ?? { id: memberId, ...none }, now);
}

/** What each member with open bugs has to do, most points first. */
export async function teamWorkload(scope: ReadScope, now: Date): Promise<Workload[]> {
  const rows = await scope.query<WorkloadRow>(workloadSql(scope.viewer.tenantId, now, null));
  return rows.map((row) => toWorkload(row, now));
}

function workloadSql(tenantId: string, now: Date, memberId: string | null) {
  const sql = new SqlBuilder();
  const ofWhom = () => {
    if (memberId) sql.raw(' AND assignee_id = ').param(memberId, 'uuid');
    else sql.raw(' AND assignee_id IS NOT NULL');
    sql.raw(' GROUP BY 1)');
  };
  const bySeverity = BUG_SEVERITIES.map(
    (severity) => `count(*) FILTER (WHERE severity = '${severity}')::int AS ${severity.toLowerCase()}`,
  );
  sql.raw(`WITH o AS (SELECT assignee_id AS id, count(*)::int AS open, ${bySeverity.join(', ')},
      count(*) FILTER (WHERE sla_state = 'BREACHED' OR due_at < `);
  sql.param(now, 'timestamptz').raw(`)::int AS overdue,
      (avg(extract(epoch FROM `);
  sql.param(now, 'timestamptz').raw(` - created_at)) / 86400)::float8 AS age
    FROM bugs WHERE status IN ${OPEN_SQL} AND tenant_id = `);
  sql.param(tenantId, 'uuid');
  ofWhom();
  sql.raw(`, s AS (SELECT assignee_id AS id, count(*) FILTER (WHERE sla_state = 'MET')::int AS met,
      count(*) FILTER (WHERE sla_state = 'MISSED')::int AS missed FROM bugs WHERE tenant_id = `);
  sql.param(tenantId, 'uuid').raw(' AND resolved_at >= ');
  sql.param(new Date(now.getTime() - SLA_DAYS * DAY_MS), 'timestamptz').raw(' AND resolved_at < ');
  sql.param(now, 'timestamptz');
  ofWhom();
  const points = BUG_SEVERITIES.map((severity) => `${WORKLOAD_POINTS[severity]} * ${severity.toLowerCase()}`);
  const zeroes = ['open', ...BUG_SEVERITIES.map((severity) => severity.toLowerCase()), 'overdue', 'met', 'missed'];
  sql.raw(` SELECT id, age, ${zeroes.map((name) => `coalesce(${name}, 0) AS ${name}`).join(', ')}
    FROM o ${memberId ? 'FULL' : 'LEFT'} JOIN s USING (id)
    ORDER BY ${points.join(' + ')} DESC, id LIMIT ${MAX_MEMBERS}`);
  return sql.build('Team.workload');
}

function toWorkload(row: WorkloadRow, now: Date): Workload {
  const bySeverity = BUG_SEVERITIES.map((severity) => {
    const open = row[severity.toLowerCase() as Lowercase<BugSeverity>];
    const weight = WORKLOAD_POINTS[severity];
    return { severity, open, weight, points: open * weight };
  });
  const open = { assigneeId: { eq: encodeId(memberEntity.prefix, row.id) }, status: { in: OPEN_STATUSES } };
  const late = [{ slaState: { eq: 'BREACHED' } }, { dueAt: { lt: now.toISOString() } }];
  return {
    memberId: row.id,
    open: { count: row.open, filter: open },
    bySeverity,
    points: bySeverity.reduce((sum, { points }) => sum + points, 0),
    overdue: { count: row.overdue, filter: { ...open, or: late } },
    averageAgeDays: row.age,
    slaMet: row.met,
    slaMissed: row.missed,
  };
}

/** What a member resolved in a time. */
export interface Performance {
  memberId: string;
  resolved: number;
  resolutionHoursP50: number;
  reopened: number;
  slaMet: number;
  slaMissed: number;
}

/** What each assignee resolved in [from, to), most first. */
export async function teamPerformance(scope: ReadScope, from: Date, to: Date): Promise<Performance[]> {
  const sql = new SqlBuilder().raw(`SELECT assignee_id AS "memberId", count(*)::int AS resolved,
      percentile_cont(0.5) WITHIN GROUP (ORDER BY ${RESOLUTION_HOURS}) AS "resolutionHoursP50",
      count(*) FILTER (WHERE reopen_count > 0)::int AS reopened,
      count(*) FILTER (WHERE sla_state = 'MET')::int AS "slaMet",
      count(*) FILTER (WHERE sla_state = 'MISSED')::int AS "slaMissed"
    FROM bugs WHERE assignee_id IS NOT NULL AND tenant_id = `);
  sql.param(scope.viewer.tenantId, 'uuid').raw(' AND resolved_at >= ').param(from, 'timestamptz');
  sql.raw(' AND resolved_at < ').param(to, 'timestamptz');
  sql.raw(` GROUP BY 1 ORDER BY resolved DESC, 1 LIMIT ${MAX_MEMBERS}`);
  return scope.query<Performance>(sql.build('Team.performance'));
}
