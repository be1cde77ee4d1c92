import { enumValue } from '../../data/enum-value.ts';
import { withWrite } from '../../data/write.ts';
import { eventList } from '../../events/event-list.ts';
import { builder } from '../../graphql/builder.ts';
import { childListField, listField, oneField } from '../../graphql/connection.ts';
import { viewerOf } from '../../graphql/context.ts';
import { addMutation, EXPECTED_VERSION } from '../../graphql/mutation.ts';
import { memberEntity } from '../platform/entities.ts';
import { Event } from '../platform/event.schema.ts';
import { addEventSubscription } from '../platform/event-stream.schema.ts';
import { Member } from '../platform/member.schema.ts';
import { caseTlp } from './case.loaders.ts';
import {
  CASE_MOVES,
  type CaseChange,
  type CaseLinks,
  linkToCase,
  moveCase,
  openCase,
  unlinkFromCase,
  updateCase,
} from './case.service.ts';
import { caseEntity, contentEntity, detectionEntity, identifierEntity, platformUserEntity } from './entities.ts';
import { CaseImpact, CasePriority, CaseResolution, CaseRole, CaseStatus, Tlp } from './enums.schema.ts';
import { caseContentList, caseDetectionList, caseIdentifierList, caseList, casePlatformUserList } from './lists.ts';
import { Case, Content, Detection, Identifier, PlatformUser } from './refs.ts';
import { CASE_IMPACTS, CASE_PRIORITIES, CASE_RESOLUTIONS, CASE_ROLES, CASE_STATUSES } from './values.ts';

const addedBy = (link: { addedById: string | null }) => link.addedById;

const CaseContent = builder.prismaObject('CaseContent', {
  description: 'A content in a case.',
  fields: (t) => ({
    content: t.field(oneField(contentEntity, Content, (link: { contentId: string }) => link.contentId)),
    addedBy: t.field(oneField(memberEntity, Member, addedBy)),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
  }),
});
const CaseIdentifier = builder.prismaObject('CaseIdentifier', {
  description: 'An identifier in a case.',
  fields: (t) => ({
    identifier: t.field(oneField(identifierEntity, Identifier, (link: { identifierId: string }) => link.identifierId)),
    addedBy: t.field(oneField(memberEntity, Member, addedBy)),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
  }),
});
const CaseDetection = builder.prismaObject('CaseDetection', {
  description: 'A detection in a case.',
  fields: (t) => ({
    detection: t.field(oneField(detectionEntity, Detection, (link: { detectionId: string }) => link.detectionId)),
    addedBy: t.field(oneField(memberEntity, Member, addedBy)),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
  }),
});
const CasePlatformUser = builder.prismaObject('CasePlatformUser', {
  description: 'A watched account in a case.',
  fields: (t) => ({
    platformUser: t.field(
      oneField(platformUserEntity, PlatformUser, (link: { platformUserId: string }) => link.platformUserId),
    ),
    role: t.field({ type: CaseRole, resolve: (link) => enumValue(CASE_ROLES, link.role) }),
    addedBy: t.field(oneField(memberEntity, Member, addedBy)),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
  }),
});

builder.prismaObjectFields('Case', (t) => ({
  number: t.exposeInt('number', { description: '1, 2, 3 … without gaps' }),
  title: t.exposeString('title'),
  description: t.exposeString('description', { nullable: true }),
  status: t.field({ type: CaseStatus, resolve: (row) => enumValue(CASE_STATUSES, row.status) }),
  allowedMoves: t.field({
    type: [CaseStatus],
    description: 'where it can go from here',
    resolve: (row) => [...CASE_MOVES[enumValue(CASE_STATUSES, row.status)]],
  }),
  priority: t.field({ type: CasePriority, resolve: (row) => enumValue(CASE_PRIORITIES, row.priority) }),
  severity: t.field({ type: CasePriority, resolve: (row) => enumValue(CASE_PRIORITIES, row.severity) }),
  tlp: t.field({
    type: Tlp,
    description: 'the most restricted of what was set and of the linked contents and identifiers',
    resolve: (row, _, ctx) => caseTlp(ctx, row),
  }),
  startDate: t.expose('startDate', { type: 'DateTime' }),
  dueDate: t.expose('dueDate', { type: 'DateTime', nullable: true }),
  actualCompletion: t.expose('actualCompletion', {
    type: 'DateTime',
    nullable: true,
    description: 'when it was closed',
  }),
  resolution: t.field({
    type: CaseResolution,
    nullable: true,
    resolve: ({ resolution }) => (resolution ? enumValue(CASE_RESOLUTIONS, resolution) : null),
  }),
  impact: t.field({
    type: CaseImpact,
    nullable: true,
    resolve: ({ impact }) => (impact ? enumValue(CASE_IMPACTS, impact) : null),
  }),
  reopenReason: t.exposeString('reopenReason', { nullable: true }),
  assignedTo: t.field(oneField(memberEntity, Member, (row: { assignedToId: string | null }) => row.assignedToId)),
  createdBy: t.field(oneField(memberEntity, Member, (row: { createdById: string | null }) => row.createdById)),
  contents: t.field(childListField(caseContentList, CaseContent, 'caseId', 'content:read')),
  identifiers: t.field(childListField(caseIdentifierList, CaseIdentifier, 'caseId', 'identifier:read')),
  detections: t.field(childListField(caseDetectionList, CaseDetection, 'caseId', 'detection:read')),
  platformUsers: t.field(childListField(casePlatformUserList, CasePlatformUser, 'caseId', 'platformUser:read')),
  timeline: t.field({
    ...childListField(eventList, Event, 'aggregateId', 'event:read'),
    description: 'What happened to the case, oldest first.',
  }),
  version: t.exposeInt('version'),
  createdAt: t.expose('createdAt', { type: 'DateTime' }),
  updatedAt: t.expose('updatedAt', { type: 'DateTime' }),
}));

