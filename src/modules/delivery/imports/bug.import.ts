import type { ColumnMap } from '../../../data/columns.ts';
import { InvalidInput } from '../../../errors.ts';
import { BUG_SEVERITIES, BUG_STATUSES, type BugSeverity, type BugStatus, RESOLVED_STATUSES } from '../values.ts';
import { isBlockerWord, isOwnName, type ReadValue, readSeverity, readStatus, saysNothing } from './bug-values.ts';
import { cellList, cellText, columnsOf, type Row, storableJson } from './cells.ts';
import { cellInstant } from './instants.ts';
import type { ImportMapping } from './mapping.ts';

/** Fields of a bug and the column names that are taken for them, best first. */
export const BUG_COLUMNS = {
  externalId: ['externalId', 'issueKey', 'key', 'bugId', 'issueId', 'id', 'number'],
  projectKey: ['projectKey', 'project', 'product', 'projectName'],
  title: ['title', 'summary', 'subject', 'headline', 'shortDesc', 'summaryWords', 'name'],
  description: ['description', 'body', 'text', 'details'],
  severity: ['severity', 'bugSeverity', 'priority'],
  status: ['status', 'state', 'bugStatus'],
  resolution: ['resolution'],
  isBlocker: ['isBlocker', 'blocker', 'blocking'],
  createdAt: ['createdAt', 'created', 'opened', 'openedAt', 'reportedAt', 'creationTime', 'published', 'publishedAt'],
  resolvedAt: ['resolvedAt', 'resolved', 'resolutionDate', 'closedAt', 'closed', 'fixedAt'],
  updatedAt: ['updatedAt', 'updated', 'modified', 'modifiedAt', 'lastModified', 'lastChanged', 'changed'],
  assignee: ['assignee', 'assignedTo', 'owner'],
  reporter: ['reporter', 'reportedBy', 'createdBy', 'creator', 'author', 'user'],
  labels: ['labels', 'tags', 'keywords', 'components', 'component'],
  hoursSpent: ['hoursSpent', 'hours', 'actualHours', 'timeSpentHours'],
  url: ['url', 'link', 'htmlUrl', 'reportUrl', 'permalink'],
} as const;
export type BugField = keyof typeof BUG_COLUMNS;
export const BUG_FIELDS = Object.keys(BUG_COLUMNS) as BugField[];

export interface ImportWarning {
  column: string | null;
  reason: string;
}

/** A bug that a file's row gives; its project and people still by name. */
export interface BugRecord {
  projectKey: string | null;
  externalId: string;
  title: string;
  description: string | null;
  severity: BugSeverity;
  status: BugStatus;
  isBlocker: boolean;
  createdAt: Date | null;
  /** only of a bug that is resolved, and not before its creation */
  resolvedAt: Date | null;
  updatedAt: Date | null;
  /** name or e-mail address, as the file has it */
  assignee: string | null;
  reporter: string | null;
  labels: string[];
  /** a decimal of at least 0 */
  hoursSpent: string | null;
  url: string | null;
  /** columns without a field, and words that a field reads as one of ours: nothing is lost */
  details: Record<string, unknown>;
  /** what was taken all the same; reasons hold no values, so that they can be counted */
  warnings: ImportWarning[];
}

const MAX_NAME = 200;
const MAX_KEY = 200;
const MAX_TITLE = 2_000;
const MAX_DESCRIPTION = 100_000;
const MAX_EXTERNAL_ID = 300;
const MAX_LABEL = 200;
const MAX_LABELS = 100;
const MAX_URL = 2_000;

/** Guesses which columns hold what. Throws InvalidInput when there is none for the id or the title. */
export function bugColumns(record: Row, given: ColumnMap<BugField>): ColumnMap<BugField> {
  return columnsOf(BUG_COLUMNS, record, given, ['externalId', 'title']);
}

/** A row as a bug. Throws InvalidInput naming the column for what is wrong; what has a sensible default is warned of. */
export function toBug(record: Row, map: ColumnMap<BugField>, mapping: ImportMapping): BugRecord {
  const reading = new Reading(record, map);
  const externalId = reading.text('externalId', MAX_EXTERNAL_ID);
  if (externalId === null) throw new InvalidInput('is empty', [map.externalId ?? 'externalId']);
  const title = reading.text('title', MAX_TITLE);
  if (title === null) reading.warn('title', 'is empty: the id stands in');
  const status = reading.status(mapping);
  const { severity, isBlocker } = reading.severity(mapping);
  const dates = reading.dates(status, mapping);
  return {
    projectKey: reading.text('projectKey', MAX_KEY) ?? mapping.project,
    externalId,
    title: title ?? externalId,
    description: reading.text('description', MAX_DESCRIPTION),
    severity,
    status,
    isBlocker: reading.flag('isBlocker') || isBlocker,
    ...dates,
    assignee: reading.text('assignee', MAX_NAME),
    reporter: reading.text('reporter', MAX_NAME),
    labels: reading.labels(),
    hoursSpent: reading.fitting('hoursSpent', /^\d{1,8}(?:\.\d{1,10})?$/, 'is not a number of hours'),
    url: reading.fitting('url', /^https?:\/\/\S+$/i, 'is not a URL of http or https', MAX_URL),
    details: reading.details(),
    warnings: reading.warnings,
  };
}

