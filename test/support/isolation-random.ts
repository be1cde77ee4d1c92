import { type GraphQLInputType, getNamedType, isEnumType, isInputObjectType, isListType, isNonNullType } from 'graphql';
import type { GraphQLResponse } from './app.ts';
import { answered, leaksOf, type Side, STARTS, type World } from './isolation.ts';
import { randomOf } from './random.ts';
import {
  type AnyField,
  isConnection,
  operation,
  permissionOf,
  type Root,
  rootFields,
  selection,
  selectionAs,
  typesOf,
} from './schema-walk.ts';

export interface Asked {
  runs: number;
  /** answers that hold something of the one who asked */
  own: number;
  /** answers with errors */
  refused: number;
  leaks: { query: string; variables: unknown; told: string[] }[];
}

const PLAIN = ['fentanyl', 'bob', '', 'de'];
const SMALL = [0, 1, 2, 3];
/** Places of the log: of neither tenant, and of each. */
const NOBODYS_SEQ = 1;
const SEQS = [NOBODYS_SEQ, STARTS.a.event + 5, STARTS.b.event + 5];
const AT_ONCE = 6;
/** New rows are looked for now and then. */
const LOOK_EVERY = 500;
/** Of a hundred operations. */
const CHANGES = 8;
/** Ending credentials would end the test. */
const LEFT_OUT = ['signOut', 'signIn', 'revokeApiKey'];

export type Random = () => number;

export function pick<T>(random: Random, from: readonly T[]): T {
  return from[Math.floor(random() * from.length)] as T;
}

/** What arguments are made of: values of both tenants, and ordinary ones. */
export interface Pool {
  ids: readonly string[];
  texts: readonly string[];
  numbers: readonly number[];
  cursors: string[];
  /** places of the log, when not all of them */
  seqs?: readonly number[];
  /** for filters that are stored, and come back as they were written */
  keptIds?: readonly string[];
  /** such a filter is being made */
  isKept?: boolean;
}

/** The values of a world as it was last looked at. */
export function poolOf({ a, b }: World, cursors: string[] = []): Pool {
  const sides = [a, b];
  return {
    ids: sides.flatMap(({ ids }) => [...ids.values()].flat()),
    texts: [...PLAIN, ...sides.flatMap(({ seed: { marker } }) => [marker, `bob_${marker}`])],
    numbers: [...SMALL, 810_001, 910_001],
    cursors,
  };
}

/** Asks random questions, with ids, texts and cursors of both tenants, in turn as either. */
export async function askAtRandom(w: World, runs: number, seed: number): Promise<Asked> {
  const random = randomOf(seed);
  const pool = poolOf(w);
  const asked: Asked = { runs: 0, own: 0, refused: 0, leaks: [] };
  for (let looked = 0; asked.runs < runs; ) {
    if (asked.runs >= looked) {
      await w.look();
      looked += LOOK_EVERY;
    }
    const batch = Array.from({ length: Math.min(AT_ONCE, runs - asked.runs) }, () => {
      const [asker, other] = random() < 0.5 ? [w.a, w.b] : [w.b, w.a];
      return { asker, other, ...question(random, pool, asker, rootOf(random)) };
    });
    const answers = await Promise.all(
      batch.map(({ asker, query, variables }) => w.t.run(asker.tenant.key, query, variables)),
    );
    batch.forEach(({ asker, other, query, variables }, i) => {
      note(asked, pool, { asker, other, query, variables, response: answers[i] ?? {} });
    });
  }
  return asked;
}

interface Answered {
  asker: Side;
  other: Side;
  query: string;
  variables: unknown;
  response: GraphQLResponse;
}

function note(asked: Asked, pool: Pool, { asker, other, query, variables, response }: Answered): void {
  asked.runs++;
  const told = leaksOf(answered(response, variables), other);
  if (told.length > 0) asked.leaks.push({ query, variables, told });
  if (leaksOf(response.data ?? null, asker).length > 0) asked.own++;
  if (response.errors) asked.refused++;
  keepCursors(pool, response.data);
}

/** Keeps the cursors of an answer for later questions. */
export function keepCursors(pool: Pool, data: unknown): void {
  for (const [, cursor] of JSON.stringify(data ?? null).matchAll(/"(?:cursor|\w*Cursor_String)":"([\w-]+)"/g))
    if (cursor && pool.cursors.length < 2_000) pool.cursors.push(cursor);
}

