-- AlterTable
ALTER TABLE "import_logs" ADD COLUMN     "is_atomic" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "is_dry_run" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "mapping" JSONB NOT NULL DEFAULT '{}',
ADD COLUMN     "total" INTEGER,
ADD COLUMN     "warned" INTEGER NOT NULL DEFAULT 0,
ADD COLUMN     "warnings" JSONB NOT NULL DEFAULT '[]';

-- CreateTable
CREATE TABLE "projects" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "key" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "description" TEXT,
    "tags" TEXT[],
    "status" TEXT NOT NULL DEFAULT 'ACTIVE',
    "github_repository" TEXT,
    "currency" TEXT NOT NULL DEFAULT 'USD',
    "arr" DECIMAL(19,4) NOT NULL DEFAULT 0,
    "arr_sort" DOUBLE PRECISION NOT NULL GENERATED ALWAYS AS ("arr"::float8) STORED,
    "infrastructure_cost" DECIMAL(19,4) NOT NULL DEFAULT 0,
    "hourly_rate" DECIMAL(19,4) NOT NULL DEFAULT 0,
    "cash_flows" DECIMAL(19,4)[],
    "discount_rate" DECIMAL(7,6) NOT NULL DEFAULT 0.12,
    "terminal_growth" DECIMAL(7,6),
    "dcf_valuation" DECIMAL(24,4) NOT NULL DEFAULT 0,
    "roi_score" DOUBLE PRECISION NOT NULL DEFAULT 50,
    "appeal_score" DOUBLE PRECISION NOT NULL DEFAULT 50,
    "complexity_score" DOUBLE PRECISION NOT NULL DEFAULT 5,
    "appeal_index" DOUBLE PRECISION NOT NULL DEFAULT 50,
    "version" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "projects_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "business_calendars" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "time_zone" TEXT NOT NULL,
    "hours" JSONB NOT NULL,
    "holidays" JSONB NOT NULL DEFAULT '[]',
    "version" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "business_calendars_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "sla_policies" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "position" INTEGER NOT NULL,
    "is_active" BOOLEAN NOT NULL DEFAULT true,
    "filter" JSONB NOT NULL DEFAULT '{}',
    "critical_hours" DOUBLE PRECISION NOT NULL,
    "high_hours" DOUBLE PRECISION NOT NULL,
    "medium_hours" DOUBLE PRECISION NOT NULL,
    "low_hours" DOUBLE PRECISION NOT NULL,
    "warn_at" DOUBLE PRECISION NOT NULL,
    "high_risk_at" DOUBLE PRECISION NOT NULL,
    "pause_on" TEXT[],
    "restart_on_reopen" BOOLEAN NOT NULL,
    "calendar_id" UUID,
    "rules_version" INTEGER NOT NULL DEFAULT 1,
    "open_rules_version" INTEGER NOT NULL DEFAULT 0,
    "version" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "sla_policies_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "sla_policy_versions" (
    "tenant_id" UUID NOT NULL,
    "policy_id" UUID NOT NULL,
    "rules_version" INTEGER NOT NULL,
    "rules" JSONB NOT NULL,
    "created_by_id" UUID,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "sla_policy_versions_pkey" PRIMARY KEY ("tenant_id","policy_id","rules_version")
);

-- CreateTable
CREATE TABLE "bugs" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "project_id" UUID NOT NULL,
    "number" INTEGER NOT NULL,
    "title" TEXT NOT NULL,
    "description" TEXT,
    "severity" TEXT NOT NULL DEFAULT 'MEDIUM',
    "severity_rank" SMALLINT NOT NULL GENERATED ALWAYS AS (CASE "severity"
        WHEN 'LOW' THEN 1 WHEN 'MEDIUM' THEN 2 WHEN 'HIGH' THEN 3 WHEN 'CRITICAL' THEN 4 END) STORED,
    "status" TEXT NOT NULL DEFAULT 'PENDING',
    "is_blocker" BOOLEAN NOT NULL DEFAULT false,
    "priority_score" INTEGER NOT NULL DEFAULT 0,
    "affected_share" DECIMAL(5,4) NOT NULL DEFAULT 0,
    "revenue_impact" DECIMAL(19,4) NOT NULL DEFAULT 0,
    "revenue_impact_override" DECIMAL(19,4),
    "revenue_impact_sort" DOUBLE PRECISION NOT NULL GENERATED ALWAYS AS ("revenue_impact"::float8) STORED,
    "assignee_id" UUID,
    "reporter_id" UUID,
    "assignee_name" TEXT,
    "reporter_name" TEXT,
    "source" TEXT NOT NULL DEFAULT 'MANUAL',
    "external_id" TEXT,
    "url" TEXT,
    "import_hash" TEXT,
    "details" JSONB NOT NULL DEFAULT '{}',
    "hours_spent" DECIMAL(10,2) NOT NULL DEFAULT 0,
    "due_at" TIMESTAMPTZ(3),
    "first_response_at" TIMESTAMPTZ(3),
    "resolved_at" TIMESTAMPTZ(3),
    "reopen_count" INTEGER NOT NULL DEFAULT 0,
    "sla_policy_id" UUID,
    "sla_rules_version" INTEGER,
    "sla_state" TEXT NOT NULL DEFAULT 'NONE',
    "sla_cycle" INTEGER NOT NULL DEFAULT 0,
    "sla_started_at" TIMESTAMPTZ(3),
    "sla_target_ms" DOUBLE PRECISION,
    "sla_ran_ms" DOUBLE PRECISION NOT NULL DEFAULT 0,
    "sla_running_since" TIMESTAMPTZ(3),
    "sla_paused_ms" DOUBLE PRECISION NOT NULL DEFAULT 0,
    "sla_paused_at" TIMESTAMPTZ(3),
    "sla_medium_risk_at" TIMESTAMPTZ(3),
    "sla_high_risk_at" TIMESTAMPTZ(3),
    "sla_due_at" TIMESTAMPTZ(3),
    "sla_due_sort" TIMESTAMPTZ(3) NOT NULL GENERATED ALWAYS AS
        (coalesce("sla_due_at", '9999-12-31 00:00:00+00'::timestamptz)) STORED,
    "sla_breached_at" TIMESTAMPTZ(3),
    "sla_met_at" TIMESTAMPTZ(3),
    "sla_missed_at" TIMESTAMPTZ(3),
    "sla_told" SMALLINT NOT NULL DEFAULT 0,
    "figures_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "figures_arr" DECIMAL(19,4) NOT NULL DEFAULT 0,
    "refresh_at" TIMESTAMPTZ(3),
    "version" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "bugs_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "bug_labels" (
    "tenant_id" UUID NOT NULL,
    "bug_id" UUID NOT NULL,
    "name" TEXT NOT NULL,

    CONSTRAINT "bug_labels_pkey" PRIMARY KEY ("tenant_id","bug_id","name")
);

