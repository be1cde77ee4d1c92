import {
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  isLeafType,
  isListType,
  isObjectType,
  isRequiredArgument,
} from 'graphql';
import type { Permission } from '../access/permissions.ts';
import { InvalidInput } from '../errors.ts';

type Field = GraphQLField<unknown, unknown>;

/** A root query field whose rows can be exported. */
export interface ExportList {
  /** name of the root field */
  field: string;
  permission: Permission | 'public';
  /** type of a row */
  node: GraphQLObjectType;
  /** null when the list cannot be filtered, or ordered */
  filter: GraphQLInputType | null;
  orderBy: GraphQLInputType | null;
}

/** TEXT may hold anything; JSON is written as JSON; OTHER is what its scalar or enumeration allows. */
export type ColumnKind = 'TEXT' | 'JSON' | 'OTHER';

export interface Column {
  name: string;
  kind: ColumnKind;
  /** the field of the row that is read */
  field: string;
  /** the field is a relation, and the column holds its id */
  isRelation: boolean;
  permission: Permission | null;
}

/** Every list of the schema that can be exported, by the name of its field: root connections without arguments of their own that are required. */
export function exportLists(schema: GraphQLSchema): ReadonlyMap<string, ExportList> {
  const fields = Object.values(schema.getQueryType()?.getFields() ?? {});
  return new Map(
    fields.flatMap((field) => {
      const list = listOf(field);
      return list ? [[field.name, list] as const] : [];
    }),
  );
}

const PAGING = ['first', 'after'];

function listOf(field: Field): ExportList | null {
  const type = getNamedType(field.type);
  if (!isObjectType(type) || !type.name.endsWith('Connection') || field.args.some(isRequiredArgument)) return null;
  const nodes = type.getFields().nodes;
  const node = nodes && getNamedType(nodes.type);
  const argument = (name: string) => field.args.find((arg) => arg.name === name)?.type ?? null;
  if (!isObjectType(node) || PAGING.some((name) => argument(name) === null)) return null;
  const permission = permissionOf(field) ?? 'public';
  return { field: field.name, permission, node, filter: argument('filter'), orderBy: argument('orderBy') };
}

function permissionOf(field: Field): Permission | 'public' | null {
  return (field.extensions.permission as Permission | 'public' | undefined) ?? null;
}

/**
 * The columns that a viewer with these permissions can have, in the schema's order: leaf fields, and `<relation>Id` for
 * each relation to one row with an id. Fields with required arguments are none.
 */
export function columnsOf(list: ExportList, permissions: ReadonlySet<Permission>): Column[] {
  const fields = Object.values(list.node.getFields());
  const columns = fields.flatMap((field) => {
    const permission = permissionOf(field);
    const guard = permission === 'public' ? null : permission;
    if (field.args.some(isRequiredArgument) || (guard !== null && !permissions.has(guard))) return [];
    const column = columnOf(field);
    return column ? [{ ...column, field: field.name, permission: guard }] : [];
  });
  const leaves = new Set(columns.filter(({ isRelation }) => !isRelation).map(({ name }) => name));
  return columns.filter(({ name, isRelation }) => !isRelation || !leaves.has(name));
}

function columnOf(field: Field): Pick<Column, 'name' | 'kind' | 'isRelation'> | null {
  const named = getNamedType(field.type);
  if (isLeafType(named)) {
    const isJson = isListType(getNullableType(field.type)) || named.name === 'JSON';
    const kind = isJson ? 'JSON' : ['String', 'ID'].includes(named.name) ? 'TEXT' : 'OTHER';
    return { name: field.name, kind, isRelation: false };
  }
  const toOne = !isListType(getNullableType(field.type));
  if (!toOne || !isObjectType(named) || !named.getInterfaces().some(({ name }) => name === 'Node')) return null;
  return { name: `${field.name}Id`, kind: 'TEXT', isRelation: true };
}

/**
 * The columns that were asked for (names with commas between), in that order; all of them for null.
 * @throws InvalidInput for a name that is not there or comes twice, telling which there are
 */
export function chooseColumns(columns: readonly Column[], names: string | null): Column[] {
  if (names === null) return [...columns];
  const wanted = names.split(',').map((name) => name.trim());
  const twice = wanted.find((name, i) => wanted.indexOf(name) !== i);
  if (twice !== undefined) throw new InvalidInput(`the column ${JSON.stringify(twice)} comes twice`, ['fields']);
  return wanted.map((name) => {
    const column = columns.find((one) => one.name === name);
    if (column) return column;
    const known = columns.map((one) => one.name).join(', ');
    const shown = JSON.stringify(name.slice(0, 80));
    throw new InvalidInput(`there is no column ${shown} that you may see: there are ${known}`, ['fields']);
  });
}
