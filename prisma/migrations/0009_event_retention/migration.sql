-- Retention removes old events: nothing of the last day can be removed, whatever asks for it.
GRANT DELETE ON event_store TO argus_app;
ALTER POLICY event_store_delete ON event_store TO argus_app
  USING (tenant_id = (SELECT argus_tenant()) AND occurred_at < now() - interval '1 day');
