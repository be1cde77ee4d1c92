import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  GraphQLError,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isInterfaceType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
  type ValueNode,
  visit as visitDocument,
} from 'graphql';
import { DEFAULT_PAGE } from '../data/list.ts';

/** Rows that an operation may ask for, lists within lists multiplied. */
export const MAX_ROWS = 100_000;
export const MAX_DEPTH = 40;
export const MAX_FIELDS = 2_000;
/** Each is a transaction, and signing in is made slow on purpose. */
export const MAX_MUTATIONS = 20;

type Variables = Readonly<Record<string, unknown>>;

interface Walk {
  schema: GraphQLSchema;
  fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  variables: Variables;
  defaults: ReadonlyMap<string, unknown>;
  rows: number;
  fields: number;
}

/**
 * Refuses an operation that could ask for too much, before it runs: how deep it is, how many fields it has with its
 * fragments spread, how many rows its pages could give together, and how many changes it makes. Throws GraphQLError.
 */
export function checkLimits(
  schema: GraphQLSchema,
  document: DocumentNode,
  operationName: string | null,
  variables: Variables,
): void {
  const operations = document.definitions.filter((node) => node.kind === Kind.OPERATION_DEFINITION);
  const operation = operations.find((node) => !operationName || node.name?.value === operationName);
  const root = operation && schema.getRootType(operation.operation);
  if (!operation || !root) return;
  const fragments = document.definitions.filter((node) => node.kind === Kind.FRAGMENT_DEFINITION);
  const walk: Walk = {
    schema,
    fragments: new Map(fragments.map((node) => [node.name.value, node])),
    variables,
    defaults: defaultsOf(operation),
    rows: 0,
    fields: 0,
  };
  visit(walk, operation.selectionSet, root, 1, 1);
  const changes = operation.operation === 'mutation' ? countRoot(walk, operation.selectionSet) : 0;
  if (changes > MAX_MUTATIONS) throw tooMuch(`${changes} changes in one operation: at most ${MAX_MUTATIONS}`);
}

/** Page sizes that were found to be within the limits are remembered, up to so many sets of them. */
const MAX_KNOWN = 200;

/** The limits of one operation, which depend on its variables only where these are page sizes. */
export class OperationLimits {
  readonly #schema: GraphQLSchema;
  readonly #document: DocumentNode;
  readonly #name: string | null;
  #sizes: readonly string[] | undefined;
  readonly #within = new Set<string>();

  constructor(schema: GraphQLSchema, document: DocumentNode, name: string | null) {
    this.#schema = schema;
    this.#document = document;
    this.#name = name;
  }

  /** Throws as `checkLimits` does. */
  check(variables: Variables): void {
    const key = this.#keyOf(variables);
    if (key !== null && this.#within.has(key)) return;
    checkLimits(this.#schema, this.#document, this.#name, variables);
    if (key !== null && this.#within.size < MAX_KNOWN) this.#within.add(key);
  }

  /** What of the variables the limits depend on, as a short text; null when it is not what it should be. */
  #keyOf(variables: Variables): string | null {
    this.#sizes ??= sizesOf(this.#document);
    const sizes = this.#sizes.map((name) => {
      const value = variables[name];
      return Array.isArray(value) ? value.length : value;
    });
    const known = sizes.every((size) => size === undefined || size === null || typeof size === 'number');
    return known ? sizes.map(String).join() : null;
  }
}

/** Variables that say how many rows a field gives. Looked for at the first use: a document may hold many operations. */
function sizesOf(document: DocumentNode): string[] {
  const sizes = new Set<string>();
  visitDocument(document, {
    Argument: ({ name: { value: argument }, value }) => {
      if (value.kind === Kind.VARIABLE && (PAGE_SIZES.has(argument) || argument === KEYS)) sizes.add(value.name.value);
    },
  });
  return [...sizes];
}

const PAGE_SIZES: ReadonlySet<string> = new Set(['first', 'last']);
/** The argument of fields that give a row for each of its keys. */
const KEYS = 'ids';

