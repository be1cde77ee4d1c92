import type { Viewer } from '../../access/viewer.ts';
import type { ReadScope } from '../../data/read-scope.ts';

/** What a lookup asks for. */
export interface OsintRequest {
  viewer: Viewer;
  /** an identifier type, or TEXT */
  queryType: string;
  /** in the normal form of its type */
  normalisedQuery: string;
  parameters: Readonly<Record<string, unknown>>;
  /** aborted when the lookup takes too long or the server stops */
  signal: AbortSignal;
  /** a read scope of the viewer's tenant, for providers that look at our own data */
  scope: ReadScope;
}

export interface OsintAnswer {
  /** JSON, kept encrypted */
  results: unknown;
  /** identifiers that the lookup found, with a confidence from 0 to 1 */
  found: { type: string; value: string; confidence: number }[];
  count: number;
}

/** Where lookups get their answers. Injected: the default looks at the tenant's own data, and nothing calls out. */
export interface OsintProvider {
  name: string;
  lookup(request: OsintRequest): Promise<OsintAnswer>;
}
