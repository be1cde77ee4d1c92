-- Undoes 0001_platform. The roles and extensions stay: roles belong to the whole cluster, where another database may
-- use them, and the extensions may have been there before.
DROP TABLE statement_log, import_logs, counters, event_store, audit_logs, notifications, api_keys, sessions, members,
  users, tenants CASCADE;
DROP FUNCTION argus_tenant();
REVOKE USAGE ON SCHEMA public FROM argus_app, argus_search;
