import {
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  isRequiredArgument,
  isRequiredInputField,
} from 'graphql';
import { schema } from '../../src/schema.ts';

export type AnyField = GraphQLField<unknown, unknown>;
type Args = Record<string, unknown>;

export type Root = 'Query' | 'Mutation' | 'Subscription';

export function rootFields(root: Root, of: GraphQLSchema = schema): AnyField[] {
  const type = of.getType(root);
  return isObjectType(type) ? Object.values(type.getFields()) : [];
}

export function permissionOf(field: AnyField): string {
  return String(field.extensions.permission);
}

/** Name and type of an operation's only variables, one for each argument given, and the call that passes them. */
export function operation(root: Root, field: AnyField, args: Args, selected: string): string {
  const given = field.args.filter(({ name }) => name in args);
  const variables = given.map(({ name, type }) => `$${name}: ${String(type)}`).join(', ');
  const passed = given.map(({ name }) => `${name}: $${name}`).join(', ');
  const call = `${field.name}${passed ? `(${passed})` : ''}${selected ? ` { ${selected} }` : ''}`;
  return `${root.toLowerCase()}${variables ? ` (${variables})` : ''} { ${call} }`;
}

const PAGE = 5;

function isRelation(type: GraphQLNamedType): boolean {
  return (
    isObjectType(type) && (/Connection$/.test(type.name) || type.getInterfaces().some(({ name }) => name === 'Node'))
  );
}

export function isConnection(type: GraphQLNamedType): type is GraphQLObjectType {
  return isObjectType(type) && type.name.endsWith('Connection');
}

/** Every order that a list can be asked for; null: its own. */
export function ordersOf(field: AnyField): (Args | null)[] {
  const order = getNamedType(field.args.find(({ name }) => name === 'orderBy')?.type);
  if (!isInputObjectType(order)) return [null];
  const names = getNamedType(order.getFields().field?.type);
  if (!isEnumType(names)) return [null];
  const both = (name: string) => ['ASC', 'DESC'].map((direction) => ({ field: name, direction }));
  return [null, ...names.getValues().flatMap(({ name }) => both(name))];
}

/** Fields of a type that lead to other rows. */
export function relationsOf(type: GraphQLNamedType): AnyField[] {
  const row = isConnection(type) ? getNamedType(type.getFields().nodes?.type ?? type) : type;
  if (!isObjectType(row)) return [];
  return Object.values(row.getFields()).filter((field) => isRelation(getNamedType(field.type)));
}

/**
 * Every scalar of a type and of what hangs on it, `depth` rows deep: a row's own objects do not count as a level, its
 * relations do. With `only`, of the first row's relations just that one.
 */
export function selection(type: GraphQLOutputType | GraphQLNamedType, depth: number, only?: string): string {
  const named = getNamedType(type);
  if (isLeafType(named)) return '';
  if (isConnection(named)) {
    const node = getNamedType(named.getFields().nodes?.type ?? named);
    const rows = selection(node, depth, only);
    return `nodes { ${rows} } edges { cursor } pageInfo { ${selection(pageInfo(named), 1)} } totalCount { value kind }`;
  }
  if (isInterfaceType(named)) {
    const parts = schema.getPossibleTypes(named).map((one) => selectionAs(one, depth, only));
    return ['__typename', ...parts].join(' ');
  }
  if (!isObjectType(named)) return '__typename';
  const fields = Object.values(named.getFields()).map((field) => selectField(field, depth, only));
  return ['__typename', ...fields].filter(Boolean).join(' ');
}

/** What is read of an interface's row when it is of one type: that of all types together would be too long a query. */
export function selectionAs(type: GraphQLNamedType, depth: number, only?: string): string {
  return `... on ${type.name} { ${selection(type, depth, only)} }`;
}

/** The types that a row of a field can be of: several for an interface. */
export function typesOf(field: AnyField): readonly GraphQLNamedType[] {
  const type = getNamedType(field.type);
  return isInterfaceType(type) ? schema.getPossibleTypes(type) : [type];
}

function pageInfo(connection: GraphQLObjectType): GraphQLNamedType {
  return getNamedType(connection.getFields().pageInfo?.type ?? connection);
}

