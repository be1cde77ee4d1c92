import { at, type Fill, fill, maybe, one, parent, random, skewed } from './large-values.ts';

/** Rows of the larger tenant. Every fifth project has bugs: the others give the list of projects its page 1,000. */
export const DELIVERY_ROWS = {
  projects: 25_000,
  business_calendars: 25_000,
  sla_policies: 25_000,
  bugs: 200_000,
  bug_labels: 80_000,
  bug_history: 60_000,
  bug_comments: 30_000,
  project_metrics: 30_000,
  monthly_metrics: 25_000,
  portfolio_metrics: 25_000,
} as const;

type Table = keyof typeof DELIVERY_ROWS | 'users';
type Count = (table: Table) => number;
type Id = (i: string) => string;
type Row = Record<string, string>;

/** Fills of the delivery module, one after another; those of one step in any order. */
export function deliveryFills(row: Row, count: Count, id: Id): Fill[][] {
  return [
    [projects(row, count), calendars(row, count), ...days(row, count)],
    [policies(row, count, id), ...metrics(row, count, id)],
    [bugs(row, count, id)],
    ofBugs(row, count, id),
  ];
}

function projects(row: Row, count: Count): Fill {
  return fill('projects', count('projects'), {
    ...row,
    key: `'P' || i`,
    name: `'Project ' || md5(i::text)`,
    description: maybe(0.5, 101, `'w' || ${skewed(5_000, 102)} || ' w' || ${skewed(5_000, 103)}`),
    tags: `ARRAY[${one(['web', 'api', 'mobile', 'data', 'ops'], 104)}]`,
    cash_flows: `'{}'`,
    status: one(['ACTIVE', 'SHIPPED', 'DEFERRED', 'CANCELLED'], 105),
    github_repository: maybe(0.7, 106, `'acme/r' || ${skewed(4_000, 107)}`),
    // most have no revenue, a few have most of it
    arr: `round((power(${random(108)}, 6) * 5e6)::numeric, 2)`,
    roi_score: `round((100 * power(${random(109)}, 2))::numeric, 1)`,
    appeal_index: `round((100 * ${random(110)})::numeric, 1)`,
  });
}

function calendars(row: Row, count: Count): Fill {
  return fill('business_calendars', count('business_calendars'), {
    ...row,
    name: `'Calendar ' || i`,
    time_zone: one(['UTC', 'Europe/Berlin', 'Asia/Tokyo'], 111),
    hours: `'[]'`,
  });
}

function policies(row: Row, count: Count, id: Id): Fill {
  return fill('sla_policies', count('sla_policies'), {
    ...row,
    name: `'Policy ' || i`,
    position: `${skewed(10_000, 112)}`,
    is_active: `${random(113)} > 0.02`,
    critical_hours: '24',
    high_hours: '72',
    medium_hours: '168',
    low_hours: '720',
    warn_at: '0.5',
    high_risk_at: '0.8',
    pause_on: `'{DEFERRED}'`,
    restart_on_reopen: 'false',
    calendar_id: maybe(0.5, 114, id(skewed(count('business_calendars'), 115))),
  });
}

const LABELS = 300;
const OPEN = ['PENDING', 'IN_PROGRESS', 'DEFERRED', 'VERIFIED'];

/** Older bugs are nearly all resolved, newer ones hardly. */
const isResolved = (count: Count) => `${random(116)} < 0.97 - 0.9 * power(i::float8 / ${count('bugs')}, 8)`;

