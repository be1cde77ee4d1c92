import type { Role } from '../../../src/access/permissions.ts';
import { type WriteTx, withWrite } from '../../../src/data/write.ts';
import { createBugs, moveBug, updateBug } from '../../../src/modules/delivery/bug.service.ts';
import { bugEntity, projectEntity } from '../../../src/modules/delivery/entities.ts';
import { sweepSla } from '../../../src/modules/delivery/sla.sweep.ts';
import type { BugSeverity, BugStatus } from '../../../src/modules/delivery/values.ts';
import { createApiKey } from '../../../src/modules/platform/api-key.service.ts';
import { memberEntity } from '../../../src/modules/platform/entities.ts';
import { addMember } from '../../../src/modules/platform/tenant.service.ts';
import type { Answer, Tenant, TestApp } from '../../support/app.ts';
import { asOwner, mutate } from '../intel/records.ts';

export { asOwner, countOf, eventsOf, mutate, range } from '../intel/records.ts';

export const ERRORS = `userErrors { __typename code message path ... on InvalidTransition { from to allowed }
  ... on VersionMismatch { expected actual current { id ... on Bug { version title } ... on Project { version name } } } }
  eventSeq`;

export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;

/** One of a list, by a random number. */
export function pick<T>(random: () => number, list: readonly T[]): T {
  return list[Math.floor(random() * list.length)] as T;
}

/** Runs one change of a tenant at a time of its own, as a member if one is given. */
export async function writeAt<R>(
  t: TestApp,
  tenant: Tenant,
  at: Date | string | number,
  change: (tx: WriteTx) => Promise<R>,
  memberId: string | null = null,
): Promise<R> {
  const viewer = { ...tenant.system, memberId };
  const timed = (tx: WriteTx) => change(Object.assign(tx, { now: new Date(at) }));
  return (await withWrite(t.app.services.write, viewer, 'test', timed, { timeout: 60_000 })).value;
}

/** A sweep of the SLA at a time. */
export const sweepAt = (t: TestApp, tenant: Tenant, at: Date | string | number) =>
  sweepSla(t.app.services, tenant.system, { now: new Date(at) });

let made = 0;

const PROJECT = 'project { id key name version status currency arr }';

/** A project; gives it as the API does. */
export async function addProject(t: TestApp, tenant: Tenant, over: object = {}): Promise<Answer> {
  made += 1;
  const input = { key: `KEY${made}`, name: `Project ${made}`, ...over };
  const { project, userErrors } = await mutate(t, tenant.key, `createProject { ${PROJECT} ${ERRORS} }`, input);
  if (!project) throw new Error(JSON.stringify(userErrors));
  return project;
}

export const BUG = `bug { id number ref title description severity status substatus allowedMoves isBlocker labels
  priorityScore affectedShare revenueImpact slaState hoursSpent url dueAt externalId firstResponseAt resolvedAt
  reopenCount version assignee { id } reporter { id } }`;

/** What any mutation of a bug answers. */
export const change = (t: TestApp, key: string, name: string, input: object): Promise<Answer> =>
  mutate(t, key, `${name} { ${BUG} ${ERRORS} }`, input);

/** A bug that must be taken; gives it as the API does. */
export async function addBug(t: TestApp, tenant: Tenant, projectId: string, over: object = {}): Promise<Answer> {
  const { bug, userErrors } = await change(t, tenant.key, 'createBug', { projectId, title: 'It fails', ...over });
  if (!bug) throw new Error(JSON.stringify(userErrors));
  return bug;
}

/** Moves that must be allowed. */
export async function moveThrough(t: TestApp, tenant: Tenant, id: string, way: readonly BugStatus[]): Promise<Answer> {
  let bug: Answer;
  for (const status of way) {
    const answer = await change(t, tenant.key, 'moveBug', { id, status, reason: 'it came back' });
    if (!answer.bug) throw new Error(JSON.stringify(answer.userErrors));
    bug = answer.bug;
  }
  return bug;
}

/** A member of a role, with a key that may do what the role may. */
export async function addMemberWith(t: TestApp, tenant: Tenant, role: Role, permissions: string[]) {
  made += 1;
  const person = { email: `m${made}@members.example`, displayName: `Member ${made}`, role, passwordHash: null };
  const member = await writeAt(t, tenant, Date.now(), (tx) => addMember(tx, person));
  const viewer = { ...tenant.system, memberId: member.memberId, userId: member.userId };
  const { value } = await withWrite(t.app.services.write, viewer, 'test', (tx) =>
    createApiKey(tx, { name: `key ${made}`, permissions }),
  );
  return { id: memberEntity.encode(member.memberId), memberId: member.memberId, key: value.secret };
}

/** The row of a bug as the database holds it. */
export async function rowOf(t: TestApp, id: string): Promise<Answer> {
  const [row] = await asOwner(t, 'SELECT * FROM bugs WHERE id = $1', [bugEntity.decode(id)]);
  return row;
}

export const projectUuid = (id: string) => projectEntity.decode(id);
export const bugUuid = (id: string) => bugEntity.decode(id);

/** The events of one bug, oldest first, each with its type and payload. */
export async function eventsOfBug(t: TestApp, id: string, like = '%'): Promise<Answer[]> {
  return asOwner(
    t,
    `SELECT seq::int, type, aggregate_version AS version, payload FROM event_store
     WHERE aggregate_type = 'Bug' AND aggregate_id = $1 AND type LIKE $2 ORDER BY seq`,
    [bugEntity.decode(id), like],
  );
}

