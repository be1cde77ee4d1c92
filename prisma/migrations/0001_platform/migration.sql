-- The platform: tenants, users, members, sessions, keys, notifications, audit, events, imports.
-- The tables as the models describe them come first; what Prisma cannot say follows, section by section.

-- ---------------------------------------------------------------------------------------------------------------
-- Extensions and roles
-- ---------------------------------------------------------------------------------------------------------------
-- Both extensions are trusted: the owner of the database may create them.
CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;
CREATE EXTENSION IF NOT EXISTS btree_gin WITH SCHEMA public;

-- argus_app is what the server works as: never the owner, never beyond row-level security.
-- argus_search owns the search functions: operators that are not leakproof (full text, trigrams, arrays, JSON) cannot
-- be index conditions under a tenant policy, so these functions read past it and filter by tenant themselves.
-- Roles belong to the cluster and not to the database: another database may have made them, or be making them now.
DO $$
DECLARE
  role_name text;
  -- since 16 a creator is a member that may not yet SET ROLE
  needed text := CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END;
BEGIN
  FOREACH role_name IN ARRAY ARRAY['argus_app', 'argus_search'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role_name) THEN
      BEGIN
        EXECUTE format('CREATE ROLE %I NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS', role_name);
      EXCEPTION WHEN duplicate_object OR unique_violation THEN
        NULL; -- another session was faster
      END;
    END IF;
  END LOOP;
  IF NOT pg_has_role(current_user, 'argus_app', needed) THEN
    EXECUTE format('GRANT argus_app TO %I', current_user);
  END IF;
END
$$;

GRANT USAGE ON SCHEMA public TO argus_app, argus_search;

-- The tenant of this transaction, or null: then every tenant policy refuses. Plain SQL, so that the planner inlines
-- it and sees an index condition.
CREATE FUNCTION argus_tenant() RETURNS uuid
  LANGUAGE sql STABLE PARALLEL SAFE
  RETURN nullif(current_setting('app.tenant_id', true), '')::uuid;
REVOKE EXECUTE ON FUNCTION argus_tenant() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION argus_tenant() TO argus_app, argus_search;

-- ---------------------------------------------------------------------------------------------------------------
-- Tables, from the models
-- ---------------------------------------------------------------------------------------------------------------

-- CreateTable
CREATE TABLE "tenants" (
    "id" UUID NOT NULL,
    "slug" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "domain" TEXT,
    "settings" JSONB NOT NULL DEFAULT '{}',
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "tenants_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "users" (
    "id" UUID NOT NULL,
    "email" TEXT NOT NULL,
    "name" TEXT,
    "password_hash" TEXT,
    "metadata" JSONB NOT NULL DEFAULT '{}',
    "last_login_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "users_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "members" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "user_id" UUID NOT NULL,
    "display_name" TEXT NOT NULL,
    "role" TEXT NOT NULL,
    "permissions" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "is_active" BOOLEAN NOT NULL DEFAULT true,
    "version" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "members_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "sessions" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "member_id" UUID NOT NULL,
    "token_hash" BYTEA NOT NULL,
    "data" JSONB NOT NULL DEFAULT '{}',
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "revoked_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "sessions_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "api_keys" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "member_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "key_hash" BYTEA NOT NULL,
    "permissions" TEXT[],
    "last_used_at" TIMESTAMPTZ(3),
    "expires_at" TIMESTAMPTZ(3),
    "revoked_at" TIMESTAMPTZ(3),
    "version" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "api_keys_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "notifications" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "member_id" UUID NOT NULL,
    "kind" TEXT NOT NULL,
    "title" TEXT NOT NULL,
    "body" TEXT,
    "event_seq" BIGINT,
    "read_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "notifications_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "audit_logs" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "actor_id" UUID,
    "actor_kind" TEXT NOT NULL,
    "action" TEXT NOT NULL,
    "resource" TEXT,
    "resource_id" UUID,
    "metadata" JSONB NOT NULL DEFAULT '{}',
    "ip_address" INET,
    "user_agent" TEXT,
    "request_id" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "audit_logs_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "event_store" (
    "tenant_id" UUID NOT NULL,
    "seq" BIGINT NOT NULL,
    "id" UUID NOT NULL,
    "type" TEXT NOT NULL,
    "aggregate_type" TEXT NOT NULL,
    "aggregate_id" UUID NOT NULL,
    "aggregate_version" INTEGER NOT NULL,
    "actor_id" UUID,
    "occurred_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "payload" JSONB NOT NULL DEFAULT '{}',

    CONSTRAINT "event_store_pkey" PRIMARY KEY ("tenant_id","seq")
);

