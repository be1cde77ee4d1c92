// Fills a new tenant with generated projects and bugs, in SQL: node bench/generate-bugs.ts [--tenant big] [--bugs 1000000]
// [--projects 10000] [--history 1]. Into the database of the environment, as the role that owns it. Prints a key.
import { parseArgs } from 'node:util';
import pg from 'pg';
import { progressBar } from '../src/commands/progress.ts';
import { withServices } from '../src/commands/runtime.ts';
import { createTenant } from '../src/modules/platform/tenant.service.ts';

const { values } = parseArgs({
  options: {
    tenant: { type: 'string', default: 'big' },
    bugs: { type: 'string', default: '1000000' },
    projects: { type: 'string', default: '10000' },
    history: { type: 'string', default: '1' },
  },
});
const [bugs, projects, history] = [Number(values.bugs), Number(values.projects), Number(values.history)];
const CHUNK = 50_000;
const MEMBERS = 50;

/** A number in [0, 1) that row and salt decide: the same data in every run. */
const random = (salt: number) => `((hashint8extended(i, ${salt}) & 1048575) / 1048576.0)`;
const id = (i: string, kind: number) =>
  `(lpad(to_hex(1700000000000 + (${i})::bigint), 12, '0') || '7${kind}008' || lpad(to_hex((${i})::bigint), 15, '0'))::uuid`;
const pick = (list: readonly string[], salt: number) =>
  `(ARRAY['${list.join("','")}'])[1 + floor(power(${random(salt)}, 2) * ${list.length})::int]`;
const WORDS =
  'crash login timeout export page null pointer report button save empty cursor memory leak slow query upload render cache token retry layout index filter sort menu email invoice sync import parse encode thread deadlock'.split(
    ' ',
  );
const HOURS = `(CASE severity WHEN 'CRITICAL' THEN 24 WHEN 'HIGH' THEN 72 WHEN 'MEDIUM' THEN 168 ELSE 720 END)`;

