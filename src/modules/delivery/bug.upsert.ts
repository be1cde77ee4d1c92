import { createHash } from 'node:crypto';
import type { Bug, Project } from '../../../generated/prisma/client.ts';
import type { WriteTx } from '../../data/write.ts';
import { isResolved } from './bug.figures.ts';
import { lockImported } from './bug.rows.ts';
import { type BugColumns, type BugDraft, insertBugs, saveBug } from './bug.store.ts';
import { countBug } from './bug.totals.ts';
import { timedBy } from './bug-history.upsert.ts';
import type { BugRecord } from './imports/bug.import.ts';
import { ensureProjects, importedKey } from './project.service.ts';
import { ensurePolicy } from './sla.rules.ts';
import type { ImportSource } from './values.ts';

export type Outcome = 'CREATED' | 'UPDATED' | 'UNCHANGED' | { refused: string; field: string };

/** What an import tells of as it goes on. */
export interface ImportWatch {
  githubRepository?: string;
  onCreated?: (project: Project) => void;
  /** a name of the file that is a member's */
  onMember?: (name: string) => void;
}

/** A record whose project is known. */
export type PlacedRecord = BugRecord & { projectKey: string };

/**
 * Takes in bugs of another tracker, by their source and external id. A record that is the same as when it was last
 * taken changes nothing, whatever was done with the bug here since; one that differs is written over the bug, unless
 * that is another project's: two trackers may count alike. Ids must be distinct. Answers in the order of the records.
 */
export async function importBugs(
  tx: WriteTx,
  records: readonly PlacedRecord[],
  source: ImportSource,
  watch: ImportWatch = {},
): Promise<Outcome[]> {
  const hashes = new Map(records.map((record) => [record, hashOf(record)]));
  const ids = records.map((record) => record.externalId);
  const known = new Map((await lockImported(tx, source, ids)).map((bug) => [bug.externalId ?? '', bug]));
  const outcomes = records.map((record): Outcome => {
    const bug = known.get(record.externalId);
    if (!bug) return 'CREATED';
    if (bug.importHash === hashes.get(record)) return 'UNCHANGED';
    const { key, name } = bug.project;
    return key === importedKey(record.projectKey) || name === record.projectKey ? 'UPDATED' : ofAnother(record, bug);
  });
  // Of all records: whom those name that are unchanged is told too.
  const people = await membersByName(tx, records);
  for (const name of people.keys()) watch.onMember?.(name);
  const wanted = records.filter((_, i) => outcomes[i] === 'CREATED' || outcomes[i] === 'UPDATED');
  if (wanted.length === 0) return outcomes;
  await ensurePolicy(tx);
  const projects = await ensureProjects(
    tx,
    wanted.map((record) => record.projectKey),
    watch,
  );
  const drafts: BugDraft[] = [];
  for (const record of wanted) {
    const project = projects.get(importedKey(record.projectKey));
    if (!project) continue;
    const columns = { ...columnsOf(record, people), importHash: hashes.get(record) ?? null };
    const bug = known.get(record.externalId);
    if (bug) await update(tx, bug, record, columns);
    else drafts.push(draftOf(tx, record, project, columns, source));
  }
  await insertBugs(tx, drafts);
  return outcomes;
}

function ofAnother(record: PlacedRecord, { number, project }: { number: number; project: Project }): Outcome {
  const refused = `${record.externalId} is ${project.key}-${number} already, a bug of another project: if it is of another tracker, give that a name in the mapping ({ "tracker": "name" })`;
  return { refused, field: 'externalId' };
}

/** Of what a tracker says of a bug, and nothing else: warnings are about the file. */
function hashOf({ warnings: _, ...record }: PlacedRecord): string {
  return createHash('sha256').update(JSON.stringify(record)).digest('base64url');
}

