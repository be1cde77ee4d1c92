-- Undoes 0009_event_retention. What was removed stays removed.
ALTER POLICY event_store_delete ON event_store TO argus_app USING (false);
REVOKE DELETE ON event_store FROM argus_app;