/** Statements of one tenant, in their order; `$from` and `$to` are filled in by chunks. */
function statements(tenant: string, policy: string): { what: string; rows: number; sql: string }[] {
  const row = `'${tenant}'::uuid`;
  const title = `initcap(${pick(WORDS, 11)}) || ' ' || ${pick(WORDS, 12)} || ' in ' || ${pick(WORDS, 13)} || ' ' || i`;
  return [
    {
      what: 'members',
      rows: MEMBERS,
      sql: `INSERT INTO users (id, email, created_at) SELECT ${id('i', 1)}, 'u' || i || '@${tenant}.example', now() FROM generate_series($from, $to) i;
        INSERT INTO members (tenant_id, id, user_id, display_name, role) SELECT ${row}, ${id('i', 2)}, ${id('i', 1)}, 'Member ' || i, 'ENGINEER' FROM generate_series($from, $to) i`,
    },
    {
      what: 'projects',
      rows: projects,
      sql: `INSERT INTO projects (tenant_id, id, key, name, tags, status, currency, arr, infrastructure_cost, cash_flows, dcf_valuation, roi_score, appeal_index, created_at)
        SELECT ${row}, ${id('i', 3)}, 'P' || i, 'Project ' || i || ' ' || ${pick(WORDS, 1)}, ARRAY[${pick(WORDS, 2)}],
          ${pick(['ACTIVE', 'SHIPPED', 'DEFERRED', 'CANCELLED'], 3)}, ${pick(['USD', 'EUR'], 4)}, round((power(${random(5)}, 4) * 5000000)::numeric, 2),
          round((${random(6)} * 9000)::numeric, 2), '{}', round((${random(7)} * 9000000)::numeric, 2), round((${random(8)} * 100)::numeric, 2)::float8,
          round((${random(9)} * 100)::numeric, 2)::float8, now() - interval '1 minute' * i FROM generate_series($from, $to) i`,
    },
    {
      what: 'bugs',
      rows: bugs,
      sql: `INSERT INTO bugs (tenant_id, id, project_id, number, title, description, severity, status, is_blocker, priority_score, affected_share,
          revenue_impact, assignee_id, created_at, updated_at, resolved_at, sla_policy_id, sla_rules_version, sla_state, sla_cycle, sla_started_at,
          sla_target_ms, sla_ran_ms, sla_running_since, sla_due_at, sla_breached_at, sla_met_at, sla_missed_at, sla_told)
        SELECT ${row}, ${id('i', 4)}, ${id(`1 + (i - 1) % ${projects}`, 3)}, 1 + (i - 1) / ${projects}, title, 'Seen in build ' || i, severity, status,
          is_blocker, CASE WHEN resolved_at IS NULL THEN (10 + ${random(21)} * 80)::int ELSE 0 END, 0.1, round((${random(22)} * 20000)::numeric, 2),
          CASE WHEN ${random(23)} < 0.8 THEN ${id(`1 + (hashint8extended(i, 24) & 1023) % ${MEMBERS}`, 2)} END, created_at,
          coalesce(resolved_at, created_at), resolved_at, '${policy}', 1,
          CASE WHEN resolved_at IS NOT NULL THEN CASE WHEN resolved_at <= due THEN 'MET' ELSE 'MISSED' END
            WHEN due < now() THEN 'BREACHED' ELSE 'ON_TRACK' END, 1, created_at, ${HOURS} * 3600000.0,
          CASE WHEN resolved_at IS NULL THEN 0 ELSE extract(epoch FROM resolved_at - created_at) * 1000 END,
          CASE WHEN resolved_at IS NULL THEN created_at END, due, CASE WHEN coalesce(resolved_at, now()) > due THEN due END,
          CASE WHEN resolved_at <= due THEN resolved_at END, CASE WHEN resolved_at > due THEN resolved_at END, 3
        FROM (SELECT i, ${title} AS title, severity, created_at, is_blocker, created_at + interval '1 hour' * ${HOURS} AS due,
            CASE WHEN age > 2 AND done < 0.93 THEN created_at + (now() - created_at) * done END AS resolved_at,
            CASE WHEN age > 2 AND done < 0.93 THEN CASE WHEN ${random(15)} < 0.5 THEN 'CLOSED' ELSE 'SHIPPED' END
              ELSE ${pick(['PENDING', 'IN_PROGRESS', 'VERIFIED'], 16)} END AS status
          FROM (SELECT i, ${pick(['MEDIUM', 'LOW', 'HIGH', 'CRITICAL'], 17)} AS severity, ${random(18)} < 0.01 AS is_blocker, power(${random(19)}, 2) AS done,
            ${bugs} - i AS rest, (${bugs} - i) * 1095.0 / ${bugs} AS age, now() - interval '1 day' * ((${bugs} - i) * 1095.0 / ${bugs}) AS created_at
            FROM generate_series($from, $to) i) a) b`,
    },
    {
      what: 'history',
      rows: bugs * history,
      sql: `INSERT INTO bug_history (tenant_id, id, bug_id, field, old_value, new_value, status, at)
        SELECT ${row}, ${id('i', 5)}, ${id(`1 + (i - 1) % ${bugs}`, 4)}, CASE WHEN i <= ${bugs} THEN 'status' ELSE 'title' END,
          CASE WHEN i <= ${bugs} THEN 'PENDING' ELSE 'a' || i END, CASE WHEN i <= ${bugs} THEN 'IN_PROGRESS' ELSE 'b' || i END,
          CASE WHEN i <= ${bugs} THEN 'IN_PROGRESS' END, now() - interval '1 second' * (${bugs * history} - i) * 60 FROM generate_series($from, $to) i`,
    },
  ];
}