-- CreateTable
CREATE TABLE "bug_history" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "bug_id" UUID NOT NULL,
    "field" TEXT NOT NULL,
    "old_value" TEXT,
    "new_value" TEXT,
    "status" TEXT,
    "actor_id" UUID,
    "actor_name" TEXT,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "event_seq" BIGINT,
    "import_key" TEXT,

    CONSTRAINT "bug_history_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "bug_comments" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "bug_id" UUID NOT NULL,
    "body" TEXT NOT NULL,
    "author_id" UUID,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "bug_comments_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "project_metrics" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "project_id" UUID NOT NULL,
    "date" DATE NOT NULL,
    "commits" INTEGER,
    "contributors" INTEGER,
    "files_changed" INTEGER,
    "lines_added" INTEGER,
    "lines_deleted" INTEGER,
    "lines_of_code" INTEGER,
    "tech_stack" TEXT[],
    "version" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "project_metrics_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "monthly_metrics" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "project_id" UUID,
    "month" DATE NOT NULL,
    "open_at_start" INTEGER NOT NULL,
    "created" INTEGER NOT NULL,
    "created_critical" INTEGER NOT NULL,
    "created_high" INTEGER NOT NULL,
    "created_medium" INTEGER NOT NULL,
    "created_low" INTEGER NOT NULL,
    "resolved" INTEGER NOT NULL,
    "sla_met" INTEGER NOT NULL,
    "sla_missed" INTEGER NOT NULL,
    "hours_spent" DECIMAL(12,2) NOT NULL,
    "engineering_cost" JSONB NOT NULL,
    "resolution_hours_mean" DOUBLE PRECISION,
    "resolution_hours_p50" DOUBLE PRECISION,
    "resolution_hours_p90" DOUBLE PRECISION,
    "resolution_rate" DOUBLE PRECISION,
    "computed_at" TIMESTAMPTZ(3) NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "monthly_metrics_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "portfolio_metrics" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "date" DATE NOT NULL,
    "projects" JSONB NOT NULL,
    "bugs" JSONB NOT NULL,
    "money" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "portfolio_metrics_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "bug_totals" (
    "tenant_id" UUID NOT NULL,
    "currency" TEXT NOT NULL,
    "severity" TEXT NOT NULL,
    "status" TEXT NOT NULL,
    "sla_state" TEXT NOT NULL,
    "is_blocker" BOOLEAN NOT NULL,
    "count" INTEGER NOT NULL,
    "revenue_impact" DECIMAL(24,4) NOT NULL,

    CONSTRAINT "bug_totals_pkey" PRIMARY KEY ("tenant_id","currency","severity","status","sla_state","is_blocker")
);

-- CreateTable
CREATE TABLE "project_bug_totals" (
    "tenant_id" UUID NOT NULL,
    "project_id" UUID NOT NULL,
    "severity" TEXT NOT NULL,
    "status" TEXT NOT NULL,
    "sla_state" TEXT NOT NULL,
    "is_blocker" BOOLEAN NOT NULL,
    "count" INTEGER NOT NULL,
    "revenue_impact" DECIMAL(24,4) NOT NULL,

    CONSTRAINT "project_bug_totals_pkey" PRIMARY KEY ("tenant_id","project_id","severity","status","sla_state","is_blocker")
);

-- CreateTable
CREATE TABLE "project_totals" (
    "tenant_id" UUID NOT NULL,
    "currency" TEXT NOT NULL,
    "status" TEXT NOT NULL,
    "count" INTEGER NOT NULL,
    "arr" DECIMAL(24,4) NOT NULL,
    "dcf_valuation" DECIMAL(28,4) NOT NULL,
    "infrastructure_cost" DECIMAL(24,4) NOT NULL,

    CONSTRAINT "project_totals_pkey" PRIMARY KEY ("tenant_id","currency","status")
);

-- CreateTable
CREATE TABLE "sync_states" (
    "tenant_id" UUID NOT NULL,
    "source" TEXT NOT NULL,
    "watermark" TIMESTAMPTZ(3),
    "cursor" TEXT,
    "last_run_id" UUID,
    "last_success_at" TIMESTAMPTZ(3),
    "last_error" TEXT,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "sync_states_pkey" PRIMARY KEY ("tenant_id","source")
);

