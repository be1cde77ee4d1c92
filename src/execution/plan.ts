import {
  type DocumentNode,
  type FieldNode,
  type GraphQLAbstractType,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
  getArgumentValues,
  getOperationAST,
  isAbstractType,
  isLeafType,
  isListType,
  isNonNullType,
  visit,
} from 'graphql';
import type { Permission } from '../access/permissions.ts';
import type { ModelName } from '../data/models.ts';
import { type BatchResolve, batchOf } from './batch.ts';
import { collectFields, type Fragments, fragmentsOf } from './collect.ts';
import { ColumnPlace, type LeafWriter, leafWriter } from './json.ts';
import type { RowSource } from './rows.ts';

/** What a field's value becomes. */
export type Output =
  | { kind: 'leaf'; nonNull: boolean; write: LeafWriter; typeName: string }
  | { kind: 'list'; nonNull: boolean; item: Output }
  | { kind: 'object'; nonNull: boolean; node: PlanNode }
  | { kind: 'abstract'; nonNull: boolean; type: GraphQLAbstractType; nodeOf: (type: GraphQLObjectType) => PlanNode };

type Variables = Readonly<Record<string, unknown>>;

export interface PlanField {
  /** how the field begins in the JSON text: `"title":` */
  label: string;
  /** null: `__typename` */
  definition: GraphQLField<unknown, unknown> | null;
  /** what the viewer must hold; the field's own `resolve` asks for it too */
  permission: Permission | undefined;
  batch: BatchResolve | undefined;
  /** property of the parent, for a field without a resolver */
  property: string | undefined;
  /** of a leaf that is a property: where rows have it */
  columns: ColumnPlace | null;
  argumentsOf: (variables: Variables) => Readonly<Record<string, unknown>>;
  output: Output;
  sources: Map<ModelName, RowSource>;
}

/** A selection on an object type. */
export interface PlanNode {
  type: GraphQLObjectType;
  fields: readonly PlanField[];
}

/** How a query is run level by level. */
export interface Plan {
  schema: GraphQLSchema;
  root: PlanNode;
  /** rows by key, one source for each model: places that ask for the same model share a statement */
  byId: Map<ModelName, RowSource>;
  sources(): Iterable<RowSource>;
  /** whether it reads rows by their keys only, as far as its runs have shown */
  readsByKey(): boolean;
  /** how often its runs wrote to the database at most; 0: none has ended yet */
  flights: number;
  /** all that its last run asked for were rows by their keys */
  looksUp: boolean;
  /** its sources have learnt what they need */
  settled: boolean;
}

interface Building {
  schema: GraphQLSchema;
  fragments: Fragments;
  variables: Variables;
  fields: PlanField[];
}

/**
 * The plan of a query of a validated document, for these values of the variables that decide which fields are selected;
 * null when it asks for what is not planned (introspection).
 */
export function makePlan(
  schema: GraphQLSchema,
  document: DocumentNode,
  name: string | null,
  variables: Variables,
): Plan | null {
  const definition = getOperationAST(document, name);
  const type = schema.getQueryType();
  if (definition?.operation !== 'query' || !type || introspects(document)) return null;
  const building: Building = { schema, fragments: fragmentsOf(document), variables, fields: [] };
  const root = planNode(building, type, [definition]);
  const byId = new Map<ModelName, RowSource>();
  function* sources() {
    yield* byId.values();
    for (const field of building.fields) yield* field.sources.values();
  }
  const readsByKey = () => building.fields.every(({ sources: { size } }) => size === 0);
  return { schema, root, byId, sources, readsByKey, flights: 0, looksUp: false, settled: false };
}

function introspects(document: DocumentNode): boolean {
  let found = false;
  visit(document, {
    Field: ({ name }) => {
      if (name.value === '__schema' || name.value === '__type') found = true;
    },
  });
  return found;
}

function planNode(
  building: Building,
  type: GraphQLObjectType,
  selecting: readonly { readonly selectionSet?: FieldNode['selectionSet'] }[],
): PlanNode {
  const { schema, fragments, variables } = building;
  const selections = selecting.flatMap(({ selectionSet }) => (selectionSet ? [selectionSet] : []));
  const collected = collectFields(schema, fragments, type, selections, variables);
  return { type, fields: [...collected].map(([name, nodes]) => planField(building, type, name, nodes)) };
}

function planField(building: Building, type: GraphQLObjectType, name: string, nodes: readonly FieldNode[]): PlanField {
  const [node] = nodes;
  const label = `${JSON.stringify(name)}:`;
  const sources = new Map<ModelName, RowSource>();
  if (!node || node.name.value === '__typename') {
    const output: Output = { kind: 'leaf', nonNull: true, write: () => JSON.stringify(type.name), typeName: 'String' };
    const none = { definition: null, permission: undefined, batch: undefined, property: undefined, columns: null };
    return { label, ...none, argumentsOf: () => ({}), output, sources };
  }
  const definition = type.getFields()[node.name.value];
  if (!definition) throw new Error(`${type.name} has no field ${node.name.value}: the document was not validated`);
  const { permission } = definition.extensions as { permission?: Permission | 'public' };
  const property = propertyOf(definition);
  const output = planOutput(building, definition.type, nodes);
  const field: PlanField = {
    label,
    definition,
    permission: permission === 'public' ? undefined : permission,
    batch: batchOf(definition.extensions),
    property,
    columns: property !== undefined && output.kind === 'leaf' ? new ColumnPlace(property, output.typeName) : null,
    argumentsOf: argumentsOf(definition, node),
    output,
    sources,
  };
  building.fields.push(field);
  return field;
}

/** A field that only shows a property has no resolver, or one that Pothos made for it. */
function propertyOf({ name, resolve, extensions }: GraphQLField<unknown, unknown>): string | undefined {
  if (!resolve) return name;
  const { pothosExposedField, pothosResolveWrapped } = extensions as Record<string, unknown>;
  return typeof pothosExposedField === 'string' && !pothosResolveWrapped ? pothosExposedField : undefined;
}

function argumentsOf(definition: GraphQLField<unknown, unknown>, node: FieldNode): PlanField['argumentsOf'] {
  if (definition.args.length === 0) return () => ({});
  return (variables) => getArgumentValues(definition, node, variables);
}

function planOutput(building: Building, type: GraphQLOutputType, nodes: readonly FieldNode[]): Output {
  if (isNonNullType(type)) return { ...planOutput(building, type.ofType, nodes), nonNull: true };
  if (isListType(type)) return { kind: 'list', nonNull: false, item: planOutput(building, type.ofType, nodes) };
  if (isLeafType(type)) return { kind: 'leaf', nonNull: false, write: leafWriter(type), typeName: type.name };
  if (!isAbstractType(type)) return { kind: 'object', nonNull: false, node: planNode(building, type, nodes) };
  const known = new Map<GraphQLObjectType, PlanNode>();
  const nodeOf = (object: GraphQLObjectType) => {
    const node = known.get(object) ?? planNode(building, object, nodes);
    known.set(object, node);
    return node;
  };
  return { kind: 'abstract', nonNull: false, type, nodeOf };
}
