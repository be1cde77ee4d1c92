-- What contenders need of the database beside Argus's own tables: PostGraphile's way to figures, searches and
-- changes of several rows is a view or a function. Made in the copy of the data set, before the contenders start.
CREATE VIEW bench_severity_counts WITH (security_invoker = true) AS
  SELECT tenant_id, severity, sum(count)::int AS count FROM bug_totals GROUP BY tenant_id, severity;
CREATE VIEW bench_status_counts WITH (security_invoker = true) AS
  SELECT tenant_id, status, sum(count)::int AS count FROM bug_totals GROUP BY tenant_id, status;

CREATE FUNCTION bench_search(query text) RETURNS SETOF bugs LANGUAGE sql STABLE ROWS 20 AS $$
  SELECT b.* FROM search_bugs(query, NULL, NULL, 20) f JOIN bugs b ON b.tenant_id = argus_tenant() AND b.id = f.id
  ORDER BY f.rank DESC, f.id DESC
$$;

CREATE FUNCTION bench_trend(since timestamptz, until timestamptz) RETURNS TABLE (start timestamptz, total int)
  LANGUAGE sql STABLE ROWS 30 AS $$
  WITH counted AS (
    SELECT date_trunc('day', created_at, 'UTC') AS day, count(*)::int AS total FROM bugs
    WHERE tenant_id = argus_tenant() AND created_at >= since AND created_at < until GROUP BY 1)
  SELECT d, coalesce(c.total, 0) FROM generate_series(since, until - interval '1 microsecond', interval '1 day') d
    LEFT JOIN counted c ON c.day = d ORDER BY d
$$;

-- A bug with the next number of its project, and the row of its history that says how it came.
CREATE FUNCTION bench_create_bug(project uuid, title text, severity text) RETURNS bugs LANGUAGE sql VOLATILE AS $$
  WITH next AS (
    INSERT INTO counters AS c (tenant_id, name, value) VALUES (argus_tenant(), 'bug:' || project, 1)
    ON CONFLICT (tenant_id, name) DO UPDATE SET value = c.value + 1 RETURNING value),
  made AS (
    INSERT INTO bugs (tenant_id, id, project_id, number, title, severity)
    SELECT argus_tenant(), uuidv7(), project, value, title, severity FROM next RETURNING *),
  told AS (
    INSERT INTO bug_history (tenant_id, id, bug_id, field, new_value, status, at)
    SELECT tenant_id, uuidv7(), id, 'status', status, status, now() FROM made)
  SELECT * FROM made
$$;
GRANT SELECT ON bench_severity_counts, bench_status_counts TO argus_app;
