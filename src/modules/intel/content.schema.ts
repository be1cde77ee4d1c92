import { enumValue } from '../../data/enum-value.ts';
import { withWrite } from '../../data/write.ts';
import { builder } from '../../graphql/builder.ts';
import { childListField, listField, oneField } from '../../graphql/connection.ts';
import { viewerOf } from '../../graphql/context.ts';
import { addMutation, EXPECTED_VERSION } from '../../graphql/mutation.ts';
import { memberEntity } from '../platform/entities.ts';
import { addEventSubscription } from '../platform/event-stream.schema.ts';
import { Member } from '../platform/member.schema.ts';
import type { FieldSpan } from './analysis.ts';
import { type IngestItem, type IngestResult, ingestContents } from './content.ingest.ts';
import { MAX_BATCH } from './content.prepare.ts';
import { setContentStatus } from './content.service.ts';
import { contentEntity, identifierEntity, platformUserEntity, sourceEntity } from './entities.ts';
import { ContentStatus, RiskLevel, Tlp } from './enums.schema.ts';
import { contentIdentifierList, contentList, contentSightingList, detectionList } from './lists.ts';
import { Content, Detection, Identifier, PlatformUser, Source } from './refs.ts';
import { RISK_LEVELS, type Risk } from './scoring.ts';
import { CONTENT_STATUSES, TLP_LEVELS } from './values.ts';

export const TextSpan = builder.objectRef<FieldSpan>('TextSpan').implement({
  description: 'A stretch of a field, in UTF-16 units of the original text: `text.slice(start, end)` in JavaScript.',
  fields: (t) => ({
    field: t.exposeString('field', { description: 'TITLE or TEXT' }),
    start: t.exposeInt('start'),
    end: t.exposeInt('end'),
  }),
});

const RiskPart = builder.objectRef<Risk['breakdown']['parts'][number]>('RiskPart').implement({
  description: 'What one detection adds to a risk.',
  fields: (t) => ({
    term: t.exposeString('term'),
    conceptId: t.exposeString('conceptId'),
    weight: t.exposeFloat('weight'),
    contribution: t.exposeFloat('contribution', { description: 'share of the score; the shares add up to it' }),
    counted: t.exposeBoolean('counted'),
    reason: t.exposeString('reason', { nullable: true, description: 'why it does not count' }),
  }),
});

const RiskBreakdown = builder.objectRef<Risk['breakdown'] & { version: number }>('RiskBreakdown').implement({
  description: 'How a risk score came about: 1 − Π(1 − weight × sourceFactor) over distinct concepts.',
  fields: (t) => ({
    version: t.exposeInt('version', { description: 'of the formula' }),
    sourceFactor: t.exposeFloat('sourceFactor'),
    parts: t.field({ type: [RiskPart], resolve: ({ parts }) => [...parts] }),
  }),
});

const ContentIdentifier = builder.prismaObject('ContentIdentifier', {
  description: 'An identifier where it stands in a content.',
  fields: (t) => ({
    identifier: t.field(oneField(identifierEntity, Identifier, (link: { identifierId: string }) => link.identifierId)),
    raw: t.exposeString('raw', { description: 'as it was written' }),
    spans: t.field({ type: [TextSpan], resolve: (link) => link.spans as unknown as FieldSpan[] }),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
  }),
});

const ContentSighting = builder.prismaObject('ContentSighting', {
  description: 'Who has reported a content: each origin once.',
  fields: (t) => ({
    origin: t.exposeString('origin', { description: 'a file, the API, or what the caller named' }),
    seenAt: t.expose('seenAt', { type: 'DateTime' }),
  }),
});

builder.prismaObjectFields('Content', (t) => ({
  source: t.field(oneField(sourceEntity, Source, (content: { sourceId: string }) => content.sourceId)),
  author: t.field(
    oneField(platformUserEntity, PlatformUser, (content: { authorId: string | null }) => content.authorId),
  ),
  createdBy: t.field(oneField(memberEntity, Member, (content: { createdById: string | null }) => content.createdById)),
  externalId: t.exposeString('externalId', { nullable: true }),
  title: t.exposeString('title', { nullable: true }),
  text: t.exposeString('text'),
  language: t.exposeString('language', { description: 'ISO 639, or "und"' }),
  url: t.exposeString('url', { nullable: true }),
  status: t.field({ type: ContentStatus, resolve: (content) => enumValue(CONTENT_STATUSES, content.status) }),
  riskLevel: t.field({ type: RiskLevel, resolve: (content) => enumValue(RISK_LEVELS, content.riskLevel) }),
  riskScore: t.exposeFloat('riskScore', { description: '0 to 1' }),
  riskBreakdown: t.field({
    type: RiskBreakdown,
    nullable: true,
    description: 'Null for content that was never scored.',
    resolve: ({ analysisData }) =>
      Reflect.has(Object(analysisData), 'parts')
        ? (analysisData as unknown as Risk['breakdown'] & { version: number })
        : null,
  }),
  analysisData: t.expose('analysisData', { type: 'JSON' }),
  keywords: t.exposeStringList('keywords', { description: 'terms that count for the risk' }),
  metaData: t.expose('metaData', { type: 'JSON' }),
  tlp: t.field({ type: Tlp, resolve: (content) => enumValue(TLP_LEVELS, content.tlp) }),
  postedAt: t.expose('postedAt', { type: 'DateTime', description: 'when it was posted, else when it was taken in' }),
  version: t.exposeInt('version'),
  createdAt: t.expose('createdAt', { type: 'DateTime' }),
  updatedAt: t.expose('updatedAt', { type: 'DateTime' }),
  detections: t.field(childListField(detectionList, Detection, 'contentId', 'detection:read')),
  sightings: t.field(childListField(contentSightingList, ContentSighting, 'contentId', 'content:read')),
  identifiers: t.field(childListField(contentIdentifierList, ContentIdentifier, 'contentId', 'identifier:read')),
}));

