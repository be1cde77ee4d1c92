import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  isInterfaceType,
  isListType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
  type ValueNode,
} from 'graphql';
import { DEFAULT_PAGE } from '../data/list.ts';
import { COUNT_WEIGHT, EXACT_COUNT_WEIGHT, MUTATION_WEIGHT, UNSIZED_LIST, WEIGHTS } from './cost-weights.ts';
import { LIMITS, tooMuch } from './limits.ts';

/** What the fields at one path cost together, without what is selected in them. */
export interface PathCost {
  /** names of fields, outermost first, with dots between */
  path: string;
  /** points */
  cost: number;
  /** rows that they can give together */
  rows: number;
}

export interface Cost {
  /** points */
  total: number;
  /** the dearest first; empty unless asked for */
  paths: readonly PathCost[];
}

type Variables = Readonly<Record<string, unknown>>;

interface Walk {
  schema: GraphQLSchema;
  fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  variables: Variables;
  defaults: ReadonlyMap<string, ValueNode>;
  total: number;
  fields: number;
  changes: number;
  paths: Map<string, PathCost> | null;
}

/** Where a selection stands. */
interface Place {
  type: unknown;
  /** how many objects it is selected on, at most */
  parents: number;
  /** how many objects the lists in it hold, where it is what a page came as */
  page: number | null;
  depth: number;
  path: string;
}

/** The arguments that tell how many rows a field gives: numbers, and keys of which each gives one. */
export const SIZE_ARGUMENTS: ReadonlySet<string> = new Set(['first', 'last', 'ids', 'values']);
const KEYS: ReadonlySet<string> = new Set(['ids', 'values']);
/** Beyond it a number says no more. */
const MOST = 1e12;

/**
 * What an operation of a validated document can cost at most, from its text and its page sizes alone. A field with
 * selections costs its weight and one point for each row that it can give, once for each object that it stands on; so
 * lists within lists multiply. Leaves and introspection are free. docs/limits.md has the formula and an example.
 *
 * `@skip` and `@include` are not looked at, and a fragment counts wherever it is spread.
 * @throws GraphQLError with the code TOO_MUCH when it is too deep, too wide or makes too many changes
 */
export function operationCost(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
  variables: Variables,
  withPaths = false,
): Cost {
  const fragments = document.definitions.filter((node) => node.kind === Kind.FRAGMENT_DEFINITION);
  const given = operation.variableDefinitions ?? [];
  const walk: Walk = {
    schema,
    fragments: new Map(fragments.map((node) => [node.name.value, node])),
    variables,
    defaults: new Map(
      given.flatMap(({ variable, defaultValue }) => (defaultValue ? [[variable.name.value, defaultValue]] : [])),
    ),
    total: 0,
    fields: 0,
    changes: 0,
    paths: withPaths ? new Map() : null,
  };
  const type = schema.getRootType(operation.operation);
  visit(walk, operation.selectionSet, { type, parents: 1, page: null, depth: 1, path: '' });
  if (walk.changes > LIMITS.mutations) throw tooMuch('mutations', walk.changes);
  const paths = [...(walk.paths?.values() ?? [])].sort((a, b) => b.cost - a.cost);
  return { total: walk.total, paths };
}

function visit(walk: Walk, { selections }: SelectionSetNode, place: Place): void {
  if (place.depth > LIMITS.depth) throw tooMuch('depth', place.depth);
  for (const node of selections) {
    if (node.kind === Kind.FIELD) {
      visitField(walk, node, place);
      continue;
    }
    const inner = node.kind === Kind.INLINE_FRAGMENT ? node : walk.fragments.get(node.name.value);
    const on = inner?.typeCondition?.name.value;
    const type = on === undefined ? place.type : walk.schema.getType(on);
    if (inner) visit(walk, inner.selectionSet, { ...place, type, depth: place.depth + 1 });
  }
}

