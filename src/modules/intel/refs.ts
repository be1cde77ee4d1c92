import { builder } from '../../graphql/builder.ts';
import { Node } from '../../graphql/node.ts';
import * as entities from './entities.ts';

// The types of this module point to each other: they are declared here, and each gets its fields in a file of its own.
export const Source = builder.prismaObject('Source', {
  description: 'Where content comes from: a channel, forum, market, site or feed.',
  interfaces: [Node],
  fields: (t) => ({ id: t.id({ resolve: (row) => entities.sourceEntity.encode(row.id) }) }),
});
export const PlatformUser = builder.prismaObject('PlatformUser', {
  description: 'A watched account at a source.',
  interfaces: [Node],
  fields: (t) => ({ id: t.id({ resolve: (row) => entities.platformUserEntity.encode(row.id) }) }),
});
export const Content = builder.prismaObject('Content', {
  description: 'A message, post, report or document that was collected.',
  interfaces: [Node],
  fields: (t) => ({ id: t.id({ resolve: (row) => entities.contentEntity.encode(row.id) }) }),
});
export const Keyword = builder.prismaObject('Keyword', {
  description: 'A term that content is matched against.',
  interfaces: [Node],
  fields: (t) => ({ id: t.id({ resolve: (row) => entities.keywordEntity.encode(row.id) }) }),
});
export const Detection = builder.prismaObject('Detection', {
  description: 'A keyword found in a content.',
  interfaces: [Node],
  fields: (t) => ({ id: t.id({ resolve: (row) => entities.detectionEntity.encode(row.id) }) }),
});
export const Identifier = builder.prismaObject('Identifier', {
  description: 'An address, number, name, wallet or hash, in the normal form of its type.',
  interfaces: [Node],
  fields: (t) => ({ id: t.id({ resolve: (row) => entities.identifierEntity.encode(row.id) }) }),
});
export const OsintResult = builder.prismaObject('OsintResult', {
  description: 'A lookup of an identifier or name, run as a job.',
  interfaces: [Node],
  fields: (t) => ({ id: t.id({ resolve: (row) => entities.osintEntity.encode(row.id) }) }),
});
export const Case = builder.prismaObject('Case', {
  description: 'An investigation.',
  interfaces: [Node],
  fields: (t) => ({ id: t.id({ resolve: (row) => entities.caseEntity.encode(row.id) }) }),
});