function selectField(field: AnyField, depth: number, only?: string): string {
  const type = getNamedType(field.type);
  // A row of any type below the root: `node` and `nodes` read all that it holds.
  if (type.name === 'Node') return `${field.name} { __typename id }`;
  // The same name at two types of an interface may differ in nullability, which one selection cannot have.
  const alias = `${field.name}_${String(field.type).replaceAll('!', 'N').replaceAll(/\W/g, '')}: ${field.name}`;
  if (isLeafType(type)) return alias;
  if (!isRelation(type)) return `${alias} { ${selection(type, depth)} }`;
  if (depth <= 1 || (only !== undefined && field.name !== only)) return '';
  const args = field.args.some(({ name }) => name === 'first') ? `(first: ${PAGE})` : '';
  return `${alias}${args} { ${selection(type, depth - 1)} }`;
}

/** Operations that together read all that a root field leads to: one for each type and each relation of its rows. */
export function readsOf(
  field: AnyField,
  argsOf: (type: GraphQLNamedType) => Args,
): { query: string; variables: Args }[] {
  const isOne = !isInterfaceType(getNamedType(field.type));
  return typesOf(field).flatMap((type) => {
    const variables = argsOf(type);
    const names = relationsOf(type).map((relation) => relation.name);
    const parts = names.length > 0 ? names : [undefined];
    return parts.map((only) => {
      const selected = isOne ? selection(type, 3, only) : `__typename ${selectionAs(type, 3, only)}`;
      return { query: operation('Query', field, variables, selected), variables };
    });
  });
}

/** A place in an argument where an id can stand: names of input fields, outermost first. */
export type Place = readonly string[];

/** Every place for an id under the arguments; a type is not entered again inside itself. */
export function idPlaces(args: readonly GraphQLArgument[]): Place[] {
  return args.flatMap(({ name, type }) => placesIn(type, [name], []));
}

function placesIn(type: GraphQLInputType, path: Place, seen: readonly string[]): Place[] {
  const named = getNamedType(type);
  if (named.name === 'ID') return [path];
  if (!isInputObjectType(named) || seen.includes(named.name)) return [];
  const fields = Object.values(named.getFields());
  return fields.flatMap((field) => placesIn(field.type, [...path, field.name], [...seen, named.name]));
}

export interface Samples {
  text: string;
  /** for ids at required places */
  id: (path: Place) => string;
}

/** Arguments with all that is required, and the given value at a place. */
export function argsFor(args: readonly GraphQLArgument[], samples: Samples, place: Place = [], value?: unknown): Args {
  const [head, ...rest] = place;
  const wanted = args.filter((arg) => arg.name === head || isRequiredArgument(arg));
  return Object.fromEntries(
    wanted.map((arg) => {
      const inside = arg.name === head ? rest : null;
      return [arg.name, sample(arg.type, samples, [arg.name], inside, value)];
    }),
  );
}

function sample(type: GraphQLInputType, samples: Samples, path: Place, place: Place | null, value: unknown): unknown {
  if (isNonNullType(type)) return sample(type.ofType, samples, path, place, value);
  if (isListType(type)) {
    if (Array.isArray(value) && place?.length === 0) return value;
    return [sample(type.ofType, samples, path, place, value)];
  }
  if (isInputObjectType(type)) {
    const [head, ...rest] = place ?? [];
    const wanted = Object.values(type.getFields()).filter((one) => one.name === head || isRequiredInputField(one));
    return Object.fromEntries(
      wanted.map((one) => {
        const inside = one.name === head ? rest : null;
        return [one.name, sample(one.type, samples, [...path, one.name], inside, value)];
      }),
    );
  }
  if (place?.length === 0) return value;
  // A lookup of plain text takes any text; elsewhere one value is as good as another.
  if (isEnumType(type)) return (type.getValue('TEXT') ?? type.getValues()[0])?.name;
  return SCALARS[type.name] ?? (type.name === 'ID' ? samples.id(path) : samples.text);
}

const SCALARS: Readonly<Record<string, unknown>> = {
  Int: 1,
  Float: 0.5,
  Boolean: true,
  DateTime: '2030-01-01T00:00:00Z',
  Date: '2025-01-01',
  Decimal: '0.5',
  Instant: '-P7D',
  BigInt: 1,
  JSON: {},
};

export { schema };
