-- The intelligence module: sources, watched accounts, content, keywords and their detections, identifiers, lookups, cases.
-- The tables as the models describe them come first; what Prisma cannot say follows, section by section.

-- ---------------------------------------------------------------------------------------------------------------
-- Tables, from the models
-- ---------------------------------------------------------------------------------------------------------------

-- CreateTable
CREATE TABLE "sources" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "external_ref" TEXT NOT NULL,
    "description" TEXT,
    "reliability" TEXT NOT NULL DEFAULT 'C',
    "country" TEXT,
    "is_active" BOOLEAN NOT NULL DEFAULT true,
    "last_ingested_at" TIMESTAMPTZ(3),
    "version" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "sources_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "platform_users" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "source_id" UUID NOT NULL,
    "platform_user_id" TEXT NOT NULL,
    "username" TEXT NOT NULL,
    "display_name" TEXT,
    "risk_score" DOUBLE PRECISION NOT NULL DEFAULT 0,
    "is_flagged" BOOLEAN NOT NULL DEFAULT false,
    "flagged_at" TIMESTAMPTZ(3),
    "flag_reason" TEXT,
    "flagged_by" TEXT,
    "unflagged_until" TIMESTAMPTZ(3),
    "version" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "platform_users_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "content" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "source_id" UUID NOT NULL,
    "author_id" UUID,
    "created_by_id" UUID,
    "external_id" TEXT,
    "dedupe_key" TEXT NOT NULL,
    "title" TEXT,
    "text" TEXT NOT NULL,
    "text_hash" TEXT NOT NULL,
    "language" TEXT NOT NULL DEFAULT 'und',
    "url" TEXT,
    "status" TEXT NOT NULL DEFAULT 'PENDING',
    "risk_level" TEXT NOT NULL DEFAULT 'NONE',
    "risk_score" DOUBLE PRECISION NOT NULL DEFAULT 0,
    "analysis_data" JSONB NOT NULL DEFAULT '{}',
    "keywords" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "meta_data" JSONB NOT NULL DEFAULT '{}',
    "tlp" TEXT NOT NULL DEFAULT 'GREEN',
    "posted_at" TIMESTAMPTZ(3) NOT NULL,
    "version" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "content_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "content_sightings" (
    "tenant_id" UUID NOT NULL,
    "content_id" UUID NOT NULL,
    "origin" TEXT NOT NULL,
    "seen_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "content_sightings_pkey" PRIMARY KEY ("tenant_id","content_id","origin")
);

-- CreateTable
CREATE TABLE "keywords" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "term" TEXT NOT NULL,
    "normalised_term" TEXT NOT NULL,
    "language" TEXT NOT NULL DEFAULT 'und',
    "category" TEXT NOT NULL,
    "concept_id" TEXT NOT NULL,
    "weight" DOUBLE PRECISION NOT NULL,
    "match_type" TEXT NOT NULL,
    "gap" INTEGER NOT NULL DEFAULT 0,
    "is_active" BOOLEAN NOT NULL DEFAULT true,
    "dictionary_version" INTEGER NOT NULL,
    "version" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "keywords_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "dictionaries" (
    "tenant_id" UUID NOT NULL,
    "version" INTEGER NOT NULL DEFAULT 0,
    "swept_version" INTEGER NOT NULL DEFAULT 0,
    "sweep_version" INTEGER,
    "sweep_cursor" UUID,

    CONSTRAINT "dictionaries_pkey" PRIMARY KEY ("tenant_id")
);

-- CreateTable
CREATE TABLE "detections" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "content_id" UUID NOT NULL,
    "keyword_id" UUID NOT NULL,
    "keyword_version" INTEGER NOT NULL,
    "spans" JSONB NOT NULL,
    "match_count" INTEGER NOT NULL,
    "snippet" TEXT NOT NULL,
    "score" DOUBLE PRECISION NOT NULL,
    "origin" TEXT NOT NULL,
    "status" TEXT NOT NULL DEFAULT 'NEW',
    "decided_by_id" UUID,
    "decided_at" TIMESTAMPTZ(3),
    "decision_reason" TEXT,
    "version" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "detections_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "identifiers" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "type" TEXT NOT NULL,
    "value" TEXT NOT NULL,
    "tlp" TEXT NOT NULL DEFAULT 'GREEN',
    "version" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "identifiers_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "content_identifiers" (
    "tenant_id" UUID NOT NULL,
    "content_id" UUID NOT NULL,
    "identifier_id" UUID NOT NULL,
    "raw" TEXT NOT NULL,
    "spans" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "content_identifiers_pkey" PRIMARY KEY ("tenant_id","content_id","identifier_id")
);

-- CreateTable
CREATE TABLE "osint_results" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "query" TEXT NOT NULL,
    "query_type" TEXT NOT NULL,
    "normalised_query" TEXT NOT NULL,
    "provider" TEXT NOT NULL,
    "status" TEXT NOT NULL DEFAULT 'PENDING',
    "requested_by_id" UUID,
    "results" BYTEA,
    "search_parameters" BYTEA,
    "error" TEXT,
    "result_count" INTEGER NOT NULL DEFAULT 0,
    "parent_id" UUID,
    "started_at" TIMESTAMPTZ(3),
    "completed_at" TIMESTAMPTZ(3),
    "expires_at" TIMESTAMPTZ(3),
    "version" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "osint_results_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "osint_identifier_links" (
    "tenant_id" UUID NOT NULL,
    "osint_result_id" UUID NOT NULL,
    "identifier_id" UUID NOT NULL,
    "relation" TEXT NOT NULL,
    "confidence" DOUBLE PRECISION NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "osint_identifier_links_pkey" PRIMARY KEY ("tenant_id","osint_result_id","identifier_id","relation")
);

-- CreateTable
CREATE TABLE "cases" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "number" INTEGER NOT NULL,
    "title" TEXT NOT NULL,
    "description" TEXT,
    "status" TEXT NOT NULL DEFAULT 'OPEN',
    "priority" TEXT NOT NULL DEFAULT 'MEDIUM',
    -- generated, which a model cannot say
    "priority_rank" SMALLINT NOT NULL GENERATED ALWAYS AS (CASE "priority"
        WHEN 'LOW' THEN 1 WHEN 'MEDIUM' THEN 2 WHEN 'HIGH' THEN 3 WHEN 'CRITICAL' THEN 4 END) STORED,
    "severity" TEXT NOT NULL DEFAULT 'MEDIUM',
    "tlp" TEXT NOT NULL DEFAULT 'GREEN',
    "start_date" TIMESTAMPTZ(3) NOT NULL,
    "due_date" TIMESTAMPTZ(3),
    "actual_completion" TIMESTAMPTZ(3),
    "resolution" TEXT,
    "impact" TEXT,
    "reopen_reason" TEXT,
    "assigned_to_id" UUID,
    "created_by_id" UUID,
    "version" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "cases_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "case_contents" (
    "tenant_id" UUID NOT NULL,
    "case_id" UUID NOT NULL,
    "content_id" UUID NOT NULL,
    "added_by_id" UUID,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "case_contents_pkey" PRIMARY KEY ("tenant_id","case_id","content_id")
);

-- CreateTable
CREATE TABLE "case_identifiers" (
    "tenant_id" UUID NOT NULL,
    "case_id" UUID NOT NULL,
    "identifier_id" UUID NOT NULL,
    "added_by_id" UUID,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "case_identifiers_pkey" PRIMARY KEY ("tenant_id","case_id","identifier_id")
);

-- CreateTable
CREATE TABLE "case_detections" (
    "tenant_id" UUID NOT NULL,
    "case_id" UUID NOT NULL,
    "detection_id" UUID NOT NULL,
    "added_by_id" UUID,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "case_detections_pkey" PRIMARY KEY ("tenant_id","case_id","detection_id")
);

-- CreateTable
CREATE TABLE "case_platform_users" (
    "tenant_id" UUID NOT NULL,
    "case_id" UUID NOT NULL,
    "platform_user_id" UUID NOT NULL,
    "role" TEXT NOT NULL DEFAULT 'UNKNOWN',
    "added_by_id" UUID,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "case_platform_users_pkey" PRIMARY KEY ("tenant_id","case_id","platform_user_id")
);

