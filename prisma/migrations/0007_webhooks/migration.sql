-- CreateTable
CREATE TABLE "webhook_endpoints" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "url" TEXT NOT NULL,
    "description" TEXT,
    "filter" JSONB NOT NULL DEFAULT '{}',
    "is_enabled" BOOLEAN NOT NULL DEFAULT true,
    "disabled_reason" TEXT,
    "secret" BYTEA NOT NULL,
    "previous_secret" BYTEA,
    "previous_secret_until" TIMESTAMPTZ(3),
    "last_seq" BIGINT NOT NULL,
    "skipped_to" BIGINT,
    "consecutive_dead" INTEGER NOT NULL DEFAULT 0,
    "replays" INTEGER NOT NULL DEFAULT 0,
    "version" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "webhook_endpoints_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "webhook_deliveries" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "webhook_id" UUID NOT NULL,
    "kind" TEXT NOT NULL,
    "seq" BIGINT,
    "event_type" TEXT NOT NULL,
    "replay" INTEGER NOT NULL DEFAULT 0,
    "status" TEXT NOT NULL,
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "next_attempt_at" TIMESTAMPTZ(3),
    "last_attempt_at" TIMESTAMPTZ(3),
    "response_status" INTEGER,
    "latency_ms" INTEGER,
    "error" TEXT,
    "response_text" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "webhook_deliveries_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "notification_rules" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "filter" JSONB NOT NULL DEFAULT '{}',
    "member_ids" UUID[],
    "roles" TEXT[],
    "is_enabled" BOOLEAN NOT NULL DEFAULT true,
    "last_seq" BIGINT NOT NULL,
    "version" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "notification_rules_pkey" PRIMARY KEY ("tenant_id","id")
);

-- Nothing has written this table before: a notification is now an event in a member's inbox.
ALTER TABLE notifications
  DROP CONSTRAINT notifications_pkey,
  DROP COLUMN id,
  DROP COLUMN kind,
  DROP COLUMN body,
  DROP COLUMN event_seq,
  ADD COLUMN seq BIGINT NOT NULL,
  ADD COLUMN event_id UUID NOT NULL,
  ADD COLUMN rule_id UUID,
  ADD COLUMN event_type TEXT NOT NULL,
  ADD COLUMN aggregate_type TEXT NOT NULL,
  ADD CONSTRAINT notifications_pkey PRIMARY KEY (tenant_id, member_id, seq);
DROP INDEX IF EXISTS notifications_tenant_id_member_id_created_at_id_idx;