/** Members whom the tracker's names fit, by these names in lower case: display name or e-mail address, whatever the case. */
async function membersByName(tx: WriteTx, records: readonly PlacedRecord[]): Promise<Map<string, string>> {
  const names = records.flatMap(({ assignee, reporter }) => [assignee, reporter]).filter((name) => name !== null);
  if (names.length === 0) return new Map();
  const members = await tx.db.$queryRawUnsafe<{ id: string; name: string; email: string }[]>(
    `/* Member.byName */ SELECT m.id, lower(m.display_name) AS name, u.email FROM members m JOIN users u ON u.id = m.user_id
     WHERE m.tenant_id = $1::uuid AND (lower(m.display_name) = ANY($2::text[]) OR u.email = ANY($2::text[])) ORDER BY m.id DESC`,
    tx.tenantId,
    [...new Set(names.map((name) => name.toLowerCase()))],
  );
  // Of two with one name the older is taken.
  return new Map(members.flatMap(({ id, name, email }) => [[name, id] as const, [email, id] as const]));
}

function columnsOf(record: PlacedRecord, people: Map<string, string>) {
  const { title, description, severity, status, isBlocker, url, assignee, reporter } = record;
  const assigneeId = people.get(assignee?.toLowerCase() ?? '') ?? null;
  const reporterId = people.get(reporter?.toLowerCase() ?? '') ?? null;
  return {
    title,
    description,
    severity,
    status,
    isBlocker,
    url,
    assigneeId,
    assigneeName: assigneeId ? null : assignee,
    reporterId,
    reporterName: reporterId ? null : reporter,
    details: record.details as Bug['details'],
    ...(record.hoursSpent === null ? {} : { hoursSpent: record.hoursSpent as unknown as Bug['hoursSpent'] }),
  };
}

function draftOf(
  tx: WriteTx,
  record: PlacedRecord,
  project: Project,
  columns: Partial<BugDraft> & { title: string },
  source: ImportSource,
): BugDraft {
  const createdAt = record.createdAt ?? earliest(tx.now, record.resolvedAt, record.updatedAt);
  return {
    ...columns,
    project,
    labels: record.labels,
    source,
    externalId: record.externalId,
    createdAt,
    updatedAt: record.updatedAt ?? record.resolvedAt ?? createdAt,
    resolvedAt: record.resolvedAt,
  };
}

/** A bug that does not say since when it is there was there when it was resolved. */
function earliest(...dates: (Date | null)[]): Date {
  return new Date(Math.min(...dates.filter((date) => date !== null).map((date) => date.getTime())));
}

async function update(
  tx: WriteTx,
  { project, labels, ...bug }: Bug & { project: Project; labels: { name: string }[] },
  record: PlacedRecord,
  columns: BugColumns,
): Promise<void> {
  const resolved = isResolved(record.status);
  const reopened = isResolved(bug.status) && !resolved;
  const resolvedAt = resolved ? (record.resolvedAt ?? bug.resolvedAt) : null;
  const createdAt = record.createdAt ?? earliest(bug.createdAt, resolvedAt);
  const before = await redated(tx, bug, createdAt, isResolved(bug.status) && resolved ? resolvedAt : bug.resolvedAt);
  // What is saved takes the dates out of the totals that it is given, which are not those that are stored.
  countBug(tx, bug, project.currency, -1);
  countBug(tx, before, project.currency, 1);
  await saveBug(
    tx,
    before,
    project,
    { ...columns, createdAt, resolvedAt, reopenCount: bug.reopenCount + (reopened ? 1 : 0) },
    {
      event: 'BUG_UPDATED',
      payload: { source: bug.source },
      at: record.resolvedAt ?? record.updatedAt ?? tx.now,
      labels: { before: labels.map(({ name }) => name), after: record.labels },
    },
  );
}

/** The bug with its clock run anew when the file now gives it other dates, as when they were read in a wrong order. */
async function redated(tx: WriteTx, bug: Bug, createdAt: Date, resolvedAt: Date | null): Promise<Bug> {
  if (+createdAt === +bug.createdAt && resolvedAt?.getTime() === bug.resolvedAt?.getTime()) return bug;
  const history = await tx.db.bugHistory.findMany({
    where: { tenantId: tx.tenantId, bugId: bug.id, OR: [{ status: { not: null } }, { field: 'severity' }] },
  });
  return timedBy(tx, { ...bug, createdAt, resolvedAt }, history);
}
