import type { Bug } from '../../../generated/prisma/client.ts';
import type { Viewer } from '../../access/viewer.ts';
import { toDomainError, type WriteDeps, type WriteTx, type Written, withWrite } from '../../data/write.ts';
import { DomainError, InvalidInput, NotFound } from '../../errors.ts';
import { assignBug, type BugFields, createBugs, moveBug, type NewBug, updateBug } from './bug.service.ts';
import type { BugStatus } from './values.ts';

export const MAX_BATCH = 500;

/** What became of one item of a batch. */
export interface BatchResult {
  index: number;
  bug: Bug | null;
  error: DomainError | null;
}

/** What is done to each bug of a batch. */
export interface BatchChange extends BugFields {
  status?: BugStatus | null;
  reason?: string | null;
  assigneeId?: string | null;
}

/**
 * Runs a batch: atomic, all items in one transaction, of which the first error takes back all; or each item by itself,
 * with a result each. `order` holds the places of the items that are done, in the order in which they are: that of what
 * they lock, so that two batches never wait for each other in a circle.
 */
async function runBatch<T>(
  deps: WriteDeps,
  viewer: Viewer,
  name: string,
  items: readonly T[],
  options: { atomic: boolean; path: string; order: readonly number[] },
  one: (tx: WriteTx, item: T) => Promise<Bug | undefined>,
): Promise<Written<BatchResult[]>> {
  const { atomic, path, order } = options;
  if (items.length === 0 || items.length > MAX_BATCH)
    throw new InvalidInput(`${items.length} items: 1 to ${MAX_BATCH}`, [path]);
  const results: BatchResult[] = [];
  const run = async (tx: WriteTx, index: number): Promise<BatchResult> => ({
    index,
    bug: (await one(tx, items[index] as T)) ?? null,
    error: null,
  });
  if (atomic) {
    const all = async (tx: WriteTx) => {
      for (const index of order) {
        try {
          results[index] = await run(tx, index);
          // What the database refuses is told of the item that it is.
          await tx.flush();
        } catch (error) {
          const told = toDomainError(error);
          throw told instanceof DomainError ? at(told, path, index) : told;
        }
      }
      return inOrder(results);
    };
    return withWrite(deps, viewer, name, all, { timeout: 60_000 });
  }
  const { key } = deps;
  // An item's transaction takes a part of the key; the key itself is refused first when it is another call's.
  if (key) await withWrite(deps, viewer, name, async () => null);
  let eventSeq: bigint | null = null;
  for (const index of order) {
    const part = key?.part(String(index));
    try {
      const own = part ? { ...deps, key: part } : deps;
      const written = await withWrite(own, viewer, name, (tx) => run(tx, index));
      results[index] = written.value;
      eventSeq = written.eventSeq ?? eventSeq;
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      results[index] = { index, bug: null, error: at(error, path, index) };
    }
    if (key && !part?.replayed) key.replayed = false;
  }
  return { value: inOrder(results), eventSeq };
}

/** Results by place, without holes where an id was named again. */
function inOrder(results: readonly BatchResult[]): BatchResult[] {
  return Object.values(results);
}

/** The same error with the item's place in front of where it is. */
function at<E extends DomainError>(error: E, path: string, index: number): E {
  return Object.assign(error, { inputPath: [path, String(index), ...error.inputPath] });
}

/** Does the same to up to 500 bugs. An id that is named again is done once, and has one result, at its first place. */
export function changeBugs(
  deps: WriteDeps,
  viewer: Viewer,
  ids: readonly string[],
  change: BatchChange,
  atomic: boolean,
): Promise<Written<BatchResult[]>> {
  const places = new Map(ids.map((id, i) => [id, i] as const).reverse());
  const order = [...places].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, place]) => place);
  const { status, reason, assigneeId, ...fields } = change;
  return runBatch(deps, viewer, 'bug.batchUpdate', ids, { atomic, path: 'ids', order }, async (tx, id) => {
    let bug: Bug | undefined;
    if (Object.values(fields).some((value) => value !== undefined)) bug = await updateBug(tx, { id, ...fields });
    if (assigneeId !== undefined) bug = await assignBug(tx, { id, assigneeId });
    if (status && (bug ?? (await current(tx, id)))?.status !== status) bug = await moveBug(tx, { id, status, reason });
    bug ??= (await current(tx, id)) ?? undefined;
    if (!bug) throw new NotFound('there is no such Bug');
    return bug;
  });
}

function current(tx: WriteTx, id: string): Promise<Bug | null> {
  return tx.db.bug.findUnique({ where: { tenantId_id: { tenantId: tx.tenantId, id } } });
}

/** Reports up to 500 bugs. */
export async function createBugBatch(
  deps: WriteDeps,
  viewer: Viewer,
  bugs: readonly NewBug[],
  atomic: boolean,
): Promise<Written<BatchResult[]>> {
  const all = atomic && bugs.length <= MAX_BATCH ? await createAll(deps, viewer, bugs) : null;
  if (all) return all;
  const project = (place: number) => bugs[place]?.projectId ?? '';
  const order = [...bugs.keys()].sort((a, b) => (project(a) < project(b) ? -1 : Number(project(a) > project(b))));
  return runBatch(
    deps,
    viewer,
    'bug.batchCreate',
    bugs,
    { atomic, path: 'bugs', order },
    async (tx, bug) => (await createBugs(tx, [bug]))[0],
  );
}

/** All at once, which takes far fewer statements. Null when one is refused: one by one it then turns out which. */
async function createAll(
  deps: WriteDeps,
  viewer: Viewer,
  bugs: readonly NewBug[],
): Promise<Written<BatchResult[]> | null> {
  const write = (tx: WriteTx) => createBugs(tx, bugs);
  try {
    const { value, eventSeq } = await withWrite(deps, viewer, 'bug.batchCreate', write, { timeout: 60_000 });
    return { value: value.map((bug, index) => ({ index, bug, error: null })), eventSeq };
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    return null;
  }
}
