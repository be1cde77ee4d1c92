-- The newest bugs were read once to tell how frequent the words are and again to rank those that have them; and where the
-- months that should hold enough matches were all that there are, they were looked through twice. The hits are the same.
-- Only its owner may replace a function: the migrating role is a member of argus_search for this long. See 0002.
DO $$
BEGIN
  IF NOT pg_has_role(current_user, 'argus_search', 'USAGE') THEN
    EXECUTE format('GRANT argus_search TO %I', current_user);
    PERFORM set_config('argus.borrowed_role', 'on', true);
  END IF;
END
$$;

-- Bugs, best first: by the other tracker's id or by number (12, #12, KEY-12), then by words, then, when those do not
-- fill the page, by likeness of the title. So that it does not take longer the more bugs there are, it looks at the
-- newest first, and at older ones when those are not enough, which are three for each that is asked for, at least 60;
-- of a quoted phrase, which is dearer to find and leaves little to rank, one for each:
--   1. The newest 400 bugs that the filters let through tell how frequent the words are.
--   2. Words that 3 % or more of them have: the newest matches are ranked, as many as are enough, those of the 400 first.
--   3. Other words: the matches of so many months as should hold 1.5 times enough are ranked, if they are enough and these
--      are not all months; none of 400 counts as half of one.
--   4. Else all matches are ranked, or the newest 2,000.
--   5. Titles, unless words were quoted or excluded: when the newest 500 fill the page with such as contain the query or
--      are much like it (0.6), older ones are not looked at; else any 1,000 that are alike (0.4) are compared.
-- The words are compared through (SELECT wanted), and those rows ordered outside of OFFSET 0, so that the planner cannot
-- know them: it would go by how frequent they are in all tenants together, and read all bugs of one that has none. The
-- filters stand in CASE, which the planner takes for half of the rows when it does not know them: an OR it takes for
-- hardly any, and would sort all bugs of the tenant to find the newest.
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
  tenant uuid := argus_tenant();
  needle text := btrim(p_query);
  pattern text := '%' || regexp_replace(needle, '([\\%_])', '\\\1', 'g') || '%';
  wanted tsquery := websearch_to_tsquery('pg_catalog.english', needle);
  ref text[] := regexp_match(upper(needle), '^(?:(.*)-|#)?([0-9]{1,9})$');
  found uuid[];
  more uuid[];
  scores real[];
  rest uuid[];
  rest_scores real[];
  hits bigint;
  enough int := CASE WHEN strpos(wanted::text, '<') > 0 THEN p_limit ELSE greatest(60, 3 * p_limit) END;
  newest timestamptz;
  oldest timestamptz;
  since timestamptz;
  months int[];
  grams text;
