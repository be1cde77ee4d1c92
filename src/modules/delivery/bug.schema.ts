import { enumValue } from '../../data/enum-value.ts';
import type { Row } from '../../data/models.ts';
import { eventList } from '../../events/event-list.ts';
import { builder } from '../../graphql/builder.ts';
import { childListField, listField, oneField } from '../../graphql/connection.ts';
import type { Context } from '../../graphql/context.ts';
import { memberEntity } from '../platform/entities.ts';
import { Event } from '../platform/event.schema.ts';
import { addEventSubscription } from '../platform/event-stream.schema.ts';
import { Member } from '../platform/member.schema.ts';
import { impactOf, isResolved, priorityOf } from './bug.figures.ts';
import { labelsOf, rulesOf } from './bug.loaders.ts';
import { BUG_MOVES } from './bug.service.ts';
import { bugEntity, policyEntity, projectEntity } from './entities.ts';
import { BugSeverity, BugStatus, BugSubstatus, ImportSource, SlaState } from './enums.schema.ts';
import { bugHistoryList, bugList, commentList } from './lists.ts';
import type { PriorityPart } from './priority.ts';
import { Bug, BugChange, BugComment, Project, SlaPolicy } from './refs.ts';
import type { RevenueImpact } from './revenue-impact.ts';
import { elapsedMs, remainingMs } from './sla/clock.ts';
import { clockOf } from './sla.clock-columns.ts';
import { BUG_SEVERITIES, BUG_STATUSES, IMPORT_SOURCES, SLA_STATES, type BugSubstatus as Substatus } from './values.ts';

const PriorityPartType = builder.objectRef<PriorityPart>('PriorityPart').implement({
  description: 'One summand of a priority score.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'SEVERITY, SLA, REVENUE, BLOCKER, AGE, ROUNDING' }),
    weight: t.exposeFloat('weight', { nullable: true, description: 'the most points it can give' }),
    input: t.exposeFloat('input', { nullable: true, description: '0 to 1' }),
    points: t.exposeFloat('points', { description: 'the parts add up to the score' }),
  }),
});

const RevenueImpactType = builder.objectRef<RevenueImpact>('RevenueImpactBreakdown').implement({
  description:
    'Revenue at risk a year: arr × affectedShare × churnRisk × daysCounted / fullAfterDays, or what a person set.',
  fields: (t) => ({
    value: t.field({ type: 'Decimal', resolve: (impact) => impact.value }),
    computed: t.field({ type: 'Decimal', resolve: (impact) => impact.computed }),
    override: t.field({ type: 'Decimal', nullable: true, resolve: (impact) => impact.override }),
    arr: t.field({ type: 'Decimal', resolve: ({ factors }) => factors.arr }),
    affectedShare: t.field({ type: 'Decimal', resolve: ({ factors }) => factors.affectedShare }),
    churnRisk: t.field({ type: 'Decimal', resolve: ({ factors }) => factors.churnRisk }),
    daysCounted: t.int({ resolve: ({ factors }) => factors.daysCounted }),
    fullAfterDays: t.int({ resolve: ({ factors }) => factors.fullAfterDays }),
  }),
});

type BugRow = Row<'Bug'>;

const DAY_MS = 86_400_000;
const NEW_DAYS = 7;

function substatusOf(bug: BugRow, now: Date): Substatus | null {
  if (isResolved(bug.status)) return null;
  if (bug.reopenCount > 0) return 'REGRESSED';
  if (bug.slaState === 'HIGH_RISK' || bug.slaState === 'BREACHED') return 'ESCALATING';
  const isNew = bug.status === 'PENDING' && now.getTime() - bug.createdAt.getTime() < NEW_DAYS * DAY_MS;
  return isNew ? 'NEW' : 'ONGOING';
}

