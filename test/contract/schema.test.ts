import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import {
  buildSchema,
  findBreakingChanges,
  type GraphQLArgument,
  type GraphQLNamedType,
  type GraphQLSchema,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isNonNullType,
  isObjectType,
  isSpecifiedScalarType,
  lexicographicSortSchema,
  printSchema,
} from 'graphql';
import { beforeAll, describe, expect, it } from 'vitest';
import { schema } from '../../src/schema.ts';

const FILE = new URL('../../schema.graphql', import.meta.url);
const SCRIPT = new URL('../../scripts/write-schema.ts', import.meta.url);

let committed: string;
beforeAll(async () => {
  committed = await readFile(FILE, 'utf8');
});

describe('schema.graphql', () => {
  it('is what the code builds', async () => {
    const { stderr } = await promisify(execFile)(process.execPath, [SCRIPT.pathname, '--check']);
    expect(stderr).toBe('');
    expect(committed).toBe(`${printSchema(lexicographicSortSchema(schema))}\n`);
  });

  it('breaks nobody who uses the committed one', () => {
    expect(findBreakingChanges(buildSchema(committed), schema)).toEqual([]);
  });

  it.each([
    ['FIELD_REMOVED', (text: string) => text.replace('type Query {', 'type Query {\n  gone: String')],
    ['VALUE_REMOVED_FROM_ENUM', (text: string) => text.replace('enum CaseStatus {', 'enum CaseStatus {\n  GONE')],
    [
      'REQUIRED_INPUT_FIELD_ADDED',
      (text: string) => text.replace(/(input OpenCaseInput \{[^}]*?)\n\s+title: String!/, '$1'),
    ],
    ['FIELD_CHANGED_KIND', (text: string) => text.replace(/(type Source [^}]*?name: )String!/, '$1Int')],
  ])('is seen to be broken: %s', (kind, change) => {
    const before = change(committed);
    expect(before).not.toBe(committed);
    expect(findBreakingChanges(buildSchema(before), schema).map(({ type }) => type)).toContain(kind);
  });
});

function ownTypes(of: GraphQLSchema): GraphQLNamedType[] {
  return Object.values(of.getTypeMap()).filter((type) => !type.name.startsWith('__') && !isSpecifiedScalarType(type));
}

const ROOTS = ['Query', 'Mutation', 'Subscription'];

/** What has no description: types and enums, and root fields. */
function undescribed(of: GraphQLSchema): string[] {
  return ownTypes(of).flatMap((type) => {
    const own = type.description?.trim() ? [] : [type.name];
    if (!ROOTS.includes(type.name) || !isObjectType(type)) return own;
    const fields = Object.values(type.getFields()).filter(
      (field) => !field.description?.replace(/^(Public|Needs `.*`)\.$/, '').trim(),
    );
    return [...own, ...fields.map((field) => `${type.name}.${field.name}`)];
  });
}

/** Fields, arguments and input fields that are not in camelCase, and enum values that are not in capitals. */
function misnamed(of: GraphQLSchema): string[] {
  return ownTypes(of).flatMap((type) => {
    if (isEnumType(type))
      return type
        .getValues()
        .filter(({ name }) => !/^[A-Z][A-Z0-9_]*$/.test(name))
        .map(({ name }) => `${type.name}.${name}`);
    if (!isObjectType(type) && !isInterfaceType(type) && !isInputObjectType(type)) return [];
    return Object.values(type.getFields()).flatMap((field) => {
      const args = 'args' in field ? field.args.map((arg: GraphQLArgument) => arg.name) : [];
      return [field.name, ...args]
        .filter((name) => !/^[a-z][A-Za-z0-9]*$/.test(name))
        .map((name) => `${type.name}.${name}`);
    });
  });
}

/** Connections without one of their parts, with what is wrong. */
function brokenConnections(of: GraphQLSchema): string[] {
  return ownTypes(of).flatMap((type) => {
    if (!isObjectType(type) || !type.name.endsWith('Connection')) return [];
    const fields = type.getFields();
    const name = type.name.replace(/Connection$/, '');
    const wanted: Record<string, string> = {
      edges: `[${name}Edge!]!`,
      pageInfo: 'PageInfo!',
      totalCount: 'TotalCount!',
    };
    const node = getNamedType(fields.nodes?.type);
    const edge = of.getType(`${name}Edge`);
    const ofEdge = isObjectType(edge) ? String(edge.getFields().node?.type) : 'none';
    return [
      ...Object.entries(wanted)
        .filter(([field, expected]) => String(fields[field]?.type) !== expected)
        .map(([field]) => `${type.name}.${field}`),
      ...(node && String(fields.nodes?.type) === `[${node.name}!]!` && ofEdge === `${node.name}!`
        ? []
        : [`${type.name}.nodes`]),
    ];
  });
}

/** Mutations whose payload lacks what every payload has. */
function brokenPayloads(of: GraphQLSchema): string[] {
  return Object.values(of.getMutationType()?.getFields() ?? {}).flatMap(({ name, type }) => {
    const payload = getNamedType(type);
    if (!isNonNullType(type) || !isObjectType(payload)) return [name];
    const { userErrors, eventSeq, ...rest } = payload.getFields();
    const result = Object.values(rest);
    const whole = String(userErrors?.type) === '[UserError!]!' && String(eventSeq?.type) === 'BigInt';
    return whole && result.length === 1 && result.every((field) => !isNonNullType(field.type)) ? [] : [name];
  });
}

describe('the schema', () => {
  it('describes every type, enum and root field', () => {
    expect(undescribed(schema)).toEqual([]);
  });

  it('names fields and arguments in camelCase, and values of enums in capitals', () => {
    expect(misnamed(schema)).toEqual([]);
  });

  it('has whole connections', () => {
    expect(ownTypes(schema).filter(({ name }) => name.endsWith('Connection')).length).toBeGreaterThan(15);
    expect(brokenConnections(schema)).toEqual([]);
  });

  it('answers every mutation with userErrors, eventSeq and one result that may be null', () => {
    expect(Object.keys(schema.getMutationType()?.getFields() ?? {}).length).toBeGreaterThan(15);
    expect(brokenPayloads(schema)).toEqual([]);
  });

  it('is seen to break each of these rules', () => {
    const broken = buildSchema(`
      "." type Query { "Needs \`case:read\`." a: Int "b" b: OneConnection "c" c(snake_arg: Int): BadConnection }
      "." type Mutation { "m" m: MPayload! "n" n: NPayload! }
      type MPayload { x: Int userErrors: [UserError!]! }
      "." type NPayload { x: Int! userErrors: [UserError!]! eventSeq: BigInt }
      "." scalar BigInt
      "." type UserError { code: String! }
      "." type OneConnection { edges: [OneEdge!]! nodes: [One!]! pageInfo: PageInfo! totalCount: TotalCount! }
      "." type OneEdge { node: One! }
      "." type BadConnection { edges: [OneEdge!]! nodes: [One]! pageInfo: PageInfo }
      "." type One { snake_case: Int }
      "." type PageInfo { x: Int } "." type TotalCount { x: Int }
      enum Level { low HIGH }`);
    expect(undescribed(broken).sort()).toEqual(['Level', 'MPayload', 'Query.a']);
    expect(misnamed(broken).sort()).toEqual(['Level.low', 'One.snake_case', 'Query.snake_arg']);
    expect(brokenPayloads(broken)).toEqual(['m', 'n']);
    const parts = ['edges', 'nodes', 'pageInfo', 'totalCount'].map((field) => `BadConnection.${field}`);
    expect(brokenConnections(broken).sort()).toEqual(parts);
  });
});