BEGIN
  -- Without filters one plan suits all tenants and all words, and planning each time would be half of what a search costs.
  -- With filters, and for a bug's number, it depends on what is given which index is best.
  IF p_project_ids IS NULL AND p_statuses IS NULL AND ref IS NULL THEN
    PERFORM set_config('plan_cache_mode', 'force_generic_plan', true);
  END IF;
  SELECT array_agg(e.id) INTO found FROM (
    SELECT b.id FROM bugs b
      WHERE b.tenant_id = tenant AND b.external_id = needle
        AND CASE WHEN p_project_ids IS NULL THEN true ELSE b.project_id = ANY (p_project_ids) END
        AND CASE WHEN p_statuses IS NULL THEN true ELSE b.status = ANY (p_statuses) END
    LIMIT p_limit) e;
  found := coalesce(found, '{}');
  IF ref IS NOT NULL THEN
    SELECT array_agg(e.id) INTO more FROM (
      SELECT b.id FROM bugs b
        WHERE b.tenant_id = tenant AND b.number = ref[2]::int
          AND (ref[1] IS NULL OR b.project_id = (SELECT p.id FROM projects p WHERE p.tenant_id = tenant AND p.key = ref[1]))
          AND CASE WHEN p_project_ids IS NULL THEN true ELSE b.project_id = ANY (p_project_ids) END
          AND CASE WHEN p_statuses IS NULL THEN true ELSE b.status = ANY (p_statuses) END
          AND NOT b.id = ANY (found)
      LIMIT p_limit - cardinality(found)) e;
    found := found || coalesce(more, '{}');
  END IF;
  IF cardinality(found) > 0 THEN
    RETURN QUERY SELECT u, 10::real FROM unnest(found) u;
  END IF;
  IF cardinality(found) >= p_limit OR needle = '' THEN RETURN; END IF;

  IF numnode(wanted) > 0 THEN
    SELECT count(*) FILTER (WHERE w.matches), max(w.created_at), min(w.created_at), array_agg(w.id) FILTER (WHERE w.matches),
        array_agg(ts_rank(w.search_vector, wanted, 1)) FILTER (WHERE w.matches)
      INTO hits, newest, oldest, more, scores FROM (
      SELECT b.id, b.created_at, b.search_vector, b.search_vector @@ wanted AS matches FROM bugs b
      WHERE b.tenant_id = tenant
        AND CASE WHEN p_project_ids IS NULL THEN true ELSE b.project_id = ANY (p_project_ids) END
        AND CASE WHEN p_statuses IS NULL THEN true ELSE b.status = ANY (p_statuses) END
      ORDER BY b.created_at DESC, b.id DESC LIMIT 400) w;
    IF hits >= greatest(12, enough) THEN
      more := more[1:enough];
      scores := scores[1:enough];
    ELSIF hits >= 12 THEN
      SELECT array_agg(r.id), array_agg(r.score) INTO rest, rest_scores FROM (
        SELECT w.id, ts_rank(w.search_vector, wanted, 1) AS score FROM (
          SELECT b.id, b.search_vector FROM bugs b
          WHERE b.tenant_id = tenant
            AND CASE WHEN p_project_ids IS NULL THEN true ELSE b.project_id = ANY (p_project_ids) END
            AND CASE WHEN p_statuses IS NULL THEN true ELSE b.status = ANY (p_statuses) END
          ORDER BY b.created_at DESC, b.id DESC LIMIT 19600 OFFSET 400) w
        WHERE w.search_vector @@ wanted LIMIT enough - hits) r;
      more := more || rest;
      scores := scores || rest_scores;
    ELSE
      more := NULL;
      since := newest - least(1.5 * enough / greatest(hits, 0.5) * extract(epoch FROM newest - oldest), 1e9) * interval '1 second';
      IF since > (SELECT b.created_at FROM bugs b WHERE b.tenant_id = tenant ORDER BY b.created_at, b.id LIMIT 1) THEN
        SELECT array_agg(m) INTO months FROM generate_series(
          (extract(year FROM since AT TIME ZONE 'UTC') * 12 + extract(month FROM since AT TIME ZONE 'UTC'))::int,
          (extract(year FROM newest AT TIME ZONE 'UTC') * 12 + extract(month FROM newest AT TIME ZONE 'UTC'))::int) m;
        IF cardinality(months) <= 60 THEN
          SELECT array_agg(r.id), array_agg(r.score) INTO more, scores FROM (
            SELECT m.id, ts_rank(m.search_vector, wanted, 1) AS score FROM (
              SELECT b.id, b.search_vector, b.created_at FROM bugs b
              WHERE b.tenant_id = tenant AND b.search_vector @@ (SELECT wanted)
                AND (extract(year FROM b.created_at AT TIME ZONE 'UTC') * 12
                  + extract(month FROM b.created_at AT TIME ZONE 'UTC'))::int = ANY (months)
                AND CASE WHEN p_project_ids IS NULL THEN true ELSE b.project_id = ANY (p_project_ids) END
                AND CASE WHEN p_statuses IS NULL THEN true ELSE b.status = ANY (p_statuses) END
              OFFSET 0) m
            ORDER BY m.created_at DESC, m.id DESC LIMIT 2000) r;
        END IF;
      END IF;
    END IF;
    IF more IS NULL OR cardinality(more) < enough THEN
      SELECT array_agg(r.id), array_agg(r.score) INTO more, scores FROM (
        SELECT m.id, ts_rank(m.search_vector, wanted, 1) AS score FROM (
          SELECT b.id, b.search_vector, b.created_at FROM bugs b
          WHERE b.tenant_id = tenant AND b.search_vector @@ (SELECT wanted)
            AND CASE WHEN p_project_ids IS NULL THEN true ELSE b.project_id = ANY (p_project_ids) END
            AND CASE WHEN p_statuses IS NULL THEN true ELSE b.status = ANY (p_statuses) END
          OFFSET 0) m
        ORDER BY m.created_at DESC, m.id DESC LIMIT 2000) r;
    END IF;
    SELECT array_agg(r.id), array_agg(r.score) INTO more, scores FROM (
      SELECT u.id, u.score FROM unnest(more, scores) u (id, score)
      WHERE NOT u.id = ANY (found) ORDER BY u.score DESC, u.id DESC LIMIT p_limit - cardinality(found)) r;
    RETURN QUERY SELECT u.id, (1 + u.score)::real FROM unnest(more, scores) u (id, score);
    found := found || coalesce(more, '{}');
  END IF;
  -- likeness knows no exclusion, and who quotes words wants these words
  IF cardinality(found) >= p_limit OR wanted::text LIKE '%!%' OR strpos(needle, '"') > 0 THEN RETURN; END IF;

  -- 0.6 of the trigrams are more than those with a space: a title that is so much alike has one of the others, and one that
  -- contains the query has them all. Looking for these takes a quarter of the time that comparing takes.
  SELECT string_agg(t, '|') FILTER (WHERE strpos(t, ' ') = 0) INTO grams FROM unnest(show_trgm(needle)) t
    HAVING needle ~ '^[A-Za-z0-9 ]+$' AND 0.6 * count(*) > count(*) FILTER (WHERE strpos(t, ' ') > 0);
  SELECT array_agg(r.id), array_agg(r.score) INTO more, scores FROM (
    SELECT f.id, f.score FROM (
      SELECT w.id, w.title, word_similarity(needle, w.title) AS score FROM (
        SELECT b.id, b.title FROM bugs b
        WHERE b.tenant_id = tenant
          AND CASE WHEN p_project_ids IS NULL THEN true ELSE b.project_id = ANY (p_project_ids) END
          AND CASE WHEN p_statuses IS NULL THEN true ELSE b.status = ANY (p_statuses) END
        ORDER BY b.created_at DESC, b.id DESC LIMIT 500) w
      WHERE NOT w.id = ANY (found) AND CASE WHEN grams IS NULL THEN true ELSE w.title ~* grams END OFFSET 0) f
    WHERE f.score >= 0.6 OR (char_length(needle) >= 3 AND f.title ILIKE pattern)
    ORDER BY f.score DESC, f.id DESC LIMIT p_limit - cardinality(found)) r;
  IF cardinality(found) + coalesce(cardinality(more), 0) >= p_limit THEN
    RETURN QUERY SELECT u.id, (u.score * 0.9)::real FROM unnest(more, scores) u (id, score);
    RETURN;
  END IF;

  RETURN QUERY
    SELECT f.id, (word_similarity(needle, f.title) * 0.9)::real FROM (
      SELECT b.id, b.title FROM bugs b
      WHERE b.tenant_id = tenant AND NOT b.id = ANY (found)
        AND (needle <% b.title OR (char_length(needle) >= 3 AND b.title ILIKE pattern))
        AND CASE WHEN p_project_ids IS NULL THEN true ELSE b.project_id = ANY (p_project_ids) END
        AND CASE WHEN p_statuses IS NULL THEN true ELSE b.status = ANY (p_statuses) END
      LIMIT 1000) f
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
