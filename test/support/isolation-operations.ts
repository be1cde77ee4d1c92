import { exportLists } from '../../src/exports/columns.ts';
import { type Side, selectionFor, type World } from './isolation.ts';
import { type Pool, pick, type Question, question, type Random, valueFor } from './isolation-random.ts';
import { operation, rootFields, schema, selection } from './schema-walk.ts';

/** Changes that either tenant can make with the same input: few that are made at random come about. */
const CREATIONS: readonly [string, (n: number) => object][] = [
  ['openCase', (n) => ({ title: `Case ${n}` })],
  ['createSource', (n) => ({ name: `Source ${n}`, kind: 'FORUM', externalRef: `ref-${n}` })],
  ['createApiKey', (n) => ({ name: `Key ${n}`, permissions: ['event:read'] })],
];

/** One of them; `n` tells it from others. */
export function creation(random: Random, n: number): Question {
  const [name, inputOf] = pick(random, CREATIONS);
  const field = rootFields('Mutation').find((one) => one.name === name);
  if (!field) throw new Error(`there is no ${name}`);
  const input = inputOf(n);
  return { query: operation('Mutation', field, { input }, selection(field.type, 2)), variables: { input } };
}

/** Rows of one kind by their ids, of both tenants. */
export function rowsById(random: Random, { a, b }: World, asker: Side): Question {
  const field = rootFields('Query').find(({ name }) => name === 'node');
  const prefix = pick(random, [...asker.ids.keys()]);
  const ids = [a, b].flatMap((side) => side.ids.get(prefix) ?? []);
  if (!field || ids.length === 0) throw new Error(`there is nothing of ${prefix}`);
  const chosen = Array.from({ length: 6 }, () => pick(random, ids));
  const [one, many] = [selectionFor(field, prefix, 2), selectionFor(field, prefix, 1)];
  const query = `query ($id: ID!, $ids: [ID!]!) { node(id: $id) { ${one} } nodes(ids: $ids) { ${many} } }`;
  return { query, variables: { id: chosen[0], ids: [...new Set(chosen)] } };
}

/** An export: its path, and its parameters. */
export function exportOf(random: Random, pool: Pool): Question {
  const { field, filter, orderBy } = pick(random, [...exportLists(schema).values()]);
  const variables: Record<string, unknown> = {};
  if (filter && random() < 0.5) variables.filter = valueFor(random, pool, filter, 'filter', 0);
  if (orderBy && random() < 0.3) variables.orderBy = valueFor(random, pool, orderBy, 'orderBy', 0);
  return { query: `/export/${field}.${pick(random, ['csv', 'jsonl'])}`, variables };
}

/** A subscription, which may begin at a place of the other one's log, or a live query. */
export function streamOf(random: Random, pool: Pool, asker: Side): Question {
  const isLive = random() < 0.4;
  const asked = question(random, pool, asker, isLive ? 'Query' : 'Subscription');
  if (isLive) return { ...asked, query: asked.query.replace(/^query( \([^)]*\))?/, '$& @live') };
  return asked;
}
