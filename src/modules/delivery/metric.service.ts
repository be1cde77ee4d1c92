import type { WriteTx } from '../../data/write.ts';
import { InvalidInput, NotFound } from '../../errors.ts';
import { newId } from '../../graphql/ids.ts';
import { projectGlobalId } from './global-ids.ts';

export const MAX_METRIC_ROWS = 500;
const COUNTS = ['commits', 'contributors', 'filesChanged', 'linesAdded', 'linesDeleted', 'linesOfCode'] as const;
type Count = (typeof COUNTS)[number];

const MAX_COUNT = 2 ** 31 - 1;
const MAX_TECHNOLOGIES = 100;
const MAX_TECHNOLOGY = 100;

/** A project's day. What is left out, null or an empty list is not known: what is stored of it stays. */
export interface MetricRow extends Partial<Record<Count, number | null>> {
  projectId: string;
  /** midnight in UTC */
  date: Date;
  techStack?: readonly string[] | null;
}

export type MetricOutcome = 'CREATED' | 'UPDATED' | 'UNCHANGED';

interface Day extends MetricRow {
  key: string;
  id: string;
  /** where among the rows its first one is */
  first: number;
  /** of the rows after the first */
  outcomes: Map<number, MetricOutcome>;
}

/**
 * Records days of projects, at most 500: one that is there is changed, and one that says nothing new is left alone. Of
 * several rows for one day the later ones add to the earlier ones. Gives what became of each row, in their order.
 * InvalidInput, NotFound for a project that is not there.
 */
export async function recordProjectMetrics(tx: WriteTx, rows: readonly MetricRow[]): Promise<MetricOutcome[]> {
  if (rows.length === 0 || rows.length > MAX_METRIC_ROWS)
    throw new InvalidInput(`${rows.length} rows: 1 to ${MAX_METRIC_ROWS}`, ['rows']);
  rows.forEach(checkRow);
  const projects = await projectVersions(tx, rows);
  const days = mergeDays(rows);
  const written = await writeDays(tx, days);
  const outcomes: MetricOutcome[] = rows.map(() => 'UNCHANGED');
  for (const day of days) {
    for (const [place, outcome] of day.outcomes) outcomes[place] = outcome;
    const stored = written.get(day.key);
    outcomes[day.first] = stored === undefined ? 'UNCHANGED' : stored === day.id ? 'CREATED' : 'UPDATED';
  }
  const changed = Map.groupBy(
    days.filter((day) => written.has(day.key)),
    (day) => day.projectId,
  );
  for (const [projectId, group] of changed) tell(tx, projectId, projects.get(projectId) ?? 1, group);
  return outcomes;
}

function checkRow(row: MetricRow, i: number): void {
  for (const field of COUNTS) {
    const count = row[field] ?? 0;
    if (!Number.isInteger(count) || count < 0 || count > MAX_COUNT)
      throw new InvalidInput(`${count} is not a whole number from 0 to ${MAX_COUNT}`, ['rows', String(i), field]);
  }
  const stack = row.techStack ?? [];
  if (stack.length > MAX_TECHNOLOGIES || stack.some((name) => name.trim() === '' || name.length > MAX_TECHNOLOGY)) {
    const allowed = `at most ${MAX_TECHNOLOGIES} technologies, each of 1 to ${MAX_TECHNOLOGY} characters`;
    throw new InvalidInput(allowed, ['rows', String(i), 'techStack']);
  }
}

async function projectVersions(tx: WriteTx, rows: readonly MetricRow[]): Promise<Map<string, number>> {
  const ids = [...new Set(rows.map((row) => row.projectId))];
  const found = await tx.db.project.findMany({
    where: { tenantId: tx.tenantId, id: { in: ids } },
    select: { id: true, version: true },
  });
  const versions = new Map(found.map((project) => [project.id, project.version]));
  for (const [i, { projectId }] of rows.entries()) {
    if (!versions.has(projectId)) throw new NotFound('there is no such Project', ['rows', String(i), 'projectId']);
  }
  return versions;
}

