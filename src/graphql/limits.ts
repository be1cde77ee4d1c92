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
  readonly #sizes: readonly string[];
  readonly #within = new Set<string>();

  constructor(schema: GraphQLSchema, document: DocumentNode, name: string | null) {
    this.#schema = schema;
    this.#document = document;
    this.#name = name;
    const sizes = new Set<string>();
    visitDocument(document, {
      Argument: ({ name: { value: argument }, value }) => {
        if (value.kind === Kind.VARIABLE && PAGE_SIZES.has(argument)) sizes.add(value.name.value);
      },
    });
    this.#sizes = [...sizes];
  }

  /** Throws as `checkLimits` does. */
  check(variables: Variables): void {
    const key = JSON.stringify(this.#sizes.map((name) => variables[name]));
    if (this.#within.has(key)) return;
    checkLimits(this.#schema, this.#document, this.#name, variables);
    if (this.#within.size < MAX_KNOWN) this.#within.add(key);
  }
}

const PAGE_SIZES: ReadonlySet<string> = new Set(['first', 'last']);

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
  const inner =
    rows *
    pageOf(
      walk,
      node,
      field.args.some(({ name }) => name === 'first'),
    );
  if (inner > rows) walk.rows += inner;
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

/** How many rows a field's page holds: what it asks for, else the default. 1 for what is no page. */
function pageOf(walk: Walk, node: FieldNode, isPage: boolean): number {
  const asked = node.arguments?.find(({ name }) => PAGE_SIZES.has(name.value))?.value;
  if (asked?.kind === Kind.INT) return Math.max(1, Number(asked.value));
  if (asked?.kind === Kind.VARIABLE) {
    const value = walk.variables[asked.name.value] ?? walk.defaults.get(asked.name.value);
    if (typeof value === 'number') return Math.max(1, value);
  }
  return isPage ? DEFAULT_PAGE : 1;
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