const TOTALS = (tenant: string) => [
  `INSERT INTO bug_totals SELECT b.tenant_id, p.currency, severity, b.status, sla_state, is_blocker, count(*), sum(revenue_impact) FROM bugs b
     JOIN projects p ON p.tenant_id = b.tenant_id AND p.id = b.project_id WHERE b.tenant_id = '${tenant}' GROUP BY 1, 2, 3, 4, 5, 6`,
  `INSERT INTO project_bug_totals SELECT tenant_id, project_id, severity, status, sla_state, is_blocker, count(*), sum(revenue_impact) FROM bugs
     WHERE tenant_id = '${tenant}' GROUP BY 1, 2, 3, 4, 5, 6`,
  `INSERT INTO bug_hour_totals SELECT tenant_id, measure, date_trunc('hour', at, 'UTC'), count(*),
     ${['CRITICAL', 'HIGH', 'MEDIUM', 'LOW'].map((severity) => `count(*) FILTER (WHERE severity = '${severity}')`)}
     FROM bugs, LATERAL (VALUES ('CREATED', created_at), ('RESOLVED', resolved_at)) AS m (measure, at)
     WHERE tenant_id = '${tenant}' AND at IS NOT NULL GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`,
  `INSERT INTO project_totals SELECT tenant_id, currency, status, count(*), sum(arr), sum(dcf_valuation), sum(infrastructure_cost) FROM projects
     WHERE tenant_id = '${tenant}' GROUP BY 1, 2, 3`,
  `INSERT INTO counters (tenant_id, name, value) SELECT tenant_id, 'bug:' || project_id, max(number) FROM bugs
     WHERE tenant_id = '${tenant}' GROUP BY 1, 2`,
];

await withServices(async (services, runtime) => {
  const slug = values.tenant;
  const made = await createTenant(services, { slug, name: slug, email: `owner@${slug}.example`, displayName: 'Owner' });
  const owner = new pg.Client({ connectionString: runtime.server.ownerUrl });
  await owner.connect();
  const start = performance.now();
  const inTenant = (sql: string) =>
    owner.query(`BEGIN; SET LOCAL ROLE argus_app; SET LOCAL app.tenant_id = '${made.tenantId}'; ${sql}; COMMIT`);
  try {
    const policy = '00000000-0000-7000-8000-000000000001';
    const rules = {
      targetHours: { CRITICAL: 24, HIGH: 72, MEDIUM: 168, LOW: 720 },
      warnAt: 0.5,
      highRiskAt: 0.8,
      pauseOn: ['DEFERRED'],
      restartOnReopen: false,
      calendar: null,
    };
    await inTenant(`INSERT INTO sla_policies (tenant_id, id, name, position, critical_hours, high_hours, medium_hours, low_hours, warn_at, high_risk_at, pause_on, restart_on_reopen)
        VALUES ('${made.tenantId}', '${policy}', 'Default', 100, 24, 72, 168, 720, 0.5, 0.8, '{DEFERRED}', false);
      INSERT INTO sla_policy_versions (tenant_id, policy_id, rules_version, rules) VALUES ('${made.tenantId}', '${policy}', 1, '${JSON.stringify(rules)}')`);
    // Filling a table and then indexing it takes a third of the time; only where nobody else has bugs.
    const { rows: others } = await owner.query('SELECT FROM bug_totals LIMIT 1');
    const { rows: indexes } = await owner.query<{ name: string; definition: string }>(
      `SELECT i.indexrelid::regclass::text AS name, pg_get_indexdef(i.indexrelid) AS definition FROM pg_index i
       WHERE i.indrelid IN ('bugs'::regclass, 'bug_history'::regclass) AND NOT i.indisunique`,
    );
    const fresh = others.length === 0;
    if (fresh) await owner.query(`DROP INDEX ${indexes.map(({ name }) => name).join(', ')}`);
    for (const { what, rows, sql } of statements(made.tenantId, policy)) {
      const bar = progressBar(what);
      for (let from = 1; from <= rows; from += CHUNK) {
        const to = Math.min(rows, from + CHUNK - 1);
        await inTenant(sql.replaceAll('$from', String(from)).replaceAll('$to', String(to)));
        bar.update(to, rows);
      }
      bar.stop();
    }
    for (const sql of TOTALS(made.tenantId)) await inTenant(sql);
    if (fresh) {
      const bar = progressBar('indexes');
      await owner.query("SET maintenance_work_mem = '1GB'");
      for (const [i, { definition }] of indexes.entries()) {
        await owner.query(definition);
        bar.update(i + 1, indexes.length);
      }
      bar.stop();
    }
    await owner.query('VACUUM ANALYZE');
  } finally {
    await owner.end();
  }
  console.log(
    `${bugs} bugs in ${projects} projects of ${slug} in ${((performance.now() - start) / 1_000).toFixed(0)} s`,
  );
  console.log(made.key);
});