/** The days that rows tell of, in the order of their keys: writers then never wait for each other in a circle. */
function mergeDays(rows: readonly MetricRow[]): Day[] {
  const days = new Map<string, Day>();
  for (const [i, row] of rows.entries()) {
    const told = toldBy(row);
    const key = `${row.projectId} ${dayText(row.date)}`;
    const day = days.get(key);
    if (day === undefined) {
      days.set(key, { ...told, key, id: newId(), first: i, outcomes: new Map() });
      continue;
    }
    const merged = { ...day, ...told };
    day.outcomes.set(i, JSON.stringify(merged) === JSON.stringify(day) ? 'UNCHANGED' : 'UPDATED');
    days.set(key, merged);
  }
  return [...days.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
}

/** A row without what it does not tell. */
function toldBy(row: MetricRow): MetricRow {
  const techStack = [...new Set((row.techStack ?? []).map((name) => name.trim()))];
  const told = Object.entries({ ...row, techStack: techStack.length > 0 ? techStack : undefined });
  return Object.fromEntries(told.filter(([, value]) => value !== undefined && value !== null)) as unknown as MetricRow;
}

function dayText(date: Date): string {
  return date.toISOString().slice(0, 10);
}

const FIELDS = ['commits', 'contributors', 'files_changed', 'lines_added', 'lines_deleted', 'lines_of_code'] as const;
const kept = (column: string) => `coalesce(excluded.${column}, m.${column})`;
const KEPT_STACK = 'CASE WHEN cardinality(excluded.tech_stack) > 0 THEN excluded.tech_stack ELSE m.tech_stack END';

const UPSERT = `/* ProjectMetric.record */ INSERT INTO project_metrics AS m
    (tenant_id, id, project_id, date, ${FIELDS.join(', ')}, tech_stack, created_at)
  SELECT $1::uuid, r.id, r.project_id, r.date, ${FIELDS.map((column) => `r.${column}`).join(', ')}, r.tech_stack, $3::timestamptz
  FROM jsonb_to_recordset($2::text::jsonb) AS r(id uuid, project_id uuid, date date,
    ${FIELDS.map((column) => `${column} int`).join(', ')}, tech_stack text[])
  ON CONFLICT (tenant_id, project_id, date) DO UPDATE SET ${FIELDS.map((column) => `${column} = ${kept(column)}`).join(', ')},
    tech_stack = ${KEPT_STACK}, version = m.version + 1
  WHERE (${FIELDS.map((column) => `m.${column}`).join(', ')}, m.tech_stack)
    IS DISTINCT FROM (${FIELDS.map(kept).join(', ')}, ${KEPT_STACK})
  RETURNING m.id, m.project_id || ' ' || m.date AS key`;

/** Writes the days in one statement. Gives the id of each one that was changed, by its key: a new one has the day's id. */
async function writeDays(tx: WriteTx, days: readonly Day[]): Promise<Map<string, string>> {
  const rows = days.map((day) => ({
    id: day.id,
    project_id: day.projectId,
    date: dayText(day.date),
    commits: day.commits,
    contributors: day.contributors,
    files_changed: day.filesChanged,
    lines_added: day.linesAdded,
    lines_deleted: day.linesDeleted,
    lines_of_code: day.linesOfCode,
    tech_stack: day.techStack ?? [],
  }));
  const sql = tx.db.$queryRawUnsafe<{ id: string; key: string }[]>(UPSERT, tx.tenantId, JSON.stringify(rows), tx.now);
  return new Map((await sql).map(({ id, key }) => [key, id]));
}

function tell(tx: WriteTx, projectId: string, version: number, days: readonly Day[]): void {
  const dates = days.map((day) => dayText(day.date)).sort();
  const range = { from: dates[0] ?? '', to: dates.at(-1) ?? '', days: dates.length };
  tx.emit({
    type: 'PROJECT_METRICS_RECORDED',
    aggregateType: 'Project',
    aggregateId: projectId,
    aggregateVersion: version,
    payload: { id: projectGlobalId(projectId), ...range },
  });
  tx.audit({ action: 'metric.record', resource: 'Project', resourceId: projectId, metadata: range });
}
