import { buildSchema, type GraphQLSchema, isObjectType } from 'graphql';
import { expect, test } from 'vitest';
import type { Permission } from '../../../src/access/permissions.ts';
import { chooseColumns, columnsOf, type ExportList, exportLists } from '../../../src/exports/columns.ts';

const SCHEMA = buildSchema(`
  scalar JSON scalar Decimal
  interface Node { id: ID! }
  enum Level { LOW HIGH }
  type Owner implements Node { id: ID! name: String }
  type Money { value: Decimal }
  type Bug implements Node {
    zeta: String
    cost: Decimal
    id: ID!
    labels: [String!]!
    level: Level!
    levels: [Level!]
    meta: JSON
    convert(to: String!): Decimal
    rounded(digits: Int = 2): Decimal
    owner: Owner
    owners: [Owner!]!
    reporter(at: String!): Owner
    parent: Bug
    parentId: ID
    price: Money
    salary: Decimal
    children(first: Int, after: String): BugConnection!
  }
  type BugConnection { nodes: [Bug!]! }
  type HitConnection { hits: Int }
  input BugFilter { id: ID }
  type Query {
    bugs(first: Int, after: String, filter: BugFilter): BugConnection!
    bugsOf(first: Int, after: String, owner: ID!): BugConnection!
    unpaged: BugConnection!
    hits(first: Int, after: String): HitConnection!
    bug: Bug
    all: [Bug!]!
  }
`);

function guard(schema: GraphQLSchema, type: string, field: string, permission: Permission): void {
  const found = schema.getType(type);
  const fields = isObjectType(found) ? found.getFields() : {};
  Object.assign(fields[field] ?? {}, { extensions: { permission } });
}
guard(SCHEMA, 'Query', 'bugs', 'case:read');
guard(SCHEMA, 'Bug', 'salary', 'osint:decrypt');
guard(SCHEMA, 'Bug', 'owner', 'member:read');

const bugs = exportLists(SCHEMA).get('bugs') as ExportList;
const names = (...permissions: Permission[]) => columnsOf(bugs, new Set(permissions)).map(({ name }) => name);

test('lists are the root connections that can be paged without arguments of their own', () => {
  expect([...exportLists(SCHEMA).keys()]).toEqual(['bugs']);
  expect(bugs).toMatchObject({ permission: 'case:read', orderBy: null });
  expect([String(bugs.node), String(bugs.filter)]).toEqual(['Bug', 'BugFilter']);
});

test('columns are leaves and ids of single relations, in the order of the schema', () => {
  expect(names('member:read', 'osint:decrypt')).toEqual([
    ...['zeta', 'cost', 'id', 'labels', 'level', 'levels', 'meta', 'rounded', 'ownerId', 'parentId', 'salary'],
  ]);
});

test('a field that needs a permission which the viewer lacks is left out', () => {
  expect(names('case:read')).not.toContain('salary');
  expect(names('case:read')).not.toContain('ownerId');
  expect(names('osint:decrypt')).toContain('salary');
});

test('a leaf of the name of a relation’s id wins, and is there once', () => {
  const parents = columnsOf(bugs, new Set()).filter(({ name }) => name === 'parentId');
  expect(parents).toEqual([expect.objectContaining({ field: 'parentId', isRelation: false })]);
});

test('what a cell may hold follows from the type', () => {
  const kinds = Object.fromEntries(columnsOf(bugs, new Set()).map(({ name, kind }) => [name, kind]));
  expect(kinds).toMatchObject({
    zeta: 'TEXT',
    id: 'TEXT',
    cost: 'OTHER',
    level: 'OTHER',
    meta: 'JSON',
    levels: 'JSON',
  });
});

test('columns are chosen and ordered by name; another name is refused with those that there are', () => {
  const all = columnsOf(bugs, new Set());
  expect(chooseColumns(all, null)).toEqual(all);
  expect(chooseColumns(all, 'meta, id').map(({ name }) => name)).toEqual(['meta', 'id']);
  expect(() => chooseColumns(all, 'id,salary')).toThrow(/no column "salary" .*there are zeta, cost, id/);
  expect(() => chooseColumns(all, '')).toThrow(/no column ""/);
  expect(() => chooseColumns(all, 'id,meta,id')).toThrow(/"id" comes twice/);
});
