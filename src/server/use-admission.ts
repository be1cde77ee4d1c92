import { GraphQLError } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Viewer } from '../access/viewer.ts';
import type { Context } from '../graphql/context.ts';
import { withoutSuggestions } from '../graphql/document.ts';
import { type Documents, InvalidDocument } from './documents.ts';
import type { ServerContext } from './graphql.ts';
import type { Meter } from './meter.ts';
import { minSeqOf } from './request.ts';

type Given = Partial<ServerContext> & { request?: Request; [CONTEXT]?: Context };

/** Where a request's context is kept that was made before its document was looked at. */
export const CONTEXT = Symbol('context');

/**
 * Finds out who asks before anything is done with what is asked. Documents come parsed and validated from the store;
 * the errors of one that is not valid are answered from there too.
 */
export function useAdmission(
  documents: Documents,
  meter: Meter,
  contextOf: (headers: Headers, given: Partial<ServerContext>) => Promise<Context>,
): Plugin<object, Partial<ServerContext>> {
  return {
    async onParams({ params: { query }, request, context, setResult }) {
      const given: Given = context;
      minSeqOf(request.headers.get('min-seq') ?? undefined);
      given[CONTEXT] ??= await contextOf(request.headers, given);
      // What is no text is for Yoga to refuse.
      if (typeof query !== 'string' || query === '') return;
      const { viewer } = given[CONTEXT];
      requireTrusted(documents, viewer, documents.isTrusted(query));
      const found = documents.find(query);
      if (found instanceof InvalidDocument) setResult({ errors: errorsFor(viewer, found) });
    },
    onParse({ params: { source }, setParsedDocument, setParseFn }) {
      const found = documents.find(typeof source === 'string' ? source : source.body);
      if (!(found instanceof InvalidDocument)) setParsedDocument(found.document);
      else
        setParseFn(() => {
          throw found.errors[0];
        });
    },
    // What was parsed here is valid.
    onValidate: ({ setResult }) => setResult([]),
    onResultProcess({ result, serverContext, setResult }) {
      if (Array.isArray(result) || Symbol.asyncIterator in result || result.extensions?.cost) return;
      const given: Given = serverContext;
      setResult({ ...result, extensions: { ...result.extensions, cost: meter.report(given[CONTEXT] ?? null, 0) } });
    },
  };
}

/** The errors of a document, as this viewer may see them: nobody is told what else there is. */
export function errorsFor(viewer: Viewer | null, { errors }: InvalidDocument): readonly GraphQLError[] {
  return viewer === null ? errors.map(withoutSuggestions) : errors;
}

/**
 * Where documents are trusted, who is nobody may ask for no others.
 * @throws GraphQLError with the code UNTRUSTED_DOCUMENT
 */
export function requireTrusted(documents: Documents, viewer: Viewer | null, trusted: boolean): void {
  if (viewer !== null || trusted || !documents.hasTrusted) return;
  throw new GraphQLError('without a credential only trusted documents are answered here', {
    extensions: { code: 'UNTRUSTED_DOCUMENT', http: { status: 403 } },
  });
}
