-- Undoes 0003_delivery.
DROP FUNCTION search_bugs, search_projects;
DROP TABLE sync_states, project_totals, project_bug_totals, bug_totals, portfolio_metrics, monthly_metrics,
  project_metrics, bug_comments, bug_history, bug_labels, bugs, sla_policy_versions, projects, sla_policies,
  business_calendars;
DROP FUNCTION argus_project_text;
-- runs in states that 0001 does not know count as done
UPDATE import_logs SET status = CASE status WHEN 'PARTIAL' THEN 'COMPLETED' ELSE 'FAILED' END
  WHERE status IN ('PARTIAL', 'PENDING');
ALTER TABLE import_logs DROP CONSTRAINT import_logs_status_check,
  ADD CONSTRAINT import_logs_status_check CHECK (status IN ('RUNNING', 'COMPLETED', 'FAILED')), DROP COLUMN is_atomic, DROP COLUMN is_dry_run,
  DROP COLUMN mapping, DROP COLUMN total, DROP COLUMN warned, DROP COLUMN warnings;