function bugs(row: Row, count: Count, id: Id): Fill {
  const resolved = isResolved(count);
  const member = (salt: number) => id(skewed(count('users'), salt));
  const target = `interval '1 day' * (1 + floor(30 * ${random(117)}))`;
  return fill('bugs', count('bugs'), {
    ...row,
    project_id: id(`5 * CASE WHEN i <= 5000 THEN 1 + i % 50 ELSE ${skewed(count('projects') / 5, 118, 2)} END`),
    number: 'i',
    title: `'w' || ${skewed(5_000, 119)} || ' w' || ${skewed(5_000, 120)} || ' fails'`,
    severity: one(['MEDIUM', 'LOW', 'HIGH', 'CRITICAL'], 121, 2),
    status: `CASE WHEN ${resolved} THEN ${one(['CLOSED', 'SHIPPED'], 122)} ELSE ${one(OPEN, 123)} END`,
    is_blocker: `${random(124)} < 0.02`,
    priority_score: `CASE WHEN ${resolved} THEN 0 ELSE 5 + ${skewed(90, 125, 1.5)} END`,
    revenue_impact: maybe(0.3, 126, `round((power(${random(127)}, 6) * 1e5)::numeric, 2)`).replace(
      ' END',
      ' ELSE 0 END',
    ),
    assignee_id: maybe(0.8, 128, member(129)),
    reporter_id: maybe(0.9, 130, member(131)),
    source: `CASE WHEN i % 10 < 6 THEN 'MANUAL' WHEN i % 10 < 9 THEN 'GITHUB' ELSE 'CSV' END`,
    external_id: `CASE WHEN i % 10 >= 6 THEN 'x' || i END`,
    due_at: maybe(0.2, 132, `${at()} + interval '14 days' * ${random(133)}`),
    resolved_at: `CASE WHEN ${resolved} THEN ${at()} + interval '10 days' * power(${random(134)}, 2) END`,
    updated_at: `${at()} + interval '10 days' * power(${random(134)}, 2)`,
    sla_policy_id: maybe(0.9, 135, id(skewed(20, 136))),
    sla_rules_version: '1',
    sla_state: `CASE WHEN ${random(135)} >= 0.9 THEN 'NONE' WHEN ${resolved} THEN ${one(['MET', 'MISSED'], 137)}
      ELSE ${one(['ON_TRACK', 'BREACHED', 'MEDIUM_RISK', 'HIGH_RISK', 'PAUSED'], 138)} END`,
    sla_due_at: maybe(0.9, 135, `${at()} + ${target}`),
    refresh_at: `CASE WHEN NOT ${resolved} THEN ${at()} + ${target} / 2 END`,
  });
}

const FIELDS = ['status', 'assigneeId', 'severity', 'title', 'labels', 'hoursSpent', 'isBlocker', 'dueAt'];

function ofBugs({ tenant_id }: Row, count: Count, id: Id): Fill[] {
  const row = { tenant_id: tenant_id ?? '' };
  const bug = id(parent(count('bugs')));
  const member = (salt: number) => id(skewed(count('users'), salt));
  return [
    fill('bug_labels', count('bug_labels'), { ...row, bug_id: bug, name: `'label ' || ${skewed(LABELS, 139)}` }),
    fill('bug_history', count('bug_history'), {
      ...row,
      id: id('i'),
      bug_id: bug,
      field: one(FIELDS, 140),
      new_value: `'v' || i`,
      actor_id: maybe(0.8, 141, member(142)),
      at: at(),
      import_key: maybe(0.2, 143, `'k' || i`),
    }),
    fill('bug_comments', count('bug_comments'), {
      ...row,
      id: id('i'),
      bug_id: bug,
      body: `'w' || ${skewed(5_000, 144)}`,
      author_id: maybe(0.95, 145, member(146)),
      created_at: at(),
    }),
  ];
}

/** Daily rows of 300 projects, and months of 250 of them, the first of which stands for all projects. */
function metrics(row: Row, count: Count, id: Id): Fill[] {
  const [daily, monthly] = [count('project_metrics') / 100, count('monthly_metrics') / 100];
  const zero = ['open_at_start', 'created', 'created_critical', 'created_high', 'created_medium', 'created_low'];
  return [
    fill('project_metrics', count('project_metrics'), {
      ...row,
      project_id: id(`1 + i % ${daily}`),
      date: `date '2025-01-01' + (i / ${daily})::int`,
      commits: skewed(50, 147),
      tech_stack: `'{typescript}'`,
    }),
    fill('monthly_metrics', count('monthly_metrics'), {
      ...row,
      project_id: `CASE WHEN i % ${monthly} > 0 THEN ${id(`1 + i % ${monthly}`)} END`,
      month: `(date '2015-01-01' + interval '1 month' * (i / ${monthly}))::date`,
      ...Object.fromEntries([...zero, 'resolved', 'sla_met', 'sla_missed', 'hours_spent'].map((name) => [name, '0'])),
      engineering_cost: `'[]'`,
      computed_at: at(),
    }),
  ];
}

function days(row: Row, count: Count): Fill[] {
  return [
    fill('portfolio_metrics', count('portfolio_metrics'), {
      ...row,
      date: `date '1960-01-01' + i::int`,
      projects: `'{}'`,
      bugs: `'{}'`,
      money: `'[]'`,
    }),
  ];
}
