/**
 * Row-level security from one list: what the migrations contain and what the contract test compares the catalogue with.
 *
 *   node scripts/rls.ts platform        prints the SQL of one module's tables, to paste into its migration
 *   node scripts/rls.ts bugs bug_history   or of single tables
 *   node scripts/rls.ts --alter platform   the policies as changes of those that are there
 */

/** How one table is protected. A plain tenant table needs only its name. */
export interface TableRule {
  readonly table: string;
  readonly module: string;
  /** what the application may do; every command not named gets a policy that refuses it, and no grant */
  readonly commands?: readonly Command[];
  /** when a row is the current tenant's; other tables than `tenants` and `users` have the default */
  readonly own?: string;
  /** what a new row must meet, where it differs from `own` */
  readonly insert?: string;
  /** what must hold of a row, besides, that is to be deleted */
  readonly remove?: string;
  /** further ways to read a row: name of the policy's ending, and condition */
  readonly also?: Readonly<Record<string, string>>;
  /** the further ways count for updates too */
  readonly updateAlso?: boolean;
  /** read by the search functions, which filter by tenant themselves */
  readonly searched?: boolean;
}

/** A statement that a policy is for. */
export type Command = 'select' | 'insert' | 'update' | 'delete';

const COMMANDS: readonly Command[] = ['select', 'insert', 'update', 'delete'];
const APPEND_ONLY: readonly Command[] = ['select', 'insert'];
const NO_DELETE: readonly Command[] = ['select', 'insert', 'update'];
// In a subquery a setting is read once a statement, without it once for each parent of a LATERAL list.
const TENANT = '(SELECT argus_tenant())';
const OWN = `tenant_id = ${TENANT}`;

const setting = (name: string, cast = ''): string => `(SELECT nullif(current_setting('app.${name}', true), '')${cast})`;
const AUTH_USER = setting('auth_user', '::uuid');

/** Every table with row-level security, in the order of the migrations. */
export const RULES: readonly TableRule[] = [
  {
    table: 'tenants',
    module: 'platform',
    commands: NO_DELETE,
    own: `id = ${TENANT}`,
    also: {
      signin: `slug = ${setting('auth_slug')}`,
      directory: `${setting('directory')} = 'on'`,
      member: `EXISTS (SELECT FROM members m WHERE m.tenant_id = tenants.id AND m.user_id = ${AUTH_USER})`,
    },
  },
  {
    table: 'users',
    module: 'platform',
    commands: NO_DELETE,
    // EXISTS and not IN: a read by id then probes one member instead of hashing all of the tenant's
    own: `EXISTS (SELECT FROM members m WHERE m.tenant_id = ${TENANT} AND m.user_id = users.id)`,
    insert: `${TENANT} IS NOT NULL`,
    also: { signin: `email = ${setting('auth_email')}`, self: `id = ${AUTH_USER}` },
    updateAlso: true,
  },
  { table: 'members', module: 'platform', also: { signin: `user_id = ${AUTH_USER}` } },
  {
    table: 'sessions',
    module: 'platform',
    also: { signin: `token_hash = decode(${setting('auth_token')}, 'hex')` },
  },
  { table: 'api_keys', module: 'platform', also: { signin: `id = ${setting('auth_key', '::uuid')}` } },
  { table: 'notifications', module: 'platform' },
  { table: 'audit_logs', module: 'platform', commands: APPEND_ONLY },
  {
    table: 'event_store',
    module: 'platform',
    commands: ['select', 'insert', 'delete'],
    // Retention removes old events, and nothing else does.
    remove: `occurred_at < now() - interval '1 day'`,
  },
  { table: 'counters', module: 'platform' },
  { table: 'import_logs', module: 'platform' },
  { table: 'sources', module: 'intel', searched: true },
  { table: 'platform_users', module: 'intel', searched: true },
  { table: 'content', module: 'intel', searched: true },
  { table: 'content_sightings', module: 'intel' },
  { table: 'keywords', module: 'intel', searched: true },
  { table: 'dictionaries', module: 'intel' },
  { table: 'detections', module: 'intel' },
  { table: 'identifiers', module: 'intel', searched: true },
  { table: 'content_identifiers', module: 'intel' },
  { table: 'osint_results', module: 'intel' },
  { table: 'osint_identifier_links', module: 'intel' },
  { table: 'cases', module: 'intel', searched: true },
  { table: 'case_contents', module: 'intel' },
  { table: 'case_identifiers', module: 'intel' },
  { table: 'case_detections', module: 'intel' },
  { table: 'case_platform_users', module: 'intel' },
  { table: 'projects', module: 'delivery', searched: true },
  { table: 'business_calendars', module: 'delivery' },
  { table: 'sla_policies', module: 'delivery' },
  { table: 'sla_policy_versions', module: 'delivery', commands: APPEND_ONLY },
  { table: 'bugs', module: 'delivery', searched: true },
  { table: 'bug_labels', module: 'delivery' },
  { table: 'bug_history', module: 'delivery' },
  { table: 'bug_comments', module: 'delivery' },
  { table: 'project_metrics', module: 'delivery' },
  { table: 'monthly_metrics', module: 'delivery' },
  { table: 'portfolio_metrics', module: 'delivery' },
  { table: 'bug_totals', module: 'delivery' },
  { table: 'project_bug_totals', module: 'delivery' },
  { table: 'project_totals', module: 'delivery' },
  { table: 'sync_states', module: 'delivery' },
  { table: 'bug_hour_totals', module: 'delivery' },
  { table: 'idempotency_keys', module: 'platform' },
  { table: 'webhook_endpoints', module: 'webhooks' },
  { table: 'webhook_deliveries', module: 'webhooks' },
  { table: 'notification_rules', module: 'notifications' },
];

