import { coerceInputValue, type GraphQLInputType, type GraphQLSchema } from 'graphql';
import { findJsonError } from '../data/json-error.ts';
import { InvalidInput, NotFound } from '../errors.ts';
import type { Context } from '../graphql/context.ts';
import { requirePermission } from '../graphql/permission-plugin.ts';
import { type Column, chooseColumns, columnsOf, type ExportList, exportLists } from './columns.ts';
import { csvFormat, FORMAT_NAMES, type Format, type FormatName, jsonlFormat } from './formats.ts';

/** An export as it was asked for, in the texts of an address or a command line. */
export interface ExportRequest {
  /** name of a root list field */
  list: string;
  format: string;
  /** JSON of the list's filter and order, as in GraphQL variables */
  filter?: string | null;
  orderBy?: string | null;
  /** columns with commas between */
  fields?: string | null;
  /** whether CSV begins with a byte order mark */
  bom?: boolean;
}

/** An export that was checked: all that reading needs. */
export interface ExportPlan {
  list: ExportList;
  formatName: FormatName;
  format: Format;
  columns: Column[];
  variables: { filter?: unknown; orderBy?: unknown };
}

/**
 * Checks a request for a viewer.
 * @throws NotFound for a list or format that is not there, telling which there are
 * @throws Unauthenticated, Forbidden as the list's field does
 * @throws InvalidInput for a filter, order or column that does not fit, with its path
 */
export function planExport(schema: GraphQLSchema, ctx: Context, request: ExportRequest): ExportPlan {
  const lists = exportLists(schema);
  const list = lists.get(request.list);
  if (!list) {
    const known = [...lists.keys()].join(', ');
    throw new NotFound(`there is no list ${JSON.stringify(request.list.slice(0, 80))}: there are ${known}`, ['list']);
  }
  const formatName = FORMAT_NAMES.find((name) => name === request.format);
  if (!formatName) {
    const shown = JSON.stringify(request.format.slice(0, 80));
    throw new NotFound(`there is no format ${shown}: there are ${FORMAT_NAMES.join(', ')}`, ['format']);
  }
  const bom = request.bom ?? false;
  if (bom && formatName !== 'csv') throw new InvalidInput('only CSV can have a byte order mark', ['bom']);
  if (list.permission !== 'public') requirePermission(ctx, list.permission);
  const columns = columnsOf(list, ctx.viewer?.permissions ?? new Set());
  return {
    list,
    formatName,
    format: formatName === 'csv' ? csvFormat({ bom }) : jsonlFormat,
    columns: chooseColumns(columns, request.fields ?? null),
    variables: {
      ...given('filter', list.filter, request.filter ?? null),
      ...given('orderBy', list.orderBy, request.orderBy ?? null),
    },
  };
}

/** The variable that a JSON text gives, checked against the argument's type. */
function given(name: string, type: GraphQLInputType | null, json: string | null): Record<string, unknown> {
  if (json === null) return {};
  if (type === null) throw new InvalidInput(`this list takes no ${name}`, [name]);
  const value = parsed(name, json);
  coerceInputValue(value, type, (path, _, error) => {
    throw new InvalidInput(error.message, [name, ...path.map(String)]);
  });
  return { [name]: value };
}

function parsed(name: string, json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    const problem = findJsonError(json);
    const where = problem ? `: at character ${problem.offset + 1}, ${problem.reason}` : '';
    throw new InvalidInput(`not JSON${where}`, [name]);
  }
}