-- CreateTable
CREATE TABLE "counters" (
    "tenant_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "value" BIGINT NOT NULL DEFAULT 0,

    CONSTRAINT "counters_pkey" PRIMARY KEY ("tenant_id","name")
);

-- CreateTable
CREATE TABLE "import_logs" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "kind" TEXT NOT NULL,
    "source" TEXT NOT NULL,
    "file_name" TEXT,
    "status" TEXT NOT NULL,
    "created" INTEGER NOT NULL DEFAULT 0,
    "updated" INTEGER NOT NULL DEFAULT 0,
    "unchanged" INTEGER NOT NULL DEFAULT 0,
    "rejected" INTEGER NOT NULL DEFAULT 0,
    "errors" JSONB NOT NULL DEFAULT '[]',
    "started_by_id" UUID,
    "finished_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "import_logs_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "statement_log" (
    "minute" TIMESTAMPTZ(3) NOT NULL,
    "process_id" UUID NOT NULL,
    "calls" BIGINT NOT NULL,
    "total_ms" DOUBLE PRECISION NOT NULL,
    "slow" BIGINT NOT NULL,

    CONSTRAINT "statement_log_pkey" PRIMARY KEY ("minute","process_id")
);

-- CreateIndex
CREATE UNIQUE INDEX "tenants_slug_key" ON "tenants"("slug");

-- CreateIndex
CREATE UNIQUE INDEX "users_email_key" ON "users"("email");

