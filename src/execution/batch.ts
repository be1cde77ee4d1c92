import type { ModelName } from '../data/models.ts';
import type { Context } from '../graphql/context.ts';
import type { Entity } from '../graphql/entity.ts';
import type { RowSource, RowView } from './rows.ts';

/** What a batched field reads rows with: each place in an operation has its own, which knows what is read there. */
export interface RowReader {
  /** whether a field of this name is selected on what the batched field gives */
  asksFor(field: string): boolean;
  /** rows of a statement of this field; `leading` cells come before the row's columns */
  source(model: ModelName, leading: number, omit?: ReadonlySet<string>): RowSource;
  /** rows by their keys, in one statement with all that are asked for in the same tick */
  byId(entity: Entity, ids: ReadonlySet<string>): Promise<ReadonlyMap<string, RowView>>;
}

/** Resolves a field for all objects of a level at once: one value for each parent, in their order. */
export type BatchResolve = (
  parents: readonly unknown[],
  args: Readonly<Record<string, unknown>>,
  ctx: Context,
  rows: RowReader,
) => Promise<readonly unknown[]>;

const BATCH = 'batch';

/** The extension of a field that can be resolved for a whole level; its `resolve` does the same for one parent. */
export function batched(resolve: BatchResolve): Record<string, unknown> {
  return { [BATCH]: resolve };
}

export function batchOf(extensions: Readonly<Record<string, unknown>>): BatchResolve | undefined {
  // Only `batched` sets it.
  return extensions[BATCH] as BatchResolve | undefined;
}
