import { byIdStatements } from '../data/loaders.ts';
import type { Context } from '../graphql/context.ts';
import type { Entity } from '../graphql/entity.ts';
import type { Layout, RowSource, RowView } from './rows.ts';

const statements = new WeakMap<Layout, ReturnType<typeof byIdStatements>>();

/** Rows of one model by their keys in one run: what is asked for in one tick is one statement, and nothing is read twice. */
export class RowsById {
  readonly #entity: Entity;
  readonly #ctx: Context;
  readonly #source: RowSource;
  readonly #rows = new Map<string, RowView>();
  readonly #asked = new Map<string, Promise<void>>();
  #next: { ids: string[]; read: Promise<void> } | undefined;

  constructor(entity: Entity, ctx: Context, source: RowSource) {
    this.#entity = entity;
    this.#ctx = ctx;
    this.#source = source;
  }

  /** The rows there are of these keys, and of others. */
  async request(ids: ReadonlySet<string>): Promise<ReadonlyMap<string, RowView>> {
    const reads = new Set<Promise<void>>();
    for (const id of ids) {
      let read = this.#asked.get(id);
      if (!read) {
        this.#next ??= this.#begin();
        this.#next.ids.push(id);
        read = this.#next.read;
        this.#asked.set(id, read);
      }
      reads.add(read);
    }
    await Promise.all(reads);
    return this.#rows;
  }

  #begin(): { ids: string[]; read: Promise<void> } {
    const ids: string[] = [];
    const { scope } = this.#ctx;
    // After what else this tick asks for.
    const read = Promise.resolve().then(async () => {
      this.#next = undefined;
      const views = await this.#source.read(scope, (select, layout) => {
        let statement = statements.get(layout);
        if (!statement) {
          statement = byIdStatements(this.#entity.model, `t.id, ${select}`);
          statements.set(layout, statement);
        }
        return statement(scope.viewer.tenantId, ids);
      });
      for (const view of views) this.#rows.set(view.cells[0] ?? '', view);
    });
    return { ids, read };
  }
}
