-- Undoes 0007_webhooks. Notifications of another form cannot be kept.
TRUNCATE notifications;
ALTER TABLE notifications
  DROP CONSTRAINT notifications_tenant_id_rule_id_fkey,
  DROP CONSTRAINT notifications_pkey,
  DROP COLUMN seq,
  DROP COLUMN event_id,
  DROP COLUMN rule_id,
  DROP COLUMN event_type,
  DROP COLUMN aggregate_type,
  ADD COLUMN id UUID NOT NULL,
  ADD COLUMN kind TEXT NOT NULL,
  ADD COLUMN body TEXT,
  ADD COLUMN event_seq BIGINT,
  ADD CONSTRAINT notifications_pkey PRIMARY KEY (tenant_id, id),
  ADD CONSTRAINT notifications_kind_check CHECK (char_length(kind) BETWEEN 1 AND 100),
  ADD CONSTRAINT notifications_body_check CHECK (char_length(body) <= 10000);
CREATE INDEX notifications_tenant_id_member_id_created_at_id_idx
  ON notifications (tenant_id, member_id, created_at DESC, id DESC);
DROP TABLE webhook_deliveries, webhook_endpoints, notification_rules;
