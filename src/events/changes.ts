import type { LogChange } from './event.ts';

/**
 * What the event log tells of tables: a contract test runs writes of every kind and finds which rows each transaction
 * changed and which events it told.
 */

/** Table → aggregate types whose events may tell that its rows changed. A table that is not here: any event may. */
const TOLD_BY: Readonly<Record<string, readonly string[]>> = {
  tenants: ['Tenant'],
  members: ['Member'],
  sessions: ['Session'],
  api_keys: ['ApiKey', 'Tenant'],
  projects: ['Project'],
  business_calendars: ['BusinessCalendar'],
  sla_policies: ['SlaPolicy', 'Project'],
  sla_policy_versions: ['SlaPolicy', 'Project'],
  bugs: ['Bug', 'Project', 'SlaPolicy'],
  bug_labels: ['Bug'],
  bug_history: ['Bug'],
  bug_comments: ['Bug'],
  bug_totals: ['Bug'],
  project_bug_totals: ['Bug'],
  bug_hour_totals: ['Bug'],
  project_totals: ['Project'],
  project_metrics: ['Project'],
  monthly_metrics: ['Project', 'Tenant'],
  portfolio_metrics: ['PortfolioMetric'],
  sources: ['Source', 'Content'],
  platform_users: ['PlatformUser', 'Content', 'Detection'],
  content: ['Content', 'Detection'],
  content_sightings: ['Content'],
  keywords: ['Keyword'],
  dictionaries: ['Keyword', 'Content'],
  detections: ['Detection', 'Content'],
  identifiers: ['Content', 'OsintResult'],
  content_identifiers: ['Content'],
  osint_results: ['OsintResult'],
  osint_identifier_links: ['OsintResult'],
  cases: ['Case'],
  case_contents: ['Case'],
  case_identifiers: ['Case'],
  case_detections: ['Case'],
  case_platform_users: ['Case'],
  webhook_endpoints: ['Webhook'],
  webhook_deliveries: ['Webhook'],
  notification_rules: ['NotificationRule'],
  notifications: ['NotificationRule', 'Webhook'],
};

/** Table → the type whose aggregates its rows are: an event of that type tells nothing of other rows. */
const AGGREGATES: Readonly<Record<string, string>> = {
  api_keys: 'ApiKey',
  projects: 'Project',
  business_calendars: 'BusinessCalendar',
  bugs: 'Bug',
  keywords: 'Keyword',
  osint_results: 'OsintResult',
  cases: 'Case',
};

/** Tables of which rows may change without an event, and when: what is known of them is soon out of date. */
export const UNTOLD: Readonly<Record<string, string>> = {
  api_keys: 'a key is used',
  users: 'somebody signs in',
  sessions: 'somebody signs in',
  audit_logs: 'something is read that is audited',
  import_logs: 'an import goes on',
  statement_log: 'statements are counted',
  idempotency_keys: 'a call comes with a key, or one is past its time',
  sync_states: 'an import from another system goes on',
  bugs: 'priority, revenue impact and SLA are reckoned anew by time',
  bug_totals: 'the same',
  project_bug_totals: 'the same',
  content_sightings: 'content is seen again that is there already',
  detections: 'the sweep finds a keyword at other places',
  dictionaries: 'the sweep goes on',
  osint_results: 'a lookup whose process ended is queued again',
  webhook_endpoints: 'the log is read further',
  webhook_deliveries: 'events are sent',
  notification_rules: 'the log is read further',
  notifications: 'inboxes are filled, and read',
};

/** Tables that functions of the database read; each function of the migrations that reads may call is here. */
export const FUNCTIONS: Readonly<Record<string, readonly string[]>> = {
  argus_tenant: [],
  argus_text_config: [],
  argus_content_vector: [],
  argus_project_text: [],
  argus_content_queries: ['content'],
  search_content_ids: ['content'],
  search_content: ['content'],
  filter_content_ids: ['content'],
  search_keywords: ['keywords'],
  search_platform_users: ['platform_users'],
  search_identifiers: ['identifiers'],
  search_sources: ['sources'],
  search_cases: ['cases'],
  search_projects: ['projects'],
  search_bugs: ['bugs', 'projects'],
};

/** Stands for every aggregate type. */
export const ANY_TYPE = '*';

/** Aggregate type, or ANY_TYPE → UUIDs of aggregates, null: any. What is made of rows depends on events of these. */
export type Dependence = Map<string, Set<string> | null>;

const TYPES: ReadonlySet<string> = new Set(Object.values(TOLD_BY).flat());

/** Adds what tells of a table: of the rows with these keys, or of any row of it. */
export function addTable(dependence: Dependence, table: string, rows: readonly string[] | null): void {
  for (const type of TOLD_BY[table] ?? [ANY_TYPE]) {
    const known = dependence.get(type);
    if (rows === null || known === null || AGGREGATES[table] !== type) dependence.set(type, null);
    else dependence.set(type, new Set([...(known ?? []), ...rows]));
  }
}

/** Whether a change is told with a type that nothing is known of: it may have changed any table. */
export function isAnything({ types }: LogChange): boolean {
  return types === null || types.keys().some((type) => !TYPES.has(type));
}

/** Whether a change may have changed what depends so. */
export function touches(change: LogChange, dependence: Dependence): boolean {
  if (isAnything(change) || dependence.has(ANY_TYPE)) return true;
  for (const [type, ids] of change.types ?? []) {
    const rows = dependence.get(type);
    if (rows === undefined) continue;
    if (rows === null || ids === null || ids.values().some((id) => rows.has(id))) return true;
  }
  return false;
}