/** The words of a row that were read as a status or severity by a built-in guess, to tell which guesses a file was read with. */
export function guessesIn(
  record: Row,
  map: ColumnMap<BugField>,
  mapping: ImportMapping,
): { field: 'status' | 'severity'; value: string; becomes: BugStatus | BugSeverity }[] {
  const text = (field: BugField) => cellText(record, map[field], MAX_NAME) ?? '';
  const resolution = map.resolution === undefined ? undefined : text('resolution');
  const [state, level] = [text('status'), text('severity')];
  const status = readStatus(state, resolution, mapping);
  const severity = readSeverity(level, mapping);
  const guess = (field: 'status' | 'severity', text: string, read: ReadValue<BugStatus | BugSeverity> | null) =>
    read?.guessed && !isOwnName(text, read.value) ? [{ field, value: text, becomes: read.value }] : [];
  return [
    ...guess('status', resolution ? `${state} ${resolution}` : state, status),
    ...guess('severity', level, severity),
  ];
}

/** One row as it is read: its cells, what was warned of, and which columns must be kept besides. */
class Reading {
  readonly warnings: ImportWarning[] = [];
  private readonly kept = new Set<string>();
  private readonly row: Row;
  private readonly map: ColumnMap<BugField>;

  constructor(row: Row, map: ColumnMap<BugField>) {
    this.row = row;
    this.map = map;
  }

  text(field: BugField, max: number): string | null {
    return cellText(this.row, this.map[field], max);
  }

  warn(field: BugField, reason: string): void {
    this.warnings.push({ column: this.map[field] ?? null, reason });
  }

  /** The cell stands in `details` too. */
  private keep(field: BugField): void {
    const column = this.map[field];
    if (column !== undefined) this.kept.add(column);
  }

  status(mapping: ImportMapping): BugStatus {
    const resolution = this.map.resolution === undefined ? undefined : this.text('resolution', MAX_NAME);
    this.keep('resolution');
    return this.word('status', BUG_STATUSES, 'PENDING', (text) => readStatus(text, resolution, mapping));
  }

  severity(mapping: ImportMapping): { severity: BugSeverity; isBlocker: boolean } {
    const severity = this.word('severity', BUG_SEVERITIES, 'MEDIUM', (text) => readSeverity(text, mapping));
    return { severity, isBlocker: isBlockerWord(this.text('severity', MAX_NAME) ?? '') };
  }

  private word<T extends string>(
    field: 'status' | 'severity',
    names: readonly T[],
    fallback: T,
    read: (text: string) => ReadValue<T> | null,
  ): T {
    const text = this.text(field, MAX_NAME);
    const found = read(text ?? '');
    if (found === null && (text === null || saysNothing(text))) {
      this.warn(field, this.map[field] === undefined ? `no column for ${field}: ${fallback}` : `is empty: ${fallback}`);
      return fallback;
    }
    if (found === null) {
      const kinds = field === 'status' ? 'statuses' : 'severities';
      const advice = `say in the mapping, under "${kinds}", which of ${names.join(', ')} it is`;
      throw new InvalidInput(`${JSON.stringify(text)} is not a ${field} that is known: ${advice}`, [
        this.map[field] ?? field,
      ]);
    }
    if (text !== null && !isOwnName(text, found.value)) this.keep(field);
    return found.value;
  }

  dates(status: BugStatus, mapping: ImportMapping): Pick<BugRecord, 'createdAt' | 'resolvedAt' | 'updatedAt'> {
    const at = (field: BugField) => cellInstant(this.row, this.map[field], mapping.dateOrder);
    const [createdAt, resolvedAt, updatedAt] = [at('createdAt'), at('resolvedAt'), at('updatedAt')];
    if (resolvedAt === null) return { createdAt, resolvedAt, updatedAt };
    if (!RESOLVED_STATUSES.includes(status)) {
      // Bugzilla fills it for open bugs too: it is the last change.
      this.warn('resolvedAt', 'the bug is not resolved: taken for its last change');
      if (updatedAt !== null) this.keep('resolvedAt');
      return { createdAt, resolvedAt: null, updatedAt: updatedAt ?? resolvedAt };
    }
    if (createdAt !== null && resolvedAt < createdAt) {
      this.warn('resolvedAt', 'is before the creation: left out');
      this.keep('resolvedAt');
      return { createdAt, resolvedAt: null, updatedAt };
    }
    return { createdAt, resolvedAt, updatedAt };
  }

  flag(field: BugField): boolean {
    const text = this.text(field, MAX_NAME);
    if (text === null || /^(false|no|n|0)$/i.test(text)) return false;
    if (/^(true|yes|y|1|x)$/i.test(text)) return true;
    this.warn(field, 'is neither yes nor no: no');
    this.keep(field);
    return false;
  }

  labels(): string[] {
    const all = cellList(this.row, this.map.labels);
    const labels = all.filter((label) => label.length <= MAX_LABEL).slice(0, MAX_LABELS);
    if (labels.length < all.length) {
      this.warn(
        'labels',
        `more than ${MAX_LABELS}, or longer than ${MAX_LABEL} characters: the rest stands in details`,
      );
      this.keep('labels');
    }
    return labels;
  }

  /** A text of a form; another one stands in `details`. */
  fitting(field: BugField, form: RegExp, problem: string, max = MAX_NAME): string | null {
    const text = this.text(field, Number.POSITIVE_INFINITY);
    if (text === null || (text.length <= max && form.test(text))) return text;
    this.warn(field, `${problem}: it stands in details`);
    this.keep(field);
    return null;
  }

  details(): Record<string, unknown> {
    const used = new Set(Object.values(this.map).filter((column) => !this.kept.has(column)));
    const rest = Object.entries(this.row).filter(
      ([column, value]) => value !== null && value !== undefined && value !== '' && !used.has(column),
    );
    return storableJson(Object.fromEntries(rest), 'details') as Record<string, unknown>;
  }
}