const TALLIES = `
  SELECT 'bug' AS what, p.currency AS owner, b.severity, b.status, b.sla_state, b.is_blocker::text AS blocker,
    count(*)::int AS count, ARRAY[sum(b.revenue_impact)] AS sums
  FROM bugs b JOIN projects p ON p.tenant_id = b.tenant_id AND p.id = b.project_id WHERE b.tenant_id = $1 GROUP BY 1, 2, 3, 4, 5, 6
  UNION ALL SELECT 'project bug', project_id::text, severity, status, sla_state, is_blocker::text, count(*)::int, ARRAY[sum(revenue_impact)]
  FROM bugs WHERE tenant_id = $1 GROUP BY 1, 2, 3, 4, 5, 6
  UNION ALL SELECT 'project', currency, '', status, '', '', count(*)::int, ARRAY[sum(arr), sum(dcf_valuation), sum(infrastructure_cost)]
  FROM projects WHERE tenant_id = $1 GROUP BY 1, 2, 4
  UNION ALL SELECT 'hour', (date_trunc('hour', at, 'UTC') AT TIME ZONE 'UTC')::text, '', measure, '', '', count(*)::int,
    ARRAY[count(*) FILTER (WHERE severity = 'CRITICAL'), count(*) FILTER (WHERE severity = 'HIGH'),
      count(*) FILTER (WHERE severity = 'MEDIUM'), count(*) FILTER (WHERE severity = 'LOW')]
  FROM bugs, LATERAL (VALUES ('CREATED', created_at), ('RESOLVED', resolved_at)) AS m (measure, at)
  WHERE tenant_id = $1 AND at IS NOT NULL GROUP BY 1, 2, 4`;
const TOTALS = `
  SELECT 'bug' AS what, currency AS owner, severity, status, sla_state, is_blocker::text AS blocker, count, ARRAY[revenue_impact] AS sums
  FROM bug_totals WHERE tenant_id = $1
  UNION ALL SELECT 'project bug', project_id::text, severity, status, sla_state, is_blocker::text, count, ARRAY[revenue_impact]
  FROM project_bug_totals WHERE tenant_id = $1
  UNION ALL SELECT 'project', currency, '', status, '', '', count, ARRAY[arr, dcf_valuation, infrastructure_cost]
  FROM project_totals WHERE tenant_id = $1
  UNION ALL SELECT 'hour', (hour AT TIME ZONE 'UTC')::text, '', measure, '', '', count, ARRAY[critical, high, medium, low]
  FROM bug_hour_totals WHERE tenant_id = $1`;

/** The totals as they are kept and as a recount gives them, as exact texts; kinds that nothing is of are left out. */
export async function totalsAndRecount(
  t: { database: { ownerUrl: string } },
  tenant: { tenantId: string },
): Promise<{ kept: Answer[]; recount: Answer[] }> {
  const read = (text: string) =>
    asOwner(
      t,
      `SELECT what, owner, severity, status, sla_state, blocker, count, sums::text FROM (${text}) x
       WHERE count <> 0 OR sums::text ~ '[1-9]' ORDER BY 1, 2, 3, 4, 5, 6`,
      [tenant.tenantId],
    );
  return { kept: await read(TOTALS), recount: await read(TALLIES) };
}

/** A Monday's midnight: SLA tests count hours from it. */
export const T0 = Date.parse('2026-03-02T00:00:00Z');
export const at = (hours: number): Date => new Date(T0 + hours * HOUR);

/** A bug reported so many hours after T0; gives the row's id. */
export async function bugAt(t: TestApp, tenant: Tenant, projectId: string, hours: number, over: object = {}) {
  const bug = { projectId: projectEntity.decode(projectId), title: 'It fails', ...over };
  const [made] = await writeAt(t, tenant, at(hours), (tx) => createBugs(tx, [bug]));
  if (!made) throw new Error('no bug was made');
  return made.id;
}

export const moveAt = (t: TestApp, tenant: Tenant, id: string, hours: number, status: BugStatus) =>
  writeAt(t, tenant, at(hours), (tx) => moveBug(tx, { id, status, reason: 'it came back' }));

export const severityAt = (t: TestApp, tenant: Tenant, id: string, hours: number, severity: BugSeverity) =>
  writeAt(t, tenant, at(hours), (tx) => updateBug(tx, { id, severity }));

const CLOCK = ['started', 'running_since', 'paused', 'medium_risk', 'high_risk', 'due', 'breached', 'met', 'missed'];

/** A bug's clock as the database holds it, dates as hours after T0; what is null is left out. */
export async function clockAt(t: TestApp, id: string): Promise<Answer> {
  const [row] = await asOwner(t, 'SELECT * FROM bugs WHERE id = $1', [id]);
  const dates = CLOCK.map((name) => [name, row[`sla_${name}_at`] ?? row[`sla_${name}`]]).filter(([, date]) => date);
  return {
    state: row.sla_state,
    cycle: row.sla_cycle,
    rules: row.sla_rules_version,
    pausedHours: row.sla_paused_ms / HOUR,
    ...Object.fromEntries(dates.map(([name, date]) => [name, (date.getTime() - T0) / HOUR])),
  };
}

/** What the log tells of a bug's SLA, as `MEDIUM_RISK 1`: the event without its prefix, and the cycle. */
export async function slaTold(t: TestApp, id: string): Promise<string[]> {
  const rows = await asOwner(
    t,
    `SELECT substr(type, 9) || ' ' || (payload ->> 'cycle') AS told FROM event_store
     WHERE aggregate_id = $1 AND type LIKE 'BUG_SLA%' ORDER BY seq`,
    [id],
  );
  return rows.map(({ told }) => told);
}
