import { COUNT_BOUND } from '../../data/list.ts';
import { type ModelName, tableOf } from '../../data/models.ts';
import type { ReadScope } from '../../data/read-scope.ts';

/** What people and imports write, and what is computed from it on request. */
const COUNTED = [
  'Project',
  'Bug',
  'BugLabel',
  'BugHistory',
  'BugComment',
  'SlaPolicy',
  'SlaPolicyVersion',
  'BusinessCalendar',
  'ProjectMetric',
  'MonthlyMetric',
  'PortfolioMetric',
  'SyncState',
] as const satisfies readonly ModelName[];

const SQL = COUNTED.map((model) => {
  const { table } = tableOf(model);
  return `SELECT '${table}' AS table, (SELECT count(*)::int FROM
    (SELECT 1 FROM "${table}" WHERE tenant_id = $1::uuid LIMIT ${COUNT_BOUND + 1}) t) AS count`;
}).join(' UNION ALL ');

/** How many rows the tenant has in each table of this module; counting ends just past 10,000. One statement. */
export function tableCounts(scope: ReadScope): Promise<{ table: string; count: number }[]> {
  const text = `/* delivery.tables */ ${SQL}`;
  return scope.query({ name: 'delivery_tables', text, values: [scope.viewer.tenantId] });
}