const Sla = builder.objectRef<BugRow>('BugSla').implement({
  description: 'A bug’s clock: what it was given, what has run, when it is due.',
  fields: (t) => ({
    state: t.field({
      type: SlaState,
      description: 'as it was last told by an event: at most a minute behind',
      resolve: (bug) => enumValue(SLA_STATES, bug.slaState),
    }),
    policy: t.field(oneField(policyEntity, SlaPolicy, (bug: BugRow) => bug.slaPolicyId)),
    rulesVersion: t.exposeInt('slaRulesVersion', { nullable: true, description: 'of the policy, under which it runs' }),
    cycle: t.exposeInt('slaCycle', { description: 'grows when the clock starts anew after reopening' }),
    startedAt: t.expose('slaStartedAt', { type: 'DateTime', nullable: true }),
    targetHours: t.float({
      nullable: true,
      description: 'open hours of the calendar',
      resolve: ({ slaTargetMs }) => (slaTargetMs === null ? null : slaTargetMs / 3_600_000),
    }),
    elapsedHours: t.float({
      nullable: true,
      description: 'open hours that have run; paused time never counts',
      resolve: (bug, _, ctx) => hours(ctx, bug, elapsedMs),
    }),
    remainingHours: t.float({
      nullable: true,
      description: 'open hours left; negative when late',
      resolve: (bug, _, ctx) => hours(ctx, bug, remainingMs),
    }),
    pausedHours: t.float({
      description: 'wall-clock hours of the finished pauses of this cycle',
      resolve: ({ slaPausedMs }) => slaPausedMs / 3_600_000,
    }),
    pausedAt: t.expose('slaPausedAt', { type: 'DateTime', nullable: true, description: 'since when it stands' }),
    mediumRiskAt: t.expose('slaMediumRiskAt', { type: 'DateTime', nullable: true }),
    highRiskAt: t.expose('slaHighRiskAt', { type: 'DateTime', nullable: true }),
    dueAt: t.expose('slaDueAt', { type: 'DateTime', nullable: true, description: 'null while it is paused' }),
    breachedAt: t.expose('slaBreachedAt', { type: 'DateTime', nullable: true }),
    metAt: t.expose('slaMetAt', { type: 'DateTime', nullable: true, description: 'resolved in time' }),
    missedAt: t.expose('slaMissedAt', { type: 'DateTime', nullable: true, description: 'resolved late' }),
  }),
});

async function hours(ctx: Context, bug: BugRow, measure: typeof elapsedMs): Promise<number | null> {
  const clock = clockOf(bug);
  const rules = await rulesOf(ctx, bug);
  return clock && rules ? Math.round(measure(rules, clock, ctx.now) / 36_000) / 100 : null;
}

