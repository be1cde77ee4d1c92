import { defineLinkList, defineList } from '../../data/list.ts';
import { enumFilter } from '../../graphql/enums.ts';
import { idFilter } from '../../graphql/filter-inputs.ts';
import { memberEntity } from '../platform/entities.ts';
import { contentEntity, keywordEntity, platformUserEntity, sourceEntity } from './entities.ts';
import './enums.schema.ts';
import { IDENTIFIER_TYPES } from './identifiers/types.ts';
import { MATCH_TYPES } from './matching/dictionary.ts';
import { OSINT_QUERY_TYPES } from './osint.service.ts';
import { RELIABILITIES, RISK_LEVELS } from './scoring.ts';
import * as values from './values.ts';

// Every filter and order here has an index that the contract test proves with EXPLAIN on a large table.
const created = { kind: 'date', field: 'createdAt' } as const;

export const sourceList = defineList('Source', {
  filters: {
    kind: enumFilter('SourceKind', values.SOURCE_KINDS, 'kind'),
    reliability: enumFilter('Reliability', RELIABILITIES, 'reliability'),
    isActive: { kind: 'boolean', field: 'isActive' },
    name: { kind: 'string', field: 'name' },
    createdAt: created,
  },
  orders: { CREATED_AT: 'createdAt', NAME: 'name' },
  defaultOrder: 'CREATED_AT',
});

export const platformUserList = defineList('PlatformUser', {
  filters: {
    sourceId: idFilter(sourceEntity, 'sourceId'),
    platformUserId: { kind: 'string', field: 'platformUserId' },
    username: { kind: 'string', field: 'username' },
    isFlagged: { kind: 'boolean', field: 'isFlagged' },
    riskScore: { kind: 'float', field: 'riskScore' },
    createdAt: created,
  },
  orders: { CREATED_AT: 'createdAt', USERNAME: 'username', RISK_SCORE: 'riskScore' },
  defaultOrder: 'CREATED_AT',
});

export const keywordList = defineList('Keyword', {
  filters: {
    category: enumFilter('KeywordCategory', values.KEYWORD_CATEGORIES, 'category'),
    matchType: enumFilter('MatchType', MATCH_TYPES, 'matchType'),
    language: { kind: 'string', field: 'language' },
    conceptId: { kind: 'string', field: 'conceptId' },
    term: { kind: 'string', field: 'normalisedTerm' },
    weight: { kind: 'float', field: 'weight' },
    isActive: { kind: 'boolean', field: 'isActive' },
    createdAt: created,
  },
  orders: { CREATED_AT: 'createdAt', TERM: 'normalisedTerm', WEIGHT: 'weight' },
  defaultOrder: 'CREATED_AT',
});

export const detectionList = defineList('Detection', {
  filters: {
    contentId: idFilter(contentEntity, 'contentId'),
    keywordId: idFilter(keywordEntity, 'keywordId'),
    status: enumFilter('DetectionStatus', values.DETECTION_STATUSES, 'status'),
    origin: enumFilter('DetectionOrigin', values.DETECTION_ORIGINS, 'origin'),
    score: { kind: 'float', field: 'score' },
    createdAt: created,
  },
  orders: { CREATED_AT: 'createdAt', SCORE: 'score' },
  defaultOrder: 'CREATED_AT',
});

export const contentList = defineList('Content', {
  filters: {
    sourceId: idFilter(sourceEntity, 'sourceId'),
    authorId: idFilter(platformUserEntity, 'authorId'),
    createdById: idFilter(memberEntity, 'createdById'),
    externalId: { kind: 'string', field: 'externalId' },
    status: enumFilter('ContentStatus', values.CONTENT_STATUSES, 'status'),
    riskLevel: enumFilter('RiskLevel', RISK_LEVELS, 'riskLevel'),
    riskScore: { kind: 'float', field: 'riskScore' },
    language: { kind: 'string', field: 'language' },
    tlp: enumFilter('Tlp', values.TLP_LEVELS, 'tlp'),
    postedAt: { kind: 'date', field: 'postedAt' },
    createdAt: created,
    detections: { kind: 'relation', spec: () => detectionList, foreignKey: 'contentId' },
  },
  orders: { CREATED_AT: 'createdAt', POSTED_AT: 'postedAt', RISK_SCORE: 'riskScore' },
  defaultOrder: 'CREATED_AT',
});

export const identifierList = defineList('Identifier', {
  filters: {
    type: enumFilter('IdentifierType', IDENTIFIER_TYPES, 'type'),
    value: { kind: 'string', field: 'value' },
    createdAt: created,
  },
  orders: { CREATED_AT: 'createdAt', VALUE: 'value' },
  defaultOrder: 'CREATED_AT',
});

export const osintList = defineList('OsintResult', {
  filters: {
    query: { kind: 'string', field: 'normalisedQuery' },
    queryType: enumFilter('OsintQueryType', OSINT_QUERY_TYPES, 'queryType'),
    status: enumFilter('OsintStatus', values.OSINT_STATUSES, 'status'),
    requestedById: idFilter(memberEntity, 'requestedById'),
    createdAt: created,
  },
  orders: { CREATED_AT: 'createdAt' },
  defaultOrder: 'CREATED_AT',
  omit: ['results', 'searchParameters'],
});

export const caseList = defineList('Case', {
  filters: {
    number: { kind: 'int', field: 'number' },
    status: enumFilter('CaseStatus', values.CASE_STATUSES, 'status'),
    priority: enumFilter('CasePriority', values.CASE_PRIORITIES, 'priority'),
    severity: enumFilter('CasePriority', values.CASE_PRIORITIES, 'severity'),
    assignedToId: idFilter(memberEntity, 'assignedToId'),
    createdAt: created,
  },
  orders: { CREATED_AT: 'createdAt', NUMBER: 'number', PRIORITY: 'priorityRank' },
  defaultOrder: 'CREATED_AT',
});

// Links have no id of their own: the other side's id, which grows with time, is their key and their order.
export const contentIdentifierList = defineLinkList('ContentIdentifier', 'identifierId', 'ContentIdentifier');
export const identifierContentList = defineLinkList('ContentIdentifier', 'contentId', 'IdentifierContent');
export const caseContentList = defineLinkList('CaseContent', 'contentId', 'CaseContent');
export const caseIdentifierList = defineLinkList('CaseIdentifier', 'identifierId', 'CaseIdentifier');
export const caseDetectionList = defineLinkList('CaseDetection', 'detectionId', 'CaseDetection');
export const casePlatformUserList = defineLinkList('CasePlatformUser', 'platformUserId', 'CasePlatformUser');
export const osintLinkList = defineLinkList('OsintIdentifierLink', 'identifierId', 'OsintIdentifierLink');
export const contentSightingList = defineLinkList('ContentSighting', 'origin', 'ContentSighting');