const rootOf = (random: Random): Root => (random() < CHANGES / 100 ? 'Mutation' : 'Query');

export interface Question {
  query: string;
  variables: Record<string, unknown>;
}

/** An operation on a random field with random arguments. */
export function question(random: Random, pool: Pool, asker: Side, root: Root): Question {
  const fields = rootFields(root).filter((field) => permissionOf(field) !== 'public' && !LEFT_OUT.includes(field.name));
  const field = pick(random, fields);
  const variables: Record<string, unknown> = {};
  // What is written must be the writer's: a text or number of the other one would come back rightly.
  const keptIds = [...asker.ids.values()].flat();
  const seqs = SEQS.filter((seq) => seq === NOBODYS_SEQ || asker.patterns.some((own) => own.test(String(seq))));
  const from = root === 'Mutation' ? { ...pool, texts: PLAIN, numbers: SMALL, keptIds, seqs } : pool;
  for (const { name, type, defaultValue } of field.args) {
    const required = isNonNullType(type) && defaultValue === undefined;
    if (required || random() < 0.35) variables[name] = valueFor(random, from, type, name, 0);
  }
  tidyPaging(random, field, variables, pool);
  const types = typesOf(field);
  const depth = 1 + Math.floor(random() * 2);
  const selected =
    types.length > 1 ? `__typename ${selectionAs(pick(random, types), depth)}` : selection(field.type, depth);
  return { query: operation(root, field, variables, selected), variables };
}

/** Paging arguments that contradict each other are only refused: mostly they should fit. */
function tidyPaging(random: Random, field: AnyField, variables: Record<string, unknown>, pool: Pool): void {
  if (!isConnection(getNamedType(field.type))) return;
  for (const name of ['first', 'after', 'last', 'before']) delete variables[name];
  const [count, cursor] = random() < 0.7 ? ['first', 'after'] : ['last', 'before'];
  if (random() < 0.8) variables[count] = 1 + Math.floor(random() * 40);
  else if (count === 'last') variables.last = 5;
  if (random() < 0.4 && pool.cursors.length > 0) variables[cursor] = pick(random, pool.cursors);
}

const MAX_DEPTH = 5;

/** A random value of an input type, `depth` objects deep already. */
export function valueFor(random: Random, pool: Pool, type: GraphQLInputType, name: string, depth: number): unknown {
  if (isNonNullType(type)) return valueFor(random, pool, type.ofType, name, depth);
  if (isListType(type)) {
    const { ofType } = type;
    return Array.from({ length: 1 + Math.floor(random() * 3) }, () => valueFor(random, pool, ofType, name, depth));
  }
  if (isEnumType(type)) return pick(random, type.getValues()).name;
  if (isInputObjectType(type)) {
    if (type.name.endsWith('Filter') && pool.keptIds) pool = { ...pool, ids: pool.keptIds, isKept: true };
    const fields = Object.values(type.getFields());
    const chosen = fields.filter(
      (field) => isNonNullType(field.type) || (depth < MAX_DEPTH && random() < 1.2 / fields.length),
    );
    return Object.fromEntries(
      chosen.map((field) => [field.name, valueFor(random, pool, field.type, field.name, depth + 1)]),
    );
  }
  return scalar(random, pool, type.name);
}

function scalar(random: Random, pool: Pool, type: string): unknown {
  switch (type) {
    case 'ID':
      return pick(random, pool.ids);
    case 'Int':
      return pick(random, pool.numbers);
    case 'Float':
      return random();
    case 'Boolean':
      return random() < 0.5;
    case 'BigInt':
      return pick(random, pool.isKept ? [NOBODYS_SEQ] : (pool.seqs ?? SEQS));
    case 'DateTime':
      return '2026-01-02T10:00:00Z';
    case 'Date':
      return pick(random, ['2025-01-31', '2026-01-02']);
    case 'Decimal':
      return pick(random, ['0', '0.5', '1299.90']);
    case 'Instant':
      return pick(random, ['-P1D', '2026-01-02T10:00:00Z', '2030-01-01', '-PT1H']);
    case 'JSON':
      return { note: pick(random, pool.texts) };
    default:
      return pick(random, pool.texts);
  }
}
