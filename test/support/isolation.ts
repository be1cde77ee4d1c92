import type { GraphQLNamedType } from 'graphql';
import pg from 'pg';
import { tableOf } from '../../src/data/models.ts';
import { entities } from '../../src/graphql/entity.ts';
import { decodeUuid } from '../../src/graphql/ids.ts';
import { createTestApp, type GraphQLResponse, type Tenant, type TestApp } from './app.ts';
import { type DeliverySeed, seedDelivery } from './delivery-seed.ts';
import { type IntelSeed, seedIntel } from './intel-seed.ts';
import { type AnyField, type Place, selection, selectionAs, typesOf } from './schema-walk.ts';
import { seedWebhooks } from './webhook-seed.ts';

type Seed = IntelSeed & { delivery: DeliverySeed };

/** One of two tenants with the same data, and all that would give it away in an answer to the other. */
export interface Side {
  tenant: Tenant;
  seed: Seed;
  /** global ids of every row, by the prefix of their type */
  ids: ReadonlyMap<string, readonly string[]>;
  uuids: ReadonlySet<string>;
  /** what else tells: the marker of texts, numbers of events and of cases */
  patterns: readonly RegExp[];
}

export interface World {
  t: TestApp;
  owner: pg.Client;
  a: Side;
  b: Side;
  /** md5 of everything that belongs to the tenant, but for when its keys were used last */
  checksum(tenantId: string): Promise<string>;
  /** collects the ids anew, after changes */
  look(): Promise<void>;
  close(): Promise<void>;
}

/** Where the numbers of a tenant's events and cases start. */
type Starts = Readonly<Record<'a' | 'b', { event: number; case: number }>>;

/** Numbers start here, so that a number in an answer tells whose it is. */
export const STARTS = {
  a: { event: 6_000_000_000, case: 810_000 },
  b: { event: 7_000_000_000, case: 910_000 },
} as const satisfies Starts;

/** The same places in both logs, which an answer to the wrong one could go on at. */
export const SAME_PLACES: Starts = { a: STARTS.a, b: { ...STARTS.b, event: STARTS.a.event } };

/** Two tenants in one database. `between` runs when there is only the first one; `app` is closed with the world. */
export async function makeWorld(
  between?: (t: TestApp, a: { tenant: Tenant; seed: Seed }) => Promise<void>,
  app?: TestApp,
  starts: Starts = STARTS,
): Promise<World> {
  const t = app ?? (await createTestApp({ env: { DB_POOL_SIZE: '8' } }));
  const owner = new pg.Client({ connectionString: t.database.ownerUrl });
  await owner.connect();
  const tables = await tenantTables(owner);
  const make = async (name: 'a' | 'b') => {
    const tenant = await t.tenant(`tenant-${name}`);
    for (const [counter, start] of Object.entries(starts[name])) {
      await owner.query(
        `INSERT INTO counters (tenant_id, name, value) VALUES ($1, $2, $3) ON CONFLICT (tenant_id, name) DO UPDATE SET value = $3`,
        [tenant.tenantId, counter, start],
      );
    }
    // The events of making the tenant came before the counter was moved.
    await owner.query('UPDATE event_store SET seq = seq + $2 - 100 WHERE tenant_id = $1', [
      tenant.tenantId,
      starts[name].event,
    ]);
    const seed = await seedIntel(t, tenant);
    const delivery = await seedDelivery(t, tenant, seed.marker);
    await seedWebhooks(t, tenant, seed.marker);
    return { tenant, seed: { ...seed, delivery } };
  };
  const first = await make('a');
  await between?.(t, first);
  const second = await make('b');
  const sideOf = async (name: 'a' | 'b', made: { tenant: Tenant; seed: Seed }): Promise<Side> => ({
    ...made,
    ids: await idsOf(owner, made.tenant.tenantId),
    uuids: await uuidsOf(owner, tables, made.tenant.tenantId),
    patterns: [
      new RegExp(made.seed.marker, 'i'),
      ...(starts.a.event === starts.b.event ? [] : [numbersFrom(starts[name].event, 4)]),
      numbersFrom(starts[name].case, 2),
    ],
  });
  const world: World = {
    t,
    owner,
    a: await sideOf('a', first),
    b: await sideOf('b', second),
    checksum: (tenantId) => checksumOf(owner, tables, tenantId),
    look: async () => {
      world.a = await sideOf('a', first);
      world.b = await sideOf('b', second);
    },
    close: async () => {
      await owner.end();
      await t.close();
    },
  };
  return world;
}

/** Numbers near a start, standing alone: the last digits may be any. */
function numbersFrom(start: number, digits: number): RegExp {
  const near = (number: number) => String(number).slice(0, -digits);
  return new RegExp(`(?<![\\w.-])(${near(start)}|${near(start - 1)})\\d{${digits}}(?![\\w.])`);
}

/** Tables with a column tenant_id, and that of the tenants themselves. */
async function tenantTables(owner: pg.Client): Promise<Map<string, string>> {
  const { rows } = await owner.query<{ table: string }>(
    `SELECT table_name AS table FROM information_schema.columns WHERE table_schema = 'public' AND column_name = 'tenant_id'`,
  );
  return new Map([...rows.map(({ table }) => [table, 'tenant_id'] as const), ['tenants', 'id']]);
}

async function checksumOf(owner: pg.Client, tables: ReadonlyMap<string, string>, tenantId: string): Promise<string> {
  const parts = [...tables].map(
    ([table, column]) =>
      `SELECT '${table}' AS name, (to_jsonb(t) - 'last_used_at')::text AS row FROM ${table} t WHERE ${column} = $1`,
  );
  const { rows } = await owner.query<{ sum: string; count: number }>(
    `SELECT md5(string_agg(name || row, E'\\n' ORDER BY name, row)) AS sum, count(*)::int AS count FROM (${parts.join(' UNION ALL ')}) r`,
    [tenantId],
  );
  return `${rows[0]?.count} rows, ${rows[0]?.sum}`;
}