builder.prismaObjectFields('Bug', (t) => ({
  number: t.exposeInt('number', { description: '1, 2, 3 … in its project, without gaps' }),
  ref: t.string({
    description: 'the project’s key and the number: CAMEL-12',
    resolve: async (bug, _, ctx) => `${(await projectEntity.load(ctx, bug.projectId))?.key ?? ''}-${bug.number}`,
  }),
  project: t.field(oneField(projectEntity, Project, (bug: BugRow) => bug.projectId)),
  title: t.exposeString('title'),
  description: t.exposeString('description', { nullable: true }),
  severity: t.field({ type: BugSeverity, resolve: (bug) => enumValue(BUG_SEVERITIES, bug.severity) }),
  status: t.field({ type: BugStatus, resolve: (bug) => enumValue(BUG_STATUSES, bug.status) }),
  substatus: t.field({ type: BugSubstatus, nullable: true, resolve: (bug, _, ctx) => substatusOf(bug, ctx.now) }),
  allowedMoves: t.field({
    type: [BugStatus],
    description: 'where it can go from here',
    resolve: (bug) => [...BUG_MOVES[enumValue(BUG_STATUSES, bug.status)]],
  }),
  isBlocker: t.exposeBoolean('isBlocker'),
  labels: t.field({ type: ['String'], resolve: (bug, _, ctx) => labelsOf(ctx, bug.id) }),
  priorityScore: t.exposeInt('priorityScore', { description: '0 to 100; 0 once it is resolved' }),
  priorityBreakdown: t.field({
    type: [PriorityPartType],
    description: 'how the priority came about when it was reckoned; empty once it is resolved',
    resolve: async (bug, _, ctx) => {
      const impact = impactOf(bug, { arr: bug.figuresArr }, bug.figuresAt);
      return [...priorityOf(bug, impact.value, await rulesOf(ctx, bug), bug.figuresAt).parts];
    },
  }),
  affectedShare: t.field({
    type: 'Decimal',
    description: 'of the customers, 0 to 1',
    resolve: (bug) => bug.affectedShare,
  }),
  revenueImpact: t.field({
    type: 'Decimal',
    description: 'revenue at risk a year, in the project’s currency',
    resolve: (bug) => bug.revenueImpact,
  }),
  revenueImpactBreakdown: t.field({
    type: RevenueImpactType,
    nullable: true,
    permission: 'project:read',
    description: 'how it came about when it was reckoned',
    resolve: (bug) => impactOf(bug, { arr: bug.figuresArr }, bug.figuresAt),
  }),
  figuresAt: t.expose('figuresAt', {
    type: 'DateTime',
    description: 'when priority and revenue impact were reckoned: at each change, and as time goes by',
  }),
  sla: t.field({ type: Sla, resolve: (bug) => bug }),
  slaState: t.field({ type: SlaState, resolve: (bug) => enumValue(SLA_STATES, bug.slaState) }),
  assignee: t.field(oneField(memberEntity, Member, (bug: BugRow) => bug.assigneeId)),
  reporter: t.field(oneField(memberEntity, Member, (bug: BugRow) => bug.reporterId)),
  assigneeName: t.exposeString('assigneeName', { nullable: true, description: 'as another tracker named them' }),
  reporterName: t.exposeString('reporterName', { nullable: true, description: 'as another tracker named them' }),
  source: t.field({ type: ImportSource, resolve: (bug) => enumValue(IMPORT_SOURCES, bug.source) }),
  externalId: t.exposeString('externalId', { nullable: true, description: 'in the tracker that it came from' }),
  url: t.exposeString('url', { nullable: true }),
  details: t.expose('details', { type: 'JSON', description: 'what an import found and no field holds' }),
  hoursSpent: t.field({ type: 'Decimal', resolve: (bug) => bug.hoursSpent }),
  dueAt: t.expose('dueAt', { type: 'DateTime', nullable: true, description: 'set by people; the SLA has its own' }),
  firstResponseAt: t.expose('firstResponseAt', {
    type: 'DateTime',
    nullable: true,
    description: 'when somebody but the reporter first did something',
  }),
  resolvedAt: t.expose('resolvedAt', {
    type: 'DateTime',
    nullable: true,
    description: 'when it was shipped or closed',
  }),
  reopenCount: t.exposeInt('reopenCount'),
  history: t.field(childListField(bugHistoryList, BugChange, 'bugId', 'bug:read')),
  comments: t.field(childListField(commentList, BugComment, 'bugId', 'bug:read')),
  timeline: t.field({
    ...childListField(eventList, Event, 'aggregateId', 'event:read'),
    description: 'What happened to the bug, oldest first.',
  }),
  version: t.exposeInt('version'),
  createdAt: t.expose('createdAt', { type: 'DateTime', description: 'when it was reported' }),
  updatedAt: t.expose('updatedAt', { type: 'DateTime' }),
}));

builder.prismaObjectFields('BugHistory', (t) => ({
  bug: t.field(oneField(bugEntity, Bug, (row: { bugId: string }) => row.bugId)),
  field: t.exposeString('field'),
  oldValue: t.exposeString('oldValue', { nullable: true }),
  newValue: t.exposeString('newValue', { nullable: true }),
  status: t.field({
    type: BugStatus,
    nullable: true,
    description: 'the status from then on, when this change tells it',
    resolve: ({ status }) => (status ? enumValue(BUG_STATUSES, status) : null),
  }),
  actor: t.field(oneField(memberEntity, Member, (row: { actorId: string | null }) => row.actorId)),
  actorName: t.exposeString('actorName', { nullable: true, description: 'as another tracker named them' }),
  at: t.expose('at', { type: 'DateTime' }),
  eventSeq: t.expose('eventSeq', { type: 'BigInt', nullable: true, description: 'null: it came with an import' }),
}));

builder.prismaObjectFields('BugComment', (t) => ({
  bug: t.field(oneField(bugEntity, Bug, (row: { bugId: string }) => row.bugId)),
  body: t.exposeString('body'),
  author: t.field(oneField(memberEntity, Member, (row: { authorId: string | null }) => row.authorId)),
  createdAt: t.expose('createdAt', { type: 'DateTime' }),
}));

builder.queryFields((t) => ({
  bugs: t.field({ ...listField(bugList, Bug), permission: 'bug:read', description: 'Bugs, newest first.' }),
  bugChanges: t.field({
    ...listField(bugHistoryList, BugChange),
    permission: 'bug:read',
    description: 'What was changed in all bugs, newest first.',
  }),
  bugComments: t.field({
    ...listField(commentList, BugComment),
    permission: 'bug:read',
    description: 'Comments on all bugs, newest first.',
  }),
}));

addEventSubscription(bugList, Bug, 'bug:read');