function defaultsOf(operation: OperationDefinitionNode): Map<string, unknown> {
  const given = operation.variableDefinitions ?? [];
  return new Map(
    given.flatMap(({ variable, defaultValue }) =>
      defaultValue?.kind === Kind.INT ? [[variable.name.value, Number(defaultValue.value)] as const] : [],
    ),
  );
}

function visit(walk: Walk, selections: SelectionSetNode, type: unknown, rows: number, depth: number): void {
  if (depth > MAX_DEPTH) throw tooMuch(`nested deeper than ${MAX_DEPTH} levels`);
  for (const node of selections.selections) {
    if (node.kind === Kind.FIELD) visitField(walk, node, type, rows, depth);
    else if (node.kind === Kind.INLINE_FRAGMENT) {
      const on = node.typeCondition ? walk.schema.getType(node.typeCondition.name.value) : type;
      visit(walk, node.selectionSet, on, rows, depth + 1);
    } else {
      const fragment = walk.fragments.get(node.name.value);
      if (fragment)
        visit(walk, fragment.selectionSet, walk.schema.getType(fragment.typeCondition.name.value), rows, depth + 1);
    }
  }
}

function visitField(walk: Walk, node: FieldNode, type: unknown, rows: number, depth: number): void {
  walk.fields++;
  if (walk.fields > MAX_FIELDS) throw tooMuch(`more than ${MAX_FIELDS} fields, with fragments spread`);
  if (!node.selectionSet || !hasFields(type)) return;
  const field = type.getFields()[node.name.value];
  if (!field) return;
  const isPage = field.args.some(({ name }) => name === 'first');
  const inner = rows * pageOf(walk, node, isPage);
  if (isPage || inner > rows) walk.rows += inner;
  if (walk.rows > MAX_ROWS) {
    throw tooMuch(
      `the pages of this operation could give more than ${MAX_ROWS.toLocaleString('en')} rows together: ask for fewer with first, or nest less`,
    );
  }
  visit(walk, node.selectionSet, getNamedType(field.type), inner, depth + 1);
}

function hasFields(type: unknown): type is GraphQLObjectType {
  return isObjectType(type) || isInterfaceType(type);
}

/** How many rows a field gives: as many as its page holds or it has keys, else 1. */
function pageOf(walk: Walk, node: FieldNode, isPage: boolean): number {
  const given = node.arguments ?? [];
  const keys = given.find(({ name }) => name.value === KEYS);
  if (keys) return Math.max(1, countOf(walk, keys.value));
  const sizes = given.filter(({ name }) => PAGE_SIZES.has(name.value)).map(({ value }) => sizeOf(walk, value));
  const known = sizes.filter((size) => size !== undefined);
  return known.length > 0 ? Math.max(1, ...known) : isPage ? DEFAULT_PAGE : 1;
}

function sizeOf(walk: Walk, value: ValueNode): number | undefined {
  if (value.kind === Kind.INT) return Number(value.value);
  if (value.kind !== Kind.VARIABLE) return undefined;
  const name = value.name.value;
  // A null that was given stays null, whatever the default is.
  const given = walk.variables[name] === undefined ? walk.defaults.get(name) : walk.variables[name];
  return typeof given === 'number' ? given : undefined;
}

function countOf(walk: Walk, value: ValueNode): number {
  if (value.kind === Kind.LIST) return value.values.length;
  const given = value.kind === Kind.VARIABLE ? walk.variables[value.name.value] : undefined;
  return Array.isArray(given) ? given.length : 1;
}

function countRoot(walk: Walk, selections: SelectionSetNode): number {
  return selections.selections.reduce((sum, node) => {
    if (node.kind === Kind.FIELD) return sum + 1;
    const inner = node.kind === Kind.INLINE_FRAGMENT ? node : walk.fragments.get(node.name.value);
    return sum + (inner ? countRoot(walk, inner.selectionSet) : 0);
  }, 0);
}

function tooMuch(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'TOO_MUCH', http: { status: 400 } } });
}
