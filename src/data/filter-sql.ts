import type { Condition, RelationField, ScalarField, ScalarValue } from './filter.ts';
import { columnOf, tableOf } from './models.ts';
import type { SqlBuilder } from './statement.ts';

/**
 * Appends a condition as SQL over the rows of `alias`. A comparison with NULL does not hold, and `not` of what does not
 * hold holds: two-valued logic, the same as the in-memory predicate, whatever SQL makes of NULL.
 */
export function filterSql(
  sql: SqlBuilder,
  condition: Condition,
  model: Parameters<typeof tableOf>[0],
  alias: string,
): void {
  switch (condition.op) {
    case 'and':
    case 'or':
      joinParts(sql, condition.parts, condition.op, model, alias);
      return;
    case 'not':
      sql.raw('(');
      filterSql(sql, condition.part, model, alias);
      sql.raw(') IS NOT TRUE');
      return;
    case 'some':
    case 'none':
    case 'every':
      relationSql(sql, condition, alias);
      return;
    default:
      comparisonSql(sql, condition, model, alias);
  }
}

function joinParts(
  sql: SqlBuilder,
  parts: Condition[],
  op: 'and' | 'or',
  model: Parameters<typeof tableOf>[0],
  alias: string,
): void {
  if (parts.length === 0) {
    sql.raw(op === 'and' ? 'TRUE' : 'FALSE');
    return;
  }
  parts.forEach((part, i) => {
    sql.raw(i === 0 ? '(' : op === 'and' ? ' AND ' : ' OR ');
    filterSql(sql, part, model, alias);
  });
  sql.raw(')');
}

function relationSql(
  sql: SqlBuilder,
  condition: { op: 'some' | 'none' | 'every'; relation: RelationField; part: Condition },
  alias: string,
): void {
  const { model } = condition.relation.spec();
  const inner = `${alias}r`;
  sql.raw(condition.op === 'some' ? 'EXISTS (' : 'NOT EXISTS (');
  sql.raw(`SELECT 1 FROM "${tableOf(model).table}" ${inner} WHERE ${inner}.tenant_id = ${alias}.tenant_id`);
  sql.raw(` AND ${inner}."${columnOf(model, condition.relation.foreignKey).column}" = ${alias}.id AND (`);
  filterSql(sql, condition.part, model, inner);
  sql.raw(condition.op === 'every' ? ') IS NOT TRUE)' : '))');
}

const OPERATORS = { lt: '<', lte: '<=', gt: '>', gte: '>=' } as const;

function comparisonSql(
  sql: SqlBuilder,
  condition: { op: string; field: ScalarField; value: ScalarValue | ScalarValue[] },
  model: Parameters<typeof tableOf>[0],
  alias: string,
): void {
  const { column, pgType } = columnOf(model, condition.field.field);
  const ref = `${alias}."${column}"`;
  if (typeof condition.value === 'boolean' && condition.op !== 'null') {
    // Written out, so that a prepared statement can use a partial index and knows how many rows to expect.
    sql.raw(`${ref} ${condition.op === 'neq' ? 'IS DISTINCT FROM' : '='} ${condition.value}`);
    return;
  }
  switch (condition.op) {
    case 'null':
      sql.raw(`${ref} IS ${condition.value ? '' : 'NOT '}NULL`);
      return;
    case 'neq':
      sql.raw(`${ref} IS DISTINCT FROM `).param(condition.value, pgType);
      return;
    case 'in':
      // Frequent values are met on the way through the order, rare ones are read and sorted.
      sql.plannedEachTime().raw(`${ref} = ANY(`).param(condition.value, `${pgType}[]`).raw(')');
      return;
    case 'nin':
      sql.raw(`(${ref} = ANY(`).param(condition.value, `${pgType}[]`).raw(')) IS NOT TRUE');
      return;
    case 'lt':
    case 'lte':
    case 'gt':
    case 'gte':
      // A range that holds few rows is read by its own index, one that holds many on the way through the order.
      sql.plannedEachTime().raw(`${ref} ${OPERATORS[condition.op]} `).param(condition.value, pgType);
      return;
    case 'startsWith':
      // starts_with is leakproof and LIKE is not: only the former can use an index under row-level security.
      sql.raw(`${ref} ^@ `).param(condition.value, pgType);
      return;
    default:
      sql.raw(`${ref} = `).param(condition.value, pgType);
  }
}