builder.queryField('cases', (t) =>
  t.field({ ...listField(caseList, Case), permission: 'case:read', description: 'Investigations.' }),
);

addMutation({
  name: 'openCase',
  permission: 'case:write',
  description: 'Opens a case under the next number.',
  input: builder.inputType('OpenCaseInput', {
    description: 'A new case.',
    fields: (t) => ({
      title: t.string({ required: true }),
      description: t.string(),
      priority: t.field({ type: CasePriority, description: 'MEDIUM when left out' }),
      severity: t.field({ type: CasePriority, description: 'MEDIUM when left out' }),
      tlp: t.field({ type: Tlp, description: 'GREEN when left out' }),
      startDate: t.field({ type: 'DateTime', description: 'now when left out' }),
      dueDate: t.field({ type: 'DateTime' }),
      assignedToId: t.id(),
    }),
  }),
  returns: { field: 'case', type: Case },
  run: (ctx, input) => {
    const assignedToId = input.assignedToId ? memberEntity.decode(input.assignedToId, ['assignedToId']) : null;
    return withWrite(ctx.services.write, viewerOf(ctx), 'case.open', (tx) => openCase(tx, { ...input, assignedToId }));
  },
});

addMutation({
  name: 'updateCase',
  permission: 'case:write',
  description: 'Changes a case. What is left out stays; null takes away.',
  input: builder.inputType('UpdateCaseInput', {
    description: 'Changes of a case.',
    fields: (t) => ({
      id: t.id({ required: true }),
      expectedVersion: t.int({ description: EXPECTED_VERSION }),
      title: t.string(),
      description: t.string(),
      priority: t.field({ type: CasePriority }),
      severity: t.field({ type: CasePriority }),
      tlp: t.field({ type: Tlp }),
      impact: t.field({ type: CaseImpact }),
      dueDate: t.field({ type: 'DateTime' }),
      assignedToId: t.id(),
    }),
  }),
  returns: { field: 'case', type: Case },
  run: (ctx, input) => {
    const id = caseEntity.decode(input.id);
    const assignedToId = input.assignedToId
      ? memberEntity.decode(input.assignedToId, ['assignedToId'])
      : input.assignedToId;
    return withWrite(ctx.services.write, viewerOf(ctx), 'case.update', (tx) =>
      updateCase(tx, { ...input, id, assignedToId } as CaseChange),
    );
  },
});

addMutation({
  name: 'moveCase',
  permission: 'case:write',
  description:
    'Moves a case along OPEN → IN_PROGRESS ⇄ ON_HOLD → RESOLVED → CLOSED. Reopening needs a reason, closing a resolution.',
  input: builder.inputType('MoveCaseInput', {
    description: 'Where a case is to go.',
    fields: (t) => ({
      id: t.id({ required: true }),
      status: t.field({ type: CaseStatus, required: true }),
      reason: t.string(),
      resolution: t.field({ type: CaseResolution }),
      expectedVersion: t.int({ description: EXPECTED_VERSION }),
    }),
  }),
  returns: { field: 'case', type: Case },
  run: (ctx, input) => {
    const id = caseEntity.decode(input.id);
    return withWrite(ctx.services.write, viewerOf(ctx), 'case.move', (tx) => moveCase(tx, { ...input, id }));
  },
});

const CasePlatformUserInput = builder.inputType('CasePlatformUserInput', {
  description: 'A watched account, and what it is in the case.',
  fields: (t) => ({
    platformUserId: t.id({ required: true }),
    role: t.field({ type: CaseRole, required: true, defaultValue: 'UNKNOWN' }),
  }),
});

const linksInput = builder.inputType('CaseLinksInput', {
  description: 'At most 500 of each.',
  fields: (t) => ({
    caseId: t.id({ required: true }),
    contentIds: t.idList(),
    identifierIds: t.idList(),
    detectionIds: t.idList(),
    platformUsers: t.field({ type: [CasePlatformUserInput] }),
  }),
});

function toLinks(input: typeof linksInput.$inferInput): CaseLinks {
  return {
    caseId: caseEntity.decode(input.caseId, ['caseId']),
    contentIds: input.contentIds?.map((id) => contentEntity.decode(id, ['contentIds'])),
    identifierIds: input.identifierIds?.map((id) => identifierEntity.decode(id, ['identifierIds'])),
    detectionIds: input.detectionIds?.map((id) => detectionEntity.decode(id, ['detectionIds'])),
    platformUsers: input.platformUsers?.map(({ platformUserId, role }) => ({
      platformUserId: platformUserEntity.decode(platformUserId, ['platformUsers', 'platformUserId']),
      role,
    })),
  };
}

addMutation({
  name: 'linkToCase',
  permission: 'case:write',
  description: 'Adds contents, identifiers, detections and accounts to a case; what is there already stays.',
  input: linksInput,
  returns: { field: 'case', type: Case },
  run: (ctx, input) => {
    const links = toLinks(input);
    return withWrite(ctx.services.write, viewerOf(ctx), 'case.link', (tx) => linkToCase(tx, links));
  },
});

addMutation({
  name: 'unlinkFromCase',
  permission: 'case:write',
  description: 'Takes contents, identifiers, detections and accounts off a case.',
  input: linksInput,
  returns: { field: 'case', type: Case },
  run: (ctx, input) => {
    const links = toLinks(input);
    return withWrite(ctx.services.write, viewerOf(ctx), 'case.unlink', (tx) => unlinkFromCase(tx, links));
  },
});

addEventSubscription(caseList, Case, 'case:read');
