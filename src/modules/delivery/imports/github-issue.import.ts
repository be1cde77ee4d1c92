import { InvalidInput } from '../../../errors.ts';
import { BUG_SEVERITIES, type BugSeverity, type BugStatus } from '../values.ts';
import type { BugRecord } from './bug.import.ts';
import { readSeverity } from './bug-values.ts';
import { cellList, cellText, type Row, storableJson } from './cells.ts';
import { cellInstant } from './instants.ts';
import { fold, type ImportMapping } from './mapping.ts';

export interface IssueOptions {
  /** owner/name */
  repository: string;
  /** labels that tell a severity, besides those of the mapping */
  severityLabels?: Readonly<Record<string, BugSeverity>>;
  mapping: ImportMapping;
}

const MAX_TITLE = 2_000;
const MAX_BODY = 100_000;
const MAX_NAME = 200;
const MAX_URL = 2_000;
/** Words in front of a severity in a label: severity:high, bug-critical. */
const PREFIX = /^(?:severity|sev|priority|prio|impact|bug|type)\s*[:/_\s-]\s*/i;
const BLOCKER = /(?:^|[:/_\s-])blocker$/i;
/** What is kept of an issue besides its fields; the rest are addresses of the API. */
const DETAILS = ['number', 'state_reason', 'comments', 'author_association', 'locked', 'active_lock_reason'];

/**
 * An issue in the form of GitHub's REST API (`GET /repos/{owner}/{repo}/issues`) as a bug. Fields that are missing are
 * taken as empty, all but number and state. The list holds pull requests too: they are told apart by their key.
 * Throws InvalidInput naming the field.
 */
export function toBugFromIssue(issue: unknown, options: IssueOptions): BugRecord | 'PULL_REQUEST' {
  if (typeof issue !== 'object' || issue === null || Array.isArray(issue))
    throw new InvalidInput('the issue is not an object');
  const row = issue as Row;
  if (row.pull_request !== undefined && row.pull_request !== null) return 'PULL_REQUEST';
  const { number } = row;
  if (typeof number !== 'number' || !Number.isSafeInteger(number) || number < 1)
    throw new InvalidInput('is not the number of an issue', ['number']);
  const externalId = `github:${options.repository}#${number}`;
  const title = cellText(row, 'title', MAX_TITLE);
  const labels = cellList(row, 'labels').filter((label) => label.length <= MAX_NAME);
  const status = statusOf(row, options.mapping);
  const at = (field: string) => cellInstant(row, field, null);
  const closed = status === 'SHIPPED' || status === 'CLOSED';
  const url = cellText(row, 'html_url', MAX_URL);
  return {
    projectKey: options.mapping.project,
    externalId,
    title: title ?? externalId,
    description: cellText(row, 'body', MAX_BODY),
    severity: severityOf(labels, options),
    status,
    isBlocker: labels.some((label) => BLOCKER.test(label)),
    createdAt: at('created_at'),
    resolvedAt: closed ? at('closed_at') : null,
    updatedAt: at('updated_at'),
    assignee: login(row, 'assignee'),
    reporter: login(row, 'user'),
    labels,
    hoursSpent: null,
    url: url !== null && /^https?:\/\/\S+$/i.test(url) ? url : null,
    details: detailsOf(row),
    warnings: title === null ? [{ column: 'title', reason: 'is empty: the id stands in' }] : [],
  };
}

/** The mapping can name a reason (`not_planned`) or a state (`closed`). */
function statusOf(row: Row, { statuses }: ImportMapping): BugStatus {
  const state = cellText(row, 'state', MAX_NAME)?.toLowerCase();
  if (state !== 'open' && state !== 'closed')
    throw new InvalidInput(`${JSON.stringify(row.state ?? null)} is neither open nor closed`, ['state']);
  const reason = cellText(row, 'state_reason', MAX_NAME) ?? '';
  const given = (reason === '' ? undefined : statuses.get(fold(reason))) ?? statuses.get(state);
  if (given !== undefined) return given;
  if (state === 'open') return 'PENDING';
  return fold(reason) === 'not_planned' ? 'DEFERRED' : 'CLOSED';
}

/** The highest severity that a label tells, MEDIUM when none does. */
function severityOf(labels: readonly string[], { severityLabels = {}, mapping }: IssueOptions): BugSeverity {
  const given = new Map(Object.entries(severityLabels).map(([label, severity]) => [fold(label), severity]));
  const told = labels.flatMap((label) => {
    const severity =
      given.get(fold(label)) ??
      (readSeverity(label, mapping) ?? readSeverity(label.replace(PREFIX, ''), mapping))?.value ??
      (BLOCKER.test(label) ? 'CRITICAL' : undefined);
    return severity === undefined ? [] : [severity];
  });
  return BUG_SEVERITIES.find((severity) => told.includes(severity)) ?? 'MEDIUM';
}

function login(row: Row, field: string): string | null {
  const person = row[field];
  return typeof person === 'object' && person !== null ? cellText(person as Row, 'login', MAX_NAME) : null;
}

function detailsOf(row: Row): Record<string, unknown> {
  const kept = DETAILS.map((key) => [key, row[key]] as const);
  const milestone = cellText((row.milestone ?? {}) as Row, 'title', MAX_TITLE);
  const assignees = Array.isArray(row.assignees)
    ? row.assignees.map((person: unknown) => login({ person }, 'person')).filter((name) => name !== null)
    : [];
  const all = [...kept, ['milestone', milestone] as const, ['assignees', assignees] as const];
  const told = all.filter(([, value]) => value !== null && value !== undefined && value !== false);
  return storableJson(
    Object.fromEntries(told.filter(([, value]) => !Array.isArray(value) || value.length > 1)),
    'details',
  ) as Record<string, unknown>;
}
