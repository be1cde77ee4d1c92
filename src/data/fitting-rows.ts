import type { Condition } from './filter.ts';
import { filterSql } from './filter-sql.ts';
import type { ListSpec } from './list.ts';
import { type ModelName, selectList, tableOf } from './models.ts';
import { SqlBuilder, type Statement } from './statement.ts';

/** The statement that reads, of the rows with these keys, those that fit a list's filter. */
export function fittingRowsStatement<M extends ModelName>(
  spec: ListSpec<M>,
  condition: Condition | null,
  tenantId: string,
  ids: readonly string[],
): Statement {
  const sql = new SqlBuilder();
  sql.raw(`SELECT ${selectList(spec.model, 't', spec.omit)} FROM "${tableOf(spec.model).table}" t`);
  sql.raw(' WHERE t.tenant_id = ').param(tenantId, 'uuid').raw(' AND t.id = ANY(').keys(ids).raw(')');
  if (condition) {
    sql.raw(' AND ');
    filterSql(sql, condition, spec.model, 't');
  }
  return sql.build(`${spec.model}.fitting`);
}