function visitField(walk: Walk, node: FieldNode, place: Place): void {
  const { type, parents } = place;
  if (++walk.fields > LIMITS.fields) throw tooMuch('fields', walk.fields);
  const name = node.name.value;
  if (!hasFields(type) || name.startsWith('__')) return;
  const field = type.getFields()[name];
  if (!field) return;
  if (type === walk.schema.getMutationType()) walk.changes++;
  const path = place.path === '' ? name : `${place.path}.${name}`;
  const isList = isListType(getNullableType(field.type));
  const size = sizeOf(walk, field, node);
  const isPart = isPartOfPage(type, field, place, isList);
  if (!isPart) add(walk, path, parents, weightOf(walk, type, node), size ?? 0);
  if (!node.selectionSet) return;
  const each = isList ? (size ?? place.page ?? UNSIZED_LIST) : 1;
  visit(walk, node.selectionSet, {
    type: getNamedType(field.type),
    parents: Math.min(parents * each, MOST),
    page: isList ? null : size,
    depth: place.depth + 1,
    path,
  });
}

/** What only shows rows that a page has counted: its lists, the row of an edge, where it stands. */
function isPartOfPage(
  type: GraphQLObjectType,
  { name, type: output }: GraphQLField<unknown, unknown>,
  { page }: Place,
  isList: boolean,
): boolean {
  if (page !== null && isList) return true;
  return (name === 'node' && type.name.endsWith('Edge')) || getNamedType(output).name === 'PageInfo';
}

function weightOf(walk: Walk, type: GraphQLObjectType, node: FieldNode): number {
  const name = node.name.value;
  const named = WEIGHTS[`${type.name}.${name}`];
  if (named !== undefined) return named;
  if (name === 'totalCount') return node.arguments?.length ? EXACT_COUNT_WEIGHT : COUNT_WEIGHT;
  if (type === walk.schema.getMutationType()) return MUTATION_WEIGHT;
  return node.selectionSet ? 1 : 0;
}

function add(walk: Walk, path: string, parents: number, weight: number, size: number): void {
  const rows = parents * size;
  const cost = parents * weight + rows;
  if (cost === 0) return;
  walk.total = Math.min(walk.total + cost, MOST);
  if (!walk.paths) return;
  const known = walk.paths.get(path) ?? { path, cost: 0, rows: 0 };
  walk.paths.set(path, { path, cost: known.cost + cost, rows: known.rows + rows });
}

function hasFields(type: unknown): type is GraphQLObjectType {
  return isObjectType(type) || isInterfaceType(type);
}

/** How many rows a field gives by its arguments: its page, or one for each key. Null where they do not tell. */
function sizeOf(walk: Walk, field: GraphQLField<unknown, unknown>, node: FieldNode): number | null {
  const sizes = (node.arguments ?? [])
    .filter(({ name }) => SIZE_ARGUMENTS.has(name.value))
    .map(({ name, value }) => (KEYS.has(name.value) ? lengthOf(walk, value) : numberOf(walk, value)))
    .filter((size) => size !== undefined);
  if (sizes.length > 0) return Math.max(1, ...sizes);
  const first = field.args.find(({ name }) => name === 'first');
  return first ? defaultOf(first) : null;
}

function defaultOf({ defaultValue }: GraphQLArgument): number {
  return typeof defaultValue === 'number' ? defaultValue : DEFAULT_PAGE;
}

/** A variable's value, or its default; a null that was given stays null, whatever the default is. */
function variableOf(walk: Walk, name: string): unknown {
  const given = walk.variables[name];
  return given === undefined ? literalOf(walk.defaults.get(name)) : given;
}

function literalOf(value: ValueNode | undefined): unknown {
  if (value?.kind === Kind.INT) return Number(value.value);
  return value?.kind === Kind.LIST ? value.values : undefined;
}

function numberOf(walk: Walk, value: ValueNode): number | undefined {
  const size = value.kind === Kind.VARIABLE ? variableOf(walk, value.name.value) : literalOf(value);
  return typeof size === 'number' ? size : undefined;
}

/** One value stands for a list of one. */
function lengthOf(walk: Walk, value: ValueNode): number {
  const keys = value.kind === Kind.VARIABLE ? variableOf(walk, value.name.value) : literalOf(value);
  return Array.isArray(keys) ? keys.length : 1;
}
