import { GraphQLError } from 'graphql';
import type { GraphQLParams, Plugin } from 'graphql-yoga';
import type { Documents } from './documents.ts';

/**
 * Lets a request name a trusted document by `documentId` instead of sending its text in `query` (GraphQL over HTTP,
 * appendix A: persisted documents).
 */
export function useTrustedDocuments(documents: Documents): Plugin {
  return {
    onParams({ params, request, setParams }) {
      const { documentId, ...rest } = { documentId: idInAddress(request), ...params } as Asked;
      if (documentId === undefined || documentId === null) return;
      if (typeof documentId !== 'string') throw badRequest('documentId is not a string');
      if (rest.query !== undefined && rest.query !== null)
        throw badRequest('give either query or documentId, not both');
      const stored = documents.trusted(documentId);
      if (!stored) throw unknownDocument(documentId);
      setParams({ ...rest, query: stored.text });
    },
  };
}

type Asked = GraphQLParams & { documentId?: unknown };

function idInAddress({ method, url }: Request): string | undefined {
  if (method !== 'GET' || !url.includes('documentId=')) return undefined;
  return new URL(url).searchParams.get('documentId') ?? undefined;
}

function badRequest(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'BAD_REQUEST', http: { status: 400 } } });
}

function unknownDocument(id: string): GraphQLError {
  const message = `there is no trusted document ${JSON.stringify(id.slice(0, 100))}: its id is "sha256:" and the hash of its text in hex`;
  // As for every error of a document: 200 where the client takes plain JSON only.
  return new GraphQLError(message, { extensions: { code: 'UNKNOWN_DOCUMENT', http: { spec: true, status: 400 } } });
}