-- CreateIndex
CREATE INDEX "projects_tenant_id_created_at_id_idx" ON "projects"("tenant_id", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "projects_tenant_id_status_created_at_id_idx" ON "projects"("tenant_id", "status", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "projects_tenant_id_roi_score_id_idx" ON "projects"("tenant_id", "roi_score" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "projects_tenant_id_appeal_index_id_idx" ON "projects"("tenant_id", "appeal_index" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "projects_tenant_id_arr_sort_id_idx" ON "projects"("tenant_id", "arr_sort" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "projects_tenant_id_name_id_idx" ON "projects"("tenant_id", "name", "id");

-- CreateIndex
CREATE INDEX "projects_tenant_id_github_repository_created_at_id_idx" ON "projects"("tenant_id", "github_repository", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE UNIQUE INDEX "projects_tenant_id_key_key" ON "projects"("tenant_id", "key");

-- CreateIndex
CREATE INDEX "business_calendars_tenant_id_created_at_id_idx" ON "business_calendars"("tenant_id", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE UNIQUE INDEX "business_calendars_tenant_id_name_key" ON "business_calendars"("tenant_id", "name");

-- CreateIndex
CREATE INDEX "sla_policies_tenant_id_position_id_idx" ON "sla_policies"("tenant_id", "position", "id");

-- CreateIndex
CREATE INDEX "sla_policies_tenant_id_created_at_id_idx" ON "sla_policies"("tenant_id", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "sla_policies_tenant_id_is_active_created_at_id_idx" ON "sla_policies"("tenant_id", "is_active", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "sla_policies_tenant_id_calendar_id_idx" ON "sla_policies"("tenant_id", "calendar_id");

-- CreateIndex
CREATE UNIQUE INDEX "sla_policies_tenant_id_name_key" ON "sla_policies"("tenant_id", "name");

-- CreateIndex
CREATE INDEX "sla_policy_versions_tenant_id_created_by_id_idx" ON "sla_policy_versions"("tenant_id", "created_by_id");

-- CreateIndex
CREATE INDEX "bugs_tenant_id_created_at_id_idx" ON "bugs"("tenant_id", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "bugs_tenant_id_updated_at_id_idx" ON "bugs"("tenant_id", "updated_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "bugs_tenant_id_priority_score_id_idx" ON "bugs"("tenant_id", "priority_score" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "bugs_tenant_id_severity_rank_id_idx" ON "bugs"("tenant_id", "severity_rank" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "bugs_tenant_id_revenue_impact_sort_id_idx" ON "bugs"("tenant_id", "revenue_impact_sort" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "bugs_tenant_id_sla_due_at_id_idx" ON "bugs"("tenant_id", "sla_due_at", "id");

-- CreateIndex
CREATE INDEX "bugs_tenant_id_sla_due_sort_id_idx" ON "bugs"("tenant_id", "sla_due_sort", "id");

-- CreateIndex
CREATE INDEX "bugs_tenant_id_severity_status_created_at_id_idx" ON "bugs"("tenant_id", "severity", "status", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "bugs_tenant_id_severity_created_at_id_idx" ON "bugs"("tenant_id", "severity", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "bugs_tenant_id_status_created_at_id_idx" ON "bugs"("tenant_id", "status", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "bugs_tenant_id_sla_state_created_at_id_idx" ON "bugs"("tenant_id", "sla_state", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "bugs_tenant_id_source_created_at_id_idx" ON "bugs"("tenant_id", "source", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "bugs_tenant_id_external_id_created_at_id_idx" ON "bugs"("tenant_id", "external_id", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "bugs_tenant_id_project_id_created_at_id_idx" ON "bugs"("tenant_id", "project_id", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "bugs_tenant_id_assignee_id_created_at_id_idx" ON "bugs"("tenant_id", "assignee_id", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "bugs_tenant_id_reporter_id_created_at_id_idx" ON "bugs"("tenant_id", "reporter_id", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "bugs_tenant_id_resolved_at_id_idx" ON "bugs"("tenant_id", "resolved_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "bugs_tenant_id_due_at_id_idx" ON "bugs"("tenant_id", "due_at", "id");

-- CreateIndex
CREATE INDEX "bugs_tenant_id_sla_policy_id_idx" ON "bugs"("tenant_id", "sla_policy_id");

-- CreateIndex
CREATE UNIQUE INDEX "bugs_tenant_id_project_id_number_key" ON "bugs"("tenant_id", "project_id", "number");

-- CreateIndex
CREATE UNIQUE INDEX "bugs_tenant_id_source_external_id_key" ON "bugs"("tenant_id", "source", "external_id");

-- CreateIndex
CREATE INDEX "bug_labels_tenant_id_name_bug_id_idx" ON "bug_labels"("tenant_id", "name", "bug_id");

-- CreateIndex
CREATE INDEX "bug_history_tenant_id_at_id_idx" ON "bug_history"("tenant_id", "at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "bug_history_tenant_id_bug_id_at_id_idx" ON "bug_history"("tenant_id", "bug_id", "at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "bug_history_tenant_id_field_at_id_idx" ON "bug_history"("tenant_id", "field", "at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "bug_history_tenant_id_actor_id_at_id_idx" ON "bug_history"("tenant_id", "actor_id", "at" DESC, "id" DESC);

-- CreateIndex
CREATE UNIQUE INDEX "bug_history_tenant_id_import_key_key" ON "bug_history"("tenant_id", "import_key");

-- CreateIndex
CREATE INDEX "bug_comments_tenant_id_created_at_id_idx" ON "bug_comments"("tenant_id", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "bug_comments_tenant_id_bug_id_created_at_id_idx" ON "bug_comments"("tenant_id", "bug_id", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "bug_comments_tenant_id_author_id_created_at_id_idx" ON "bug_comments"("tenant_id", "author_id", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "project_metrics_tenant_id_date_id_idx" ON "project_metrics"("tenant_id", "date" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "project_metrics_tenant_id_project_id_date_id_idx" ON "project_metrics"("tenant_id", "project_id", "date" DESC, "id" DESC);

-- CreateIndex
CREATE UNIQUE INDEX "project_metrics_tenant_id_project_id_date_key" ON "project_metrics"("tenant_id", "project_id", "date");

-- CreateIndex
CREATE INDEX "monthly_metrics_tenant_id_month_id_idx" ON "monthly_metrics"("tenant_id", "month" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "monthly_metrics_tenant_id_project_id_month_id_idx" ON "monthly_metrics"("tenant_id", "project_id", "month" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "portfolio_metrics_tenant_id_date_id_idx" ON "portfolio_metrics"("tenant_id", "date" DESC, "id" DESC);

-- CreateIndex
CREATE UNIQUE INDEX "portfolio_metrics_tenant_id_date_key" ON "portfolio_metrics"("tenant_id", "date");

-- AddForeignKey
ALTER TABLE "sla_policies" ADD CONSTRAINT "sla_policies_tenant_id_calendar_id_fkey" FOREIGN KEY ("tenant_id", "calendar_id") REFERENCES "business_calendars"("tenant_id", "id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "sla_policy_versions" ADD CONSTRAINT "sla_policy_versions_tenant_id_policy_id_fkey" FOREIGN KEY ("tenant_id", "policy_id") REFERENCES "sla_policies"("tenant_id", "id") ON DELETE CASCADE ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "bugs" ADD CONSTRAINT "bugs_tenant_id_project_id_fkey" FOREIGN KEY ("tenant_id", "project_id") REFERENCES "projects"("tenant_id", "id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "bug_labels" ADD CONSTRAINT "bug_labels_tenant_id_bug_id_fkey" FOREIGN KEY ("tenant_id", "bug_id") REFERENCES "bugs"("tenant_id", "id") ON DELETE CASCADE ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "bug_history" ADD CONSTRAINT "bug_history_tenant_id_bug_id_fkey" FOREIGN KEY ("tenant_id", "bug_id") REFERENCES "bugs"("tenant_id", "id") ON DELETE CASCADE ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "bug_comments" ADD CONSTRAINT "bug_comments_tenant_id_bug_id_fkey" FOREIGN KEY ("tenant_id", "bug_id") REFERENCES "bugs"("tenant_id", "id") ON DELETE CASCADE ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "project_metrics" ADD CONSTRAINT "project_metrics_tenant_id_project_id_fkey" FOREIGN KEY ("tenant_id", "project_id") REFERENCES "projects"("tenant_id", "id") ON DELETE CASCADE ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "monthly_metrics" ADD CONSTRAINT "monthly_metrics_tenant_id_project_id_fkey" FOREIGN KEY ("tenant_id", "project_id") REFERENCES "projects"("tenant_id", "id") ON DELETE CASCADE ON UPDATE NO ACTION;

-- By hand, where this migration adds tables or columns (see the ones before it):
--   tenant foreign keys, checks for every range and enumeration, NOT NULL of lists, generated columns, GIN indexes,
--   row-level security and grants: add the table to scripts/rls.ts and paste what it prints.

-- ---------------------------------------------------------------------------------------------------------------
-- Lists are never null (Prisma's array columns would allow it)
-- ---------------------------------------------------------------------------------------------------------------
ALTER TABLE projects ALTER COLUMN tags SET NOT NULL, ALTER COLUMN cash_flows SET NOT NULL;
ALTER TABLE sla_policies ALTER COLUMN pause_on SET NOT NULL;
ALTER TABLE project_metrics ALTER COLUMN tech_stack SET NOT NULL;

-- ---------------------------------------------------------------------------------------------------------------
-- Foreign keys that the models leave out
-- ---------------------------------------------------------------------------------------------------------------
ALTER TABLE projects
  ADD CONSTRAINT projects_tenant_id_fkey
    FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE;
ALTER TABLE business_calendars
  ADD CONSTRAINT business_calendars_tenant_id_fkey
    FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE;
ALTER TABLE sla_policies
  ADD CONSTRAINT sla_policies_tenant_id_fkey
    FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE;
ALTER TABLE sla_policy_versions
  ADD CONSTRAINT sla_policy_versions_tenant_id_fkey
    FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE,
  ADD CONSTRAINT sla_policy_versions_tenant_id_created_by_id_fkey
    FOREIGN KEY (tenant_id, created_by_id) REFERENCES members (tenant_id, id) ON DELETE SET NULL (created_by_id);
ALTER TABLE bugs
  ADD CONSTRAINT bugs_tenant_id_fkey
    FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE,
  ADD CONSTRAINT bugs_tenant_id_assignee_id_fkey
    FOREIGN KEY (tenant_id, assignee_id) REFERENCES members (tenant_id, id) ON DELETE SET NULL (assignee_id),
  ADD CONSTRAINT bugs_tenant_id_reporter_id_fkey
    FOREIGN KEY (tenant_id, reporter_id) REFERENCES members (tenant_id, id) ON DELETE SET NULL (reporter_id),
  ADD CONSTRAINT bugs_tenant_id_sla_policy_id_fkey
    FOREIGN KEY (tenant_id, sla_policy_id) REFERENCES sla_policies (tenant_id, id) ON DELETE NO ACTION;
ALTER TABLE bug_labels
  ADD CONSTRAINT bug_labels_tenant_id_fkey
    FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE;
ALTER TABLE bug_history
  ADD CONSTRAINT bug_history_tenant_id_fkey
    FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE,
  ADD CONSTRAINT bug_history_tenant_id_actor_id_fkey
    FOREIGN KEY (tenant_id, actor_id) REFERENCES members (tenant_id, id) ON DELETE SET NULL (actor_id);
ALTER TABLE bug_comments
  ADD CONSTRAINT bug_comments_tenant_id_fkey
    FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE,
  ADD CONSTRAINT bug_comments_tenant_id_author_id_fkey
    FOREIGN KEY (tenant_id, author_id) REFERENCES members (tenant_id, id) ON DELETE SET NULL (author_id);
ALTER TABLE project_metrics
  ADD CONSTRAINT project_metrics_tenant_id_fkey
    FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE;
ALTER TABLE monthly_metrics
  ADD CONSTRAINT monthly_metrics_tenant_id_fkey
    FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE;
ALTER TABLE portfolio_metrics
  ADD CONSTRAINT portfolio_metrics_tenant_id_fkey
    FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE;
ALTER TABLE bug_totals
  ADD CONSTRAINT bug_totals_tenant_id_fkey
    FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE;
ALTER TABLE project_bug_totals
  ADD CONSTRAINT project_bug_totals_tenant_id_fkey
    FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE,
  ADD CONSTRAINT project_bug_totals_tenant_id_project_id_fkey
    FOREIGN KEY (tenant_id, project_id) REFERENCES projects (tenant_id, id) ON DELETE CASCADE;
ALTER TABLE project_totals
  ADD CONSTRAINT project_totals_tenant_id_fkey
    FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE;
ALTER TABLE sync_states
  ADD CONSTRAINT sync_states_tenant_id_fkey
    FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE,
  ADD CONSTRAINT sync_states_tenant_id_last_run_id_fkey
    FOREIGN KEY (tenant_id, last_run_id) REFERENCES import_logs (tenant_id, id) ON DELETE SET NULL (last_run_id);
CREATE INDEX sync_states_tenant_id_last_run_id_idx ON sync_states (tenant_id, last_run_id);

-- ---------------------------------------------------------------------------------------------------------------
-- Checks
-- ---------------------------------------------------------------------------------------------------------------
ALTER TABLE projects
  ADD CONSTRAINT projects_status_check CHECK (status IN ('ACTIVE', 'SHIPPED', 'DEFERRED', 'CANCELLED')),
  ADD CONSTRAINT projects_key_check CHECK (key ~ '^[A-Z0-9][A-Z0-9_./-]{0,99}$'),
  ADD CONSTRAINT projects_name_check CHECK (char_length(name) BETWEEN 1 AND 200),
  ADD CONSTRAINT projects_description_check CHECK (char_length(description) <= 10000),
  ADD CONSTRAINT projects_tags_check CHECK (cardinality(tags) <= 50),
  ADD CONSTRAINT projects_github_repository_check CHECK (github_repository ~ '^[A-Za-z0-9._-]{1,100}/[A-Za-z0-9._-]{1,100}$'),
  ADD CONSTRAINT projects_currency_check CHECK (currency ~ '^[A-Z]{3}$'),
  ADD CONSTRAINT projects_arr_check CHECK (arr >= 0),
  ADD CONSTRAINT projects_infrastructure_cost_check CHECK (infrastructure_cost >= 0),
  ADD CONSTRAINT projects_hourly_rate_check CHECK (hourly_rate >= 0),
  ADD CONSTRAINT projects_cash_flows_check CHECK (cardinality(cash_flows) <= 50),
  ADD CONSTRAINT projects_discount_rate_check CHECK (discount_rate > 0 AND discount_rate <= 1),
  ADD CONSTRAINT projects_terminal_growth_check CHECK (terminal_growth > -1 AND terminal_growth < discount_rate),
  ADD CONSTRAINT projects_roi_score_check CHECK (roi_score BETWEEN 0 AND 100),
  ADD CONSTRAINT projects_appeal_score_check CHECK (appeal_score BETWEEN 0 AND 100),
  ADD CONSTRAINT projects_complexity_score_check CHECK (complexity_score BETWEEN 0 AND 10),
  ADD CONSTRAINT projects_appeal_index_check CHECK (appeal_index BETWEEN 0 AND 100),
  ADD CONSTRAINT projects_version_check CHECK (version > 0);

ALTER TABLE business_calendars
  ADD CONSTRAINT business_calendars_name_check CHECK (char_length(name) BETWEEN 1 AND 200),
  ADD CONSTRAINT business_calendars_time_zone_check CHECK (char_length(time_zone) BETWEEN 1 AND 100),
  ADD CONSTRAINT business_calendars_version_check CHECK (version > 0);

ALTER TABLE sla_policies
  ADD CONSTRAINT sla_policies_name_check CHECK (char_length(name) BETWEEN 1 AND 200),
  ADD CONSTRAINT sla_policies_position_check CHECK (position BETWEEN 0 AND 10000),
  ADD CONSTRAINT sla_policies_hours_check CHECK (critical_hours > 0 AND high_hours > 0 AND medium_hours > 0
    AND low_hours > 0 AND greatest(critical_hours, high_hours, medium_hours, low_hours) <= 87600),
  ADD CONSTRAINT sla_policies_warn_at_check CHECK (warn_at > 0 AND warn_at < high_risk_at AND high_risk_at < 1),
  ADD CONSTRAINT sla_policies_pause_on_check CHECK (pause_on <@ ARRAY['PENDING', 'IN_PROGRESS', 'VERIFIED', 'DEFERRED']),
  ADD CONSTRAINT sla_policies_rules_version_check CHECK (rules_version > 0),
  ADD CONSTRAINT sla_policies_version_check CHECK (version > 0);

ALTER TABLE bugs
  ADD CONSTRAINT bugs_status_check CHECK (status IN ('PENDING', 'IN_PROGRESS', 'VERIFIED', 'SHIPPED', 'CLOSED', 'DEFERRED')),
  ADD CONSTRAINT bugs_severity_check CHECK (severity IN ('CRITICAL', 'HIGH', 'MEDIUM', 'LOW')),
  ADD CONSTRAINT bugs_source_check CHECK (source IN ('CSV', 'GITHUB', 'MANUAL')),
  ADD CONSTRAINT bugs_sla_state_check CHECK (sla_state IN ('NONE', 'ON_TRACK', 'MEDIUM_RISK', 'HIGH_RISK', 'BREACHED',
    'PAUSED', 'MET', 'MISSED')),
  ADD CONSTRAINT bugs_number_check CHECK (number > 0),
  ADD CONSTRAINT bugs_title_check CHECK (char_length(title) BETWEEN 1 AND 2000),
  ADD CONSTRAINT bugs_description_check CHECK (char_length(description) <= 100000),
  ADD CONSTRAINT bugs_priority_score_check CHECK (priority_score BETWEEN 0 AND 100),
  ADD CONSTRAINT bugs_affected_share_check CHECK (affected_share BETWEEN 0 AND 1),
  ADD CONSTRAINT bugs_revenue_impact_check CHECK (revenue_impact >= 0),
  ADD CONSTRAINT bugs_revenue_impact_override_check CHECK (revenue_impact_override >= 0),
  ADD CONSTRAINT bugs_external_id_check CHECK (char_length(external_id) BETWEEN 1 AND 300),
  ADD CONSTRAINT bugs_url_check CHECK (char_length(url) <= 2000),
  ADD CONSTRAINT bugs_assignee_name_check CHECK (char_length(assignee_name) <= 200),
  ADD CONSTRAINT bugs_reporter_name_check CHECK (char_length(reporter_name) <= 200),
  ADD CONSTRAINT bugs_hours_spent_check CHECK (hours_spent >= 0),
  ADD CONSTRAINT bugs_resolved_at_check CHECK (resolved_at IS NULL OR status IN ('SHIPPED', 'CLOSED')),
  ADD CONSTRAINT bugs_sla_told_check CHECK (sla_told BETWEEN 0 AND 3),
  ADD CONSTRAINT bugs_sla_cycle_check CHECK (sla_cycle >= 0),
  ADD CONSTRAINT bugs_reopen_count_check CHECK (reopen_count >= 0),
  ADD CONSTRAINT bugs_version_check CHECK (version > 0);

ALTER TABLE bug_labels ADD CONSTRAINT bug_labels_name_check CHECK (char_length(name) BETWEEN 1 AND 200);
ALTER TABLE bug_history
  ADD CONSTRAINT bug_history_field_check CHECK (char_length(field) BETWEEN 1 AND 100),
  ADD CONSTRAINT bug_history_status_check CHECK (status IN ('PENDING', 'IN_PROGRESS', 'VERIFIED', 'SHIPPED', 'CLOSED', 'DEFERRED')),
  -- another tracker may record a change whose values it cut short
  ADD CONSTRAINT bug_history_values_check CHECK (import_key IS NOT NULL OR old_value IS DISTINCT FROM new_value),
  ADD CONSTRAINT bug_history_actor_name_check CHECK (char_length(actor_name) <= 200);
ALTER TABLE bug_comments ADD CONSTRAINT bug_comments_body_check CHECK (char_length(body) BETWEEN 1 AND 50000);

ALTER TABLE project_metrics
  ADD CONSTRAINT project_metrics_counts_check CHECK (commits >= 0 AND contributors >= 0 AND files_changed >= 0
    AND lines_added >= 0 AND lines_deleted >= 0 AND lines_of_code >= 0),
  ADD CONSTRAINT project_metrics_version_check CHECK (version > 0);
ALTER TABLE monthly_metrics ADD CONSTRAINT monthly_metrics_month_check CHECK (extract(day FROM month) = 1);
ALTER TABLE import_logs
  DROP CONSTRAINT import_logs_status_check,
  ADD CONSTRAINT import_logs_status_check CHECK (status IN ('PENDING', 'RUNNING', 'COMPLETED', 'PARTIAL', 'FAILED'));

-- A month of all projects has no project: it too is there once, and is read in its order.
CREATE INDEX monthly_metrics_all_idx ON monthly_metrics (tenant_id, month DESC, id DESC) WHERE project_id IS NULL;
CREATE UNIQUE INDEX monthly_metrics_key ON monthly_metrics (tenant_id, project_id, month) NULLS NOT DISTINCT;

-- ---------------------------------------------------------------------------------------------------------------
-- Text that lists compare by code point, as the in-memory filter does (and so that startsWith can use an index)
-- ---------------------------------------------------------------------------------------------------------------
ALTER TABLE projects ALTER COLUMN key TYPE text COLLATE "C", ALTER COLUMN name TYPE text COLLATE "C",
  ALTER COLUMN github_repository TYPE text COLLATE "C";
ALTER TABLE bugs ALTER COLUMN external_id TYPE text COLLATE "C";
ALTER TABLE bug_labels ALTER COLUMN name TYPE text COLLATE "C";
ALTER TABLE bug_history ALTER COLUMN field TYPE text COLLATE "C";

-- ---------------------------------------------------------------------------------------------------------------
-- Search columns
-- ---------------------------------------------------------------------------------------------------------------
-- array_to_string is only stable, since elements could be of a type whose text depends on settings: text does not.
CREATE FUNCTION argus_project_text(p_key text, p_name text, p_tags text[]) RETURNS text
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  AS $$ SELECT p_key || ' ' || p_name || ' ' || array_to_string(p_tags, ' ') $$;
-- writing a project evaluates it as whoever writes
REVOKE EXECUTE ON FUNCTION argus_project_text(text, text, text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION argus_project_text(text, text, text[]) TO argus_app;

ALTER TABLE projects
  ADD COLUMN search_text text NOT NULL GENERATED ALWAYS AS (argus_project_text(key, name, tags)) STORED,
  ADD COLUMN search_vector tsvector NOT NULL GENERATED ALWAYS AS (
    setweight(to_tsvector('pg_catalog.english', argus_project_text(key, name, tags)), 'A')
    || setweight(to_tsvector('pg_catalog.english', coalesce(description, '')), 'B')) STORED;
ALTER TABLE bugs
  ADD COLUMN search_vector tsvector NOT NULL GENERATED ALWAYS AS (
    setweight(to_tsvector('pg_catalog.english', title), 'A')
    || setweight(to_tsvector('pg_catalog.english', left(coalesce(description, ''), 20000)), 'B')) STORED;

-- ---------------------------------------------------------------------------------------------------------------
-- Indexes that the models cannot describe
-- ---------------------------------------------------------------------------------------------------------------
CREATE INDEX bugs_blocker_idx ON bugs (tenant_id, created_at DESC, id DESC) WHERE is_blocker;
CREATE INDEX bugs_refresh_idx ON bugs (tenant_id, refresh_at, id) WHERE refresh_at IS NOT NULL;
CREATE INDEX bugs_search_idx ON bugs USING gin (tenant_id, search_vector);
CREATE INDEX bugs_title_trgm_idx ON bugs USING gin (tenant_id, title gin_trgm_ops);
CREATE INDEX bugs_number_idx ON bugs (tenant_id, number);
CREATE INDEX bugs_open_assignee_idx ON bugs (tenant_id, assignee_id)
  WHERE status IN ('PENDING', 'IN_PROGRESS', 'VERIFIED', 'DEFERRED');
CREATE INDEX bugs_open_due_idx ON bugs (tenant_id, sla_due_at)
  WHERE status IN ('PENDING', 'IN_PROGRESS', 'VERIFIED', 'DEFERRED');
CREATE INDEX projects_search_idx ON projects USING gin (tenant_id, search_vector);
CREATE INDEX projects_text_trgm_idx ON projects USING gin (tenant_id, search_text gin_trgm_ops);

-- ---------------------------------------------------------------------------------------------------------------
-- Row-level security and grants: printed by `node scripts/rls.ts delivery`
-- ---------------------------------------------------------------------------------------------------------------
ALTER TABLE projects ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON projects TO argus_app;
GRANT SELECT ON projects TO argus_search;
CREATE POLICY projects_select ON projects FOR SELECT TO argus_app USING (tenant_id = argus_tenant());
CREATE POLICY projects_insert ON projects FOR INSERT TO argus_app WITH CHECK (tenant_id = argus_tenant());
CREATE POLICY projects_update ON projects FOR UPDATE TO argus_app USING (tenant_id = argus_tenant()) WITH CHECK (tenant_id = argus_tenant());
CREATE POLICY projects_delete ON projects FOR DELETE TO argus_app USING (tenant_id = argus_tenant());
CREATE POLICY projects_search ON projects FOR SELECT TO argus_search USING (true);

ALTER TABLE business_calendars ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON business_calendars TO argus_app;
CREATE POLICY business_calendars_select ON business_calendars FOR SELECT TO argus_app USING (tenant_id = argus_tenant());
CREATE POLICY business_calendars_insert ON business_calendars FOR INSERT TO argus_app WITH CHECK (tenant_id = argus_tenant());
CREATE POLICY business_calendars_update ON business_calendars FOR UPDATE TO argus_app USING (tenant_id = argus_tenant()) WITH CHECK (tenant_id = argus_tenant());
CREATE POLICY business_calendars_delete ON business_calendars FOR DELETE TO argus_app USING (tenant_id = argus_tenant());

ALTER TABLE sla_policies ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON sla_policies TO argus_app;
CREATE POLICY sla_policies_select ON sla_policies FOR SELECT TO argus_app USING (tenant_id = argus_tenant());
CREATE POLICY sla_policies_insert ON sla_policies FOR INSERT TO argus_app WITH CHECK (tenant_id = argus_tenant());
CREATE POLICY sla_policies_update ON sla_policies FOR UPDATE TO argus_app USING (tenant_id = argus_tenant()) WITH CHECK (tenant_id = argus_tenant());
CREATE POLICY sla_policies_delete ON sla_policies FOR DELETE TO argus_app USING (tenant_id = argus_tenant());

ALTER TABLE sla_policy_versions ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT ON sla_policy_versions TO argus_app;
CREATE POLICY sla_policy_versions_select ON sla_policy_versions FOR SELECT TO argus_app USING (tenant_id = argus_tenant());
CREATE POLICY sla_policy_versions_insert ON sla_policy_versions FOR INSERT TO argus_app WITH CHECK (tenant_id = argus_tenant());
CREATE POLICY sla_policy_versions_update ON sla_policy_versions FOR UPDATE TO argus_app USING (false) WITH CHECK (false);
CREATE POLICY sla_policy_versions_delete ON sla_policy_versions FOR DELETE TO argus_app USING (false);

ALTER TABLE bugs ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON bugs TO argus_app;
GRANT SELECT ON bugs TO argus_search;
CREATE POLICY bugs_select ON bugs FOR SELECT TO argus_app USING (tenant_id = argus_tenant());
CREATE POLICY bugs_insert ON bugs FOR INSERT TO argus_app WITH CHECK (tenant_id = argus_tenant());
CREATE POLICY bugs_update ON bugs FOR UPDATE TO argus_app USING (tenant_id = argus_tenant()) WITH CHECK (tenant_id = argus_tenant());
CREATE POLICY bugs_delete ON bugs FOR DELETE TO argus_app USING (tenant_id = argus_tenant());
CREATE POLICY bugs_search ON bugs FOR SELECT TO argus_search USING (true);

ALTER TABLE bug_labels ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON bug_labels TO argus_app;
CREATE POLICY bug_labels_select ON bug_labels FOR SELECT TO argus_app USING (tenant_id = argus_tenant());
CREATE POLICY bug_labels_insert ON bug_labels FOR INSERT TO argus_app WITH CHECK (tenant_id = argus_tenant());
CREATE POLICY bug_labels_update ON bug_labels FOR UPDATE TO argus_app USING (tenant_id = argus_tenant()) WITH CHECK (tenant_id = argus_tenant());
CREATE POLICY bug_labels_delete ON bug_labels FOR DELETE TO argus_app USING (tenant_id = argus_tenant());

ALTER TABLE bug_history ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON bug_history TO argus_app;
CREATE POLICY bug_history_select ON bug_history FOR SELECT TO argus_app USING (tenant_id = argus_tenant());
CREATE POLICY bug_history_insert ON bug_history FOR INSERT TO argus_app WITH CHECK (tenant_id = argus_tenant());
CREATE POLICY bug_history_update ON bug_history FOR UPDATE TO argus_app USING (tenant_id = argus_tenant()) WITH CHECK (tenant_id = argus_tenant());
CREATE POLICY bug_history_delete ON bug_history FOR DELETE TO argus_app USING (tenant_id = argus_tenant());

ALTER TABLE bug_comments ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON bug_comments TO argus_app;
CREATE POLICY bug_comments_select ON bug_comments FOR SELECT TO argus_app USING (tenant_id = argus_tenant());
CREATE POLICY bug_comments_insert ON bug_comments FOR INSERT TO argus_app WITH CHECK (tenant_id = argus_tenant());
CREATE POLICY bug_comments_update ON bug_comments FOR UPDATE TO argus_app USING (tenant_id = argus_tenant()) WITH CHECK (tenant_id = argus_tenant());
CREATE POLICY bug_comments_delete ON bug_comments FOR DELETE TO argus_app USING (tenant_id = argus_tenant());

ALTER TABLE project_metrics ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON project_metrics TO argus_app;
CREATE POLICY project_metrics_select ON project_metrics FOR SELECT TO argus_app USING (tenant_id = argus_tenant());
CREATE POLICY project_metrics_insert ON project_metrics FOR INSERT TO argus_app WITH CHECK (tenant_id = argus_tenant());
CREATE POLICY project_metrics_update ON project_metrics FOR UPDATE TO argus_app USING (tenant_id = argus_tenant()) WITH CHECK (tenant_id = argus_tenant());
CREATE POLICY project_metrics_delete ON project_metrics FOR DELETE TO argus_app USING (tenant_id = argus_tenant());

ALTER TABLE monthly_metrics ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON monthly_metrics TO argus_app;
CREATE POLICY monthly_metrics_select ON monthly_metrics FOR SELECT TO argus_app USING (tenant_id = argus_tenant());
CREATE POLICY monthly_metrics_insert ON monthly_metrics FOR INSERT TO argus_app WITH CHECK (tenant_id = argus_tenant());
CREATE POLICY monthly_metrics_update ON monthly_metrics FOR UPDATE TO argus_app USING (tenant_id = argus_tenant()) WITH CHECK (tenant_id = argus_tenant());
CREATE POLICY monthly_metrics_delete ON monthly_metrics FOR DELETE TO argus_app USING (tenant_id = argus_tenant());

ALTER TABLE portfolio_metrics ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON portfolio_metrics TO argus_app;
CREATE POLICY portfolio_metrics_select ON portfolio_metrics FOR SELECT TO argus_app USING (tenant_id = argus_tenant());
CREATE POLICY portfolio_metrics_insert ON portfolio_metrics FOR INSERT TO argus_app WITH CHECK (tenant_id = argus_tenant());
CREATE POLICY portfolio_metrics_update ON portfolio_metrics FOR UPDATE TO argus_app USING (tenant_id = argus_tenant()) WITH CHECK (tenant_id = argus_tenant());
CREATE POLICY portfolio_metrics_delete ON portfolio_metrics FOR DELETE TO argus_app USING (tenant_id = argus_tenant());

ALTER TABLE bug_totals ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON bug_totals TO argus_app;
CREATE POLICY bug_totals_select ON bug_totals FOR SELECT TO argus_app USING (tenant_id = argus_tenant());
CREATE POLICY bug_totals_insert ON bug_totals FOR INSERT TO argus_app WITH CHECK (tenant_id = argus_tenant());
CREATE POLICY bug_totals_update ON bug_totals FOR UPDATE TO argus_app USING (tenant_id = argus_tenant()) WITH CHECK (tenant_id = argus_tenant());
CREATE POLICY bug_totals_delete ON bug_totals FOR DELETE TO argus_app USING (tenant_id = argus_tenant());

ALTER TABLE project_bug_totals ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON project_bug_totals TO argus_app;
CREATE POLICY project_bug_totals_select ON project_bug_totals FOR SELECT TO argus_app USING (tenant_id = argus_tenant());
CREATE POLICY project_bug_totals_insert ON project_bug_totals FOR INSERT TO argus_app WITH CHECK (tenant_id = argus_tenant());
CREATE POLICY project_bug_totals_update ON project_bug_totals FOR UPDATE TO argus_app USING (tenant_id = argus_tenant()) WITH CHECK (tenant_id = argus_tenant());
CREATE POLICY project_bug_totals_delete ON project_bug_totals FOR DELETE TO argus_app USING (tenant_id = argus_tenant());

ALTER TABLE project_totals ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON project_totals TO argus_app;
CREATE POLICY project_totals_select ON project_totals FOR SELECT TO argus_app USING (tenant_id = argus_tenant());
CREATE POLICY project_totals_insert ON project_totals FOR INSERT TO argus_app WITH CHECK (tenant_id = argus_tenant());
CREATE POLICY project_totals_update ON project_totals FOR UPDATE TO argus_app USING (tenant_id = argus_tenant()) WITH CHECK (tenant_id = argus_tenant());
CREATE POLICY project_totals_delete ON project_totals FOR DELETE TO argus_app USING (tenant_id = argus_tenant());

ALTER TABLE sync_states ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON sync_states TO argus_app;
CREATE POLICY sync_states_select ON sync_states FOR SELECT TO argus_app USING (tenant_id = argus_tenant());
CREATE POLICY sync_states_insert ON sync_states FOR INSERT TO argus_app WITH CHECK (tenant_id = argus_tenant());
CREATE POLICY sync_states_update ON sync_states FOR UPDATE TO argus_app USING (tenant_id = argus_tenant()) WITH CHECK (tenant_id = argus_tenant());
CREATE POLICY sync_states_delete ON sync_states FOR DELETE TO argus_app USING (tenant_id = argus_tenant());

-- ---------------------------------------------------------------------------------------------------------------
-- Search: as in 0002, functions of argus_search filter by argus_tenant() and answer with ids
-- ---------------------------------------------------------------------------------------------------------------
-- Projects, best first: key or name equal, beginning alike, containing the query, similar (a trigram similarity of
-- words of 0.3 or more), or with its words in the description.
CREATE FUNCTION search_projects(p_query text, p_limit int DEFAULT 20)
  RETURNS TABLE (id uuid, rank real)
  LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 20
  SET search_path = pg_catalog, public, pg_temp
  SET plan_cache_mode = force_custom_plan
  SET pg_trgm.word_similarity_threshold = 0.3
  SET client_min_messages = warning
AS $$
DECLARE
  escaped text := regexp_replace(p_query, '([\\%_])', '\\\1', 'g');
  wanted tsquery := websearch_to_tsquery('pg_catalog.english', p_query);
BEGIN
  RETURN QUERY
    SELECT f.id, (CASE WHEN f.key = upper(p_query) OR lower(f.name) = lower(p_query) THEN 4
        WHEN f.name ILIKE escaped || '%' THEN 3 WHEN f.search_text ILIKE '%' || escaped || '%' THEN 2 ELSE 0 END
      + word_similarity(p_query, f.search_text) + ts_rank(f.search_vector, wanted))::real AS score
    FROM (
      SELECT p.* FROM projects p WHERE p.tenant_id = argus_tenant() AND p.search_text ILIKE '%' || escaped || '%'
      -- likeness knows no exclusion
      UNION SELECT p.* FROM projects p WHERE p.tenant_id = argus_tenant() AND p_query <% p.search_text
        AND wanted::text NOT LIKE '%!%'
      UNION SELECT p.* FROM projects p WHERE p.tenant_id = argus_tenant() AND p.search_vector @@ wanted
    ) f
    ORDER BY score DESC, f.id DESC
    LIMIT p_limit;
END
$$;

-- Bugs, best first: by number (12, #12, KEY-12) or the other tracker's id, then by words, then, when those do not fill
-- the page, by likeness of the title. Of words that more than 5,000 bugs have, the newest 2,000 of these are ranked:
-- to rank them all would take as long as they are many.
CREATE FUNCTION search_bugs(p_query text, p_project_ids uuid[] DEFAULT NULL, p_statuses text[] DEFAULT NULL,
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

-- Owned by argus_search, callable by the application alone; see 0002.
DO $$
DECLARE
  needed text := CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END;
  borrowed boolean := NOT pg_has_role(current_user, 'argus_search', needed);
  signature regprocedure;
BEGIN
  IF borrowed THEN
    EXECUTE format('GRANT argus_search TO %I', current_user);
  END IF;
  GRANT CREATE ON SCHEMA public TO argus_search;
  FOR signature IN
    SELECT oid FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND proname IN ('search_projects', 'search_bugs')
  LOOP
    EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', signature);
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO argus_app', signature);
    EXECUTE format('ALTER FUNCTION %s OWNER TO argus_search', signature);
  END LOOP;
  REVOKE CREATE ON SCHEMA public FROM argus_search;
  IF borrowed THEN
    EXECUTE format('REVOKE argus_search FROM %I', current_user);
  END IF;
END
$$;