-- CreateIndex
CREATE INDEX "sources_tenant_id_created_at_id_idx" ON "sources"("tenant_id", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "sources_tenant_id_name_id_idx" ON "sources"("tenant_id", "name", "id");

-- CreateIndex
CREATE INDEX "sources_tenant_id_kind_created_at_id_idx" ON "sources"("tenant_id", "kind", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "sources_tenant_id_reliability_created_at_id_idx" ON "sources"("tenant_id", "reliability", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "sources_tenant_id_is_active_created_at_id_idx" ON "sources"("tenant_id", "is_active", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE UNIQUE INDEX "sources_tenant_id_kind_external_ref_key" ON "sources"("tenant_id", "kind", "external_ref");

-- CreateIndex
CREATE INDEX "platform_users_tenant_id_created_at_id_idx" ON "platform_users"("tenant_id", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "platform_users_tenant_id_username_id_idx" ON "platform_users"("tenant_id", "username", "id");

-- CreateIndex
CREATE INDEX "platform_users_tenant_id_risk_score_id_idx" ON "platform_users"("tenant_id", "risk_score" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "platform_users_tenant_id_platform_user_id_is_flagged_idx" ON "platform_users"("tenant_id", "platform_user_id", "is_flagged");

-- CreateIndex
CREATE INDEX "platform_users_tenant_id_source_id_is_flagged_created_at_id_idx" ON "platform_users"("tenant_id", "source_id", "is_flagged", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "platform_users_tenant_id_source_id_created_at_id_idx" ON "platform_users"("tenant_id", "source_id", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "platform_users_tenant_id_is_flagged_created_at_id_idx" ON "platform_users"("tenant_id", "is_flagged", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE UNIQUE INDEX "platform_users_tenant_id_source_id_platform_user_id_key" ON "platform_users"("tenant_id", "source_id", "platform_user_id");

-- CreateIndex
CREATE INDEX "content_tenant_id_created_at_id_idx" ON "content"("tenant_id", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "content_tenant_id_posted_at_id_idx" ON "content"("tenant_id", "posted_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "content_tenant_id_risk_score_id_idx" ON "content"("tenant_id", "risk_score" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "content_tenant_id_source_id_risk_level_created_at_id_idx" ON "content"("tenant_id", "source_id", "risk_level", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "content_tenant_id_source_id_created_at_id_idx" ON "content"("tenant_id", "source_id", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "content_tenant_id_created_by_id_created_at_id_idx" ON "content"("tenant_id", "created_by_id", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "content_tenant_id_author_id_created_at_id_idx" ON "content"("tenant_id", "author_id", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "content_tenant_id_status_risk_level_created_at_id_idx" ON "content"("tenant_id", "status", "risk_level", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "content_tenant_id_status_created_at_id_idx" ON "content"("tenant_id", "status", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "content_tenant_id_risk_level_created_at_id_idx" ON "content"("tenant_id", "risk_level", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "content_tenant_id_language_created_at_id_idx" ON "content"("tenant_id", "language", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "content_tenant_id_tlp_created_at_id_idx" ON "content"("tenant_id", "tlp", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "content_tenant_id_external_id_idx" ON "content"("tenant_id", "external_id");

-- CreateIndex
CREATE UNIQUE INDEX "content_tenant_id_source_id_dedupe_key_key" ON "content"("tenant_id", "source_id", "dedupe_key");

-- CreateIndex
CREATE INDEX "keywords_tenant_id_created_at_id_idx" ON "keywords"("tenant_id", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "keywords_tenant_id_normalised_term_id_idx" ON "keywords"("tenant_id", "normalised_term", "id");

-- CreateIndex
CREATE INDEX "keywords_tenant_id_weight_id_idx" ON "keywords"("tenant_id", "weight" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "keywords_tenant_id_category_created_at_id_idx" ON "keywords"("tenant_id", "category", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "keywords_tenant_id_match_type_created_at_id_idx" ON "keywords"("tenant_id", "match_type", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "keywords_tenant_id_language_created_at_id_idx" ON "keywords"("tenant_id", "language", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "keywords_tenant_id_concept_id_created_at_id_idx" ON "keywords"("tenant_id", "concept_id", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "keywords_tenant_id_is_active_created_at_id_idx" ON "keywords"("tenant_id", "is_active", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "keywords_tenant_id_dictionary_version_idx" ON "keywords"("tenant_id", "dictionary_version");

-- CreateIndex
CREATE UNIQUE INDEX "keywords_tenant_id_language_normalised_term_match_type_key" ON "keywords"("tenant_id", "language", "normalised_term", "match_type");

-- CreateIndex
CREATE INDEX "detections_tenant_id_created_at_id_idx" ON "detections"("tenant_id", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "detections_tenant_id_score_id_idx" ON "detections"("tenant_id", "score" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "detections_tenant_id_keyword_id_created_at_id_idx" ON "detections"("tenant_id", "keyword_id", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "detections_tenant_id_content_id_created_at_id_idx" ON "detections"("tenant_id", "content_id", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "detections_tenant_id_status_created_at_id_idx" ON "detections"("tenant_id", "status", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "detections_tenant_id_origin_created_at_id_idx" ON "detections"("tenant_id", "origin", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "detections_tenant_id_decided_by_id_idx" ON "detections"("tenant_id", "decided_by_id");

-- CreateIndex
CREATE UNIQUE INDEX "detections_tenant_id_content_id_keyword_id_key" ON "detections"("tenant_id", "content_id", "keyword_id");

-- CreateIndex
CREATE INDEX "identifiers_tenant_id_created_at_id_idx" ON "identifiers"("tenant_id", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "identifiers_tenant_id_type_created_at_id_idx" ON "identifiers"("tenant_id", "type", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "identifiers_tenant_id_value_id_idx" ON "identifiers"("tenant_id", "value", "id");

-- CreateIndex
CREATE UNIQUE INDEX "identifiers_tenant_id_type_value_key" ON "identifiers"("tenant_id", "type", "value");

-- CreateIndex
CREATE INDEX "content_identifiers_tenant_id_identifier_id_content_id_idx" ON "content_identifiers"("tenant_id", "identifier_id", "content_id");

-- CreateIndex
CREATE INDEX "osint_results_tenant_id_created_at_id_idx" ON "osint_results"("tenant_id", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "osint_results_tenant_id_normalised_query_created_at_id_idx" ON "osint_results"("tenant_id", "normalised_query", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "osint_results_tenant_id_status_created_at_id_idx" ON "osint_results"("tenant_id", "status", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "osint_results_tenant_id_query_type_created_at_id_idx" ON "osint_results"("tenant_id", "query_type", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "osint_results_tenant_id_requested_by_id_created_at_id_idx" ON "osint_results"("tenant_id", "requested_by_id", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "osint_results_tenant_id_parent_id_idx" ON "osint_results"("tenant_id", "parent_id");

-- CreateIndex
CREATE INDEX "osint_identifier_links_tenant_id_identifier_id_osint_result_idx" ON "osint_identifier_links"("tenant_id", "identifier_id", "osint_result_id");

-- CreateIndex
CREATE INDEX "cases_tenant_id_created_at_id_idx" ON "cases"("tenant_id", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "cases_tenant_id_priority_rank_id_idx" ON "cases"("tenant_id", "priority_rank" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "cases_tenant_id_status_priority_created_at_id_idx" ON "cases"("tenant_id", "status", "priority", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "cases_tenant_id_status_created_at_id_idx" ON "cases"("tenant_id", "status", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "cases_tenant_id_priority_created_at_id_idx" ON "cases"("tenant_id", "priority", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "cases_tenant_id_severity_created_at_id_idx" ON "cases"("tenant_id", "severity", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "cases_tenant_id_assigned_to_id_status_created_at_id_idx" ON "cases"("tenant_id", "assigned_to_id", "status", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "cases_tenant_id_assigned_to_id_created_at_id_idx" ON "cases"("tenant_id", "assigned_to_id", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "cases_tenant_id_created_by_id_idx" ON "cases"("tenant_id", "created_by_id");

-- CreateIndex
CREATE INDEX "cases_tenant_id_actual_completion_idx" ON "cases"("tenant_id", "actual_completion");

-- CreateIndex
CREATE UNIQUE INDEX "cases_tenant_id_number_key" ON "cases"("tenant_id", "number");

-- CreateIndex
CREATE INDEX "case_contents_tenant_id_content_id_case_id_idx" ON "case_contents"("tenant_id", "content_id", "case_id");

-- CreateIndex
CREATE INDEX "case_contents_tenant_id_added_by_id_idx" ON "case_contents"("tenant_id", "added_by_id");

-- CreateIndex
CREATE INDEX "case_identifiers_tenant_id_identifier_id_case_id_idx" ON "case_identifiers"("tenant_id", "identifier_id", "case_id");

-- CreateIndex
CREATE INDEX "case_identifiers_tenant_id_added_by_id_idx" ON "case_identifiers"("tenant_id", "added_by_id");

-- CreateIndex
CREATE INDEX "case_detections_tenant_id_detection_id_case_id_idx" ON "case_detections"("tenant_id", "detection_id", "case_id");

-- CreateIndex
CREATE INDEX "case_detections_tenant_id_added_by_id_idx" ON "case_detections"("tenant_id", "added_by_id");

-- CreateIndex
CREATE INDEX "case_platform_users_tenant_id_platform_user_id_case_id_idx" ON "case_platform_users"("tenant_id", "platform_user_id", "case_id");

-- CreateIndex
CREATE INDEX "case_platform_users_tenant_id_added_by_id_idx" ON "case_platform_users"("tenant_id", "added_by_id");

-- AddForeignKey
ALTER TABLE "platform_users" ADD CONSTRAINT "platform_users_tenant_id_source_id_fkey" FOREIGN KEY ("tenant_id", "source_id") REFERENCES "sources"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "content" ADD CONSTRAINT "content_tenant_id_source_id_fkey" FOREIGN KEY ("tenant_id", "source_id") REFERENCES "sources"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "content" ADD CONSTRAINT "content_tenant_id_author_id_fkey" FOREIGN KEY ("tenant_id", "author_id") REFERENCES "platform_users"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "content_sightings" ADD CONSTRAINT "content_sightings_tenant_id_content_id_fkey" FOREIGN KEY ("tenant_id", "content_id") REFERENCES "content"("tenant_id", "id") ON DELETE CASCADE ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "detections" ADD CONSTRAINT "detections_tenant_id_content_id_fkey" FOREIGN KEY ("tenant_id", "content_id") REFERENCES "content"("tenant_id", "id") ON DELETE CASCADE ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "detections" ADD CONSTRAINT "detections_tenant_id_keyword_id_fkey" FOREIGN KEY ("tenant_id", "keyword_id") REFERENCES "keywords"("tenant_id", "id") ON DELETE CASCADE ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "content_identifiers" ADD CONSTRAINT "content_identifiers_tenant_id_content_id_fkey" FOREIGN KEY ("tenant_id", "content_id") REFERENCES "content"("tenant_id", "id") ON DELETE CASCADE ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "content_identifiers" ADD CONSTRAINT "content_identifiers_tenant_id_identifier_id_fkey" FOREIGN KEY ("tenant_id", "identifier_id") REFERENCES "identifiers"("tenant_id", "id") ON DELETE CASCADE ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "osint_results" ADD CONSTRAINT "osint_results_tenant_id_parent_id_fkey" FOREIGN KEY ("tenant_id", "parent_id") REFERENCES "osint_results"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "osint_identifier_links" ADD CONSTRAINT "osint_identifier_links_tenant_id_osint_result_id_fkey" FOREIGN KEY ("tenant_id", "osint_result_id") REFERENCES "osint_results"("tenant_id", "id") ON DELETE CASCADE ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "osint_identifier_links" ADD CONSTRAINT "osint_identifier_links_tenant_id_identifier_id_fkey" FOREIGN KEY ("tenant_id", "identifier_id") REFERENCES "identifiers"("tenant_id", "id") ON DELETE CASCADE ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "case_contents" ADD CONSTRAINT "case_contents_tenant_id_case_id_fkey" FOREIGN KEY ("tenant_id", "case_id") REFERENCES "cases"("tenant_id", "id") ON DELETE CASCADE ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "case_contents" ADD CONSTRAINT "case_contents_tenant_id_content_id_fkey" FOREIGN KEY ("tenant_id", "content_id") REFERENCES "content"("tenant_id", "id") ON DELETE CASCADE ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "case_identifiers" ADD CONSTRAINT "case_identifiers_tenant_id_case_id_fkey" FOREIGN KEY ("tenant_id", "case_id") REFERENCES "cases"("tenant_id", "id") ON DELETE CASCADE ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "case_identifiers" ADD CONSTRAINT "case_identifiers_tenant_id_identifier_id_fkey" FOREIGN KEY ("tenant_id", "identifier_id") REFERENCES "identifiers"("tenant_id", "id") ON DELETE CASCADE ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "case_detections" ADD CONSTRAINT "case_detections_tenant_id_case_id_fkey" FOREIGN KEY ("tenant_id", "case_id") REFERENCES "cases"("tenant_id", "id") ON DELETE CASCADE ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "case_detections" ADD CONSTRAINT "case_detections_tenant_id_detection_id_fkey" FOREIGN KEY ("tenant_id", "detection_id") REFERENCES "detections"("tenant_id", "id") ON DELETE CASCADE ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "case_platform_users" ADD CONSTRAINT "case_platform_users_tenant_id_case_id_fkey" FOREIGN KEY ("tenant_id", "case_id") REFERENCES "cases"("tenant_id", "id") ON DELETE CASCADE ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "case_platform_users" ADD CONSTRAINT "case_platform_users_tenant_id_platform_user_id_fkey" FOREIGN KEY ("tenant_id", "platform_user_id") REFERENCES "platform_users"("tenant_id", "id") ON DELETE CASCADE ON UPDATE NO ACTION;

-- ---------------------------------------------------------------------------------------------------------------
-- Lists are never null (Prisma's array columns would allow it)
-- ---------------------------------------------------------------------------------------------------------------
ALTER TABLE content ALTER COLUMN keywords SET NOT NULL;

-- ---------------------------------------------------------------------------------------------------------------
-- Foreign keys that the models leave out
-- ---------------------------------------------------------------------------------------------------------------
ALTER TABLE sources
  ADD CONSTRAINT sources_tenant_id_fkey
    FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE;
ALTER TABLE platform_users
  ADD CONSTRAINT platform_users_tenant_id_fkey
    FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE;
ALTER TABLE content
  ADD CONSTRAINT content_tenant_id_fkey
    FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE,
  ADD CONSTRAINT content_tenant_id_created_by_id_fkey
    FOREIGN KEY (tenant_id, created_by_id) REFERENCES members (tenant_id, id) ON DELETE SET NULL (created_by_id);
ALTER TABLE content_sightings
  ADD CONSTRAINT content_sightings_tenant_id_fkey
    FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE;
ALTER TABLE keywords
  ADD CONSTRAINT keywords_tenant_id_fkey
    FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE;
ALTER TABLE dictionaries
  ADD CONSTRAINT dictionaries_tenant_id_fkey
    FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE;
ALTER TABLE detections
  ADD CONSTRAINT detections_tenant_id_fkey
    FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE,
  ADD CONSTRAINT detections_tenant_id_decided_by_id_fkey
    FOREIGN KEY (tenant_id, decided_by_id) REFERENCES members (tenant_id, id) ON DELETE SET NULL (decided_by_id);
ALTER TABLE identifiers
  ADD CONSTRAINT identifiers_tenant_id_fkey
    FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE;
ALTER TABLE content_identifiers
  ADD CONSTRAINT content_identifiers_tenant_id_fkey
    FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE;
ALTER TABLE osint_results
  ADD CONSTRAINT osint_results_tenant_id_fkey
    FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE,
  ADD CONSTRAINT osint_results_tenant_id_requested_by_id_fkey
    FOREIGN KEY (tenant_id, requested_by_id) REFERENCES members (tenant_id, id) ON DELETE SET NULL (requested_by_id);
ALTER TABLE osint_identifier_links
  ADD CONSTRAINT osint_identifier_links_tenant_id_fkey
    FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE;
ALTER TABLE cases
  ADD CONSTRAINT cases_tenant_id_fkey
    FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE,
  ADD CONSTRAINT cases_tenant_id_assigned_to_id_fkey
    FOREIGN KEY (tenant_id, assigned_to_id) REFERENCES members (tenant_id, id) ON DELETE SET NULL (assigned_to_id),
  ADD CONSTRAINT cases_tenant_id_created_by_id_fkey
    FOREIGN KEY (tenant_id, created_by_id) REFERENCES members (tenant_id, id) ON DELETE SET NULL (created_by_id);
ALTER TABLE case_contents
  ADD CONSTRAINT case_contents_tenant_id_fkey
    FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE,
  ADD CONSTRAINT case_contents_tenant_id_added_by_id_fkey
    FOREIGN KEY (tenant_id, added_by_id) REFERENCES members (tenant_id, id) ON DELETE SET NULL (added_by_id);
ALTER TABLE case_identifiers
  ADD CONSTRAINT case_identifiers_tenant_id_fkey
    FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE,
  ADD CONSTRAINT case_identifiers_tenant_id_added_by_id_fkey
    FOREIGN KEY (tenant_id, added_by_id) REFERENCES members (tenant_id, id) ON DELETE SET NULL (added_by_id);
ALTER TABLE case_detections
  ADD CONSTRAINT case_detections_tenant_id_fkey
    FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE,
  ADD CONSTRAINT case_detections_tenant_id_added_by_id_fkey
    FOREIGN KEY (tenant_id, added_by_id) REFERENCES members (tenant_id, id) ON DELETE SET NULL (added_by_id);
ALTER TABLE case_platform_users
  ADD CONSTRAINT case_platform_users_tenant_id_fkey
    FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE,
  ADD CONSTRAINT case_platform_users_tenant_id_added_by_id_fkey
    FOREIGN KEY (tenant_id, added_by_id) REFERENCES members (tenant_id, id) ON DELETE SET NULL (added_by_id);

-- ---------------------------------------------------------------------------------------------------------------
-- Checks
-- ---------------------------------------------------------------------------------------------------------------
ALTER TABLE sources
  ADD CONSTRAINT sources_kind_check CHECK (kind IN ('TELEGRAM', 'INSTAGRAM', 'WHATSAPP', 'FORUM', 'MARKET', 'WEBSITE',
    'FEED', 'MANUAL')),
  ADD CONSTRAINT sources_reliability_check CHECK (reliability IN ('A', 'B', 'C', 'D', 'E', 'F')),
  ADD CONSTRAINT sources_name_check CHECK (char_length(name) BETWEEN 1 AND 200),
  -- bytes where a B-tree holds the value: an entry has room for about 2,700
  ADD CONSTRAINT sources_external_ref_check CHECK (octet_length(external_ref) BETWEEN 1 AND 2000),
  ADD CONSTRAINT sources_description_check CHECK (char_length(description) <= 10000),
  ADD CONSTRAINT sources_country_check CHECK (country ~ '^[A-Z]{2}$'),
  ADD CONSTRAINT sources_version_check CHECK (version > 0);

ALTER TABLE platform_users
  ADD CONSTRAINT platform_users_platform_user_id_check CHECK (char_length(platform_user_id) BETWEEN 1 AND 200),
  ADD CONSTRAINT platform_users_username_check CHECK (char_length(username) BETWEEN 1 AND 200),
  ADD CONSTRAINT platform_users_display_name_check CHECK (char_length(display_name) <= 200),
  ADD CONSTRAINT platform_users_risk_score_check CHECK (risk_score BETWEEN 0 AND 1),
  ADD CONSTRAINT platform_users_flag_reason_check CHECK (char_length(flag_reason) <= 2000),
  ADD CONSTRAINT platform_users_flagged_by_check CHECK (flagged_by IN ('RULE', 'HUMAN')),
  ADD CONSTRAINT platform_users_version_check CHECK (version > 0);

ALTER TABLE content
  ADD CONSTRAINT content_external_id_check CHECK (char_length(external_id) BETWEEN 1 AND 500),
  ADD CONSTRAINT content_dedupe_key_check CHECK (char_length(dedupe_key) BETWEEN 1 AND 600),
  ADD CONSTRAINT content_title_check CHECK (char_length(title) <= 500),
  ADD CONSTRAINT content_text_check CHECK (char_length(text) <= 1000000),
  ADD CONSTRAINT content_text_hash_check CHECK (text_hash ~ '^[0-9a-f]{64}$'),
  ADD CONSTRAINT content_language_check CHECK (language ~ '^([a-z]{2}|und)$'),
  ADD CONSTRAINT content_url_check CHECK (char_length(url) <= 4000),
  ADD CONSTRAINT content_status_check CHECK (status IN ('PENDING', 'ANALYZED', 'REVIEWED', 'ARCHIVED')),
  ADD CONSTRAINT content_risk_level_check CHECK (risk_level IN ('NONE', 'LOW', 'MEDIUM', 'HIGH', 'CRITICAL')),
  ADD CONSTRAINT content_risk_score_check CHECK (risk_score BETWEEN 0 AND 1),
  ADD CONSTRAINT content_tlp_check CHECK (tlp IN ('CLEAR', 'GREEN', 'AMBER', 'AMBER_STRICT', 'RED')),
  ADD CONSTRAINT content_version_check CHECK (version > 0);

ALTER TABLE content_sightings
  ADD CONSTRAINT content_sightings_origin_check CHECK (char_length(origin) BETWEEN 1 AND 500);

ALTER TABLE keywords
  ADD CONSTRAINT keywords_term_check CHECK (char_length(term) BETWEEN 1 AND 500),
  ADD CONSTRAINT keywords_normalised_term_check CHECK (char_length(normalised_term) BETWEEN 1 AND 600),
  ADD CONSTRAINT keywords_language_check CHECK (language ~ '^([a-z]{2}|und)$'),
  ADD CONSTRAINT keywords_category_check CHECK (category IN ('SUBSTANCE', 'SLANG', 'EMOJI', 'LOGISTICS', 'PAYMENT',
    'WEAPON', 'FRAUD', 'MALWARE', 'ACTOR', 'OTHER')),
  ADD CONSTRAINT keywords_concept_id_check CHECK (char_length(concept_id) BETWEEN 1 AND 200),
  ADD CONSTRAINT keywords_weight_check CHECK (weight BETWEEN 0 AND 1),
  ADD CONSTRAINT keywords_match_type_check CHECK (match_type IN ('LITERAL', 'PHRASE', 'WILDCARD', 'REGEX', 'EMOJI')),
  ADD CONSTRAINT keywords_gap_check CHECK (gap BETWEEN 0 AND 20),
  ADD CONSTRAINT keywords_version_check CHECK (version > 0);

ALTER TABLE dictionaries
  ADD CONSTRAINT dictionaries_versions_check CHECK (version >= 0 AND swept_version BETWEEN 0 AND version),
  ADD CONSTRAINT dictionaries_sweep_check CHECK (sweep_version BETWEEN 0 AND version);

ALTER TABLE detections
  ADD CONSTRAINT detections_status_check CHECK (status IN ('NEW', 'CONFIRMED', 'DISMISSED')),
  ADD CONSTRAINT detections_origin_check CHECK (origin IN ('LIVE', 'RETRO')),
  ADD CONSTRAINT detections_score_check CHECK (score BETWEEN 0 AND 1),
  ADD CONSTRAINT detections_match_count_check CHECK (match_count > 0),
  ADD CONSTRAINT detections_spans_check CHECK (jsonb_typeof(spans) = 'array'),
  ADD CONSTRAINT detections_snippet_check CHECK (char_length(snippet) <= 2000),
  ADD CONSTRAINT detections_decision_reason_check CHECK (char_length(decision_reason) <= 2000),
  ADD CONSTRAINT detections_version_check CHECK (version > 0);

ALTER TABLE identifiers
  ADD CONSTRAINT identifiers_type_check CHECK (type IN ('EMAIL', 'PHONE', 'HANDLE', 'URL', 'DOMAIN', 'ONION', 'IPV4',
    'IPV6', 'BTC', 'ETH', 'XMR', 'IBAN', 'HASH_MD5', 'HASH_SHA1', 'HASH_SHA256', 'PGP', 'COORDINATE')),
  ADD CONSTRAINT identifiers_value_check CHECK (octet_length(value) BETWEEN 1 AND 2048),
  ADD CONSTRAINT identifiers_tlp_check CHECK (tlp IN ('CLEAR', 'GREEN', 'AMBER', 'AMBER_STRICT', 'RED')),
  ADD CONSTRAINT identifiers_version_check CHECK (version > 0);

ALTER TABLE content_identifiers
  ADD CONSTRAINT content_identifiers_raw_check CHECK (char_length(raw) <= 4096),
  ADD CONSTRAINT content_identifiers_spans_check CHECK (jsonb_typeof(spans) = 'array');

ALTER TABLE osint_results
  ADD CONSTRAINT osint_results_query_check CHECK (char_length(query) BETWEEN 1 AND 2048),
  ADD CONSTRAINT osint_results_query_type_check CHECK (char_length(query_type) BETWEEN 1 AND 50),
  ADD CONSTRAINT osint_results_normalised_query_check CHECK (octet_length(normalised_query) BETWEEN 1 AND 2048),
  ADD CONSTRAINT osint_results_provider_check CHECK (char_length(provider) BETWEEN 1 AND 100),
  ADD CONSTRAINT osint_results_status_check CHECK (status IN ('PENDING', 'RUNNING', 'COMPLETED', 'FAILED',
    'CANCELLED')),
  ADD CONSTRAINT osint_results_error_check CHECK (char_length(error) <= 4000),
  ADD CONSTRAINT osint_results_result_count_check CHECK (result_count >= 0),
  ADD CONSTRAINT osint_results_version_check CHECK (version > 0);

ALTER TABLE osint_identifier_links
  ADD CONSTRAINT osint_identifier_links_relation_check CHECK (relation IN ('QUERIED', 'FOUND')),
  ADD CONSTRAINT osint_identifier_links_confidence_check CHECK (confidence BETWEEN 0 AND 1);

ALTER TABLE cases
  ADD CONSTRAINT cases_number_check CHECK (number > 0),
  ADD CONSTRAINT cases_title_check CHECK (char_length(title) BETWEEN 1 AND 500),
  ADD CONSTRAINT cases_description_check CHECK (char_length(description) <= 20000),
  ADD CONSTRAINT cases_status_check CHECK (status IN ('OPEN', 'IN_PROGRESS', 'ON_HOLD', 'RESOLVED', 'CLOSED')),
  ADD CONSTRAINT cases_priority_check CHECK (priority IN ('LOW', 'MEDIUM', 'HIGH', 'CRITICAL')),
  ADD CONSTRAINT cases_severity_check CHECK (severity IN ('LOW', 'MEDIUM', 'HIGH', 'CRITICAL')),
  ADD CONSTRAINT cases_tlp_check CHECK (tlp IN ('CLEAR', 'GREEN', 'AMBER', 'AMBER_STRICT', 'RED')),
  ADD CONSTRAINT cases_resolution_check CHECK (resolution IN ('INDETERMINATE', 'FALSE_POSITIVE', 'TRUE_POSITIVE',
    'OTHER', 'DUPLICATED')),
  ADD CONSTRAINT cases_impact_check CHECK (impact IN ('NO_IMPACT', 'WITH_IMPACT', 'NOT_APPLICABLE')),
  ADD CONSTRAINT cases_closed_check CHECK ((status = 'CLOSED') = (actual_completion IS NOT NULL)),
  ADD CONSTRAINT cases_reopen_reason_check CHECK (char_length(reopen_reason) <= 2000),
  ADD CONSTRAINT cases_version_check CHECK (version > 0);

ALTER TABLE case_platform_users
  ADD CONSTRAINT case_platform_users_role_check CHECK (role IN ('SUSPECT', 'WITNESS', 'VICTIM', 'UNKNOWN'));

-- ---------------------------------------------------------------------------------------------------------------
-- Generated columns
-- ---------------------------------------------------------------------------------------------------------------
-- The text search configuration of an ISO 639-1 code. Constants, so that it is immutable and a column can be
-- generated with it; names are qualified because a restored dump has an empty search path.
CREATE FUNCTION argus_text_config(language text) RETURNS regconfig
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN CASE language
    WHEN 'en' THEN 'pg_catalog.english'::regconfig
    WHEN 'de' THEN 'pg_catalog.german'::regconfig
    WHEN 'fr' THEN 'pg_catalog.french'::regconfig
    WHEN 'es' THEN 'pg_catalog.spanish'::regconfig
    WHEN 'it' THEN 'pg_catalog.italian'::regconfig
    WHEN 'pt' THEN 'pg_catalog.portuguese'::regconfig
    WHEN 'nl' THEN 'pg_catalog.dutch'::regconfig
    WHEN 'ru' THEN 'pg_catalog.russian'::regconfig
    WHEN 'sv' THEN 'pg_catalog.swedish'::regconfig
    WHEN 'da' THEN 'pg_catalog.danish'::regconfig
    WHEN 'no' THEN 'pg_catalog.norwegian'::regconfig
    WHEN 'nb' THEN 'pg_catalog.norwegian'::regconfig
    WHEN 'fi' THEN 'pg_catalog.finnish'::regconfig
    WHEN 'tr' THEN 'pg_catalog.turkish'::regconfig
    WHEN 'hu' THEN 'pg_catalog.hungarian'::regconfig
    WHEN 'ro' THEN 'pg_catalog.romanian'::regconfig
    ELSE 'pg_catalog.simple'::regconfig
  END;

-- Title before text. A tsvector holds 1 MB: short texts always fit; of a long one the first 500,000 characters are
-- tried, and where those have too many different words, the first 60,000.
CREATE FUNCTION argus_content_vector(language text, title text, body text) RETURNS tsvector
  LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
  SET client_min_messages = warning -- "word is too long to be indexed", for each one
AS $$
DECLARE
  config regconfig := public.argus_text_config(language);
  head tsvector := setweight(to_tsvector(config, coalesce(title, '')), 'A');
BEGIN
  IF octet_length(body) <= 100000 THEN
    RETURN head || setweight(to_tsvector(config, body), 'B');
  END IF;
  BEGIN
    RETURN head || setweight(to_tsvector(config, left(body, 500000)), 'B');
  EXCEPTION WHEN program_limit_exceeded THEN
    RETURN head || setweight(to_tsvector(config, left(body, 60000)), 'B');
  END;
END
$$;

-- writing content evaluates them as whoever writes
REVOKE EXECUTE ON FUNCTION argus_text_config(text), argus_content_vector(text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION argus_text_config(text), argus_content_vector(text, text, text) TO argus_app, argus_search;

-- Texts that lists filter or order by compare by code point whatever the database's locale: "starts with" can then use
-- the index, and the order is that of the in-memory predicate.
ALTER TABLE sources ALTER COLUMN name TYPE text COLLATE "C";
ALTER TABLE platform_users ALTER COLUMN platform_user_id TYPE text COLLATE "C", ALTER COLUMN username TYPE text COLLATE "C";
ALTER TABLE content ALTER COLUMN external_id TYPE text COLLATE "C", ALTER COLUMN language TYPE text COLLATE "C";
ALTER TABLE keywords ALTER COLUMN normalised_term TYPE text COLLATE "C", ALTER COLUMN concept_id TYPE text COLLATE "C",
  ALTER COLUMN language TYPE text COLLATE "C";
ALTER TABLE identifiers ALTER COLUMN value TYPE text COLLATE "C";
ALTER TABLE osint_results ALTER COLUMN normalised_query TYPE text COLLATE "C";

ALTER TABLE content ADD COLUMN search_vector tsvector NOT NULL
  GENERATED ALWAYS AS (argus_content_vector(language, title, text)) STORED;
ALTER TABLE keywords ADD COLUMN search_vector tsvector NOT NULL
  GENERATED ALWAYS AS (to_tsvector('pg_catalog.simple', term)) STORED;

-- ---------------------------------------------------------------------------------------------------------------
-- Indexes that the models cannot describe: used by the search functions only, see roles in 0001
-- ---------------------------------------------------------------------------------------------------------------
CREATE INDEX content_search_idx ON content USING gin (tenant_id, search_vector);
CREATE INDEX content_keywords_idx ON content USING gin (tenant_id, keywords);
CREATE INDEX content_analysis_idx ON content USING gin (tenant_id, analysis_data jsonb_path_ops);
CREATE INDEX keywords_search_idx ON keywords USING gin (tenant_id, search_vector);
CREATE INDEX keywords_term_trgm_idx ON keywords USING gin (tenant_id, normalised_term gin_trgm_ops);
CREATE INDEX platform_users_username_trgm_idx ON platform_users USING gin (tenant_id, username gin_trgm_ops);
CREATE INDEX sources_name_trgm_idx ON sources USING gin (tenant_id, name gin_trgm_ops);
CREATE INDEX identifiers_value_trgm_idx ON identifiers USING gin (tenant_id, value gin_trgm_ops);
CREATE INDEX cases_title_trgm_idx ON cases USING gin (tenant_id, title gin_trgm_ops);

-- ---------------------------------------------------------------------------------------------------------------
-- Row-level security and grants: printed by `node scripts/rls.ts intel`
-- ---------------------------------------------------------------------------------------------------------------
ALTER TABLE sources ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON sources TO argus_app;
GRANT SELECT ON sources TO argus_search;
CREATE POLICY sources_select ON sources FOR SELECT TO argus_app USING (tenant_id = argus_tenant());
CREATE POLICY sources_insert ON sources FOR INSERT TO argus_app WITH CHECK (tenant_id = argus_tenant());
CREATE POLICY sources_update ON sources FOR UPDATE TO argus_app USING (tenant_id = argus_tenant()) WITH CHECK (tenant_id = argus_tenant());
CREATE POLICY sources_delete ON sources FOR DELETE TO argus_app USING (tenant_id = argus_tenant());
CREATE POLICY sources_search ON sources FOR SELECT TO argus_search USING (true);

ALTER TABLE platform_users ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON platform_users TO argus_app;
GRANT SELECT ON platform_users TO argus_search;
CREATE POLICY platform_users_select ON platform_users FOR SELECT TO argus_app USING (tenant_id = argus_tenant());
CREATE POLICY platform_users_insert ON platform_users FOR INSERT TO argus_app WITH CHECK (tenant_id = argus_tenant());
CREATE POLICY platform_users_update ON platform_users FOR UPDATE TO argus_app USING (tenant_id = argus_tenant()) WITH CHECK (tenant_id = argus_tenant());
CREATE POLICY platform_users_delete ON platform_users FOR DELETE TO argus_app USING (tenant_id = argus_tenant());
CREATE POLICY platform_users_search ON platform_users FOR SELECT TO argus_search USING (true);

ALTER TABLE content ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON content TO argus_app;
GRANT SELECT ON content TO argus_search;
CREATE POLICY content_select ON content FOR SELECT TO argus_app USING (tenant_id = argus_tenant());
CREATE POLICY content_insert ON content FOR INSERT TO argus_app WITH CHECK (tenant_id = argus_tenant());
CREATE POLICY content_update ON content FOR UPDATE TO argus_app USING (tenant_id = argus_tenant()) WITH CHECK (tenant_id = argus_tenant());
CREATE POLICY content_delete ON content FOR DELETE TO argus_app USING (tenant_id = argus_tenant());
CREATE POLICY content_search ON content FOR SELECT TO argus_search USING (true);

ALTER TABLE content_sightings ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON content_sightings TO argus_app;
CREATE POLICY content_sightings_select ON content_sightings FOR SELECT TO argus_app USING (tenant_id = argus_tenant());
CREATE POLICY content_sightings_insert ON content_sightings FOR INSERT TO argus_app WITH CHECK (tenant_id = argus_tenant());
CREATE POLICY content_sightings_update ON content_sightings FOR UPDATE TO argus_app USING (tenant_id = argus_tenant()) WITH CHECK (tenant_id = argus_tenant());
CREATE POLICY content_sightings_delete ON content_sightings FOR DELETE TO argus_app USING (tenant_id = argus_tenant());

ALTER TABLE keywords ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON keywords TO argus_app;
GRANT SELECT ON keywords TO argus_search;
CREATE POLICY keywords_select ON keywords FOR SELECT TO argus_app USING (tenant_id = argus_tenant());
CREATE POLICY keywords_insert ON keywords FOR INSERT TO argus_app WITH CHECK (tenant_id = argus_tenant());
CREATE POLICY keywords_update ON keywords FOR UPDATE TO argus_app USING (tenant_id = argus_tenant()) WITH CHECK (tenant_id = argus_tenant());
CREATE POLICY keywords_delete ON keywords FOR DELETE TO argus_app USING (tenant_id = argus_tenant());
CREATE POLICY keywords_search ON keywords FOR SELECT TO argus_search USING (true);

ALTER TABLE dictionaries ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON dictionaries TO argus_app;
CREATE POLICY dictionaries_select ON dictionaries FOR SELECT TO argus_app USING (tenant_id = argus_tenant());
CREATE POLICY dictionaries_insert ON dictionaries FOR INSERT TO argus_app WITH CHECK (tenant_id = argus_tenant());
CREATE POLICY dictionaries_update ON dictionaries FOR UPDATE TO argus_app USING (tenant_id = argus_tenant()) WITH CHECK (tenant_id = argus_tenant());
CREATE POLICY dictionaries_delete ON dictionaries FOR DELETE TO argus_app USING (tenant_id = argus_tenant());

ALTER TABLE detections ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON detections TO argus_app;
CREATE POLICY detections_select ON detections FOR SELECT TO argus_app USING (tenant_id = argus_tenant());
CREATE POLICY detections_insert ON detections FOR INSERT TO argus_app WITH CHECK (tenant_id = argus_tenant());
CREATE POLICY detections_update ON detections FOR UPDATE TO argus_app USING (tenant_id = argus_tenant()) WITH CHECK (tenant_id = argus_tenant());
CREATE POLICY detections_delete ON detections FOR DELETE TO argus_app USING (tenant_id = argus_tenant());

ALTER TABLE identifiers ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON identifiers TO argus_app;
GRANT SELECT ON identifiers TO argus_search;
CREATE POLICY identifiers_select ON identifiers FOR SELECT TO argus_app USING (tenant_id = argus_tenant());
CREATE POLICY identifiers_insert ON identifiers FOR INSERT TO argus_app WITH CHECK (tenant_id = argus_tenant());
CREATE POLICY identifiers_update ON identifiers FOR UPDATE TO argus_app USING (tenant_id = argus_tenant()) WITH CHECK (tenant_id = argus_tenant());
CREATE POLICY identifiers_delete ON identifiers FOR DELETE TO argus_app USING (tenant_id = argus_tenant());
CREATE POLICY identifiers_search ON identifiers FOR SELECT TO argus_search USING (true);

ALTER TABLE content_identifiers ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON content_identifiers TO argus_app;
CREATE POLICY content_identifiers_select ON content_identifiers FOR SELECT TO argus_app USING (tenant_id = argus_tenant());
CREATE POLICY content_identifiers_insert ON content_identifiers FOR INSERT TO argus_app WITH CHECK (tenant_id = argus_tenant());
CREATE POLICY content_identifiers_update ON content_identifiers FOR UPDATE TO argus_app USING (tenant_id = argus_tenant()) WITH CHECK (tenant_id = argus_tenant());
CREATE POLICY content_identifiers_delete ON content_identifiers FOR DELETE TO argus_app USING (tenant_id = argus_tenant());

ALTER TABLE osint_results ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON osint_results TO argus_app;
CREATE POLICY osint_results_select ON osint_results FOR SELECT TO argus_app USING (tenant_id = argus_tenant());
CREATE POLICY osint_results_insert ON osint_results FOR INSERT TO argus_app WITH CHECK (tenant_id = argus_tenant());
CREATE POLICY osint_results_update ON osint_results FOR UPDATE TO argus_app USING (tenant_id = argus_tenant()) WITH CHECK (tenant_id = argus_tenant());
CREATE POLICY osint_results_delete ON osint_results FOR DELETE TO argus_app USING (tenant_id = argus_tenant());

ALTER TABLE osint_identifier_links ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON osint_identifier_links TO argus_app;
CREATE POLICY osint_identifier_links_select ON osint_identifier_links FOR SELECT TO argus_app USING (tenant_id = argus_tenant());
CREATE POLICY osint_identifier_links_insert ON osint_identifier_links FOR INSERT TO argus_app WITH CHECK (tenant_id = argus_tenant());
CREATE POLICY osint_identifier_links_update ON osint_identifier_links FOR UPDATE TO argus_app USING (tenant_id = argus_tenant()) WITH CHECK (tenant_id = argus_tenant());
CREATE POLICY osint_identifier_links_delete ON osint_identifier_links FOR DELETE TO argus_app USING (tenant_id = argus_tenant());

ALTER TABLE cases ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON cases TO argus_app;
GRANT SELECT ON cases TO argus_search;
CREATE POLICY cases_select ON cases FOR SELECT TO argus_app USING (tenant_id = argus_tenant());
CREATE POLICY cases_insert ON cases FOR INSERT TO argus_app WITH CHECK (tenant_id = argus_tenant());
CREATE POLICY cases_update ON cases FOR UPDATE TO argus_app USING (tenant_id = argus_tenant()) WITH CHECK (tenant_id = argus_tenant());
CREATE POLICY cases_delete ON cases FOR DELETE TO argus_app USING (tenant_id = argus_tenant());
CREATE POLICY cases_search ON cases FOR SELECT TO argus_search USING (true);

ALTER TABLE case_contents ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON case_contents TO argus_app;
CREATE POLICY case_contents_select ON case_contents FOR SELECT TO argus_app USING (tenant_id = argus_tenant());
CREATE POLICY case_contents_insert ON case_contents FOR INSERT TO argus_app WITH CHECK (tenant_id = argus_tenant());
CREATE POLICY case_contents_update ON case_contents FOR UPDATE TO argus_app USING (tenant_id = argus_tenant()) WITH CHECK (tenant_id = argus_tenant());
CREATE POLICY case_contents_delete ON case_contents FOR DELETE TO argus_app USING (tenant_id = argus_tenant());

ALTER TABLE case_identifiers ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON case_identifiers TO argus_app;
CREATE POLICY case_identifiers_select ON case_identifiers FOR SELECT TO argus_app USING (tenant_id = argus_tenant());
CREATE POLICY case_identifiers_insert ON case_identifiers FOR INSERT TO argus_app WITH CHECK (tenant_id = argus_tenant());
CREATE POLICY case_identifiers_update ON case_identifiers FOR UPDATE TO argus_app USING (tenant_id = argus_tenant()) WITH CHECK (tenant_id = argus_tenant());
CREATE POLICY case_identifiers_delete ON case_identifiers FOR DELETE TO argus_app USING (tenant_id = argus_tenant());

ALTER TABLE case_detections ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON case_detections TO argus_app;
CREATE POLICY case_detections_select ON case_detections FOR SELECT TO argus_app USING (tenant_id = argus_tenant());
CREATE POLICY case_detections_insert ON case_detections FOR INSERT TO argus_app WITH CHECK (tenant_id = argus_tenant());
CREATE POLICY case_detections_update ON case_detections FOR UPDATE TO argus_app USING (tenant_id = argus_tenant()) WITH CHECK (tenant_id = argus_tenant());
CREATE POLICY case_detections_delete ON case_detections FOR DELETE TO argus_app USING (tenant_id = argus_tenant());

ALTER TABLE case_platform_users ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON case_platform_users TO argus_app;
CREATE POLICY case_platform_users_select ON case_platform_users FOR SELECT TO argus_app USING (tenant_id = argus_tenant());
CREATE POLICY case_platform_users_insert ON case_platform_users FOR INSERT TO argus_app WITH CHECK (tenant_id = argus_tenant());
CREATE POLICY case_platform_users_update ON case_platform_users FOR UPDATE TO argus_app USING (tenant_id = argus_tenant()) WITH CHECK (tenant_id = argus_tenant());
CREATE POLICY case_platform_users_delete ON case_platform_users FOR DELETE TO argus_app USING (tenant_id = argus_tenant());

-- ---------------------------------------------------------------------------------------------------------------
-- Search
-- ---------------------------------------------------------------------------------------------------------------
-- All functions read as argus_search, filter by argus_tenant(), and answer with ids: the caller joins them with the
-- table under its own row-level security. Parameters may be null, so every call is planned for its values.

-- What to look for: one query for each text search configuration that the tenant's content has, since a word is
-- stored under its language's stem. The languages are read off an index, one probe each.
CREATE FUNCTION argus_content_queries(p_query text, p_language text, OUT configs regconfig[], OUT queries tsquery[],
    OUT any_query tsquery)
  LANGUAGE plpgsql STABLE
  SET search_path = pg_catalog, public, pg_temp
  SET client_min_messages = warning -- a query of stop words only is no news
AS $$
DECLARE
  query tsquery;
BEGIN
  IF p_language IS NOT NULL THEN
    configs := ARRAY[argus_text_config(p_language)];
  ELSE
    WITH RECURSIVE languages AS (
      (SELECT c.language FROM content c WHERE c.tenant_id = argus_tenant() ORDER BY c.language LIMIT 1)
      UNION ALL
      SELECT (SELECT c.language FROM content c WHERE c.tenant_id = argus_tenant() AND c.language > l.language
              ORDER BY c.language LIMIT 1)
      FROM languages l WHERE l.language IS NOT NULL
    )
    SELECT array_agg(DISTINCT argus_text_config(l.language)) INTO configs
    FROM languages l WHERE l.language IS NOT NULL;
  END IF;
  SELECT array_agg(websearch_to_tsquery(u.config, p_query) ORDER BY u.place) INTO queries
  FROM unnest(configs) WITH ORDINALITY u (config, place);
  FOR query IN SELECT DISTINCT q.query FROM unnest(queries) q (query) WHERE numnode(q.query) > 0 LOOP
    any_query := CASE WHEN any_query IS NULL THEN query ELSE any_query || query END;
  END LOOP;
END
$$;

-- Content that has the words, unordered: for counts and facets.
CREATE FUNCTION search_content_ids(p_query text, p_language text DEFAULT NULL, p_risk_levels text[] DEFAULT NULL,
    p_source_ids uuid[] DEFAULT NULL, p_statuses text[] DEFAULT NULL, p_from timestamptz DEFAULT NULL,
    p_to timestamptz DEFAULT NULL)
  RETURNS TABLE (id uuid)
  LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 500
  SET search_path = pg_catalog, public, pg_temp
  SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
  q record;
  excludes boolean;
BEGIN
  SELECT * INTO q FROM argus_content_queries(p_query, p_language);
  -- "-word" must be excluded under the row's own language: another language's stem would miss it
  excludes := p_language IS NULL AND q.any_query::text LIKE '%!%';
  RETURN QUERY
    SELECT c.id FROM content c
    WHERE c.tenant_id = argus_tenant() AND c.search_vector @@ q.any_query
      AND (NOT excludes OR c.search_vector @@ q.queries[array_position(q.configs, argus_text_config(c.language))])
      AND (p_risk_levels IS NULL OR c.risk_level = ANY (p_risk_levels))
      AND (p_source_ids IS NULL OR c.source_id = ANY (p_source_ids))
      AND (p_statuses IS NULL OR c.status = ANY (p_statuses))
      AND (p_from IS NULL OR c.posted_at >= p_from)
      AND (p_to IS NULL OR c.posted_at < p_to);
END
$$;

-- One page of content, best first. The rank is ts_rank with flag 1 (divided by the length's logarithm): cover density
-- (ts_rank_cd) measures how near the words stand to each other, which says nothing for the usual query of one word.
CREATE FUNCTION search_content(p_query text, p_language text DEFAULT NULL, p_risk_levels text[] DEFAULT NULL,
    p_source_ids uuid[] DEFAULT NULL, p_statuses text[] DEFAULT NULL, p_from timestamptz DEFAULT NULL,
    p_to timestamptz DEFAULT NULL, p_after_rank real DEFAULT NULL, p_after_id uuid DEFAULT NULL,
    p_limit int DEFAULT 20)
  RETURNS TABLE (id uuid, rank real)
  LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 50
  SET search_path = pg_catalog, public, pg_temp
  SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
  q record;
  excludes boolean;
  wanted tsquery;
BEGIN
  SELECT * INTO q FROM argus_content_queries(p_query, p_language);
  -- without what is excluded: a rank that multiplies with its absence is next to nothing
  wanted := CASE WHEN querytree(q.any_query) IN ('', 'T') THEN q.any_query ELSE querytree(q.any_query)::tsquery END;
  excludes := p_language IS NULL AND q.any_query::text LIKE '%!%';
  RETURN QUERY
    SELECT f.id, f.rank FROM (
      SELECT c.id, ts_rank(c.search_vector, wanted, 1) AS rank FROM content c
      WHERE c.tenant_id = argus_tenant() AND c.search_vector @@ q.any_query
        AND (NOT excludes OR c.search_vector @@ q.queries[array_position(q.configs, argus_text_config(c.language))])
        AND (p_risk_levels IS NULL OR c.risk_level = ANY (p_risk_levels))
        AND (p_source_ids IS NULL OR c.source_id = ANY (p_source_ids))
        AND (p_statuses IS NULL OR c.status = ANY (p_statuses))
        AND (p_from IS NULL OR c.posted_at >= p_from)
        AND (p_to IS NULL OR c.posted_at < p_to)
    ) f
    WHERE p_after_id IS NULL OR (f.rank, f.id) < (p_after_rank, p_after_id)
    ORDER BY f.rank DESC, f.id DESC
    LIMIT p_limit;
END
$$;

-- Content with any of the keywords, or whose analysis contains the given JSON.
CREATE FUNCTION filter_content_ids(p_keywords text[] DEFAULT NULL, p_analysis jsonb DEFAULT NULL)
  RETURNS TABLE (id uuid)
  LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 500
  SET search_path = pg_catalog, public, pg_temp
  SET plan_cache_mode = force_custom_plan
AS $$
BEGIN
  RETURN QUERY
    SELECT c.id FROM content c
    WHERE c.tenant_id = argus_tenant()
      AND (p_keywords IS NULL OR c.keywords && p_keywords)
      AND (p_analysis IS NULL OR c.analysis_data @> p_analysis);
END
$$;

-- Names and numbers, best first: equal, beginning alike, containing the query, and, when those do not fill the page,
-- similar. A query of one or two characters must stand at the beginning: a trigram index knows no less.
CREATE FUNCTION search_keywords(p_query text, p_limit int DEFAULT 20)
  RETURNS TABLE (id uuid, rank real)
  LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 20
  SET search_path = pg_catalog, public, pg_temp
  SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
  escaped text := regexp_replace(p_query, '([\\%_])', '\\\1', 'g');
  inside text := CASE WHEN char_length(p_query) < 3 THEN '' ELSE '%' END || escaped || '%';
  found bigint;
BEGIN
  RETURN QUERY
    SELECT k.id, (similarity(k.normalised_term, p_query) + CASE WHEN lower(k.normalised_term) = lower(p_query) THEN 3
      WHEN k.normalised_term ILIKE escaped || '%' THEN 2 ELSE 1 END)::real
    FROM keywords k
    WHERE k.tenant_id = argus_tenant() AND k.normalised_term ILIKE inside
    ORDER BY 2 DESC, 1 DESC
    LIMIT p_limit;
  GET DIAGNOSTICS found = ROW_COUNT;
  IF found < p_limit AND p_query <> '' THEN
    RETURN QUERY
      SELECT k.id, similarity(k.normalised_term, p_query)
      FROM keywords k
      WHERE k.tenant_id = argus_tenant() AND k.normalised_term NOT ILIKE inside
        AND (k.normalised_term % p_query
        OR k.search_vector @@ plainto_tsquery('pg_catalog.simple', p_query))
      ORDER BY 2 DESC, 1 DESC
      LIMIT p_limit - found;
  END IF;
END
$$;

CREATE FUNCTION search_platform_users(p_query text, p_limit int DEFAULT 20)
  RETURNS TABLE (id uuid, rank real)
  LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 20
  SET search_path = pg_catalog, public, pg_temp
  SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
  escaped text := regexp_replace(p_query, '([\\%_])', '\\\1', 'g');
  inside text := CASE WHEN char_length(p_query) < 3 THEN '' ELSE '%' END || escaped || '%';
  found bigint;
BEGIN
  RETURN QUERY
    SELECT k.id, (similarity(k.username, p_query) + CASE WHEN lower(k.username) = lower(p_query) THEN 3
      WHEN k.username ILIKE escaped || '%' THEN 2 ELSE 1 END)::real
    FROM platform_users k
    WHERE k.tenant_id = argus_tenant() AND k.username ILIKE inside
    ORDER BY 2 DESC, 1 DESC
    LIMIT p_limit;
  GET DIAGNOSTICS found = ROW_COUNT;
  IF found < p_limit AND p_query <> '' THEN
    RETURN QUERY
      SELECT k.id, similarity(k.username, p_query)
      FROM platform_users k
      WHERE k.tenant_id = argus_tenant() AND k.username NOT ILIKE inside
        AND k.username % p_query
      ORDER BY 2 DESC, 1 DESC
      LIMIT p_limit - found;
  END IF;
END
$$;

CREATE FUNCTION search_identifiers(p_query text, p_limit int DEFAULT 20)
  RETURNS TABLE (id uuid, rank real)
  LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 20
  SET search_path = pg_catalog, public, pg_temp
  SET plan_cache_mode = force_custom_plan
  SET pg_trgm.similarity_threshold = 0.5 -- many values share a domain
AS $$
DECLARE
  escaped text := regexp_replace(p_query, '([\\%_])', '\\\1', 'g');
  inside text := CASE WHEN char_length(p_query) < 3 THEN '' ELSE '%' END || escaped || '%';
  found bigint;
BEGIN
  RETURN QUERY
    SELECT k.id, (similarity(k.value, p_query) + CASE WHEN lower(k.value) = lower(p_query) THEN 3
      WHEN k.value ILIKE escaped || '%' THEN 2 ELSE 1 END)::real
    FROM identifiers k
    WHERE k.tenant_id = argus_tenant() AND k.value ILIKE inside
    ORDER BY 2 DESC, 1 DESC
    LIMIT p_limit;
  GET DIAGNOSTICS found = ROW_COUNT;
  IF found < p_limit AND p_query <> '' THEN
    RETURN QUERY
      SELECT k.id, similarity(k.value, p_query)
      FROM identifiers k
      WHERE k.tenant_id = argus_tenant() AND k.value NOT ILIKE inside
        AND k.value % p_query
      ORDER BY 2 DESC, 1 DESC
      LIMIT p_limit - found;
  END IF;
END
$$;

CREATE FUNCTION search_sources(p_query text, p_limit int DEFAULT 20)
  RETURNS TABLE (id uuid, rank real)
  LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 20
  SET search_path = pg_catalog, public, pg_temp
  SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
  escaped text := regexp_replace(p_query, '([\\%_])', '\\\1', 'g');
  inside text := CASE WHEN char_length(p_query) < 3 THEN '' ELSE '%' END || escaped || '%';
  found bigint;
BEGIN
  RETURN QUERY
    SELECT k.id, (word_similarity(p_query, k.name) + CASE WHEN lower(k.name) = lower(p_query) THEN 3
      WHEN k.name ILIKE escaped || '%' THEN 2 ELSE 1 END)::real
    FROM sources k
    WHERE k.tenant_id = argus_tenant() AND k.name ILIKE inside
    ORDER BY 2 DESC, 1 DESC
    LIMIT p_limit;
  GET DIAGNOSTICS found = ROW_COUNT;
  IF found < p_limit AND p_query <> '' THEN
    RETURN QUERY
      SELECT k.id, word_similarity(p_query, k.name)
      FROM sources k
      WHERE k.tenant_id = argus_tenant() AND k.name NOT ILIKE inside
        AND p_query <% k.name
      ORDER BY 2 DESC, 1 DESC
      LIMIT p_limit - found;
  END IF;
END
$$;

CREATE FUNCTION search_cases(p_query text, p_limit int DEFAULT 20)
  RETURNS TABLE (id uuid, rank real)
  LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 20
  SET search_path = pg_catalog, public, pg_temp
  SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
  escaped text := regexp_replace(p_query, '([\\%_])', '\\\1', 'g');
  inside text := CASE WHEN char_length(p_query) < 3 THEN '' ELSE '%' END || escaped || '%';
  found bigint;
BEGIN
  RETURN QUERY
    SELECT k.id, (word_similarity(p_query, k.title) + CASE WHEN lower(k.title) = lower(p_query) THEN 3
      WHEN k.title ILIKE escaped || '%' THEN 2 ELSE 1 END)::real
    FROM cases k
    WHERE k.tenant_id = argus_tenant() AND k.title ILIKE inside
    ORDER BY 2 DESC, 1 DESC
    LIMIT p_limit;
  GET DIAGNOSTICS found = ROW_COUNT;
  IF found < p_limit AND p_query <> '' THEN
    RETURN QUERY
      SELECT k.id, word_similarity(p_query, k.title)
      FROM cases k
      WHERE k.tenant_id = argus_tenant() AND k.title NOT ILIKE inside
        AND p_query <% k.title
      ORDER BY 2 DESC, 1 DESC
      LIMIT p_limit - found;
  END IF;
END
$$;


-- Owned by argus_search, callable by the application alone. The membership that changing the owner needs is given
-- back at once: nobody is meant to work as argus_search.
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
    SELECT oid FROM pg_proc WHERE pronamespace = 'public'::regnamespace
      AND proname IN ('argus_content_queries', 'search_content_ids', 'search_content', 'filter_content_ids',
        'search_keywords', 'search_platform_users', 'search_identifiers', 'search_sources', 'search_cases')
  LOOP
    EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', signature);
    IF signature::text NOT LIKE 'argus_content_queries%' THEN
      EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO argus_app', signature);
    END IF;
    EXECUTE format('ALTER FUNCTION %s OWNER TO argus_search', signature);
  END LOOP;
  REVOKE CREATE ON SCHEMA public FROM argus_search;
  IF borrowed THEN
    EXECUTE format('REVOKE argus_search FROM %I', current_user);
  END IF;
END
$$;
