/** The SQL of the plain schema, for contenders whose authors write their SQL themselves. `$1` is the tenant. */
export const BUG_COLUMNS =
  'id, number, title, description, severity, status, priority_score AS "priorityScore", sla_state AS "slaState", created_at AS "createdAt", project_id AS "projectId", assignee_id AS "assigneeId"';
export const CHANGE_COLUMNS = 'id, bug_id AS "bugId", field, old_value AS "oldValue", new_value AS "newValue", at';

export const BUG_BY_ID = `SELECT ${BUG_COLUMNS} FROM bugs WHERE tenant_id = $1::uuid AND id = $2::uuid`;
export const PROJECTS_BY_STATUS =
  'SELECT id, key, name FROM projects WHERE tenant_id = $1::uuid AND status = $2::text ORDER BY created_at DESC, id DESC LIMIT $3::int';
export const PROJECTS_BY_IDS = 'SELECT id, key, name FROM projects WHERE tenant_id = $1::uuid AND id = ANY($2::uuid[])';
export const MEMBERS_BY_IDS =
  'SELECT id, display_name AS "displayName" FROM members WHERE tenant_id = $1::uuid AND id = ANY($2::uuid[])';

export const TOP_BUGS = `SELECT ${BUG_COLUMNS} FROM bugs WHERE tenant_id = $1::uuid ORDER BY priority_score DESC, id DESC LIMIT $2::int`;
export const TOP_PROJECTS =
  'SELECT id, key, name, roi_score AS "roiScore" FROM projects WHERE tenant_id = $1::uuid ORDER BY roi_score DESC, id DESC LIMIT $2::int';
export const SEVERITY_COUNTS =
  'SELECT severity, sum(count)::int AS count FROM bug_totals WHERE tenant_id = $1::uuid GROUP BY severity';
export const STATUS_COUNTS =
  'SELECT status, sum(count)::int AS count FROM bug_totals WHERE tenant_id = $1::uuid GROUP BY status';
export const SEARCH = `SELECT b.* FROM search_bugs($2::text, NULL, NULL, 20) f CROSS JOIN LATERAL (
  SELECT ${BUG_COLUMNS} FROM bugs WHERE tenant_id = $1::uuid AND id = f.id) b ORDER BY f.rank DESC, f.id DESC`;
export const TRENDS =
  'SELECT start, total FROM bench_trend($2::timestamptz, $3::timestamptz) WHERE $1::uuid IS NOT NULL';
export const CREATE = `SELECT ${BUG_COLUMNS} FROM bench_create_bug($2::uuid, $3::text, $4::text) WHERE tenant_id = $1::uuid`;

/** The first `$3` rows of each of the parents `$2`, each by one descent of the index. */
export const BUGS_OF_PROJECTS = `SELECT b.* FROM unnest($2::uuid[]) parent CROSS JOIN LATERAL (
  SELECT ${BUG_COLUMNS} FROM bugs WHERE tenant_id = $1::uuid AND project_id = parent
  ORDER BY created_at DESC, id DESC LIMIT $3::int) b`;
export const CHANGES_OF_BUGS = `SELECT h.* FROM unnest($2::uuid[]) parent CROSS JOIN LATERAL (
  SELECT ${CHANGE_COLUMNS} FROM bug_history WHERE tenant_id = $1::uuid AND bug_id = parent
  ORDER BY at DESC, id DESC LIMIT $3::int) h`;

/** What each filter of a list says of its parameter. The last bug of the page before is compared as a keyset. */
const FILTERS: Readonly<Record<string, (parameter: string) => string>> = {
  after: (p) => `(created_at, id) < (SELECT created_at, id FROM bugs WHERE tenant_id = $1::uuid AND id = ${p}::uuid)`,
  severity: (p) => `severity = ${p}::text`,
  status: (p) => `status = ${p}::text`,
  slaState: (p) => `sla_state = ${p}::text`,
  isBlocker: (p) => `is_blocker = ${p}::boolean`,
};

/** A list of bugs, newest first: `$2` is how many, and what follows are the values of the filters. */
export function bugsBy(filters: readonly string[]): string {
  const conditions = filters.map((name, i) => ` AND ${FILTERS[name]?.(`$${i + 3}`)}`).join('');
  return `SELECT ${BUG_COLUMNS} FROM bugs WHERE tenant_id = $1::uuid${conditions} ORDER BY created_at DESC, id DESC LIMIT $2::int`;
}
