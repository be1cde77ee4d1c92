import { type Column, type ModelName, tableOf } from '../data/models.ts';
import type { ReadScope } from '../data/read-scope.ts';
import type { Statement } from '../data/statement.ts';
import { TYPES } from '../data/value-types.ts';

/** A row as PostgreSQL sent it: a text for each column, null for NULL. */
export type Cells = readonly (string | null)[];

/** Where the columns of a row stand in its cells. */
export interface Layout {
  /** for the statement: `t."id", t."title"` */
  readonly select: string;
  /** by field of the model */
  readonly places: ReadonlyMap<string, { at: number; pgType: string }>;
  readonly View: new (cells: Cells) => RowView;
  /** what is read is being noted, so it has to be read through the view */
  readonly learning: boolean;
}

/** A row whose columns are read from their texts when a resolver asks for them. It has no properties of its own. */
export class RowView {
  declare readonly layout: Layout;
  readonly cells: Cells;

  constructor(cells: Cells) {
    this.cells = cells;
  }
}

/** A resolver read a column that was not selected: the operation is run again with it. */
export class MissingColumn extends Error {
  constructor(source: RowSource, field: string) {
    super(`${source.model}.${field} was not selected`);
    this.name = 'MissingColumn';
    source.learn(field);
  }
}

/** Type oids, for the parsers (pg_type.dat of PostgreSQL). */
const OIDS: Readonly<Record<string, number>> = {
  bool: 16,
  bytea: 17,
  int8: 20,
  int4: 23,
  text: 25,
  float8: 701,
  inet: 869,
  'text[]': 1009,
  date: 1082,
  timestamptz: 1184,
  'numeric[]': 1231,
  numeric: 1700,
  uuid: 2950,
  'uuid[]': 2951,
  jsonb: 3802,
};

function parserOf({ pgType }: Column): (text: string) => unknown {
  const oid = OIDS[pgType];
  if (oid === undefined) throw new Error(`no parser is known for the type ${pgType}`);
  return TYPES.getTypeParser(oid, 'text') as (text: string) => unknown;
}

/**
 * Reads the rows of one place in an operation, with the columns that are needed there. Which these are is learnt: the
 * first run that meets a row selects all and notes what resolvers read; later ones select that. A column that is read
 * for the first time then (resolvers may look at one depending on another) throws MissingColumn. Rows that are taken as
 * a whole keep all their columns.
 */
export class RowSource {
  readonly model: ModelName;
  /** cells in front of the row's columns, which the statement selects for itself */
  readonly leading: number;
  readonly #omit: ReadonlySet<string>;
  readonly #used = new Set<string>();
  #layout: Layout | undefined;
  #learning = true;
  #met = false;
  #whole = false;

  constructor(model: ModelName, leading: number, omit: ReadonlySet<string> = new Set()) {
    this.model = model;
    this.leading = leading;
    this.#omit = omit;
  }

  /** Columns that are selected now; all while it is being learnt which are needed. */
  get layout(): Layout {
    this.#layout ??= this.#makeLayout();
    return this.#layout;
  }

  /** Runs the statement that `make` builds with a select list, which is its layout's. */
  async read(scope: ReadScope, make: (select: string, layout: Layout) => Statement): Promise<RowView[]> {
    const { layout } = this;
    const { select, View } = layout;
    const { rows } = await scope.cells(make(select, layout));
    if (rows.length > 0) this.#met = true;
    return rows.map((cells) => new View(cells));
  }

  learn(field: string): void {
    if (this.#used.has(field)) return;
    this.#used.add(field);
    if (!this.#learning) this.#layout = undefined;
  }

  /** A run went through: what it read is what is needed. False while there is something to learn. */
  settle(): boolean {
    if (this.#learning && this.#met && !this.#whole) {
      this.#learning = false;
      this.#layout = undefined;
    }
    return !this.#learning;
  }

  #makeLayout(): Layout {
    const all = [...tableOf(this.model).columns.values()].filter(({ field }) => !this.#omit.has(field));
    const selected = this.#learning ? all : all.filter(({ field }) => this.#used.has(field));
    const places = new Map(selected.map(({ field, pgType }, i) => [field, { at: this.leading + i, pgType }]));
    const View = this.#learning ? this.#observedView(all) : class extends RowView {};
    for (const column of all) {
      const place = places.get(column.field);
      Object.defineProperty(View.prototype, column.field, {
        get: place ? this.#getter(column, place.at) : this.#missing(column.field),
      });
    }
    // A statement selects something, also when only its rows are counted.
    const select = selected.length === 0 ? 'NULL' : selected.map(({ column }) => `t."${column}"`).join(', ');
    const layout: Layout = { select, places, View, learning: this.#learning };
    Object.defineProperty(View.prototype, 'layout', { value: layout });
    return layout;
  }

  /** Rows that tell when one is taken as a whole (`{ ...row }`): then all columns are needed, now and later. */
  #observedView(columns: readonly Column[]): Layout['View'] {
    const names = columns.map(({ field }) => field);
    const handler: ProxyHandler<RowView> = {
      ownKeys: () => {
        this.#whole = true;
        return names;
      },
      getOwnPropertyDescriptor: (row, name) =>
        typeof name === 'string' && names.includes(name)
          ? { value: Reflect.get(row, name), enumerable: true, configurable: true }
          : Reflect.getOwnPropertyDescriptor(row, name),
    };
    return class extends RowView {
      constructor(cells: Cells) {
        super(cells);
        // biome-ignore lint/correctness/noConstructorReturn: what stands for the row tells what is read of it
        return new Proxy(this, handler);
      }
    };
  }

  #getter(column: Column, at: number): (this: RowView) => unknown {
    const parse = parserOf(column);
    const read = ({ cells }: RowView) => {
      const text = cells[at];
      return text === null || text === undefined ? null : parse(text);
    };
    if (!this.#learning) {
      return function () {
        return read(this);
      };
    }
    const learn = () => this.learn(column.field);
    return function () {
      learn();
      return read(this);
    };
  }

  #missing(field: string): () => never {
    return () => {
      throw new MissingColumn(this, field);
    };
  }
}
