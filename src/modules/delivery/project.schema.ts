import { enumValue } from '../../data/enum-value.ts';
import { withWrite } from '../../data/write.ts';
import { eventList } from '../../events/event-list.ts';
import { builder, type InputFields } from '../../graphql/builder.ts';
import { childListField, listField } from '../../graphql/connection.ts';
import { viewerOf } from '../../graphql/context.ts';
import { addMutation, EXPECTED_VERSION } from '../../graphql/mutation.ts';
import { Event } from '../platform/event.schema.ts';
import { addEventSubscription } from '../platform/event-stream.schema.ts';
import { projectEntity } from './entities.ts';
import { ProjectStatus } from './enums.schema.ts';
import { bugList, projectList } from './lists.ts';
import {
  createProject,
  moveProject,
  PROJECT_MOVES,
  projectKey,
  updateProject,
  valuationOf,
} from './project.service.ts';
import { Bug, Project } from './refs.ts';
import type { AppealPart, DcfPart } from './valuation.ts';
import { PROJECT_STATUSES } from './values.ts';

const DcfPartType = builder.objectRef<DcfPart>('DcfPart').implement({
  description: 'One discounted cash flow of a valuation.',
  fields: (t) => ({
    kind: t.exposeString('kind', { description: 'CASH_FLOW, or TERMINAL_VALUE of all years after the last' }),
    year: t.exposeInt('year'),
    cashFlow: t.field({ type: 'Decimal', resolve: (part) => part.cashFlow }),
    discountFactor: t.field({ type: 'Decimal', resolve: (part) => part.discountFactor }),
    value: t.field({
      type: 'Decimal',
      description: 'the parts add up to the valuation',
      resolve: (part) => part.value,
    }),
  }),
});

const AppealPartType = builder.objectRef<AppealPart>('AppealPart').implement({
  description: 'One summand of an appeal index.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'ROI, APPEAL, SIMPLICITY (complexity turned round)' }),
    weight: t.exposeFloat('weight'),
    input: t.exposeFloat('input', { description: '0 to 100' }),
    points: t.exposeFloat('points'),
  }),
});

const Valuation = builder.objectRef<ReturnType<typeof valuationOf>>('ProjectValuation').implement({
  description: 'What a project is worth, and from what that follows.',
  fields: (t) => ({
    dcf: t.field({ type: 'Decimal', resolve: ({ dcf }) => dcf.value }),
    dcfParts: t.field({ type: [DcfPartType], resolve: ({ dcf }) => [...dcf.parts] }),
    roiScore: t.float({ resolve: ({ roi }) => roi.score }),
    roiBase: t.float({ resolve: ({ roi }) => roi.breakdown.base }),
    roiGain: t.float({ description: 'base + gain = score', resolve: ({ roi }) => roi.breakdown.gain }),
    appealIndex: t.float({ resolve: ({ appeal }) => appeal.score }),
    appealParts: t.field({ type: [AppealPartType], resolve: ({ appeal }) => [...appeal.parts] }),
  }),
});

builder.prismaObjectFields('Project', (t) => ({
  key: t.exposeString('key', { description: 'stands in front of its bugs’ numbers: CAMEL-12' }),
  name: t.exposeString('name'),
  description: t.exposeString('description', { nullable: true }),
  tags: t.exposeStringList('tags'),
  status: t.field({ type: ProjectStatus, resolve: (row) => enumValue(PROJECT_STATUSES, row.status) }),
  allowedMoves: t.field({
    type: [ProjectStatus],
    description: 'where it can go from here; back from SHIPPED and CANCELLED with the permission project:reactivate',
    resolve: (row) => [...PROJECT_MOVES[enumValue(PROJECT_STATUSES, row.status)]],
  }),
  githubRepository: t.exposeString('githubRepository', { nullable: true, description: 'owner/name' }),
  currency: t.exposeString('currency', { description: 'ISO 4217, of all money of the project' }),
  arr: t.field({ type: 'Decimal', description: 'annual recurring revenue', resolve: (row) => row.arr }),
  infrastructureCost: t.field({ type: 'Decimal', description: 'a month', resolve: (row) => row.infrastructureCost }),
  hourlyRate: t.field({ type: 'Decimal', description: 'of an engineer', resolve: (row) => row.hourlyRate }),
  cashFlows: t.field({
    type: ['Decimal'],
    description: 'revenue projections: at the end of years 1, 2 …',
    resolve: (row) => row.cashFlows,
  }),
  discountRate: t.field({ type: 'Decimal', description: '0.12 is 12 % a year', resolve: (row) => row.discountRate }),
  terminalGrowth: t.field({
    type: 'Decimal',
    nullable: true,
    description: 'a year, after the last cash flow; null: no terminal value',
    resolve: (row) => row.terminalGrowth,
  }),
  dcfValuation: t.field({ type: 'Decimal', description: 'discounted cash flow', resolve: (row) => row.dcfValuation }),
  roiScore: t.exposeFloat('roiScore', { description: '0 to 100; 50 when nothing is known' }),
  appealScore: t.exposeFloat('appealScore', { description: '0 to 100' }),
  complexityScore: t.exposeFloat('complexityScore', { description: '0 to 10' }),
  appealIndex: t.exposeFloat('appealIndex', { description: '0 to 100, from ROI, appeal and simplicity' }),
  valuation: t.field({
    type: Valuation,
    description: 'How valuation and scores came about.',
    resolve: (row) => valuationOf(row),
  }),
  bugs: t.field(childListField(bugList, Bug, 'projectId', 'bug:read')),
  timeline: t.field({
    ...childListField(eventList, Event, 'aggregateId', 'event:read'),
    description: 'What happened to the project itself, oldest first.',
  }),
  version: t.exposeInt('version'),
  createdAt: t.expose('createdAt', { type: 'DateTime' }),
  updatedAt: t.expose('updatedAt', { type: 'DateTime' }),
}));

