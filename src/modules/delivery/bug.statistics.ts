import type { ReadScope } from '../../data/read-scope.ts';
import { encodeId } from '../../graphql/ids.ts';
import { PREFIX } from './global-ids.ts';
import { Decimal, sumMoney } from './money.ts';
import {
  BUG_SEVERITIES,
  BUG_STATUSES,
  type BugSeverity,
  type BugStatus,
  RESOLVED_STATUSES,
  SLA_STATES,
  type SlaState,
} from './values.ts';

export const OPEN_STATUSES: readonly BugStatus[] = BUG_STATUSES.filter((status) => !RESOLVED_STATUSES.includes(status));
/** Written out, so that prepared statements can use the partial index of open bugs. */
export const OPEN_SQL = `(${OPEN_STATUSES.map((status) => `'${status}'`).join(', ')})`;

/** One row of the totals: bugs of one kind. */
export interface BugTotalRow {
  currency: string;
  severity: BugSeverity;
  status: BugStatus;
  slaState: SlaState;
  isBlocker: boolean;
  count: number;
  revenueImpact: string;
}

/** A count, and the filter of the list of bugs that selects exactly the rows that were counted. */
export interface BugFigure {
  count: number;
  filter: Record<string, unknown>;
}

export interface CurrencyAmount {
  currency: string;
  amount: string;
}

export interface BugStatistics {
  total: BugFigure;
  open: BugFigure;
  /** open ones */
  blockers: BugFigure;
  /** open and past their SLA */
  breached: BugFigure;
  bySeverity: (BugFigure & { severity: BugSeverity })[];
  byStatus: (BugFigure & { status: BugStatus })[];
  bySeverityAndStatus: (BugFigure & { severity: BugSeverity; status: BugStatus })[];
  bySlaState: (BugFigure & { slaState: SlaState })[];
  revenueImpactOpen: CurrencyAmount[];
}

const COLUMNS = `t.severity, t.status, t.sla_state AS "slaState", t.is_blocker AS "isBlocker", t.count,
  t.revenue_impact::text AS "revenueImpact"`;

/** $1: tenant. */
export const BUG_TOTALS_SQL = `/* Bug.totals */ SELECT t.currency, ${COLUMNS} FROM bug_totals t
  WHERE t.tenant_id = $1::uuid AND t.count > 0`;

/** $1: tenant, $2: project. */
const PROJECT_TOTALS_SQL = `/* Bug.totals.project */ SELECT p.currency, ${COLUMNS} FROM project_bug_totals t
  JOIN projects p ON p.tenant_id = t.tenant_id AND p.id = t.project_id
  WHERE t.tenant_id = $1::uuid AND t.project_id = $2::uuid AND t.count > 0`;

/** The figures of all bugs, or of one project's, from the totals that each write keeps: the same cost at any size. */
export async function bugStatistics(scope: ReadScope, projectId: string | null): Promise<BugStatistics> {
  const { tenantId } = scope.viewer;
  const rows = await scope.query<BugTotalRow>(
    projectId
      ? { name: 'delivery_project_totals', text: PROJECT_TOTALS_SQL, values: [tenantId, projectId] }
      : { name: 'delivery_bug_totals', text: BUG_TOTALS_SQL, values: [tenantId] },
  );
  return bugStatisticsOf(rows, projectId);
}

export function isOpen({ status }: { status: BugStatus }): boolean {
  return OPEN_STATUSES.includes(status);
}

/** How many bugs the rows count that fit. */
export function countBugs(rows: readonly BugTotalRow[], fits: (row: BugTotalRow) => boolean): number {
  return rows.reduce((sum, row) => sum + (fits(row) ? row.count : 0), 0);
}

/** What the open bugs among the rows cost, by currency in the order of the alphabet. */
export function openImpact(rows: readonly BugTotalRow[]): CurrencyAmount[] {
  const byCurrency = Map.groupBy(rows.filter(isOpen), (row) => row.currency);
  return [...byCurrency]
    .map(([currency, group]) => ({
      currency,
      amount: sumMoney(group.map((row) => new Decimal(row.revenueImpact))).toFixed(),
    }))
    .sort((a, b) => (a.currency < b.currency ? -1 : 1));
}

function bugStatisticsOf(rows: readonly BugTotalRow[], projectId: string | null): BugStatistics {
  const base = projectId ? { projectId: { eq: encodeId(PREFIX.Project, projectId) } } : {};
  const figure = (filter: Record<string, unknown>, fits: (row: BugTotalRow) => boolean): BugFigure => ({
    count: countBugs(rows, fits),
    filter: { ...base, ...filter },
  });
  const open = { status: { in: OPEN_STATUSES } };
  const cells = BUG_SEVERITIES.flatMap((severity) => BUG_STATUSES.map((status) => ({ severity, status })));
  return {
    total: figure({}, () => true),
    open: figure(open, isOpen),
    blockers: figure({ ...open, isBlocker: { eq: true } }, (row) => isOpen(row) && row.isBlocker),
    breached: figure({ slaState: { eq: 'BREACHED' } }, (row) => row.slaState === 'BREACHED'),
    bySeverity: BUG_SEVERITIES.map((severity) => ({
      severity,
      ...figure({ severity: { eq: severity } }, (row) => row.severity === severity),
    })),
    byStatus: BUG_STATUSES.map((status) => ({
      status,
      ...figure({ status: { eq: status } }, (row) => row.status === status),
    })),
    bySeverityAndStatus: cells.map(({ severity, status }) => ({
      severity,
      status,
      ...figure(
        { severity: { eq: severity }, status: { eq: status } },
        (row) => row.severity === severity && row.status === status,
      ),
    })),
    bySlaState: SLA_STATES.map((slaState) => ({
      slaState,
      ...figure({ slaState: { eq: slaState } }, (row) => row.slaState === slaState),
    })),
    revenueImpactOpen: openImpact(rows),
  };
}