-- CreateIndex
CREATE INDEX "webhook_endpoints_tenant_id_created_at_id_idx" ON "webhook_endpoints"("tenant_id", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "webhook_deliveries_tenant_id_created_at_id_idx" ON "webhook_deliveries"("tenant_id", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "webhook_deliveries_tenant_id_webhook_id_created_at_id_idx" ON "webhook_deliveries"("tenant_id", "webhook_id", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "webhook_deliveries_tenant_id_status_created_at_id_idx" ON "webhook_deliveries"("tenant_id", "status", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "webhook_deliveries_tenant_id_seq_created_at_id_idx" ON "webhook_deliveries"("tenant_id", "seq", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE UNIQUE INDEX "webhook_deliveries_tenant_id_webhook_id_seq_replay_key" ON "webhook_deliveries"("tenant_id", "webhook_id", "seq", "replay");

-- CreateIndex
CREATE INDEX "notification_rules_tenant_id_created_at_id_idx" ON "notification_rules"("tenant_id", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "notifications_tenant_id_rule_id_idx" ON "notifications"("tenant_id", "rule_id");

-- AddForeignKey
ALTER TABLE "webhook_deliveries" ADD CONSTRAINT "webhook_deliveries_tenant_id_webhook_id_fkey" FOREIGN KEY ("tenant_id", "webhook_id") REFERENCES "webhook_endpoints"("tenant_id", "id") ON DELETE CASCADE ON UPDATE NO ACTION;

-- What is due, first things first, and when the next one is; and what a member has not read.
CREATE INDEX webhook_deliveries_due_idx ON webhook_deliveries (tenant_id, webhook_id, next_attempt_at, seq)
  WHERE next_attempt_at IS NOT NULL;
CREATE INDEX notifications_unread_idx ON notifications (tenant_id, member_id, seq) WHERE read_at IS NULL;

ALTER TABLE notification_rules ALTER COLUMN member_ids SET NOT NULL, ALTER COLUMN roles SET NOT NULL;

ALTER TABLE webhook_endpoints
  ADD CONSTRAINT webhook_endpoints_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE,
  ADD CONSTRAINT webhook_endpoints_url_check CHECK (char_length(url) BETWEEN 1 AND 2000),
  ADD CONSTRAINT webhook_endpoints_description_check CHECK (char_length(description) BETWEEN 1 AND 500),
  ADD CONSTRAINT webhook_endpoints_filter_check CHECK (jsonb_typeof(filter) = 'object'),
  ADD CONSTRAINT webhook_endpoints_disabled_reason_check
    CHECK (char_length(disabled_reason) <= 500 AND (disabled_reason IS NULL OR NOT is_enabled)),
  ADD CONSTRAINT webhook_endpoints_previous_secret_check
    CHECK ((previous_secret IS NULL) = (previous_secret_until IS NULL)),
  ADD CONSTRAINT webhook_endpoints_numbers_check
    CHECK (last_seq >= 0 AND skipped_to >= 0 AND consecutive_dead >= 0 AND replays >= 0 AND version > 0);

ALTER TABLE webhook_deliveries
  ADD CONSTRAINT webhook_deliveries_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE,
  ADD CONSTRAINT webhook_deliveries_kind_check CHECK (kind IN ('EVENT', 'REPLAY', 'TEST')),
  ADD CONSTRAINT webhook_deliveries_status_check CHECK (status IN ('PENDING', 'DELIVERED', 'DEAD')),
  ADD CONSTRAINT webhook_deliveries_due_check CHECK ((status = 'PENDING') = (next_attempt_at IS NOT NULL)),
  ADD CONSTRAINT webhook_deliveries_seq_check CHECK (seq > 0 AND (seq IS NULL) = (kind = 'TEST')),
  ADD CONSTRAINT webhook_deliveries_event_type_check CHECK (char_length(event_type) BETWEEN 1 AND 100),
  ADD CONSTRAINT webhook_deliveries_numbers_check CHECK (replay >= 0 AND attempts >= 0 AND latency_ms >= 0),
  ADD CONSTRAINT webhook_deliveries_texts_check CHECK (char_length(error) <= 500 AND char_length(response_text) <= 1024);
-- Rows are changed a few times each: room in the page keeps that off the indexes that do not change.
ALTER TABLE webhook_endpoints SET (fillfactor = 50);

ALTER TABLE notification_rules
  ADD CONSTRAINT notification_rules_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE,
  ADD CONSTRAINT notification_rules_name_check CHECK (char_length(name) BETWEEN 1 AND 200),
  ADD CONSTRAINT notification_rules_filter_check CHECK (jsonb_typeof(filter) = 'object'),
  ADD CONSTRAINT notification_rules_roles_check CHECK (roles <@ ARRAY['OWNER', 'ADMIN', 'MANAGER', 'CTO', 'ANALYST',
    'ENGINEER', 'SENIOR_ENGINEER', 'QA_ENGINEER', 'MEMBER', 'VIEWER']),
  ADD CONSTRAINT notification_rules_numbers_check CHECK (last_seq >= 0 AND version > 0);

ALTER TABLE notifications
  ADD CONSTRAINT notifications_tenant_id_rule_id_fkey
    FOREIGN KEY (tenant_id, rule_id) REFERENCES notification_rules (tenant_id, id) ON DELETE SET NULL (rule_id),
  ADD CONSTRAINT notifications_seq_check CHECK (seq > 0),
  ADD CONSTRAINT notifications_event_type_check CHECK (char_length(event_type) BETWEEN 1 AND 100),
  ADD CONSTRAINT notifications_aggregate_type_check CHECK (char_length(aggregate_type) BETWEEN 1 AND 100);

-- Texts that lists filter by compare by code point.
ALTER TABLE webhook_deliveries ALTER COLUMN status TYPE text COLLATE "C";
ALTER TABLE notifications ALTER COLUMN aggregate_type TYPE text COLLATE "C", ALTER COLUMN event_type TYPE text COLLATE "C";

ALTER TABLE webhook_endpoints ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON webhook_endpoints TO argus_app;
CREATE POLICY webhook_endpoints_select ON webhook_endpoints FOR SELECT TO argus_app USING (tenant_id = (SELECT argus_tenant()));
CREATE POLICY webhook_endpoints_insert ON webhook_endpoints FOR INSERT TO argus_app WITH CHECK (tenant_id = (SELECT argus_tenant()));
CREATE POLICY webhook_endpoints_update ON webhook_endpoints FOR UPDATE TO argus_app USING (tenant_id = (SELECT argus_tenant())) WITH CHECK (tenant_id = (SELECT argus_tenant()));
CREATE POLICY webhook_endpoints_delete ON webhook_endpoints FOR DELETE TO argus_app USING (tenant_id = (SELECT argus_tenant()));

ALTER TABLE webhook_deliveries ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON webhook_deliveries TO argus_app;
CREATE POLICY webhook_deliveries_select ON webhook_deliveries FOR SELECT TO argus_app USING (tenant_id = (SELECT argus_tenant()));
CREATE POLICY webhook_deliveries_insert ON webhook_deliveries FOR INSERT TO argus_app WITH CHECK (tenant_id = (SELECT argus_tenant()));
CREATE POLICY webhook_deliveries_update ON webhook_deliveries FOR UPDATE TO argus_app USING (tenant_id = (SELECT argus_tenant())) WITH CHECK (tenant_id = (SELECT argus_tenant()));
CREATE POLICY webhook_deliveries_delete ON webhook_deliveries FOR DELETE TO argus_app USING (tenant_id = (SELECT argus_tenant()));

ALTER TABLE notification_rules ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON notification_rules TO argus_app;
CREATE POLICY notification_rules_select ON notification_rules FOR SELECT TO argus_app USING (tenant_id = (SELECT argus_tenant()));
CREATE POLICY notification_rules_insert ON notification_rules FOR INSERT TO argus_app WITH CHECK (tenant_id = (SELECT argus_tenant()));
CREATE POLICY notification_rules_update ON notification_rules FOR UPDATE TO argus_app USING (tenant_id = (SELECT argus_tenant())) WITH CHECK (tenant_id = (SELECT argus_tenant()));
CREATE POLICY notification_rules_delete ON notification_rules FOR DELETE TO argus_app USING (tenant_id = (SELECT argus_tenant()));