builder.queryField('projects', (t) =>
  t.field({ ...listField(projectList, Project), permission: 'project:read', description: 'What is built.' }),
);

builder.queryField('project', (t) =>
  t.field({
    type: Project,
    nullable: true,
    permission: 'project:read',
    description: 'A project by its key.',
    args: { key: t.arg.string({ required: true }) },
    resolve: async (_, { key }, ctx) => {
      const [row] = await ctx.scope.query<{ id: string }>({
        name: 'delivery_project_by_key',
        text: '/* Project.byKey */ SELECT id FROM projects WHERE tenant_id = $1::uuid AND key = $2::text',
        values: [ctx.scope.viewer.tenantId, projectKey(key)],
      });
      return row ? projectEntity.load(ctx, row.id) : null;
    },
  }),
);

const MONEY = 'an amount such as "1299.90", at most 4 decimals';
const projectFields = (t: InputFields) => ({
  description: t.string(),
  tags: t.stringList({ description: 'at most 50' }),
  githubRepository: t.string({ description: 'owner/name' }),
  arr: t.field({ type: 'Decimal', description: MONEY }),
  infrastructureCost: t.field({ type: 'Decimal', description: `${MONEY}; a month` }),
  hourlyRate: t.field({ type: 'Decimal', description: MONEY }),
  cashFlows: t.field({ type: ['Decimal'], description: 'at the end of years 1, 2 …; at most 50' }),
  discountRate: t.field({ type: 'Decimal', description: '"0.12" is 12 % a year' }),
  terminalGrowth: t.field({ type: 'Decimal', description: 'below the discount rate' }),
  appealScore: t.float({ description: '0 to 100' }),
  complexityScore: t.float({ description: '0 to 10' }),
});

addMutation({
  name: 'createProject',
  permission: 'project:write',
  description: 'Sets up a project.',
  input: builder.inputType('CreateProjectInput', {
    description: 'A new project.',
    fields: (t) => ({
      key: t.string({ required: true, description: 'letters, digits and _ . / -; stored in upper case' }),
      name: t.string({ required: true }),
      currency: t.string({ description: 'ISO 4217; USD when left out. It stays.' }),
      ...projectFields(t),
    }),
  }),
  returns: { field: 'project', type: Project },
  run: (ctx, input) => withWrite(ctx.services.write, viewerOf(ctx), 'project.create', (tx) => createProject(tx, input)),
});

addMutation({
  name: 'updateProject',
  permission: 'project:write',
  description: 'Changes a project. What is left out stays; null takes away. Valuation and scores follow.',
  input: builder.inputType('UpdateProjectInput', {
    description: 'Changes of a project.',
    fields: (t) => ({
      id: t.id({ required: true }),
      expectedVersion: t.int({ description: EXPECTED_VERSION }),
      name: t.string(),
      ...projectFields(t),
    }),
  }),
  returns: { field: 'project', type: Project },
  run: (ctx, input) => {
    const id = projectEntity.decode(input.id);
    return withWrite(ctx.services.write, viewerOf(ctx), 'project.update', (tx) => updateProject(tx, { ...input, id }));
  },
});

addMutation({
  name: 'moveProject',
  permission: 'project:write',
  description:
    'Moves a project: ACTIVE → SHIPPED, DEFERRED, CANCELLED; DEFERRED → ACTIVE, CANCELLED; and back to ACTIVE.',
  input: builder.inputType('MoveProjectInput', {
    description: 'Where a project is to go.',
    fields: (t) => ({
      id: t.id({ required: true }),
      status: t.field({ type: ProjectStatus, required: true }),
      expectedVersion: t.int({ description: EXPECTED_VERSION }),
    }),
  }),
  returns: { field: 'project', type: Project },
  run: (ctx, input) => {
    const id = projectEntity.decode(input.id);
    return withWrite(ctx.services.write, viewerOf(ctx), 'project.move', (tx) => moveProject(tx, { ...input, id }));
  },
});

addEventSubscription(projectList, Project, 'project:read');
