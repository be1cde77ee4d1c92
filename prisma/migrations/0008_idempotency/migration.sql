-- CreateTable
CREATE TABLE "idempotency_keys" (
    "tenant_id" UUID NOT NULL,
    "member_id" UUID NOT NULL,
    "key_hash" BYTEA NOT NULL,
    "outcome" BYTEA,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "idempotency_keys_pkey" PRIMARY KEY ("tenant_id","member_id","key_hash")
);

-- CreateIndex
CREATE INDEX "idempotency_keys_tenant_id_expires_at_idx" ON "idempotency_keys"("tenant_id", "expires_at");

ALTER TABLE idempotency_keys
  ADD CONSTRAINT idempotency_keys_key_hash_check CHECK (octet_length(key_hash) = 32),
  ADD CONSTRAINT idempotency_keys_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE,
  ADD CONSTRAINT idempotency_keys_tenant_id_member_id_fkey
    FOREIGN KEY (tenant_id, member_id) REFERENCES members (tenant_id, id) ON DELETE CASCADE;

ALTER TABLE idempotency_keys ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON idempotency_keys TO argus_app;
CREATE POLICY idempotency_keys_select ON idempotency_keys FOR SELECT TO argus_app USING (tenant_id = (SELECT argus_tenant()));
CREATE POLICY idempotency_keys_insert ON idempotency_keys FOR INSERT TO argus_app WITH CHECK (tenant_id = (SELECT argus_tenant()));
CREATE POLICY idempotency_keys_update ON idempotency_keys FOR UPDATE TO argus_app USING (tenant_id = (SELECT argus_tenant())) WITH CHECK (tenant_id = (SELECT argus_tenant()));
CREATE POLICY idempotency_keys_delete ON idempotency_keys FOR DELETE TO argus_app USING (tenant_id = (SELECT argus_tenant()));
