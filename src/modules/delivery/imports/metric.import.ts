import type { ColumnMap } from '../../../data/columns.ts';
import { InvalidInput } from '../../../errors.ts';
import { cellList, cellText, columnsOf, type Row } from './cells.ts';
import { cellInstant } from './instants.ts';
import type { ImportMapping } from './mapping.ts';

const COUNTS = {
  commits: ['commits', 'commitCount'],
  contributors: ['contributors', 'authors', 'committers'],
  filesChanged: ['filesChanged', 'changedFiles', 'files'],
  linesAdded: ['linesAdded', 'additions', 'insertions', 'added'],
  linesDeleted: ['linesDeleted', 'deletions', 'linesRemoved', 'deleted', 'removed'],
  linesOfCode: ['linesOfCode', 'loc', 'codeLines'],
} as const;
type Count = keyof typeof COUNTS;

/** Fields of a project's day and the column names that are taken for them, best first. */
export const METRIC_COLUMNS = {
  projectKey: ['projectKey', 'project', 'repository', 'projectName'],
  date: ['date', 'day'],
  ...COUNTS,
  techStack: ['techStack', 'technologies', 'languages'],
} as const;
export type MetricField = keyof typeof METRIC_COLUMNS;
export const METRIC_FIELDS = Object.keys(METRIC_COLUMNS) as MetricField[];

/** A project's day; null is what the file does not tell. */
export interface MetricRecord extends Record<Count, number | null> {
  projectKey: string | null;
  /** YYYY-MM-DD, in UTC */
  date: string;
  techStack: string[] | null;
}

const MAX_COUNT = 2 ** 31 - 1;
const MAX_KEY = 200;

/** Guesses which columns hold what. Throws InvalidInput when there is none for the date, or no figure at all. */
export function metricColumns(record: Row, given: ColumnMap<MetricField>): ColumnMap<MetricField> {
  const map = columnsOf(METRIC_COLUMNS, record, given, ['date']);
  const figures = METRIC_FIELDS.filter((field) => field !== 'projectKey' && field !== 'date');
  if (!figures.some((field) => map[field] !== undefined))
    throw new InvalidInput(`no column for any of ${figures.join(', ')}: the row has ${Object.keys(record).join(', ')}`);
  return map;
}

/** A row as a project's day. Throws InvalidInput naming the column. */
export function toMetric(record: Row, map: ColumnMap<MetricField>, mapping: ImportMapping): MetricRecord {
  const at = cellInstant(record, map.date, mapping.dateOrder);
  if (at === null) throw new InvalidInput('is empty', [map.date ?? 'date']);
  const counts = Object.keys(COUNTS).map((field) => [field, count(record, map[field as Count])]);
  const techStack = cellList(record, map.techStack);
  return {
    projectKey: cellText(record, map.projectKey, MAX_KEY) ?? mapping.project,
    date: at.toISOString().slice(0, 10),
    ...(Object.fromEntries(counts) as Record<Count, number | null>),
    techStack: techStack.length === 0 ? null : techStack,
  };
}

function count(record: Row, column: string | undefined): number | null {
  const text = cellText(record, column, 100);
  if (text === null) return null;
  if (!/^\d{1,10}$/.test(text) || Number(text) > MAX_COUNT)
    throw new InvalidInput(`${JSON.stringify(text)} is not a whole number from 0 to ${MAX_COUNT}`, [column ?? '']);
  return Number(text);
}
