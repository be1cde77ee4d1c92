import pg from 'pg';
import type { Answer, Tenant, TestApp } from '../../support/app.ts';

export const ERRORS = 'userErrors { __typename code message path }';

/** What a mutation answered, whatever its name. */
export async function mutate(t: TestApp, key: string, text: string, input: object): Promise<Answer> {
  const name = /^\s*(\w+)/.exec(text)?.[1] ?? '';
  const type = `${name.charAt(0).toUpperCase()}${name.slice(1)}Input`;
  const typeName = INPUT_TYPES[name] ?? type;
  const [, fields = ''] = /^\s*\w+\s*(\{[\s\S]*\})\s*$/.exec(text) ?? [];
  const query = `mutation($input: ${typeName}!) { result: ${name}(input: $input) ${fields} }`;
  const { result } = await t.runOk(key, query, { input });
  return result;
}
const INPUT_TYPES: Record<string, string> = {
  ingestContent: 'IngestContentInput',
  linkToCase: 'CaseLinksInput',
  unlinkFromCase: 'CaseLinksInput',
};

let made = 0;

/** A source of its own; gives its id. */
export async function addSource(t: TestApp, tenant: Tenant, over: object = {}): Promise<string> {
  made += 1;
  const input = { name: `Source ${made}`, kind: 'FORUM', externalRef: `ref-${made}`, reliability: 'A', ...over };
  const { source, userErrors } = await mutate(t, tenant.key, `createSource { source { id } ${ERRORS} }`, input);
  if (!source) throw new Error(JSON.stringify(userErrors));
  return source.id;
}

/** A keyword; gives it with its id and version. */
export async function addKeyword(
  t: TestApp,
  tenant: Tenant,
  term: string,
  weight: number,
  over: object = {},
): Promise<Answer> {
  const input = { term, weight, category: 'SUBSTANCE', ...over };
  const { keyword, userErrors } = await mutate(
    t,
    tenant.key,
    `createKeyword { keyword { id version normalisedTerm conceptId } ${ERRORS} }`,
    input,
  );
  if (!keyword) throw new Error(JSON.stringify(userErrors));
  return keyword;
}

const INGESTED = `ingestContent { ingested { created outcome content { id text title version riskLevel riskScore } } ${ERRORS} eventSeq }`;

/** Takes one content in and gives the whole payload. */
export function ingest(t: TestApp, tenant: Tenant, input: object): Promise<Answer> {
  return mutate(t, tenant.key, INGESTED, input);
}

const BATCH = `ingestContents { batch { created updated unchanged items { created outcome content { id } } } ${ERRORS} eventSeq }`;

export function ingestBatch(t: TestApp, tenant: Tenant, items: object[]): Promise<Answer> {
  return mutate(t, tenant.key, BATCH, { items });
}

/** Rows as the owner of the tables sees them. */
export async function asOwner<R extends pg.QueryResultRow = Answer>(
  t: { database: { ownerUrl: string } },
  text: string,
  values: unknown[] = [],
): Promise<R[]> {
  const client = new pg.Client({ connectionString: t.database.ownerUrl });
  await client.connect();
  try {
    return (await client.query<R>(text, values)).rows;
  } finally {
    await client.end();
  }
}

/** The tenant's whole log, oldest first. */
export async function eventsOf(t: TestApp, tenant: Tenant, type?: string): Promise<Answer[]> {
  return asOwner(
    t,
    `SELECT seq::int, type, aggregate_type AS "aggregateType", aggregate_id AS "aggregateId",
       aggregate_version AS "aggregateVersion", payload FROM event_store
     WHERE tenant_id = $1 AND ($2::text IS NULL OR type = $2) ORDER BY seq`,
    [tenant.tenantId, type ?? null],
  );
}

/** How many rows of the tenant a table has. */
export async function countOf(t: TestApp, tenant: Tenant, table: string): Promise<number> {
  const [row] = await asOwner(t, `SELECT count(*)::int AS n FROM "${table}" WHERE tenant_id = $1`, [tenant.tenantId]);
  return row.n;
}

/** Numbers 0 to n - 1. */
export function range(n: number): number[] {
  return Array.from({ length: n }, (_, i) => i);
}