-- CreateIndex
CREATE INDEX "members_tenant_id_created_at_id_idx" ON "members"("tenant_id", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "members_tenant_id_display_name_id_idx" ON "members"("tenant_id", "display_name", "id");

-- CreateIndex
CREATE INDEX "members_tenant_id_role_created_at_id_idx" ON "members"("tenant_id", "role", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "members_tenant_id_is_active_created_at_id_idx" ON "members"("tenant_id", "is_active", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "members_user_id_idx" ON "members"("user_id");

-- CreateIndex
CREATE UNIQUE INDEX "members_tenant_id_user_id_key" ON "members"("tenant_id", "user_id");

-- CreateIndex
CREATE INDEX "sessions_token_hash_idx" ON "sessions"("token_hash");

-- CreateIndex
CREATE INDEX "sessions_tenant_id_member_id_created_at_id_idx" ON "sessions"("tenant_id", "member_id", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE UNIQUE INDEX "sessions_tenant_id_token_hash_key" ON "sessions"("tenant_id", "token_hash");

-- CreateIndex
CREATE INDEX "api_keys_tenant_id_created_at_id_idx" ON "api_keys"("tenant_id", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "api_keys_tenant_id_member_id_created_at_id_idx" ON "api_keys"("tenant_id", "member_id", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE UNIQUE INDEX "api_keys_id_key" ON "api_keys"("id");

-- CreateIndex
CREATE INDEX "notifications_tenant_id_member_id_created_at_id_idx" ON "notifications"("tenant_id", "member_id", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "audit_logs_tenant_id_created_at_id_idx" ON "audit_logs"("tenant_id", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "audit_logs_tenant_id_actor_id_created_at_id_idx" ON "audit_logs"("tenant_id", "actor_id", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "audit_logs_tenant_id_action_created_at_id_idx" ON "audit_logs"("tenant_id", "action", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "audit_logs_tenant_id_resource_created_at_id_idx" ON "audit_logs"("tenant_id", "resource", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "audit_logs_tenant_id_resource_resource_id_created_at_id_idx" ON "audit_logs"("tenant_id", "resource", "resource_id", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "event_store_tenant_id_type_seq_idx" ON "event_store"("tenant_id", "type", "seq");

-- CreateIndex
CREATE INDEX "event_store_tenant_id_aggregate_type_seq_idx" ON "event_store"("tenant_id", "aggregate_type", "seq");

-- CreateIndex
CREATE INDEX "event_store_tenant_id_aggregate_id_seq_idx" ON "event_store"("tenant_id", "aggregate_id", "seq");

-- CreateIndex
CREATE INDEX "event_store_tenant_id_actor_id_seq_idx" ON "event_store"("tenant_id", "actor_id", "seq");

-- CreateIndex
CREATE INDEX "event_store_tenant_id_occurred_at_seq_idx" ON "event_store"("tenant_id", "occurred_at", "seq");

-- CreateIndex
CREATE UNIQUE INDEX "event_store_tenant_id_id_key" ON "event_store"("tenant_id", "id");

-- CreateIndex
CREATE INDEX "import_logs_tenant_id_created_at_id_idx" ON "import_logs"("tenant_id", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "import_logs_tenant_id_kind_created_at_id_idx" ON "import_logs"("tenant_id", "kind", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "import_logs_tenant_id_status_created_at_id_idx" ON "import_logs"("tenant_id", "status", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "import_logs_tenant_id_started_by_id_idx" ON "import_logs"("tenant_id", "started_by_id");

-- AddForeignKey
ALTER TABLE "members" ADD CONSTRAINT "members_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenants"("id") ON DELETE CASCADE ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "members" ADD CONSTRAINT "members_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "sessions" ADD CONSTRAINT "sessions_tenant_id_member_id_fkey" FOREIGN KEY ("tenant_id", "member_id") REFERENCES "members"("tenant_id", "id") ON DELETE CASCADE ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "api_keys" ADD CONSTRAINT "api_keys_tenant_id_member_id_fkey" FOREIGN KEY ("tenant_id", "member_id") REFERENCES "members"("tenant_id", "id") ON DELETE CASCADE ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "notifications" ADD CONSTRAINT "notifications_tenant_id_member_id_fkey" FOREIGN KEY ("tenant_id", "member_id") REFERENCES "members"("tenant_id", "id") ON DELETE CASCADE ON UPDATE NO ACTION;

-- ---------------------------------------------------------------------------------------------------------------
-- Lists are never null (Prisma's array columns would allow it)
-- ---------------------------------------------------------------------------------------------------------------
ALTER TABLE members ALTER COLUMN permissions SET NOT NULL;
ALTER TABLE api_keys ALTER COLUMN permissions SET NOT NULL;

-- ---------------------------------------------------------------------------------------------------------------
-- Foreign keys that the models leave out
-- ---------------------------------------------------------------------------------------------------------------
-- Whoever is erased from members disappears from the rows that point there, and the rows stay. What is append-only
-- (audit_logs.actor_id, event_store.actor_id) has no key to members: nothing may change it.
ALTER TABLE sessions ADD CONSTRAINT sessions_tenant_id_fkey
  FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE;
ALTER TABLE api_keys ADD CONSTRAINT api_keys_tenant_id_fkey
  FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE;
ALTER TABLE notifications ADD CONSTRAINT notifications_tenant_id_fkey
  FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE;
ALTER TABLE audit_logs ADD CONSTRAINT audit_logs_tenant_id_fkey
  FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE;
ALTER TABLE event_store ADD CONSTRAINT event_store_tenant_id_fkey
  FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE;
ALTER TABLE counters ADD CONSTRAINT counters_tenant_id_fkey
  FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE;
ALTER TABLE import_logs
  ADD CONSTRAINT import_logs_tenant_id_fkey
    FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE,
  ADD CONSTRAINT import_logs_tenant_id_started_by_id_fkey
    FOREIGN KEY (tenant_id, started_by_id) REFERENCES members (tenant_id, id) ON DELETE SET NULL (started_by_id);

-- ---------------------------------------------------------------------------------------------------------------
-- Checks
-- ---------------------------------------------------------------------------------------------------------------
ALTER TABLE tenants
  ADD CONSTRAINT tenants_slug_check CHECK (slug ~ '^[a-z0-9](-?[a-z0-9])*$' AND char_length(slug) <= 63),
  ADD CONSTRAINT tenants_name_check CHECK (char_length(name) BETWEEN 1 AND 200),
  ADD CONSTRAINT tenants_domain_check CHECK (char_length(domain) <= 253),
  ADD CONSTRAINT tenants_settings_check CHECK (jsonb_typeof(settings) = 'object');

ALTER TABLE users
  ADD CONSTRAINT users_email_check CHECK (email = lower(email) AND char_length(email) BETWEEN 3 AND 320),
  ADD CONSTRAINT users_name_check CHECK (char_length(name) BETWEEN 1 AND 200),
  ADD CONSTRAINT users_password_hash_check CHECK (char_length(password_hash) <= 500);

ALTER TABLE members
  ADD CONSTRAINT members_display_name_check CHECK (char_length(display_name) BETWEEN 1 AND 200),
  ADD CONSTRAINT members_role_check CHECK (role IN ('OWNER', 'ADMIN', 'MANAGER', 'CTO', 'ANALYST', 'ENGINEER',
    'SENIOR_ENGINEER', 'QA_ENGINEER', 'MEMBER', 'VIEWER')),
  ADD CONSTRAINT members_version_check CHECK (version > 0);

ALTER TABLE sessions
  ADD CONSTRAINT sessions_token_hash_check CHECK (octet_length(token_hash) = 32);

ALTER TABLE api_keys
  ADD CONSTRAINT api_keys_name_check CHECK (char_length(name) BETWEEN 1 AND 200),
  ADD CONSTRAINT api_keys_key_hash_check CHECK (octet_length(key_hash) = 32),
  ADD CONSTRAINT api_keys_version_check CHECK (version > 0);

ALTER TABLE notifications
  ADD CONSTRAINT notifications_kind_check CHECK (char_length(kind) BETWEEN 1 AND 100),
  ADD CONSTRAINT notifications_title_check CHECK (char_length(title) BETWEEN 1 AND 500),
  ADD CONSTRAINT notifications_body_check CHECK (char_length(body) <= 10000);

ALTER TABLE audit_logs
  ADD CONSTRAINT audit_logs_actor_kind_check CHECK (actor_kind IN ('MEMBER', 'API_KEY', 'SYSTEM')),
  ADD CONSTRAINT audit_logs_action_check CHECK (char_length(action) BETWEEN 1 AND 200),
  ADD CONSTRAINT audit_logs_resource_check CHECK (char_length(resource) <= 100),
  ADD CONSTRAINT audit_logs_user_agent_check CHECK (char_length(user_agent) <= 1000),
  ADD CONSTRAINT audit_logs_request_id_check CHECK (char_length(request_id) <= 200);

ALTER TABLE event_store
  ADD CONSTRAINT event_store_seq_check CHECK (seq > 0),
  ADD CONSTRAINT event_store_type_check CHECK (char_length(type) BETWEEN 1 AND 100),
  ADD CONSTRAINT event_store_aggregate_type_check CHECK (char_length(aggregate_type) BETWEEN 1 AND 100),
  ADD CONSTRAINT event_store_aggregate_version_check CHECK (aggregate_version >= 0);

ALTER TABLE counters
  ADD CONSTRAINT counters_name_check CHECK (char_length(name) BETWEEN 1 AND 100),
  ADD CONSTRAINT counters_value_check CHECK (value >= 0);

ALTER TABLE import_logs
  ADD CONSTRAINT import_logs_kind_check CHECK (char_length(kind) BETWEEN 1 AND 100),
  ADD CONSTRAINT import_logs_source_check CHECK (char_length(source) BETWEEN 1 AND 100),
  ADD CONSTRAINT import_logs_file_name_check CHECK (char_length(file_name) <= 1000),
  ADD CONSTRAINT import_logs_status_check CHECK (status IN ('RUNNING', 'COMPLETED', 'FAILED')),
  ADD CONSTRAINT import_logs_counts_check CHECK (created >= 0 AND updated >= 0 AND unchanged >= 0 AND rejected >= 0),
  ADD CONSTRAINT import_logs_errors_check CHECK (jsonb_typeof(errors) = 'array');

ALTER TABLE statement_log
  ADD CONSTRAINT statement_log_figures_check CHECK (calls >= 0 AND total_ms >= 0 AND slow >= 0);

-- ---------------------------------------------------------------------------------------------------------------
-- Storage
-- ---------------------------------------------------------------------------------------------------------------
-- One row a tenant is updated by every write: room in the page keeps the updates off the index.
ALTER TABLE counters SET (fillfactor = 50);

-- ---------------------------------------------------------------------------------------------------------------
-- Row-level security and grants: printed by `node scripts/rls.ts platform`
-- ---------------------------------------------------------------------------------------------------------------
GRANT SELECT, INSERT, UPDATE, DELETE ON statement_log TO argus_app;

-- Texts that lists filter or order by compare by code point whatever the database's locale: "starts with" can then use
-- the index, and the order is that of the in-memory predicate.
ALTER TABLE members ALTER COLUMN display_name TYPE text COLLATE "C";
ALTER TABLE audit_logs ALTER COLUMN action TYPE text COLLATE "C", ALTER COLUMN resource TYPE text COLLATE "C";
ALTER TABLE event_store ALTER COLUMN type TYPE text COLLATE "C", ALTER COLUMN aggregate_type TYPE text COLLATE "C";
ALTER TABLE import_logs ALTER COLUMN kind TYPE text COLLATE "C", ALTER COLUMN status TYPE text COLLATE "C";

ALTER TABLE tenants ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE ON tenants TO argus_app;
CREATE POLICY tenants_select ON tenants FOR SELECT TO argus_app USING (id = argus_tenant());
CREATE POLICY tenants_insert ON tenants FOR INSERT TO argus_app WITH CHECK (id = argus_tenant());
CREATE POLICY tenants_update ON tenants FOR UPDATE TO argus_app USING (id = argus_tenant()) WITH CHECK (id = argus_tenant());
CREATE POLICY tenants_delete ON tenants FOR DELETE TO argus_app USING (false);
CREATE POLICY tenants_select_signin ON tenants FOR SELECT TO argus_app USING (slug = nullif(current_setting('app.auth_slug', true), ''));
CREATE POLICY tenants_select_directory ON tenants FOR SELECT TO argus_app USING (current_setting('app.directory', true) = 'on');
CREATE POLICY tenants_select_member ON tenants FOR SELECT TO argus_app USING (EXISTS (SELECT FROM members m WHERE m.tenant_id = tenants.id AND m.user_id = nullif(current_setting('app.auth_user', true), '')::uuid));

ALTER TABLE users ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE ON users TO argus_app;
CREATE POLICY users_select ON users FOR SELECT TO argus_app USING (EXISTS (SELECT FROM members m WHERE m.tenant_id = argus_tenant() AND m.user_id = users.id));
CREATE POLICY users_insert ON users FOR INSERT TO argus_app WITH CHECK (argus_tenant() IS NOT NULL);
CREATE POLICY users_update ON users FOR UPDATE TO argus_app USING (EXISTS (SELECT FROM members m WHERE m.tenant_id = argus_tenant() AND m.user_id = users.id)) WITH CHECK (EXISTS (SELECT FROM members m WHERE m.tenant_id = argus_tenant() AND m.user_id = users.id));
CREATE POLICY users_delete ON users FOR DELETE TO argus_app USING (false);
CREATE POLICY users_select_signin ON users FOR SELECT TO argus_app USING (email = nullif(current_setting('app.auth_email', true), ''));
CREATE POLICY users_update_signin ON users FOR UPDATE TO argus_app USING (email = nullif(current_setting('app.auth_email', true), '')) WITH CHECK (email = nullif(current_setting('app.auth_email', true), ''));
CREATE POLICY users_select_self ON users FOR SELECT TO argus_app USING (id = nullif(current_setting('app.auth_user', true), '')::uuid);
CREATE POLICY users_update_self ON users FOR UPDATE TO argus_app USING (id = nullif(current_setting('app.auth_user', true), '')::uuid) WITH CHECK (id = nullif(current_setting('app.auth_user', true), '')::uuid);

ALTER TABLE members ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON members TO argus_app;
CREATE POLICY members_select ON members FOR SELECT TO argus_app USING (tenant_id = argus_tenant());
CREATE POLICY members_insert ON members FOR INSERT TO argus_app WITH CHECK (tenant_id = argus_tenant());
CREATE POLICY members_update ON members FOR UPDATE TO argus_app USING (tenant_id = argus_tenant()) WITH CHECK (tenant_id = argus_tenant());
CREATE POLICY members_delete ON members FOR DELETE TO argus_app USING (tenant_id = argus_tenant());
CREATE POLICY members_select_signin ON members FOR SELECT TO argus_app USING (user_id = nullif(current_setting('app.auth_user', true), '')::uuid);

ALTER TABLE sessions ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON sessions TO argus_app;
CREATE POLICY sessions_select ON sessions FOR SELECT TO argus_app USING (tenant_id = argus_tenant());
CREATE POLICY sessions_insert ON sessions FOR INSERT TO argus_app WITH CHECK (tenant_id = argus_tenant());
CREATE POLICY sessions_update ON sessions FOR UPDATE TO argus_app USING (tenant_id = argus_tenant()) WITH CHECK (tenant_id = argus_tenant());
CREATE POLICY sessions_delete ON sessions FOR DELETE TO argus_app USING (tenant_id = argus_tenant());
CREATE POLICY sessions_select_signin ON sessions FOR SELECT TO argus_app USING (token_hash = decode(nullif(current_setting('app.auth_token', true), ''), 'hex'));

ALTER TABLE api_keys ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON api_keys TO argus_app;
CREATE POLICY api_keys_select ON api_keys FOR SELECT TO argus_app USING (tenant_id = argus_tenant());
CREATE POLICY api_keys_insert ON api_keys FOR INSERT TO argus_app WITH CHECK (tenant_id = argus_tenant());
CREATE POLICY api_keys_update ON api_keys FOR UPDATE TO argus_app USING (tenant_id = argus_tenant()) WITH CHECK (tenant_id = argus_tenant());
CREATE POLICY api_keys_delete ON api_keys FOR DELETE TO argus_app USING (tenant_id = argus_tenant());
CREATE POLICY api_keys_select_signin ON api_keys FOR SELECT TO argus_app USING (id = nullif(current_setting('app.auth_key', true), '')::uuid);

ALTER TABLE notifications ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON notifications TO argus_app;
CREATE POLICY notifications_select ON notifications FOR SELECT TO argus_app USING (tenant_id = argus_tenant());
CREATE POLICY notifications_insert ON notifications FOR INSERT TO argus_app WITH CHECK (tenant_id = argus_tenant());
CREATE POLICY notifications_update ON notifications FOR UPDATE TO argus_app USING (tenant_id = argus_tenant()) WITH CHECK (tenant_id = argus_tenant());
CREATE POLICY notifications_delete ON notifications FOR DELETE TO argus_app USING (tenant_id = argus_tenant());

ALTER TABLE audit_logs ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT ON audit_logs TO argus_app;
CREATE POLICY audit_logs_select ON audit_logs FOR SELECT TO argus_app USING (tenant_id = argus_tenant());
CREATE POLICY audit_logs_insert ON audit_logs FOR INSERT TO argus_app WITH CHECK (tenant_id = argus_tenant());
CREATE POLICY audit_logs_update ON audit_logs FOR UPDATE TO argus_app USING (false) WITH CHECK (false);
CREATE POLICY audit_logs_delete ON audit_logs FOR DELETE TO argus_app USING (false);

ALTER TABLE event_store ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT ON event_store TO argus_app;
CREATE POLICY event_store_select ON event_store FOR SELECT TO argus_app USING (tenant_id = argus_tenant());
CREATE POLICY event_store_insert ON event_store FOR INSERT TO argus_app WITH CHECK (tenant_id = argus_tenant());
CREATE POLICY event_store_update ON event_store FOR UPDATE TO argus_app USING (false) WITH CHECK (false);
CREATE POLICY event_store_delete ON event_store FOR DELETE TO argus_app USING (false);

ALTER TABLE counters ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON counters TO argus_app;
CREATE POLICY counters_select ON counters FOR SELECT TO argus_app USING (tenant_id = argus_tenant());
CREATE POLICY counters_insert ON counters FOR INSERT TO argus_app WITH CHECK (tenant_id = argus_tenant());
CREATE POLICY counters_update ON counters FOR UPDATE TO argus_app USING (tenant_id = argus_tenant()) WITH CHECK (tenant_id = argus_tenant());
CREATE POLICY counters_delete ON counters FOR DELETE TO argus_app USING (tenant_id = argus_tenant());

ALTER TABLE import_logs ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON import_logs TO argus_app;
CREATE POLICY import_logs_select ON import_logs FOR SELECT TO argus_app USING (tenant_id = argus_tenant());
CREATE POLICY import_logs_insert ON import_logs FOR INSERT TO argus_app WITH CHECK (tenant_id = argus_tenant());
CREATE POLICY import_logs_update ON import_logs FOR UPDATE TO argus_app USING (tenant_id = argus_tenant()) WITH CHECK (tenant_id = argus_tenant());
CREATE POLICY import_logs_delete ON import_logs FOR DELETE TO argus_app USING (tenant_id = argus_tenant());
