import { enumValue } from '../../data/enum-value.ts';
import { countBy } from '../../data/loaders.ts';
import { withWrite } from '../../data/write.ts';
import { builder } from '../../graphql/builder.ts';
import { childListField, listField, oneField } from '../../graphql/connection.ts';
import type { Context } from '../../graphql/context.ts';
import { viewerOf } from '../../graphql/context.ts';
import { addMutation, EXPECTED_VERSION } from '../../graphql/mutation.ts';
import { memberEntity } from '../platform/entities.ts';
import { addEventSubscription } from '../platform/event-stream.schema.ts';
import { Member } from '../platform/member.schema.ts';
import type { FieldSpan } from './analysis.ts';
import { TextSpan } from './content.schema.ts';
import { decideDetection } from './detection.service.ts';
import { contentEntity, detectionEntity, keywordEntity } from './entities.ts';
import { DetectionOrigin, DetectionStatus, KeywordCategory, MatchType } from './enums.schema.ts';
import {
  createKeyword,
  createKeywords,
  type KeywordInput,
  MAX_KEYWORD_BATCH,
  updateKeyword,
} from './keyword.service.ts';
import { detectionList, keywordList } from './lists.ts';
import { MATCH_TYPES } from './matching/dictionary.ts';
import { Content, Detection, Keyword } from './refs.ts';
import { DETECTION_ORIGINS, DETECTION_STATUSES, KEYWORD_CATEGORIES } from './values.ts';

const detectionCount = countBy('Detection', 'keywordId');

builder.prismaObjectFields('Keyword', (t) => ({
  term: t.exposeString('term'),
  normalisedTerm: t.exposeString('normalisedTerm'),
  language: t.exposeString('language'),
  category: t.field({ type: KeywordCategory, resolve: (keyword) => enumValue(KEYWORD_CATEGORIES, keyword.category) }),
  conceptId: t.exposeString('conceptId', { description: 'synonyms share it: it counts once in a risk' }),
  weight: t.exposeFloat('weight', { description: '0 to 1' }),
  matchType: t.field({ type: MatchType, resolve: (keyword) => enumValue(MATCH_TYPES, keyword.matchType) }),
  gap: t.exposeInt('gap'),
  isActive: t.exposeBoolean('isActive'),
  version: t.exposeInt('version'),
  createdAt: t.expose('createdAt', { type: 'DateTime' }),
  updatedAt: t.expose('updatedAt', { type: 'DateTime' }),
  detectionCount: t.int({
    permission: 'detection:read',
    resolve: (keyword, _, ctx: Context) => detectionCount(ctx, keyword.id),
  }),
  detections: t.field(childListField(detectionList, Detection, 'keywordId', 'detection:read')),
}));

builder.prismaObjectFields('Detection', (t) => ({
  content: t.field(oneField(contentEntity, Content, (detection: { contentId: string }) => detection.contentId)),
  keyword: t.field(oneField(keywordEntity, Keyword, (detection: { keywordId: string }) => detection.keywordId)),
  keywordVersion: t.exposeInt('keywordVersion', { description: 'version of the keyword that was found' }),
  spans: t.field({
    type: [TextSpan],
    description: 'the first 100',
    resolve: (detection) => detection.spans as unknown as FieldSpan[],
  }),
  matchCount: t.exposeInt('matchCount'),
  snippet: t.exposeString('snippet'),
  score: t.exposeFloat('score', { description: 'weight times the source’s factor' }),
  origin: t.field({ type: DetectionOrigin, resolve: (detection) => enumValue(DETECTION_ORIGINS, detection.origin) }),
  status: t.field({ type: DetectionStatus, resolve: (detection) => enumValue(DETECTION_STATUSES, detection.status) }),
  decidedBy: t.field(
    oneField(memberEntity, Member, (detection: { decidedById: string | null }) => detection.decidedById),
  ),
  decidedAt: t.expose('decidedAt', { type: 'DateTime', nullable: true }),
  decisionReason: t.exposeString('decisionReason', { nullable: true }),
  version: t.exposeInt('version'),
  createdAt: t.expose('createdAt', { type: 'DateTime' }),
}));