async function idsOf(owner: pg.Client, tenantId: string): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>();
  for (const { prefix, model, encode } of entities()) {
    const sql = `SELECT id FROM "${tableOf(model).table}" WHERE tenant_id = $1 ORDER BY id`;
    const { rows } = await owner.query<{ id: string }>(sql, [tenantId]);
    found.set(
      prefix,
      rows.map(({ id }) => encode(id)),
    );
  }
  return found;
}

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const SUFFIX = /(?<![0-9a-z])[0-7][0-9a-hjkmnp-tv-z]{25}(?![0-9a-z])/g;
const ENCODED = /[\w-]{16,}/g;

async function uuidsOf(owner: pg.Client, tables: ReadonlyMap<string, string>, tenantId: string): Promise<Set<string>> {
  const all = new Set<string>([tenantId]);
  for (const [table, column] of tables) {
    const { rows } = await owner.query<{ row: string }>(
      `SELECT to_jsonb(t)::text AS row FROM ${table} t WHERE ${column} = $1`,
      [tenantId],
    );
    for (const { row } of rows) for (const [uuid] of row.matchAll(UUID)) all.add(uuid);
  }
  return all;
}

/** What an answer says of the other tenant: its ids in either spelling, its marker, its numbers, also inside cursors. */
export function leaksOf(answer: unknown, other: Side): string[] {
  const text =
    typeof answer === 'string' ? answer : JSON.stringify(answer, (_, v) => (typeof v === 'bigint' ? `${v}` : v));
  const inside = [...text.matchAll(ENCODED)].map(([part]) => Buffer.from(part, 'base64url').toString('utf8'));
  return [text, ...inside.filter((part) => part.startsWith('['))].flatMap((part) => {
    const uuids = [...part.matchAll(UUID)].map(([uuid]) => uuid);
    const suffixes = [...part.matchAll(SUFFIX)].map(([suffix]) => decodeUuid(suffix) ?? '');
    const told = other.patterns.flatMap((pattern) => pattern.exec(part)?.[0] ?? []);
    return [...[...uuids, ...suffixes].filter((uuid) => other.uuids.has(uuid)), ...told];
  });
}

const MARKER_OR_NUMBER = /mkr[0-9a-f]{12}|\b\d{6,10}\b/g;

/** An answer without what the caller sent himself: messages of errors may repeat a wrong value, data may not. */
export function answered(response: Pick<GraphQLResponse, 'data' | 'errors'>, sent: unknown): string {
  const variables = JSON.stringify(sent ?? {});
  const repeated = [...variables.matchAll(SUFFIX), ...variables.matchAll(MARKER_OR_NUMBER)].map(([text]) => text);
  const without = (text: string) => repeated.reduce((rest, one) => rest.replaceAll(one, '…'), text);
  const data = JSON.stringify(response.data ?? null, (key, value: unknown) => {
    if (/^message(_|$)/.test(key) && typeof value === 'string') return without(value);
    // A figure's filter names what it was asked for.
    if (/^filter(_|$)/.test(key) && typeof value === 'object') return without(JSON.stringify(value));
    // What a bulk lookup does not know is what it was given.
    return /^unknown(_|$)/.test(key) && Array.isArray(value) ? value.map((one) => without(String(one))) : value;
  });
  // What an operation could cost follows from what was sent alone.
  const errors = [response.errors ?? []].flat().filter((error) => error?.extensions?.code !== 'TOO_MUCH');
  return `${data}\n${without(JSON.stringify(errors))}`;
}

const NAME_SEARCHES = new Set([
  'searchSources',
  'searchPlatformUsers',
  'searchIdentifiers',
  'searchCases',
  'searchBugs',
  'searchProjects',
]);

/** A text that a root field finds something by, in each tenant: markers begin alike, addresses and keys are the same. */
export function textFor(field: string): string {
  if (field === 'bulkLookup') return 'bob@example.com';
  if (field === 'project') return 'CAMEL';
  if (field === 'explainCost') return '{ __typename }';
  return NAME_SEARCHES.has(field) ? 'mkr' : 'fentanyl';
}

const KINDS: Readonly<Record<string, string>> = { sourceId: 'src', projectId: 'prj', memberId: 'mem' };
const PREFIXES = new Map(entities().map(({ typeName, prefix }) => [typeName, prefix]));

/** What required arguments of a field are made of: texts that find something, and the tenant's own ids. */
export const ownSamples = (field: string, side: Side, type?: GraphQLNamedType) => ({
  text: textFor(field),
  id: (path: Place) => side.ids.get(KINDS[path.at(-1) ?? ''] ?? PREFIXES.get(type?.name ?? '') ?? 'cnt')?.[0] ?? '',
});

/** What is read of a field's rows: of an interface, those of the type that an id is of. */
export function selectionFor(field: AnyField, kind: string, depth: number): string {
  const types = typesOf(field);
  const one = types.find(({ name }) => PREFIXES.get(name) === kind);
  return types.length > 1 && one ? `__typename ${selectionAs(one, depth)}` : selection(field.type, depth);
}

/** A key of the tenant’s owner with just these permissions, or without any given with all of the owner’s. */
export async function keyWith(t: TestApp, tenant: Tenant, permissions?: readonly string[]): Promise<string> {
  const { createApiKey } = await t.runOk(
    tenant.key,
    'mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input) { key { secret } userErrors { message } } }',
    { input: { name: 'test', permissions } },
  );
  return createApiKey.key.secret;
}
