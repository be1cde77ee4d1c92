-- Undoes 0006_bounded_search.
DROP INDEX bugs_search_idx;
CREATE INDEX bugs_search_idx ON bugs USING gin (tenant_id, search_vector);

-- Only its owner may replace a function: the migrating role is a member of argus_search for this long. See 0002.
DO $$
BEGIN
  IF NOT pg_has_role(current_user, 'argus_search', 'USAGE') THEN
    EXECUTE format('GRANT argus_search TO %I', current_user);
    PERFORM set_config('argus.borrowed_role', 'on', true);
  END IF;
END
$$;

CREATE OR REPLACE FUNCTION search_bugs(p_query text, p_project_ids uuid[] DEFAULT NULL, p_statuses text[] DEFAULT NULL,
    p_limit int DEFAULT 20)
  RETURNS TABLE (id uuid, rank real)
  LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 20
  SET search_path = pg_catalog, public, pg_temp
  SET plan_cache_mode = force_custom_plan
  SET pg_trgm.word_similarity_threshold = 0.4
  SET client_min_messages = warning
AS $$
DECLARE
  needle text := btrim(p_query);
  escaped text := regexp_replace(needle, '([\\%_])', '\\\1', 'g');
  wanted tsquery := websearch_to_tsquery('pg_catalog.english', needle);
  ref text[] := regexp_match(upper(needle), '^(?:(.*)-|#)?([0-9]{1,9})$');
  found uuid[];
  more uuid[];
  matches bigint;
BEGIN
  SELECT array_agg(e.id) INTO found FROM (
    SELECT b.id FROM bugs b
      WHERE ref IS NOT NULL AND b.tenant_id = argus_tenant() AND b.number = ref[2]::int
        AND (ref[1] IS NULL OR b.project_id = (SELECT p.id FROM projects p WHERE p.tenant_id = argus_tenant() AND p.key = ref[1]))
        AND (p_project_ids IS NULL OR b.project_id = ANY (p_project_ids))
        AND (p_statuses IS NULL OR b.status = ANY (p_statuses))
    UNION
    SELECT b.id FROM bugs b
      WHERE b.tenant_id = argus_tenant() AND b.external_id = needle
        AND (p_project_ids IS NULL OR b.project_id = ANY (p_project_ids))
        AND (p_statuses IS NULL OR b.status = ANY (p_statuses))
    LIMIT p_limit) e;
  found := coalesce(found, '{}');
  RETURN QUERY SELECT u, 10::real FROM unnest(found) u;
  IF cardinality(found) >= p_limit OR needle = '' THEN RETURN; END IF;

  IF numnode(wanted) > 0 THEN
    SELECT count(*) INTO matches FROM (SELECT FROM bugs b WHERE b.tenant_id = argus_tenant()
      AND b.search_vector @@ wanted LIMIT 5001) c;
    SELECT array_agg(r.id ORDER BY r.score DESC, r.id DESC) INTO more FROM (
      SELECT c.id, ts_rank(c.search_vector, wanted, 1) AS score FROM (
        SELECT b.id, b.search_vector FROM bugs b
        WHERE b.tenant_id = argus_tenant() AND b.search_vector @@ wanted
          AND (p_project_ids IS NULL OR b.project_id = ANY (p_project_ids))
          AND (p_statuses IS NULL OR b.status = ANY (p_statuses))
        ORDER BY b.created_at DESC LIMIT CASE WHEN matches > 5000 THEN 2000 ELSE 5000 END
      ) c WHERE NOT c.id = ANY (found) ORDER BY score DESC, c.id DESC LIMIT p_limit - cardinality(found)) r;
    more := coalesce(more, '{}');
    RETURN QUERY SELECT b.id, (1 + ts_rank(b.search_vector, wanted, 1))::real FROM bugs b
      WHERE b.tenant_id = argus_tenant() AND b.id = ANY (more);
    found := found || more;
  END IF;
  -- likeness knows no exclusion
  IF cardinality(found) >= p_limit OR wanted::text LIKE '%!%' THEN RETURN; END IF;

  RETURN QUERY
    SELECT f.id, (word_similarity(needle, f.title) * 0.9)::real FROM (
      SELECT b.id, b.title FROM bugs b
      WHERE b.tenant_id = argus_tenant() AND NOT b.id = ANY (found)
        AND (needle <% b.title OR (char_length(needle) >= 3 AND b.title ILIKE '%' || escaped || '%'))
        AND (p_project_ids IS NULL OR b.project_id = ANY (p_project_ids))
        AND (p_statuses IS NULL OR b.status = ANY (p_statuses))
      LIMIT 2000) f
    ORDER BY 2 DESC, 1 DESC
    LIMIT p_limit - cardinality(found);
END
$$;

DO $$
BEGIN
  IF current_setting('argus.borrowed_role', true) = 'on' THEN
    EXECUTE format('REVOKE argus_search FROM %I', current_user);
  END IF;
END
$$;
