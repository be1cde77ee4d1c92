-- CreateTable
CREATE TABLE "bug_hour_totals" (
    "tenant_id" UUID NOT NULL,
    "measure" TEXT NOT NULL,
    "hour" TIMESTAMPTZ(3) NOT NULL,
    "count" INTEGER NOT NULL,
    "critical" INTEGER NOT NULL,
    "high" INTEGER NOT NULL,
    "medium" INTEGER NOT NULL,
    "low" INTEGER NOT NULL,

    CONSTRAINT "bug_hour_totals_pkey" PRIMARY KEY ("tenant_id","measure","hour")
);

ALTER TABLE bug_hour_totals
  ADD CONSTRAINT bug_hour_totals_tenant_id_fkey
    FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE;

-- Row-level security that is forced hides all bugs from an owner who is no superuser. Turning it off for this
-- transaction also locks the table, so that nobody writes a bug between the count and the commit.
ALTER TABLE bugs NO FORCE ROW LEVEL SECURITY;
INSERT INTO bug_hour_totals (tenant_id, measure, hour, count, critical, high, medium, low)
  SELECT tenant_id, measure, date_trunc('hour', at, 'UTC') AS hour, count(*),
    count(*) FILTER (WHERE severity = 'CRITICAL'), count(*) FILTER (WHERE severity = 'HIGH'),
    count(*) FILTER (WHERE severity = 'MEDIUM'), count(*) FILTER (WHERE severity = 'LOW')
  FROM bugs, LATERAL (VALUES ('CREATED', created_at), ('RESOLVED', resolved_at)) AS m (measure, at)
  WHERE at IS NOT NULL GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
ALTER TABLE bugs FORCE ROW LEVEL SECURITY;
-- trends right after the update are planned by these
ANALYZE bug_hour_totals;

ALTER TABLE bug_hour_totals ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON bug_hour_totals TO argus_app;
CREATE POLICY bug_hour_totals_select ON bug_hour_totals FOR SELECT TO argus_app USING (tenant_id = (SELECT argus_tenant()));
CREATE POLICY bug_hour_totals_insert ON bug_hour_totals FOR INSERT TO argus_app WITH CHECK (tenant_id = (SELECT argus_tenant()));
CREATE POLICY bug_hour_totals_update ON bug_hour_totals FOR UPDATE TO argus_app USING (tenant_id = (SELECT argus_tenant())) WITH CHECK (tenant_id = (SELECT argus_tenant()));
CREATE POLICY bug_hour_totals_delete ON bug_hour_totals FOR DELETE TO argus_app USING (tenant_id = (SELECT argus_tenant()));
