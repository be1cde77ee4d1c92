import type { GraphQLResponse } from './app.ts';
import { answered, leaksOf, type Side, STARTS, type World } from './isolation.ts';
import { creation, exportOf, rowsById, streamOf } from './isolation-operations.ts';
import { keepCursors, type Pool, pick, poolOf, type Question, question, type Random } from './isolation-random.ts';
import { TenantStreams } from './isolation-streams.ts';
import { randomOf } from './random.ts';

type Name = 'a' | 'b';

/** What is asked for: `again` is a query, and `replay` a change with its idempotency key, of one tenant by either one. */
const SHARES = { query: 30, again: 26, mutation: 10, replay: 12, node: 8, export: 6, stream: 8 } as const;
type Kind = keyof typeof SHARES;
const KINDS = (Object.keys(SHARES) as Kind[]).flatMap((kind) => Array.from({ length: SHARES[kind] }, () => kind));

export interface Leak {
  kind: Kind;
  query: string;
  variables: unknown;
  told: string[];
}

export interface Shown {
  operations: number;
  kinds: Record<Kind, number>;
  /** lists that were asked to go on at a cursor */
  cursors: number;
  /** answers that the result cache gave */
  cached: number;
  /** changes that were not made again, since their tenant had made them */
  replayed: number;
  /** first uses of a key that the other one had used */
  othersKeys: number;
  messages: number;
  /** answers, and messages, that hold something of the one who asked */
  own: number;
  ownMessages: number;
  /** answers with errors */
  refused: number;
  leaks: Leak[];
}

interface Asked extends Question {
  kind: Kind;
  by: Name;
  /** idempotency key */
  key?: string;
  /** nobody of the tenant has used the key before */
  isFirst?: boolean;
}

/** What came, to be judged when it is known what belongs to whom by then. */
interface Heard extends Asked {
  response: GraphQLResponse;
  /** all else that was told: headers, lines of an export, the id of a message */
  beside: string;
  isMessage?: boolean;
}

/** Before anything is asked. */
export function nothingShown(): Shown {
  const kinds = { query: 0, again: 0, mutation: 0, replay: 0, node: 0, export: 0, stream: 0 };
  const answers = { cursors: 0, cached: 0, replayed: 0, othersKeys: 0, own: 0, refused: 0 };
  return { operations: 0, kinds, ...answers, messages: 0, ownMessages: 0, leaks: [] };
}

const AT_ONCE = 8;
/** Rows that were made are looked for after so many operations, before what came is judged. */
const ROUND = 480;
/** The last queries and changes are asked for again. */
const RECENT = 12;
const LASTING: readonly Question[] = [
  { query: 'subscription { events(afterSeq: 0) { seq event { type aggregateId payload actor { id displayName } } } }' },
  { query: 'subscription { caseEvents { seq hidden event { payload } case { id number title } } }' },
  { query: 'query @live { cases(first: 5) { totalCount { value } nodes { id number title } edges { cursor } } }' },
  { query: 'query @live { events(last: 5) { nodes { seq aggregateId payload } } }' },
].map(({ query }) => ({ query, variables: {} }));

/** Operations at random over HTTP by two tenants, who use each other's ids, cursors, texts, keys and places of the log. */
export class IsolationOverHttp {
  readonly #w: World;
  readonly #port: number;
  readonly #random: Random;
  #pool: Pool;
  #heard: Heard[] = [];
  #queries: Asked[] = [];
  #changes: Asked[] = [];
  #keys = 0;
  /** who has used a key, `a key-1`, and in which batch first */
  readonly #used = new Map<string, number>();
  #batches = 0;
  readonly #streams: Record<Name, TenantStreams>;
  readonly #shown: Shown;

  /** `shown`: what is counted and found is added to it */
  constructor(w: World, port: number, seed: number, shown: Shown) {
    this.#w = w;
    this.#shown = shown;
    this.#port = port;
    this.#random = randomOf(seed);
    this.#pool = poolOf(w);
    const streamsOf = (by: Name) =>
      new TenantStreams(port, w[by].tenant.key, LASTING, (asked, response, id) => {
        this.#heard.push({ ...asked, kind: 'stream', by, response, beside: id ?? '', isMessage: true });
      });
    this.#streams = { a: streamsOf('a'), b: streamsOf('b') };
  }

