import { encodeId } from '../../src/graphql/ids.ts';
import type { Dialect } from '../contender.ts';
import type { Facts, Request, Scenario } from '../scenario.ts';

export const SEVERITIES = ['CRITICAL', 'HIGH', 'MEDIUM', 'LOW'] as const;
const STATUSES = ['PENDING', 'IN_PROGRESS', 'CLOSED', 'SHIPPED'] as const;
const PROJECT_STATUSES = ['ACTIVE', 'SHIPPED', 'DEFERRED', 'CANCELLED'] as const;

/** The fields of a bug in a list, alike in Argus and in the plain schema. */
export const BUG = 'id number title severity status priorityScore slaState createdAt';
/** The order of a list in PostGraphile: the one that Argus has by itself. */
export const NEWEST = 'orderBy: [CREATED_AT_DESC, ROW_ID_DESC]';
const NEWEST_CHANGES = 'orderBy: [AT_DESC, ROW_ID_DESC]';
/** PostGraphile keeps `id` for its global identifier. */
export const PG_BUG = BUG.replace('id', 'id: rowId');

/** The same query with one variable in some values. PostGraphile is told the tenant, which the others know. */
export function over(dialect: Dialect, facts: Facts, query: string, name: string, values: readonly unknown[]) {
  const tenant = dialect === 'postgraphile' ? { tenant: facts.tenantId } : {};
  return values.map((value): Request => ({ query, variables: { ...tenant, [name]: value } }));
}

const FLAT: Record<Dialect, string> = {
  argus: `query ($severity: BugSeverity!) { bugs(first: 100, filter: { severity: { eq: $severity } }) { nodes { ${BUG} } } }`,
  plain: `query ($severity: String!) { bugs(first: 100, severity: $severity) { ${BUG} } }`,
  postgraphile: `query ($tenant: UUID!, $severity: String!) { bugs: allBugs(first: 100, ${NEWEST}, condition: { tenantId: $tenant, severity: $severity }) { nodes { ${PG_BUG} } } }`,
  floor: 'flat',
};

export const flat: Scenario = {
  name: 'flat',
  title: 'flat list of 100 bugs of a severity',
  requests: (dialect, facts) => over(dialect, facts, FLAT[dialect], 'severity', SEVERITIES),
};

const NESTED_BUG = 'id title severity status';
const CHANGE = 'field oldValue newValue at';
const NESTED: Record<Dialect, string> = {
  argus: `query ($status: BugStatus!) { bugs(first: 50, filter: { status: { eq: $status } }) { nodes { ${NESTED_BUG} project { key name } assignee { displayName } history(first: 3) { nodes { ${CHANGE} } } } } }`,
  plain: `query ($status: String!) { bugs(first: 50, status: $status) { ${NESTED_BUG} project { key name } assignee { displayName } history(first: 3) { ${CHANGE} } } }`,
  postgraphile: `query ($tenant: UUID!, $status: String!) { bugs: allBugs(first: 50, ${NEWEST}, condition: { tenantId: $tenant, status: $status }) { nodes { id: rowId title severity status project { key name } assignee { displayName } history(first: 3, ${NEWEST_CHANGES}) { nodes { ${CHANGE} } } } } }`,
  floor: 'nested',
};

export const nested: Scenario = {
  name: 'nested',
  title: 'list of 50 bugs with project, assignee and 3 history rows each',
  requests: (dialect, facts) => over(dialect, facts, NESTED[dialect], 'status', STATUSES),
};

const TREE: Record<Dialect, string> = {
  argus: `query ($status: ProjectStatus!) { projects(first: 20, filter: { status: { eq: $status } }) { nodes { key name bugs(first: 10) { nodes { id number title status history(first: 2) { nodes { field newValue at } } } } } } }`,
  plain:
    'query ($status: String!) { projects(first: 20, status: $status) { key name bugs(first: 10) { id number title status history(first: 2) { field newValue at } } } }',
  postgraphile: `query ($tenant: UUID!, $status: String!) { projects: allProjects(first: 20, ${NEWEST}, condition: { tenantId: $tenant, status: $status }) { nodes { key name bugs(first: 10, ${NEWEST}) { nodes { id: rowId number title status history(first: 2, ${NEWEST_CHANGES}) { nodes { field newValue at } } } } } } }`,
  floor: 'tree',
};

export const tree: Scenario = {
  name: 'tree',
  title: '20 projects, 10 bugs of each, 2 history rows of each bug',
  requests: (dialect, facts) => over(dialect, facts, TREE[dialect], 'status', PROJECT_STATUSES),
};

const ONE: Record<Dialect, string> = {
  argus: `query ($id: ID!) { bug: node(id: $id) { ... on Bug { ${BUG} description } } }`,
  plain: `query ($id: ID!) { bug(id: $id) { ${BUG} description } }`,
  postgraphile: `query ($tenant: UUID!, $id: UUID!) { bug: bugByTenantIdAndRowId(tenantId: $tenant, rowId: $id) { ${PG_BUG} description } }`,
  floor: 'one',
};

export const one: Scenario = {
  name: 'one',
  title: 'one bug by its id',
  requests(dialect, facts) {
    const ids = dialect === 'argus' ? facts.bugIds.map((id) => encodeId('bug', id)) : facts.bugIds;
    return over(dialect, facts, ONE[dialect], 'id', ids);
  },
};