builder.queryFields((t) => ({
  keywords: t.field({ ...listField(keywordList, Keyword), permission: 'keyword:read', description: 'The dictionary.' }),
  detections: t.field({
    ...listField(detectionList, Detection),
    permission: 'detection:read',
    description: 'Keywords found in content.',
  }),
}));

const keywordFields = builder.inputType('CreateKeywordInput', {
  description: 'A new keyword.',
  fields: (t) => ({
    term: t.string({ required: true }),
    matchType: t.field({ type: MatchType, required: true, defaultValue: 'LITERAL' }),
    category: t.field({ type: KeywordCategory, required: true }),
    weight: t.float({ required: true, description: '0 to 1' }),
    language: t.string({ description: 'ISO 639; any when left out' }),
    conceptId: t.string({ description: 'synonyms share it; the term itself when left out' }),
    gap: t.int({ description: 'PHRASE: how many other words may stand between its words, 0 to 20' }),
  }),
});

addMutation({
  name: 'createKeyword',
  permission: 'keyword:write',
  description: 'Adds a keyword. Content that is there already is matched with it in the background.',
  input: keywordFields,
  returns: { field: 'keyword', type: Keyword },
  run: (ctx, input) =>
    withWrite(ctx.services.write, viewerOf(ctx), 'keyword.create', (tx) => createKeyword(tx, input as KeywordInput)),
});

const KeywordBatch = builder.objectRef<{ id: string; created: boolean }[]>('KeywordBatch').implement({
  description: 'What became of keywords that were added together.',
  fields: (t) => ({
    created: t.int({ resolve: (results) => results.filter((result) => result.created).length }),
    unchanged: t.int({ resolve: (results) => results.filter((result) => !result.created).length }),
    ids: t.field({ type: ['ID'], resolve: (results) => results.map(({ id }) => keywordEntity.encode(id)) }),
  }),
});

addMutation({
  name: 'createKeywords',
  permission: 'keyword:write',
  description: `Adds up to ${MAX_KEYWORD_BATCH} keywords, all or none; those that are there already stay as they are.`,
  input: builder.inputType('CreateKeywordsInput', {
    description: 'New keywords.',
    fields: (t) => ({ items: t.field({ type: [keywordFields], required: true }) }),
  }),
  returns: { field: 'batch', type: KeywordBatch },
  run: (ctx, { items }) =>
    withWrite(ctx.services.write, viewerOf(ctx), 'keyword.createBatch', (tx) =>
      createKeywords(tx, items as KeywordInput[]),
    ),
});

addMutation({
  name: 'updateKeyword',
  permission: 'keyword:write',
  description: 'Changes a keyword; scores of older content follow in the background.',
  input: builder.inputType('UpdateKeywordInput', {
    description: 'Changes of a keyword.',
    fields: (t) => ({
      id: t.id({ required: true }),
      expectedVersion: t.int({ description: EXPECTED_VERSION }),
      category: t.field({ type: KeywordCategory }),
      weight: t.float(),
      conceptId: t.string(),
      gap: t.int(),
      isActive: t.boolean({ description: 'false: no longer matched, no longer counted' }),
    }),
  }),
  returns: { field: 'keyword', type: Keyword },
  run: (ctx, input) => {
    const id = keywordEntity.decode(input.id);
    return withWrite(ctx.services.write, viewerOf(ctx), 'keyword.update', (tx) => updateKeyword(tx, { ...input, id }));
  },
});

addMutation({
  name: 'decideDetection',
  permission: 'detection:write',
  description: 'Confirms or dismisses a detection, or takes a decision back. The content’s risk is computed anew.',
  input: builder.inputType('DecideDetectionInput', {
    description: 'What somebody decided about a detection.',
    fields: (t) => ({
      id: t.id({ required: true }),
      status: t.field({ type: DetectionStatus, required: true }),
      reason: t.string(),
      expectedVersion: t.int({ description: EXPECTED_VERSION }),
    }),
  }),
  returns: { field: 'detection', type: Detection },
  run: (ctx, input) => {
    const id = detectionEntity.decode(input.id);
    return withWrite(ctx.services.write, viewerOf(ctx), 'detection.decide', (tx) =>
      decideDetection(tx, { ...input, id }),
    );
  },
});

addEventSubscription(keywordList, Keyword, 'keyword:read');
addEventSubscription(detectionList, Detection, 'detection:read');
