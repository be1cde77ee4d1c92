import type { PortfolioMetric } from '../../../generated/prisma/client.ts';
import type { ReadScope } from '../../data/read-scope.ts';
import { BUG_TOTALS_SQL, type BugTotalRow, countBugs, isOpen, openImpact } from './bug.statistics.ts';
import { Decimal, sumMoney } from './money.ts';
import { PROJECT_STATUSES, type ProjectStatus } from './values.ts';

/** Money of projects in one currency, as exact texts. */
export interface ProjectMoney {
  arr: string;
  dcfValuation: string;
  /** a month */
  infrastructureCost: string;
}

export interface PortfolioMoney extends ProjectMoney {
  currency: string;
  /** of open bugs */
  revenueImpact: string;
  /** the parts: projects of each status that there are */
  byStatus: (ProjectMoney & { status: ProjectStatus; projects: number })[];
}

export interface PortfolioBugs {
  open: number;
  /** of the open ones, as also the next two */
  critical: number;
  blockers: number;
  breached: number;
  resolved: number;
}

/** Everything that is built, in figures: as a snapshot keeps it. */
export interface PortfolioFigures {
  projects: Record<Lowercase<ProjectStatus>, number>;
  bugs: PortfolioBugs;
  money: PortfolioMoney[];
}

export interface PortfolioOverview extends PortfolioFigures {
  /** of the snapshot, as midnight in UTC; null: the figures are those of now */
  date: Date | null;
}

interface ProjectTotalRow extends ProjectMoney {
  currency: string;
  status: ProjectStatus;
  count: number;
}

const PROJECT_TOTALS_SQL = `/* Project.totals */ SELECT currency, status, count, arr::text, dcf_valuation::text AS "dcfValuation",
    infrastructure_cost::text AS "infrastructureCost"
  FROM project_totals WHERE tenant_id = $1::uuid AND count > 0`;

/** Runs a statement with the tenant as its only parameter. */
type Query = <R extends object>(name: string, text: string) => Promise<R[]>;

/** The figures of now, from the totals that each write keeps: two statements, the same cost at any size. */
export async function portfolioFigures(query: Query): Promise<PortfolioFigures> {
  const projects = await query<ProjectTotalRow>('delivery_project_sums', PROJECT_TOTALS_SQL);
  const bugs = await query<BugTotalRow>('delivery_bug_totals', BUG_TOTALS_SQL);
  const impact = new Map(openImpact(bugs).map(({ currency, amount }) => [currency, amount]));
  const counts = PROJECT_STATUSES.map((status) => [
    status.toLowerCase(),
    projects.reduce((sum, row) => sum + (row.status === status ? row.count : 0), 0),
  ]);
  return {
    projects: Object.fromEntries(counts) as PortfolioFigures['projects'],
    bugs: {
      open: countBugs(bugs, isOpen),
      critical: countBugs(bugs, (row) => isOpen(row) && row.severity === 'CRITICAL'),
      blockers: countBugs(bugs, (row) => isOpen(row) && row.isBlocker),
      breached: countBugs(bugs, (row) => row.slaState === 'BREACHED'),
      resolved: countBugs(bugs, (row) => !isOpen(row)),
    },
    money: [...Map.groupBy(projects, (row) => row.currency)]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([currency, rows]) => moneyOf(currency, rows, impact.get(currency) ?? '0')),
  };
}

function moneyOf(currency: string, rows: readonly ProjectTotalRow[], revenueImpact: string): PortfolioMoney {
  const sums = (some: readonly ProjectMoney[]): ProjectMoney => ({
    arr: sumOf(some.map((row) => row.arr)),
    dcfValuation: sumOf(some.map((row) => row.dcfValuation)),
    infrastructureCost: sumOf(some.map((row) => row.infrastructureCost)),
  });
  const byStatus = PROJECT_STATUSES.flatMap((status) =>
    rows.filter((row) => row.status === status).map((row) => ({ status, projects: row.count, ...sums([row]) })),
  );
  return { currency, ...sums(rows), revenueImpact, byStatus };
}

function sumOf(amounts: readonly string[]): string {
  return sumMoney(amounts.map((amount) => new Decimal(amount))).toFixed();
}

/** The portfolio now; or, with a day, the newest snapshot that is not after it, null when there is none. */
export async function portfolioOverview(scope: ReadScope, asOf: Date | null): Promise<PortfolioOverview | null> {
  const { tenantId } = scope.viewer;
  if (asOf === null) {
    const figures = await portfolioFigures((name, text) => scope.query({ name, text, values: [tenantId] }));
    return { date: null, ...figures };
  }
  const [row] = await scope.query<SnapshotRow>({
    name: 'delivery_portfolio_as_of',
    text: `/* Portfolio.asOf */ SELECT date, projects, bugs, money FROM portfolio_metrics
      WHERE tenant_id = $1::uuid AND date <= $2::date ORDER BY date DESC LIMIT 1`,
    values: [tenantId, asOf.toISOString().slice(0, 10)],
  });
  return row ? overviewOf(row) : null;
}

type SnapshotRow = Pick<PortfolioMetric, 'date' | 'projects' | 'bugs' | 'money'>;

/** A stored snapshot: it was written from such figures. */
export function overviewOf({ date, ...figures }: SnapshotRow): PortfolioOverview {
  return { date, ...(figures as unknown as PortfolioFigures) };
}
