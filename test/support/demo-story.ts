import { createHash } from 'node:crypto';
import pg from 'pg';
import { systemViewer } from '../../src/access/viewer.ts';
import { lastSeq } from '../../src/events/log.ts';
import type { TestApp } from './app.ts';

/** Runs a statement as who owns the tables, whom no policy keeps from any row. */
export async function asOwner<T extends object>(app: TestApp, text: string): Promise<T[]> {
  const client = new pg.Client({ connectionString: app.database.ownerUrl });
  await client.connect();
  try {
    return (await client.query<T>(text)).rows;
  } finally {
    await client.end();
  }
}

/** Rows of every table, and the last event: what a call that changes nothing leaves as it is. */
export async function state(app: TestApp, tenantId: string) {
  const tables = await asOwner<{ name: string }>(
    app,
    `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' ORDER BY 1`,
  );
  const counts = tables.map(({ name }) => `SELECT '${name}' AS name, count(*)::int AS n FROM "${name}"`);
  const rows = await asOwner<{ name: string; n: number }>(app, counts.join(' UNION ALL '));
  const seq = await lastSeq(app.app.services.read, systemViewer(tenantId, 'test'));
  return { ...Object.fromEntries(rows.map(({ name, n }) => [name, n])), seq };
}

/** What the demo tells, without ids and without the times at which background work ran. */
const STORY = `
  SELECT 'content' AS what, to_jsonb(ARRAY[s.external_ref, c.external_id, u.username, c.title, c.text, c.language, c.url, c.status,
      c.risk_level, c.risk_score::text, c.tlp, c.posted_at::text, c.created_at::text, c.keywords::text, c.meta_data::text]) AS row
    FROM content c JOIN sources s USING (tenant_id) LEFT JOIN platform_users u ON u.tenant_id = c.tenant_id AND u.id = c.author_id
    WHERE s.id = c.source_id
  UNION ALL SELECT 'detection', to_jsonb(ARRAY[c.external_id, k.term, k.match_type, d.origin, d.status, d.decision_reason, m.display_name,
      d.score::text, d.snippet, d.spans::text])
    FROM detections d JOIN content c ON c.id = d.content_id JOIN keywords k ON k.id = d.keyword_id LEFT JOIN members m ON m.id = d.decided_by_id
  UNION ALL SELECT 'identifier', to_jsonb(ARRAY[i.type, i.value, c.external_id, l.raw, l.spans::text])
    FROM identifiers i LEFT JOIN content_identifiers l ON l.identifier_id = i.id LEFT JOIN content c ON c.id = l.content_id
  UNION ALL SELECT 'account', to_jsonb(ARRAY[u.platform_user_id, u.username, u.risk_score::text, u.flag_reason, u.flagged_by, u.flagged_at::text])
    FROM platform_users u
  UNION ALL SELECT 'case', to_jsonb(ARRAY[c.number::text, c.title, c.status, c.resolution, c.priority, m.display_name, c.actual_completion::text,
      (SELECT string_agg(x.external_id, ',' ORDER BY x.external_id) FROM case_contents l JOIN content x ON x.id = l.content_id WHERE l.case_id = c.id),
      (SELECT string_agg(x.value, ',' ORDER BY x.value) FROM case_identifiers l JOIN identifiers x ON x.id = l.identifier_id WHERE l.case_id = c.id),
      (SELECT count(*)::text FROM case_detections l WHERE l.case_id = c.id), (SELECT count(*)::text FROM case_platform_users l WHERE l.case_id = c.id)])
    FROM cases c LEFT JOIN members m ON m.id = c.assigned_to_id
  UNION ALL SELECT 'lookup', to_jsonb(ARRAY[o.query, o.status, o.result_count::text, o.created_at::text, m.display_name])
    FROM osint_results o LEFT JOIN members m ON m.id = o.requested_by_id
  UNION ALL SELECT 'project', to_jsonb(ARRAY[p.id::text, p.key, p.name, p.status, p.arr::text, p.dcf_valuation::text, p.appeal_index::text, p.created_at::text])
    FROM projects p
  UNION ALL SELECT 'bug', to_jsonb(ARRAY[p.key, b.number::text, b.title, b.severity, b.status, b.source, b.external_id, b.is_blocker::text,
      b.priority_score::text, b.revenue_impact::text, a.display_name, r.display_name, b.reporter_name, b.hours_spent::text, b.created_at::text,
      b.first_response_at::text, b.resolved_at::text, b.reopen_count::text, b.sla_state, b.sla_cycle::text, b.sla_rules_version::text,
      b.sla_due_at::text, b.sla_breached_at::text, b.sla_met_at::text, b.sla_missed_at::text, b.sla_ran_ms::text, b.version::text,
      (SELECT string_agg(l.name, ',' ORDER BY l.name) FROM bug_labels l WHERE l.bug_id = b.id)])
    FROM bugs b JOIN projects p ON p.id = b.project_id LEFT JOIN members a ON a.id = b.assignee_id LEFT JOIN members r ON r.id = b.reporter_id
  UNION ALL SELECT 'bug change', to_jsonb(ARRAY[b.title, h.field, CASE WHEN h.field <> 'assigneeId' THEN h.old_value END,
      CASE WHEN h.field <> 'assigneeId' THEN h.new_value END, h.at::text, m.display_name, h.actor_name])
    FROM bug_history h JOIN bugs b ON b.id = h.bug_id LEFT JOIN members m ON m.id = h.actor_id
  UNION ALL SELECT 'comment', to_jsonb(ARRAY[b.title, c.body, c.created_at::text, m.display_name])
    FROM bug_comments c JOIN bugs b ON b.id = c.bug_id LEFT JOIN members m ON m.id = c.author_id
  UNION ALL SELECT 'metric', to_jsonb(m) - ARRAY['id', 'tenant_id'] FROM project_metrics m
  UNION ALL SELECT 'month', to_jsonb(m) - ARRAY['id', 'tenant_id'] FROM monthly_metrics m
  UNION ALL SELECT 'snapshot', to_jsonb(m) - ARRAY['id', 'tenant_id'] FROM portfolio_metrics m
  UNION ALL SELECT 'total', to_jsonb(t) - 'tenant_id' FROM bug_totals t WHERE t.count > 0
  UNION ALL SELECT 'import', to_jsonb(i) - ARRAY['id', 'tenant_id', 'started_by_id'] FROM import_logs i
  UNION ALL SELECT 'sync', to_jsonb(ARRAY[s.source, s.watermark::text, s.last_success_at::text, s.last_error]) FROM sync_states s
  UNION ALL SELECT 'event', to_jsonb(ARRAY[e.type, e.aggregate_version::text, m.display_name]) FROM event_store e LEFT JOIN members m ON m.id = e.actor_id
    WHERE e.type NOT LIKE 'API_KEY%'
  ORDER BY 1, 2`;

/** How many rows the story has, and a hash of it. */
export async function story(app: TestApp): Promise<{ rows: number; hash: string }> {
  const rows = await asOwner<{ what: string; row: unknown }>(app, STORY);
  return { rows: rows.length, hash: createHash('sha256').update(JSON.stringify(rows)).digest('hex') };
}

/** Of each kind of text that is for nobody's eyes some that are in the database. */
export async function privateTexts(app: TestApp): Promise<string[]> {
  const rows = await asOwner<{ text: string }>(
    app,
    `SELECT email AS text FROM users UNION ALL SELECT display_name FROM members UNION ALL (SELECT left(text, 60) FROM content LIMIT 300)
     UNION ALL (SELECT title FROM bugs WHERE length(title) > 20 LIMIT 300) UNION ALL SELECT title FROM cases`,
  );
  return rows.map(({ text }) => text);
}
