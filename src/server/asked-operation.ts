import type { Documents, StoredOperation } from './documents.ts';

export interface Asked {
  operation: StoredOperation;
  variables: Readonly<Record<string, unknown>>;
}

/**
 * The query or mutation that the JSON body of a request asks for. Null when there is anything that Yoga is to refuse,
 * word it as it does: what is no JSON object, has an unknown property or one of a wrong type, names no operation of a
 * valid document; also when it asks for a subscription.
 */
export function askedOperation(body: Buffer, documents: Documents): Asked | null {
  const given = parseObject(body);
  if (!given) return null;
  for (const name in given) if (!PROPERTIES.has(name)) return null;
  const { query, documentId, variables, operationName, extensions } = given;
  if (!isObjectOrNothing(variables) || !isObjectOrNothing(extensions)) return null;
  if (typeof operationName !== 'string' && operationName !== undefined && operationName !== null) return null;
  const document = find(documents, query ?? undefined, documentId ?? undefined);
  const operation = document?.operations.get(operationName ?? null);
  if (!operation || operation.kind === 'subscription' || operation.live) return null;
  return { operation, variables: variables ?? {} };
}

const PROPERTIES: ReadonlySet<string> = new Set(['query', 'documentId', 'variables', 'operationName', 'extensions']);

function find(documents: Documents, query: unknown, documentId: unknown) {
  if (typeof query === 'string' && documentId === undefined) return documents.get(query);
  if (typeof documentId === 'string' && query === undefined) return documents.trusted(documentId);
  return null;
}

/** Bytes that are not UTF-8 become U+FFFD, as they do in Yoga. */
function parseObject(body: Buffer): Record<string, unknown> | null {
  try {
    const given: unknown = JSON.parse(body.toString('utf8'));
    return isObjectOrNothing(given) ? (given ?? null) : null;
  } catch {
    return null;
  }
}

function isObjectOrNothing(value: unknown): value is Record<string, unknown> | null | undefined {
  return value === undefined || (typeof value === 'object' && !Array.isArray(value));
}
