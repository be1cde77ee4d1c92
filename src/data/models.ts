import { PrismaPg } from '@prisma/adapter-pg';
import type PrismaTypes from '../../generated/pothos.ts';
import { PrismaClient } from '../../generated/prisma/client.ts';

export type ModelName = keyof PrismaTypes;
/** A row as Prisma types it: what reads give and what GraphQL objects are made of. */
export type Row<M extends ModelName> = PrismaTypes[M]['Shape'];

interface RuntimeField {
  name: string;
  kind: 'scalar' | 'object' | 'enum';
  type: string;
  dbName?: string;
}

export interface Column {
  field: string;
  column: string;
  /** PostgreSQL type for casts of parameters */
  pgType: string;
}

export interface Table {
  table: string;
  columns: ReadonlyMap<string, Column>;
}

const PG_TYPES: Record<string, string> = {
  String: 'text',
  Int: 'int4',
  BigInt: 'int8',
  Float: 'float8',
  Boolean: 'bool',
  DateTime: 'timestamptz',
  Json: 'jsonb',
  Bytes: 'bytea',
  Decimal: 'numeric',
};

/** Fields whose names and runtime types do not tell: texts that look like keys, keys that do not, lists, addresses. */
const OTHER_TYPES: Readonly<Record<string, string>> = {
  'Content.externalId': 'text',
  'PlatformUser.platformUserId': 'text',
  'Keyword.conceptId': 'text',
  'AuditEntry.requestId': 'text',
  'Dictionary.sweepCursor': 'uuid',
  'AuditEntry.ipAddress': 'inet',
  'Content.keywords': 'text[]',
  'Member.permissions': 'text[]',
  'ApiKey.permissions': 'text[]',
  'Project.tags': 'text[]',
  'Project.cashFlows': 'numeric[]',
  'SlaPolicy.pauseOn': 'text[]',
  'Bug.externalId': 'text',
  'ProjectMetric.date': 'date',
  'ProjectMetric.techStack': 'text[]',
  'MonthlyMetric.month': 'date',
  'PortfolioMetric.date': 'date',
  'NotificationRule.memberIds': 'uuid[]',
  'NotificationRule.roles': 'text[]',
};

// The generated client is the only place that tells which column a field maps to, and it does not export it. A client
// that is never connected costs 11 ms once; a contract test compares the result with the catalogue.
const datamodel: unknown = Reflect.get(new PrismaClient({ adapter: new PrismaPg({}) }), '_runtimeDataModel');
const models = (datamodel as { models: Record<string, { dbName: string | null; fields: RuntimeField[] }> }).models;

const tables = new Map<string, Table>(
  Object.entries(models).map(([name, model]) => [
    name,
    {
      table: model.dbName ?? name,
      columns: new Map(
        model.fields
          .filter((field) => field.kind !== 'object')
          .map((field) => [
            field.name,
            { field: field.name, column: field.dbName ?? field.name, pgType: pgType(name, field) },
          ]),
      ),
    },
  ]),
);

/** Keys are declared `String @db.Uuid`, which the runtime model does not keep: their names tell. */
function pgType(model: string, field: RuntimeField): string {
  const other = OTHER_TYPES[`${model}.${field.name}`];
  if (other) return other;
  const isKey = field.type === 'String' && (field.name === 'id' || field.name.endsWith('Id'));
  return isKey ? 'uuid' : (PG_TYPES[field.type] ?? 'text');
}

/** Table and columns of a Prisma model. */
export function tableOf(model: ModelName): Table {
  const table = tables.get(model);
  if (!table) throw new Error(`no Prisma model is named ${model}`);
  return table;
}

/** Column of a model's field; throws for a field that the model does not have. */
export function columnOf(model: ModelName, field: string): Column {
  const column = tableOf(model).columns.get(field);
  if (!column) throw new Error(`${model} has no field ${field}`);
  return column;
}

/** `"a"."created_at" AS "createdAt", …` of all fields but the omitted ones. */
export function selectList(model: ModelName, alias: string, omit: ReadonlySet<string> = new Set()): string {
  return [...tableOf(model).columns.values()]
    .filter((column) => !omit.has(column.field))
    .map(({ field, column }) => (field === column ? `${alias}."${column}"` : `${alias}."${column}" AS "${field}"`))
    .join(', ');
}
