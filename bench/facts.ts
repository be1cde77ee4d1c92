import type { BenchDatabase } from './database.ts';
import type { Facts } from './scenario.ts';

/** Asks the database for what scenarios need to know of it. */
export async function factsOf({ owner, tenantId }: BenchDatabase): Promise<Facts> {
  const ids = async (table: 'bugs' | 'projects', wanted: number) => {
    const { rows } = await owner.query<{ id: string }>(
      `SELECT id FROM (SELECT id, row_number() OVER (ORDER BY id) AS n, count(*) OVER () AS total FROM ${table}
         WHERE tenant_id = $1) numbered WHERE n % greatest(1, total / $2::int) = 0 ORDER BY id LIMIT $2`,
      [tenantId, wanted],
    );
    return rows.map(({ id }) => id);
  };
  const { rows } = await owner.query<{ count: number }>(
    `SELECT count(*)::int FROM bugs WHERE tenant_id = $1 AND severity = 'MEDIUM'`,
    [tenantId],
  );
  const mediumBugAt = async (place: number) => {
    const found = await owner.query<{ id: string }>(
      `SELECT id FROM bugs WHERE tenant_id = $1 AND severity = 'MEDIUM' ORDER BY created_at DESC, id DESC LIMIT 1 OFFSET $2`,
      [tenantId, place],
    );
    return found.rows[0]?.id ?? '';
  };
  return {
    tenantId,
    bugIds: await ids('bugs', 200),
    projectIds: await ids('projects', 50),
    mediumBugs: rows[0]?.count ?? 0,
    mediumBugAt,
    today: new Date().setUTCHours(0, 0, 0, 0),
  };
}
