import { createHash } from 'node:crypto';
import type { ColumnMap } from '../data/columns.ts';
import { InvalidInput } from '../errors.ts';
import { importBugs, type Outcome, type PlacedRecord } from '../modules/delivery/bug.upsert.ts';
import { importHistory } from '../modules/delivery/bug-history.upsert.ts';
import {
  BUG_FIELDS,
  type BugField,
  type BugRecord,
  bugColumns,
  guessesIn,
  toBug,
} from '../modules/delivery/imports/bug.import.ts';
import {
  HISTORY_FIELDS,
  type HistoryField,
  type HistoryRecord,
  historyColumns,
  toHistory,
} from '../modules/delivery/imports/bug-history.import.ts';
import { toBugFromIssue } from '../modules/delivery/imports/github-issue.import.ts';
import type { ImportMapping } from '../modules/delivery/imports/mapping.ts';
import { toMapping } from '../modules/delivery/imports/mapping.ts';
import {
  METRIC_FIELDS,
  type MetricField,
  type MetricRecord,
  metricColumns,
  toMetric,
} from '../modules/delivery/imports/metric.import.ts';
import { recordProjectMetrics } from '../modules/delivery/metric.service.ts';
import { ensureProjects, importedKey, projectKey } from '../modules/delivery/project.service.ts';
import { RESOLVED_STATUSES } from '../modules/delivery/values.ts';
import { guesser, type Importer, type ItemOutcome } from './importer.ts';

/** Fields that the columns of each kind of file can be for. */
export const DELIVERY_FIELDS = {
  bugs: BUG_FIELDS,
  'bug-history': HISTORY_FIELDS,
  metrics: METRIC_FIELDS,
  'github-issues': [] as readonly string[],
} as const;
export type DeliveryKind = keyof typeof DELIVERY_FIELDS;

export interface DeliveryOptions {
  /** a mapping as JSON, see the file of `--mapping` */
  mapping?: unknown;
  /** key of the project of rows that name none */
  project?: string | null;
  /** owner/name of the issues in a file */
  repository?: string | null;
}

/** How a file of one kind becomes rows. Throws InvalidInput for a mapping, a project or a repository that is wrong. */
export function deliveryImporter(kind: DeliveryKind, options: DeliveryOptions): Importer<unknown> {
  const given = toMapping<string>(options.mapping ?? {}, DELIVERY_FIELDS[kind] as readonly string[]);
  const mapping = { ...given, project: options.project ?? given.project };
  if (mapping.project !== null) projectKey(mapping.project, ['project']);
  if (kind === 'bugs') return bugImporter(mapping as ImportMapping<BugField>);
  if (kind === 'bug-history') return historyImporter(mapping as ImportMapping<HistoryField>);
  if (kind === 'metrics') return metricImporter(mapping as ImportMapping<MetricField>);
  return issueImporter(mapping, options.repository ?? null);
}

/**
 * Tells whether an id was seen before in this file, by 52 bits of its hash: 40 bytes of memory an id. Were two of a
 * million ids taken for one by chance (1 in 9,000), the second would be refused and named.
 */
class SeenIds {
  readonly #seen = new Set<number>();

  clear(): void {
    this.#seen.clear();
  }

  refuseAgain(id: string, column: string): void {
    const digest = createHash('sha256').update(id).digest();
    const hash = digest.readUIntBE(0, 6) * 16 + ((digest[6] ?? 0) >> 4);
    if (this.#seen.has(hash)) throw new InvalidInput(`${id} stands in this file before`, [column]);
    this.#seen.add(hash);
  }
}

/** Counts bugs that are resolved at a time that the file does not tell. */
class Undated {
  #bugs = 0;

  clear(): void {
    this.#bugs = 0;
  }

  count({ status, resolvedAt }: Pick<BugRecord, 'status' | 'resolvedAt'>): void {
    if (resolvedAt === null && RESOLVED_STATUSES.includes(status)) this.#bugs++;
  }

