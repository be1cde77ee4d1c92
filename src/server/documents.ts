import { createHash } from 'node:crypto';
import { type DocumentNode, GraphQLError, type GraphQLSchema, Kind } from 'graphql';
import { type Operation, prepareOperation } from '../execution/operation.ts';
import { documentError, parseDocument, validateDocument } from '../graphql/document.ts';
import { BoundedTexts, type Bounds } from './bounded-texts.ts';
import { documentId, type TrustedText } from './trusted-documents.ts';

/** An operation whose document is kept. */
export interface StoredOperation extends Operation {
  /** names the document's text and the operation in it; the same in every process */
  id: string;
  /** its document is one of those that are asked for by id */
  trusted: boolean;
}

export interface StoredDocument {
  text: string;
  document: DocumentNode;
  /** by name; under null the only one, when there is but one */
  operations: ReadonlyMap<string | null, StoredOperation>;
}

/** A document with errors, as its caller is told. */
export class InvalidDocument {
  readonly errors: readonly GraphQLError[];

  constructor(errors: readonly GraphQLError[]) {
    this.errors = errors;
  }
}

/**
 * Documents that were parsed, validated and prepared, by their text, and the errors of those that have any: nothing is
 * validated twice. The least recently used leave first; trusted ones stay.
 */
export class Documents {
  readonly #schema: GraphQLSchema;
  readonly #kept: BoundedTexts<StoredDocument>;
  readonly #invalid = new BoundedTexts<InvalidDocument>();
  readonly #trusted = new Map<string, StoredDocument>();
  readonly #trustedById = new Map<string, StoredDocument>();
  readonly #byNode = new WeakMap<DocumentNode, StoredDocument>();

  /** `most`: how many documents, and bytes of their texts, are kept besides the trusted ones */
  constructor(schema: GraphQLSchema, most?: Bounds) {
    this.#schema = schema;
    this.#kept = new BoundedTexts(most);
  }

  /** How many documents are kept besides the trusted ones, and the bytes of their texts. */
  get size(): Bounds {
    return this.#kept.size;
  }

  /** The document of a text; null when it has errors. */
  get(text: string): StoredDocument | null {
    const found = this.find(text);
    return found instanceof InvalidDocument ? null : found;
  }

  /** The document of a text, or its errors. */
  find(text: string): StoredDocument | InvalidDocument {
    return this.#trusted.get(text) ?? this.#kept.get(text) ?? this.#invalid.get(text) ?? this.#add(text);
  }

  /** An operation of a document that was found here; null when the document does not hold it, or tells not which it is. */
  operationOf(document: DocumentNode, name: string | null): StoredOperation | null {
    return this.#byNode.get(document)?.operations.get(name) ?? null;
  }

  /** Whether there are documents that are trusted more than others. */
  get hasTrusted(): boolean {
    return this.#trusted.size > 0;
  }

  isTrusted(text: string): boolean {
    return this.#trusted.has(text);
  }

  /** The trusted document of an id, `sha256:<hex>`; null when there is none. */
  trusted(id: string): StoredDocument | null {
    return this.#trustedById.get(id) ?? null;
  }

  /** Names of the operations in trusted documents. */
  get trustedNames(): string[] {
    return [...this.#trusted.values()].flatMap(({ operations }) =>
      [...operations.keys()].filter((name) => name !== null),
    );
  }

  /** Keeps documents for good, to be asked for by id. @throws Error naming each that has errors, with the errors */
  trust(texts: readonly TrustedText[]): void {
    const problems: string[] = [];
    for (const { name, text } of texts) {
      try {
        const stored = this.#prepare(text, true);
        this.#trusted.set(text, stored);
        this.#trustedById.set(documentId(text), stored);
      } catch (error) {
        problems.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    if (problems.length > 0) throw new Error(`trusted documents have errors:\n${problems.join('\n')}`);
  }

  /** @throws GraphQLError of its syntax, Refused with the errors of its validation */
  #prepare(text: string, trusted: boolean): StoredDocument {
    const stored = prepare(this.#schema, text, trusted);
    this.#byNode.set(stored.document, stored);
    return stored;
  }

  #add(text: string): StoredDocument | InvalidDocument {
    try {
      const stored = this.#prepare(text, false);
      this.#kept.set(text, stored);
      return stored;
    } catch (error) {
      const invalid = new InvalidDocument(errorsOf(error));
      this.#invalid.set(text, invalid);
      return invalid;
    }
  }
}

class Refused extends Error {
  readonly errors: readonly GraphQLError[];

  constructor(errors: readonly GraphQLError[]) {
    super(errors.map(({ message }) => message).join('; '));
    this.errors = errors;
  }
}

/** As for every error of a document: 200 where the client takes plain JSON only. */
const SPECIFIED = { spec: true, status: 400 };

function errorsOf(error: unknown): GraphQLError[] {
  if (error instanceof Refused)
    return error.errors.map((one) => documentError(one, { code: 'GRAPHQL_VALIDATION_FAILED', http: SPECIFIED }));
  if (error instanceof GraphQLError) return [documentError(error, { code: 'GRAPHQL_PARSE_FAILED', http: SPECIFIED })];
  if (error instanceof RangeError)
    return [
      documentError(new GraphQLError('the document is nested too deeply'), {
        code: 'TOO_MUCH',
        limit: 'depth',
        http: { status: 400 },
      }),
    ];
  throw error;
}

/** @throws GraphQLError of its syntax, Refused with the errors of its validation */
function prepare(schema: GraphQLSchema, text: string, trusted: boolean): StoredDocument {
  const document = parseDocument(text);
  const errors = validateDocument(schema, document);
  if (errors.length > 0) throw new Refused(errors);
  const operations = new Map<string | null, StoredOperation>();
  for (const node of document.definitions) {
    if (node.kind !== Kind.OPERATION_DEFINITION) continue;
    const name = node.name?.value ?? null;
    const operation = prepareOperation(schema, document, name);
    if (operation) operations.set(name, Object.assign(operation, { id: operationId(text, name), trusted }));
  }
  const [only, another] = operations.values();
  if (only && !another) operations.set(null, only);
  return { text, document, operations };
}

function operationId(text: string, name: string | null): string {
  // No name has a line break, so no two pairs of name and text give the same.
  return createHash('sha256')
    .update(`${name ?? ''}\n${text}`)
    .digest('base64url');
}
