import { builder } from '../../graphql/builder.ts';
import { oneField } from '../../graphql/connection.ts';
import { memberEntity } from '../platform/entities.ts';
import { Member } from '../platform/member.schema.ts';
import { BugFigureType, rangeArgs, rangeOf } from './analytics.schema.ts';
import { shareOf } from './engineering.ts';
import { BugSeverity } from './enums.schema.ts';
import { type Performance, teamPerformance, teamWorkload, type Workload, workload } from './team.ts';

const memberOf = ({ memberId }: { memberId: string }) => memberId;
const slaRateOf = ({ slaMet, slaMissed }: { slaMet: number; slaMissed: number }) => shareOf(slaMet, slaMet + slaMissed);

const WorkloadPart = builder.objectRef<Workload['bySeverity'][number]>('WorkloadPart').implement({
  description: 'Open bugs of one severity, and what they add to the points.',
  fields: (t) => ({
    severity: t.expose('severity', { type: BugSeverity }),
    open: t.exposeInt('open'),
    weight: t.exposeInt('weight', { description: 'points of one bug' }),
    points: t.exposeInt('points'),
  }),
});

const WorkloadType = builder.objectRef<Workload>('Workload').implement({
  description: 'What a member has to do.',
  fields: (t) => ({
    member: t.field(oneField(memberEntity, Member, memberOf)),
    open: t.expose('open', { type: BugFigureType }),
    bySeverity: t.expose('bySeverity', { type: [WorkloadPart] }),
    points: t.exposeInt('points', { description: 'the sum of those by severity' }),
    overdue: t.expose('overdue', { type: BugFigureType, description: 'open, and past the SLA or the due date' }),
    averageAgeDays: t.exposeFloat('averageAgeDays', { nullable: true, description: 'of the open ones' }),
    slaMet: t.exposeInt('slaMet', { description: 'bugs resolved in the last 90 days within their SLA' }),
    slaMissed: t.exposeInt('slaMissed'),
    slaRate: t.float({ nullable: true, description: 'share met, 0 to 1; null: there was none', resolve: slaRateOf }),
  }),
});

const PerformanceType = builder.objectRef<Performance>('MemberPerformance').implement({
  description: 'What a member resolved in a time.',
  fields: (t) => ({
    member: t.field(oneField(memberEntity, Member, memberOf)),
    resolved: t.exposeInt('resolved', { description: 'bugs assigned to the member that were resolved then' }),
    resolutionHoursP50: t.exposeFloat('resolutionHoursP50', { description: 'from report to resolution' }),
    reopened: t.exposeInt('reopened', { description: 'of the resolved ones, that had come back before' }),
    reopenRate: t.float({ nullable: true, resolve: ({ reopened, resolved }) => shareOf(reopened, resolved) }),
    slaMet: t.exposeInt('slaMet'),
    slaMissed: t.exposeInt('slaMissed'),
    slaRate: t.float({ nullable: true, description: 'share met, 0 to 1; null: there was none', resolve: slaRateOf }),
  }),
});

builder.queryFields((t) => ({
  workload: t.field({
    type: WorkloadType,
    nullable: true,
    permission: 'metric:read',
    description: 'What a member has to do. Null: there is no such member.',
    args: { memberId: t.arg.id({ required: true }) },
    resolve: async (_, args, ctx) => {
      const id = memberEntity.decode(args.memberId, ['memberId']);
      return (await memberEntity.load(ctx, id)) ? workload(ctx.scope, id, ctx.now) : null;
    },
  }),
  teamWorkload: t.field({
    type: [WorkloadType],
    permission: 'metric:read',
    description: 'What each member with open bugs has to do, most points first; 1,000 members at most.',
    resolve: (_, _args, ctx) => teamWorkload(ctx.scope, ctx.now),
  }),
  teamPerformance: t.field({
    type: [PerformanceType],
    permission: 'metric:read',
    description: 'What each member resolved in a time, most first; 1,000 members at most.',
    args: rangeArgs,
    resolve: (_, args, ctx) => {
      const { from, to } = rangeOf(ctx, args);
      return teamPerformance(ctx.scope, from, to);
    },
  }),
}));