/** Tables without tenant data: no row-level security, and why. */
export const UNPROTECTED: Readonly<Record<string, string>> = {
  _prisma_migrations: 'the history of migrations: the application has no grant on it',
  statement_log: 'counts of statements a minute: nothing of a tenant',
};

function policy(table: string, ending: string, command: Command, condition: string, role = 'argus_app'): string {
  const using = command === 'insert' ? '' : ` USING (${condition})`;
  const check = command === 'insert' || command === 'update' ? ` WITH CHECK (${condition})` : '';
  const name = `${table}_${ending}`;
  return `CREATE POLICY ${name} ON ${table} FOR ${command.toUpperCase()} TO ${role}${using}${check};`;
}

function conditionOf(rule: TableRule, command: Command): string {
  if (!(rule.commands ?? COMMANDS).includes(command)) return 'false';
  if (command === 'insert' && rule.insert !== undefined) return rule.insert;
  if (command === 'delete' && rule.remove !== undefined) return `${rule.own ?? OWN} AND ${rule.remove}`;
  return rule.own ?? OWN;
}

/** The same policies as changes of those that are there, for a migration that changes conditions. */
export function policyChangesOf(rule: TableRule): string[] {
  return policiesOf(rule).map((statement) =>
    statement.replace('CREATE POLICY', 'ALTER POLICY').replace(/ FOR \w+ TO (\w+)/, ' TO $1'),
  );
}

/** The policies of one table, one statement each. */
export function policiesOf(rule: TableRule): string[] {
  const statements = COMMANDS.map((command) => policy(rule.table, command, command, conditionOf(rule, command)));
  for (const [ending, condition] of Object.entries(rule.also ?? {})) {
    statements.push(policy(rule.table, `select_${ending}`, 'select', condition));
    if (rule.updateAlso) statements.push(policy(rule.table, `update_${ending}`, 'update', condition));
  }
  if (rule.searched) statements.push(policy(rule.table, 'search', 'select', 'true', 'argus_search'));
  return statements;
}

/** Row-level security, policies and grants of one table. */
export function rlsOf(rule: TableRule): string[] {
  const grants = (rule.commands ?? COMMANDS).map((command) => command.toUpperCase()).join(', ');
  return [
    `ALTER TABLE ${rule.table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;`,
    `GRANT ${grants} ON ${rule.table} TO argus_app;`,
    ...(rule.searched ? [`GRANT SELECT ON ${rule.table} TO argus_search;`] : []),
    ...policiesOf(rule),
  ];
}

if (import.meta.main) {
  const wanted = process.argv.slice(2);
  const rules = RULES.filter((rule) => wanted.includes(rule.module) || wanted.includes(rule.table));
  if (rules.length === 0) console.error('Name modules or tables of the list in this file.');
  const print = wanted.includes('--alter') ? policyChangesOf : rlsOf;
  console.log(rules.map((rule) => print(rule).join('\n')).join('\n\n'));
}
