import type { ColumnMap } from '../../../data/columns.ts';
import { InvalidInput } from '../../../errors.ts';
import { BUG_STATUSES, type BugStatus } from '../values.ts';
import { readStatus } from './bug-values.ts';
import { cellText, columnsOf, type Row } from './cells.ts';
import { cellInstant } from './instants.ts';
import { fold, type ImportMapping } from './mapping.ts';

/** Fields of a change and the column names that are taken for them, best first. */
export const HISTORY_COLUMNS = {
  externalId: ['externalId', 'issueKey', 'key', 'bugId', 'issueId', 'bug', 'issue', 'id'],
  projectKey: ['projectKey', 'project', 'product', 'projectName'],
  at: ['at', 'changedAt', 'when', 'timestamp', 'created', 'createdAt', 'date', 'time'],
  field: ['field', 'fieldName', 'what', 'attribute'],
  oldValue: ['oldValue', 'old', 'from', 'fromString', 'removed'],
  newValue: ['newValue', 'new', 'to', 'toString', 'added'],
  actor: ['actor', 'author', 'user', 'changedBy', 'who'],
} as const;
export type HistoryField = keyof typeof HISTORY_COLUMNS;
export const HISTORY_FIELDS = Object.keys(HISTORY_COLUMNS) as HistoryField[];

/** One field of a bug that was changed, the bug still by the id that the other tracker gives it. */
export interface HistoryRecord {
  externalId: string;
  projectKey: string | null;
  at: Date;
  field: string;
  /** null: there was none */
  oldValue: string | null;
  newValue: string | null;
  actor: string | null;
  /** that the bug has from then on, when this change tells it */
  status: BugStatus | null;
}

/** Fields whose change tells the status: when they get a value, and when they lose it. */
const BUILT_IN: ReadonlyMap<string, { filled: BugStatus; emptied: BugStatus }> = new Map([
  ['fixed_commit', { filled: 'SHIPPED', emptied: 'PENDING' }],
  ['withdrawn', { filled: 'CLOSED', emptied: 'PENDING' }],
]);
const STATUS_FIELDS = ['status', 'state', 'bug_status'];

const MAX_EXTERNAL_ID = 300;
const MAX_NAME = 200;
const MAX_FIELD = 100;
const MAX_VALUE = 100_000;

/** Guesses which columns hold what. Throws InvalidInput when there is none for the bug, the time, the field or its value. */
export function historyColumns(record: Row, given: ColumnMap<HistoryField>): ColumnMap<HistoryField> {
  return columnsOf(HISTORY_COLUMNS, record, given, ['externalId', 'at', 'field', 'newValue']);
}

/** A row as a change. Throws InvalidInput naming the column, also when nothing changed. */
export function toHistory(record: Row, map: ColumnMap<HistoryField>, mapping: ImportMapping): HistoryRecord {
  const text = (field: HistoryField, max: number) => cellText(record, map[field], max);
  const needed = <T>(field: HistoryField, value: T | null): T => {
    if (value === null) throw new InvalidInput('is empty', [map[field] ?? field]);
    return value;
  };
  const field = needed('field', text('field', MAX_FIELD));
  const oldValue = text('oldValue', MAX_VALUE);
  const newValue = text('newValue', MAX_VALUE);
  return {
    externalId: needed('externalId', text('externalId', MAX_EXTERNAL_ID)),
    projectKey: text('projectKey', MAX_NAME) ?? mapping.project,
    at: needed('at', cellInstant(record, map.at, mapping.dateOrder)),
    field,
    oldValue,
    newValue,
    actor: text('actor', MAX_NAME),
    status: statusAfter(field, oldValue, newValue, map.newValue ?? 'newValue', mapping),
  };
}

function statusAfter(
  field: string,
  oldValue: string | null,
  newValue: string | null,
  column: string,
  mapping: ImportMapping,
): BugStatus | null {
  const given = mapping.historyStatuses.get(fold(field));
  if (typeof given === 'string') return newValue === null ? null : given;
  if (given !== undefined) return given.get(fold(newValue ?? '')) ?? null;
  if (STATUS_FIELDS.includes(fold(field))) {
    const found = readStatus(newValue ?? '', undefined, mapping);
    if (found !== null) return found.value;
    const advice = `say in the mapping, under "statuses", which of ${BUG_STATUSES.join(', ')} it is`;
    throw new InvalidInput(`${JSON.stringify(newValue ?? '')} is not a status that is known: ${advice}`, [column]);
  }
  const builtIn = BUILT_IN.get(fold(field));
  if (builtIn === undefined) return null;
  if (newValue === null) return builtIn.emptied;
  return oldValue === null ? builtIn.filled : null;
}