builder.queryField('contents', (t) =>
  t.field({ ...listField(contentList, Content), permission: 'content:read', description: 'Collected content.' }),
);

const AuthorInput = builder.inputType('ContentAuthorInput', {
  description: 'Who wrote a content, as its platform knows them.',
  fields: (t) => ({
    platformUserId: t.string({ required: true, description: 'the platform’s own id' }),
    username: t.string({ required: true }),
    displayName: t.string(),
  }),
});

const contentFields = builder.inputType('IngestContentInput', {
  description:
    'One content. With an externalId it is the same content as any other of that source with it; without, the text and the time of posting tell.',
  fields: (t) => ({
    sourceId: t.id({ required: true }),
    externalId: t.string(),
    author: t.field({ type: AuthorInput }),
    title: t.string(),
    text: t.string({ required: true }),
    language: t.string({ description: 'ISO 639-1, such as en: decides how the text is searched' }),
    url: t.string(),
    postedAt: t.field({ type: 'DateTime' }),
    tlp: t.field({ type: Tlp }),
    metaData: t.field({ type: 'JSON' }),
    origin: t.string({ description: 'what reported it: each origin counts once as a sighting', defaultValue: 'api' }),
  }),
});
type ContentInput = typeof contentFields.$inferInput;

function toItem(input: ContentInput, path: readonly string[]): IngestItem {
  return {
    ...input,
    sourceId: sourceEntity.decode(input.sourceId, [...path, 'sourceId']),
    metaData: (input.metaData ?? null) as Record<string, unknown> | null,
    origin: input.origin ?? 'api',
  };
}

const Ingested = builder.objectRef<IngestResult>('IngestedContent').implement({
  description: 'What became of a content that was taken in.',
  fields: (t) => ({
    created: t.boolean({ resolve: ({ outcome }) => outcome === 'CREATED', description: 'false: it was there already' }),
    outcome: t.exposeString('outcome', { description: 'CREATED, UPDATED (the text was edited) or UNCHANGED' }),
    content: t.field(oneField(contentEntity, Content, (result: IngestResult) => result.contentId)),
  }),
});

addMutation({
  name: 'ingestContent',
  permission: 'content:write',
  mendsText: true,
  description: 'Takes a content in: detections, identifiers and risk are found in the same transaction.',
  input: contentFields,
  returns: { field: 'ingested', type: Ingested },
  run: (ctx, input) =>
    withWrite(ctx.services.write, viewerOf(ctx), 'content.ingest', async (tx) => {
      const [result] = await ingestContents(tx, ctx.services, [toItem(input, [])], () => []);
      return result as IngestResult;
    }),
});

const IngestBatch = builder.objectRef<IngestResult[]>('IngestBatch').implement({
  description: 'What became of contents that were taken in together.',
  fields: (t) => ({
    items: t.field({ type: [Ingested], description: 'in the order of the input', resolve: (results) => results }),
    created: t.int({ resolve: (results) => results.filter(({ outcome }) => outcome === 'CREATED').length }),
    updated: t.int({ resolve: (results) => results.filter(({ outcome }) => outcome === 'UPDATED').length }),
    unchanged: t.int({ resolve: (results) => results.filter(({ outcome }) => outcome === 'UNCHANGED').length }),
  }),
});

addMutation({
  name: 'ingestContents',
  permission: 'content:write',
  mendsText: true,
  description: `Takes up to ${MAX_BATCH} contents in, all or none.`,
  input: builder.inputType('IngestContentsInput', {
    description: 'Contents to take in together.',
    fields: (t) => ({ items: t.field({ type: [contentFields], required: true }) }),
  }),
  returns: { field: 'batch', type: IngestBatch },
  run: (ctx, { items }) =>
    withWrite(ctx.services.write, viewerOf(ctx), 'content.ingestBatch', (tx) =>
      ingestContents(
        tx,
        ctx.services,
        items.map((item, i) => toItem(item, ['items', String(i)])),
      ),
    ),
});

addMutation({
  name: 'setContentStatus',
  permission: 'content:write',
  description: 'Marks a content as analysed, reviewed or archived.',
  input: builder.inputType('SetContentStatusInput', {
    description: 'The new status of a content.',
    fields: (t) => ({
      id: t.id({ required: true }),
      status: t.field({ type: ContentStatus, required: true }),
      expectedVersion: t.int({ description: EXPECTED_VERSION }),
    }),
  }),
  returns: { field: 'content', type: Content },
  run: (ctx, input) => {
    const id = contentEntity.decode(input.id);
    return withWrite(ctx.services.write, viewerOf(ctx), 'content.status', (tx) =>
      setContentStatus(tx, { ...input, id }),
    );
  },
});

addEventSubscription(contentList, Content, 'content:read');
