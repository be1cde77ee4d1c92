const BUG = `b.id, b.number, b.title, b.severity, b.status, b.priority_score AS "priorityScore", b.sla_state AS "slaState", b.created_at AS "createdAt"`;
/** Rows of a statement as a JSON array. */
const list = (rows: string) => `(SELECT coalesce(json_agg(row_to_json(r)), '[]') FROM (${rows}) r)`;
const listBugs = (condition: string, order = 'b.created_at DESC, b.id DESC', limit = '$2::int') =>
  list(`SELECT ${BUG} FROM bugs b WHERE b.tenant_id = $1::uuid${condition} ORDER BY ${order} LIMIT ${limit}`);
const counts = (column: string) =>
  list(`SELECT ${column}, sum(count)::int AS count FROM bug_totals WHERE tenant_id = $1::uuid GROUP BY ${column}`);
const ORDER = 'ORDER BY b.created_at DESC, b.id DESC';

/** The newest changes of the bug `b`. */
const changes = (columns: string, first: number) =>
  list(`SELECT ${columns} FROM bug_history h WHERE h.tenant_id = b.tenant_id AND h.bug_id = b.id
    ORDER BY h.at DESC, h.id DESC LIMIT ${first}`);

interface FloorStatement {
  /** Names of the variables that follow the tenant, `$1`. */
  parameters: readonly string[];
  text: string;
}

const data = (fields: string, ...parameters: string[]): FloorStatement => ({
  parameters,
  text: `SELECT json_build_object(${fields})::text AS data`,
});

/** One hand-written statement for each scenario. */
export const FLOOR: Readonly<Record<string, FloorStatement>> = {
  flat: data(
    `'bugs', ${list(`SELECT ${BUG} FROM bugs b WHERE tenant_id = $1::uuid AND severity = $2::text ${ORDER} LIMIT 100`)}`,
    'severity',
  ),
  nested: data(
    `'bugs', ${list(`SELECT b.id, b.title, b.severity, b.status,
      (SELECT json_build_object('key', p.key, 'name', p.name) FROM projects p WHERE p.tenant_id = b.tenant_id AND p.id = b.project_id) AS project,
      (SELECT json_build_object('displayName', m.display_name) FROM members m WHERE m.tenant_id = b.tenant_id AND m.id = b.assignee_id) AS assignee,
      ${changes('h.field, h.old_value AS "oldValue", h.new_value AS "newValue", h.at', 3)} AS history
      FROM bugs b WHERE tenant_id = $1::uuid AND status = $2::text ${ORDER} LIMIT 50`)}`,
    'status',
  ),
  tree: data(
    `'projects', ${list(`SELECT p.key, p.name, ${list(`SELECT b.id, b.number, b.title, b.status,
      ${changes('h.field, h.new_value AS "newValue", h.at', 2)} AS history
      FROM bugs b WHERE b.tenant_id = p.tenant_id AND b.project_id = p.id ${ORDER} LIMIT 10`)} AS bugs
      FROM projects p WHERE tenant_id = $1::uuid AND status = $2::text ORDER BY p.created_at DESC, p.id DESC LIMIT 20`)}`,
    'status',
  ),
  one: data(
    `'bug', (SELECT row_to_json(r) FROM (SELECT ${BUG}, b.description FROM bugs b WHERE tenant_id = $1::uuid AND id = $2::uuid) r)`,
    'id',
  ),
  dashboard: data(
    `'statistics', json_build_object('severities', ${counts('severity')}, 'statuses', ${counts('status')}),
      'top', ${listBugs('', 'b.priority_score DESC, b.id DESC')}, 'breached', ${listBugs(" AND b.sla_state = 'BREACHED'")},
      'blockers', ${listBugs(' AND b.is_blocker')}, 'projects', ${list(
        'SELECT key, name, roi_score AS "roiScore" FROM projects WHERE tenant_id = $1::uuid ORDER BY roi_score DESC, id DESC LIMIT $2::int',
      )}`,
    'first',
  ),
  deep: data(
    `'bugs', ${listBugs(
      " AND b.severity = 'MEDIUM' AND (b.created_at, b.id) < (SELECT created_at, id FROM bugs WHERE tenant_id = $1::uuid AND id = $2::uuid)",
      undefined,
      '20',
    )}`,
    'after',
  ),
  search: data(
    `'found', ${list(`SELECT ${BUG} FROM search_bugs($2::text, NULL, NULL, 20) f JOIN bugs b ON b.tenant_id = $1::uuid AND b.id = f.id ORDER BY f.rank DESC, f.id DESC`)}`,
    'query',
  ),
  trends: data(
    `'trends', ${list('SELECT start, total FROM bench_trend($2::timestamptz, $3::timestamptz) WHERE $1::uuid IS NOT NULL')}`,
    'since',
    'until',
  ),
  create: data(
    `'createBug', json_build_object('bug', (SELECT row_to_json(r) FROM (SELECT title, severity, status
      FROM bench_create_bug($2::uuid, $3::text, $4::text) WHERE tenant_id = $1::uuid) r))`,
    'project',
    'title',
    'severity',
  ),
};