  notes(): string[] {
    if (this.#bugs === 0) return [];
    const bugs = this.#bugs === 1 ? '1 resolved bug has' : `${this.#bugs} resolved bugs have`;
    return [`${bugs} no date of resolution: no SLA, unless an import of their history tells it`];
  }
}

/** What an import makes and whom it does not know: told at its end. */
class Told {
  readonly #created = new Map<string, string>();
  readonly #people = new Map<string, number>();
  readonly #members = new Set<string>();

  readonly watch = {
    onCreated: ({ key, currency }: { key: string; currency: string }) => void this.#created.set(key, currency),
    onMember: (name: string) => void this.#members.add(name),
  };

  person(name: string | null): void {
    if (name === null || (this.#people.size >= 10_000 && !this.#people.has(name))) return;
    this.#people.set(name, (this.#people.get(name) ?? 0) + 1);
  }

  notes(): string[] {
    const projects = [...this.#created].map(([key, currency]) => `${key} (${currency})`);
    const strangers = [...this.#people].filter(([name]) => !this.#members.has(name.toLowerCase()));
    strangers.sort(([, a], [, b]) => b - a);
    return [
      ...(projects.length > 0 ? [`new projects: ${shortened(projects)}`] : []),
      ...(strangers.length > 0
        ? [`assignees who are no members: ${shortened(strangers.map(([name, count]) => `${name} (${count})`))}`]
        : []),
    ];
  }
}

const SHOWN = 10;

function shortened(list: readonly string[]): string {
  const more = list.length > SHOWN ? ` and ${list.length - SHOWN} more` : '';
  return `${list.slice(0, SHOWN).join(', ')}${more}`;
}

/** The project's key of a record, checked. Throws InvalidInput naming the column. */
function placed<R extends { projectKey: string | null }>(record: R, column: string): R & { projectKey: string } {
  if (record.projectKey === null)
    throw new InvalidInput('is empty: name the project in the file, or give one for all rows', [column]);
  importedKey(record.projectKey, [column]);
  return { ...record, projectKey: record.projectKey };
}

/** Refusals of the store, with the column that they are about. */
function refusals(outcomes: readonly Outcome[], column: string | undefined): ItemOutcome[] {
  return outcomes.map((outcome) =>
    typeof outcome === 'string' ? outcome : { refused: outcome.refused, code: 'CONFLICT', column: column ?? null },
  );
}

/** Ids of two trackers that count alike are kept apart by the tracker's name. */
function idOf({ tracker }: ImportMapping, id: string): string {
  return tracker === null ? id : `${tracker}:${id}`;
}

function bugImporter(mapping: ImportMapping<BugField>): Importer<PlacedRecord> {
  const map = guesser<BugField>((record, kept) => bugColumns(record, { ...kept, ...mapping.columns }));
  const seen = new SeenIds();
  const guesses = new Map<string, string>();
  const undated = new Undated();
  const told = new Told();
  return {
    parse: (record) => {
      const columns = map.of(record);
      const bug = placed(toBug(record, columns, mapping), columns.projectKey ?? 'project');
      seen.refuseAgain(bug.externalId, columns.externalId ?? 'externalId');
      undated.count(bug);
      told.person(bug.assignee);
      for (const { field, value, becomes } of guessesIn(record, columns, mapping))
        if (guesses.size < 200) guesses.set(`${field} ${JSON.stringify(value)}`, becomes);
      return [{ item: { ...bug, externalId: idOf(mapping, bug.externalId) }, warnings: bug.warnings }];
    },
    store: async (tx, bugs) =>
      refusals(await importBugs(tx, bugs, mapping.source ?? 'CSV', told.watch), map.chosen().externalId),
    mapping: () => ({ columns: map.chosen(), values: Object.fromEntries(guesses) }),
    notes: () => [
      ...[...guesses].map(([word, becomes]) => `${word} is read as ${becomes}`),
      ...told.notes(),
      ...undated.notes(),
    ],
    restart: () => {
      seen.clear();
      undated.clear();
    },
  };
}

function historyImporter(mapping: ImportMapping<HistoryField>): Importer<HistoryRecord> {
  const map = guesser<HistoryField>((record, kept) => historyColumns(record, { ...kept, ...mapping.columns }));
  return {
    parse: (record) => {
      const read = toHistory(record, map.of(record), mapping);
      const item = { ...read, externalId: idOf(mapping, read.externalId) };
      if (item.oldValue !== item.newValue) return [{ item }];
      const column = map.of(record).newValue ?? null;
      return [{ item, warnings: [{ column, reason: 'is the same as the old value' }] }];
    },
    store: async (tx, records) => {
      const outcomes = await importHistory(tx, records, mapping.source ?? 'CSV');
      const column = map.chosen().externalId ?? null;
      return outcomes.map((outcome) => (typeof outcome === 'string' ? outcome : { ...outcome, column }));
    },
    mapping: () => ({ columns: map.chosen() }),
    notes: () => [],
  };
}

function metricImporter(mapping: ImportMapping<MetricField>): Importer<MetricRecord & { projectKey: string }> {
  const map = guesser<MetricField>((record, kept) => metricColumns(record, { ...kept, ...mapping.columns }));
  const told = new Told();
  const seen = new SeenIds();
  return {
    parse: (record) => {
      const columns = map.of(record);
      const item = placed(toMetric(record, columns, mapping), columns.projectKey ?? 'project');
      seen.refuseAgain(`${item.projectKey.toUpperCase()} on ${item.date}`, columns.date ?? 'date');
      return [{ item }];
    },
    store: async (tx, records) => {
      const projects = await ensureProjects(
        tx,
        records.map((record) => record.projectKey),
        told.watch,
      );
      return recordProjectMetrics(
        tx,
        records.map(({ projectKey: key, date, techStack, ...counts }) => ({
          ...counts,
          projectId: projects.get(importedKey(key))?.id ?? '',
          date: new Date(`${date}T00:00:00Z`),
          techStack: techStack ?? [],
        })),
      );
    },
    mapping: () => ({ columns: map.chosen() }),
    notes: () => told.notes(),
    restart: () => seen.clear(),
  };
}

const REPOSITORY = /^[A-Za-z0-9._-]{1,100}\/[A-Za-z0-9._-]{1,100}$/;

/** Issues in the form of GitHub's REST API; pull requests are left out. The project's key is the repository's name. */
export function issueImporter(mapping: ImportMapping, repository: string | null): Importer<PlacedRecord> {
  if (repository === null || !REPOSITORY.test(repository))
    throw new InvalidInput('issues need the repository that they are of: --repo owner/name', ['repository']);
  const seen = new SeenIds();
  const undated = new Undated();
  const told = new Told();
  let pullRequests = 0;
  const project = mapping.project ?? repository.split('/')[1] ?? repository;
  projectKey(project, ['project']);
  return {
    parse: (record) => {
      const bug = toBugFromIssue(record, { repository, mapping: { ...mapping, project } });
      if (bug === 'PULL_REQUEST') {
        pullRequests++;
        return [];
      }
      seen.refuseAgain(bug.externalId, 'number');
      told.person(bug.assignee);
      undated.count(bug);
      return [{ item: placed(bug, 'project'), warnings: bug.warnings }];
    },
    store: async (tx, bugs) =>
      refusals(await importBugs(tx, bugs, 'GITHUB', { ...told.watch, githubRepository: repository }), 'number'),
    mapping: () => ({ project, repository }) as ColumnMap<string>,
    notes: () => [
      ...(pullRequests > 0 ? [`${pullRequests} pull requests were left out`] : []),
      ...told.notes(),
      ...undated.notes(),
    ],
    restart: () => {
      seen.clear();
      undated.clear();
      pullRequests = 0;
    },
  };
}