  async run(operations: number): Promise<void> {
    const shown = this.#shown;
    const last = shown.operations + operations;
    await Promise.all([this.#streams.a.start(), this.#streams.b.start()]);
    while (shown.operations < last) {
      const end = Math.min(shown.operations + ROUND, last);
      while (shown.operations < end) await this.#batch(Math.min(AT_ONCE, end - shown.operations));
      await this.#judge();
    }
    await Promise.all([this.#streams.a.stop(), this.#streams.b.stop()]);
    await this.#judge();
  }

  async #batch(count: number): Promise<void> {
    const batch = Array.from({ length: count }, () => this.#draw());
    this.#shown.operations += count;
    this.#batches++;
    const answers = await Promise.all(batch.map((asked) => this.#ask(asked)));
    for (const heard of answers) {
      if (!heard) continue;
      this.#heard.push(heard);
      keepCursors(this.#pool, heard.response.data);
    }
    const recent = (kind: Kind) => batch.filter((one) => one.kind === kind);
    this.#queries = [...this.#queries, ...recent('query')].slice(-RECENT);
    this.#changes = [...this.#changes, ...recent('mutation')].slice(-RECENT);
  }

  #draw(): Asked {
    const asked = this.#drawn();
    // Of two first uses at once nobody knows which one is the first.
    if (asked.key && this.#used.get(`${asked.by} ${asked.key}`) === this.#batches) asked.key = `key-${++this.#keys}`;
    const use = `${asked.by} ${asked.key}`;
    asked.isFirst = asked.key !== undefined && !this.#used.has(use);
    if (asked.isFirst) this.#used.set(use, this.#batches);
    const isOthers = this.#used.has(`${asked.by === 'a' ? 'b' : 'a'} ${asked.key}`);
    if (asked.isFirst && isOthers) this.#shown.othersKeys++;
    this.#shown.kinds[asked.kind]++;
    if ('after' in asked.variables || 'before' in asked.variables) this.#shown.cursors++;
    return asked;
  }

  #drawn(): Asked {
    const random = this.#random;
    const by = random() < 0.5 ? 'a' : 'b';
    const kind = pick(random, KINDS);
    if (kind === 'mutation') return { ...this.#change(by), kind, by, key: `key-${++this.#keys}` };
    if (kind === 'replay' && this.#changes.length > 0) return this.#replay(by);
    if (kind === 'again' && this.#queries.length > 0) return { ...pick(random, this.#queries), kind, by };
    if (kind === 'node') return { ...rowsById(random, this.#w, this.#w[by]), kind, by };
    if (kind === 'export') return { ...exportOf(random, this.#pool), kind, by };
    if (kind === 'stream') return { ...streamOf(random, this.#pool, this.#w[by]), kind, by };
    return { ...question(random, this.#pool, this.#w[by], 'Query'), kind: 'query', by };
  }

  #change(by: Name): Question {
    if (this.#random() < 0.5) return creation(this.#random, ++this.#keys);
    const { query, variables } = question(this.#random, this.#pool, this.#w[by], 'Mutation');
    // The key is in the header, which the argument would go before.
    const { idempotencyKey: _, ...rest } = variables;
    return { query, variables: rest };
  }

  /** The key of an earlier change: with the same change, but with another one where it would write down another's ids. */
  #replay(by: Name): Asked {
    const first = pick(this.#random, this.#changes);
    const isOwn = by === first.by || leaksOf(first.variables, this.#w[first.by]).length === 0;
    return { ...first, ...(isOwn ? {} : this.#change(by)), kind: 'replay', by };
  }

  /** A place near the end of either's log, as text. */
  #place(): string {
    return String(pick(this.#random, [STARTS.a, STARTS.b]).event + Math.floor(this.#random() * 200));
  }

  async #ask(asked: Asked): Promise<Heard | null> {
    if (asked.kind === 'stream') return this.#open(asked);
    const response = await (asked.kind === 'export' ? this.#get(asked) : this.#post(asked));
    const text = await response.text();
    const beside = JSON.stringify([...response.headers]);
    const isJson = /^application\/json(;|$)/.test(response.headers.get('content-type') ?? '');
    if (!isJson && asked.kind !== 'export') throw new Error(`${response.status} ${text}`);
    if (/, (cache|join)$/.test(response.headers.get('server-timing') ?? '')) this.#shown.cached++;
    const isReplayed = response.headers.get('idempotency-replayed') === 'true';
    if (isReplayed) this.#shown.replayed++;
    if (asked.isFirst && (isReplayed || text.includes('IDEMPOTENCY_CONFLICT')))
      this.#shown.leaks.push({ ...asked, told: [`${asked.key} is known, which only the other one has used`] });
    if (!isJson) return { ...asked, response: { data: text }, beside };
    return { ...asked, response: JSON.parse(text) as GraphQLResponse, beside };
  }

  #post({ by, query, variables, key }: Asked): Promise<Response> {
    return fetch(`http://127.0.0.1:${this.#port}/graphql`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${this.#w[by].tenant.key}`,
        ...(key === undefined ? {} : { 'idempotency-key': key }),
      },
      body: JSON.stringify({ query, variables }),
    });
  }

  #get({ by, query, variables }: Asked): Promise<Response> {
    const asked = Object.entries(variables).map(([name, value]) => [name, JSON.stringify(value)]);
    return fetch(`http://127.0.0.1:${this.#port}${query}?${new URLSearchParams(asked)}`, {
      headers: { authorization: `Bearer ${this.#w[by].tenant.key}` },
    });
  }

  async #open(asked: Asked): Promise<null> {
    const streams = this.#streams[asked.by];
    if (this.#random() < 0.5) await streams.subscribe(asked);
    else streams.listen(asked, this.#random() < 0.5 ? this.#place() : null);
    return null;
  }

  /** Looks what belongs to whom by now, and then through all that came. */
  async #judge(): Promise<void> {
    await this.#w.look();
    const { cursors } = this.#pool;
    this.#pool = poolOf(this.#w, cursors);
    const heard = this.#heard;
    this.#heard = [];
    for (const one of heard) this.#note(one);
  }

  #note({ kind, by, query, variables, response, beside, isMessage }: Heard): void {
    const shown = this.#shown;
    const [asker, other]: [Side, Side] = by === 'a' ? [this.#w.a, this.#w.b] : [this.#w.b, this.#w.a];
    const told = [...leaksOf(answered(response, variables), other), ...leaksOf(beside, other)];
    if (told.length > 0) shown.leaks.push({ kind, query, variables, told });
    const isOwn = leaksOf(response.data ?? null, asker).length > 0;
    if (isMessage) shown.messages++;
    if (isMessage && isOwn) shown.ownMessages++;
    if (!isMessage && isOwn) shown.own++;
    if (!isMessage && response.errors) shown.refused++;
  }
}
