import type { ColumnMap } from '../data/columns.ts';
import type { WriteTx } from '../data/write.ts';

/** What became of one item; `column` is the one of its record that is to blame. */
export type ItemOutcome =
  | 'CREATED'
  | 'UPDATED'
  | 'UNCHANGED'
  | { refused: string; code: string; column: string | null };

/** Something to say of a row that was taken all the same. */
export interface ItemWarning {
  column: string | null;
  reason: string;
}

/** How a kind of record becomes rows. */
export interface Importer<T> {
  /** the items of one record; throws DomainError naming the column */
  parse(record: Record<string, unknown>): { item: T; warnings?: readonly ItemWarning[] }[];
  /** stores items within a transaction, and answers in their order */
  store(tx: WriteTx, items: readonly T[]): Promise<ItemOutcome[]>;
  /** which column went into which field, and other guesses, to be shown */
  mapping(): Record<string, unknown>;
  /** what the reader should know of rows that were taken all the same */
  notes(): string[];
  /** forgets the records so far: they are read again from the first one */
  restart?(): void;
}

/**
 * Columns are guessed for each set of them, since rows of a JSONL file need not have the same ones. A field keeps the
 * column that it was first read from: were the id to change its column halfway, rows would be taken for others.
 */
export function guesser<F extends string>(
  guess: (record: Record<string, unknown>, given: ColumnMap<F>) => ColumnMap<F>,
) {
  const maps = new Map<string, ColumnMap<F>>();
  const chosen: ColumnMap<F> = {};
  return {
    of: (record: Record<string, unknown>): ColumnMap<F> => {
      const shape = Object.keys(record).join('\0');
      let map = maps.get(shape);
      if (!map) {
        const kept = Object.entries(chosen).filter(([, column]) => Object.hasOwn(record, String(column)));
        const guessed = Object.entries(guess(record, Object.fromEntries(kept) as ColumnMap<F>));
        map = Object.fromEntries(
          guessed.filter(([field, column]) => (chosen[field as F] ?? column) === column),
        ) as ColumnMap<F>;
        Object.assign(chosen, map);
        maps.set(shape, map);
      }
      return map;
    },
    chosen: (): ColumnMap<F> => ({ ...chosen }),
  };
}
