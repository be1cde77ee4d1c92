import { type LoaderContext, loaderOf } from '../../data/loaders.ts';
import { TLP_LEVELS, type Tlp } from './values.ts';

/** The most restricted TLP of a case's own and of its linked contents and identifiers: one statement for all cases. */
export async function caseTlp(ctx: LoaderContext, row: { id: string; tlp: string }): Promise<Tlp> {
  const linked = await loaderOf(ctx, caseTlp, (ids) => linkedLevels(ctx, ids)).load(row.id);
  const rank = Math.max(...[row.tlp, ...linked].map((level) => TLP_LEVELS.indexOf(level as Tlp)));
  return TLP_LEVELS[rank] ?? 'RED';
}

async function linkedLevels(ctx: LoaderContext, caseIds: readonly string[]): Promise<string[][]> {
  const rows = await ctx.scope.query<{ caseId: string; tlp: string }>({
    name: 'intel_case_tlp',
    text: `/* Case.tlp */ SELECT DISTINCT l.case_id AS "caseId", c.tlp FROM case_contents l
        JOIN content c ON c.tenant_id = l.tenant_id AND c.id = l.content_id
        WHERE l.tenant_id = $1::uuid AND l.case_id = ANY($2::uuid[])
      UNION SELECT l.case_id, i.tlp FROM case_identifiers l
        JOIN identifiers i ON i.tenant_id = l.tenant_id AND i.id = l.identifier_id
        WHERE l.tenant_id = $1::uuid AND l.case_id = ANY($2::uuid[])`,
    values: [ctx.scope.viewer.tenantId, caseIds],
  });
  const byCase = Map.groupBy(rows, (row) => row.caseId);
  return caseIds.map((id) => (byCase.get(id) ?? []).map((row) => row.tlp));
}
