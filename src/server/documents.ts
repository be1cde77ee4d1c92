import { createHash } from 'node:crypto';
import { type DocumentNode, type GraphQLSchema, Kind, type ParseOptions, parse, type Source, validate } from 'graphql';
import { type Operation, prepareOperation } from '../execution/operation.ts';
import { BoundedTexts, type Bounds } from './bounded-texts.ts';
import { documentId, type TrustedText } from './trusted-documents.ts';

/** A document longer than this is refused before it is parsed to the end. */
const MAX_TOKENS = 5_000;

/** An operation whose document is kept. */
export interface StoredOperation extends Operation {
  /** names the document's text and the operation in it; the same in every process */
  id: string;
}

export interface StoredDocument {
  text: string;
  document: DocumentNode;
  /** by name; under null the only one, when there is but one */
  operations: ReadonlyMap<string | null, StoredOperation>;
}

/** Parses a document of bounded length. @throws GraphQLError of its syntax or its length */
export function parseDocument(source: string | Source, options?: ParseOptions): DocumentNode {
  return parse(source, { ...options, maxTokens: MAX_TOKENS });
}

/**
 * Documents that were parsed, validated and prepared, by their text. Those without errors are kept, the least recently
 * used leaving first; trusted ones stay.
 */
export class Documents {
  readonly #schema: GraphQLSchema;
  readonly #kept: BoundedTexts<StoredDocument>;
  readonly #trusted = new Map<string, StoredDocument>();
  readonly #trustedById = new Map<string, StoredDocument>();

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
    const trusted = this.#trusted.get(text);
    if (trusted) return trusted;
    return this.#kept.get(text) ?? this.#add(text);
  }

  /** The trusted document of an id, `sha256:<hex>`; null when there is none. */
  trusted(id: string): StoredDocument | null {
    return this.#trustedById.get(id) ?? null;
  }

  /** Keeps documents for good, to be asked for by id. @throws Error naming each that has errors, with the errors */
  trust(texts: readonly TrustedText[]): void {
    const problems: string[] = [];
    for (const { name, text } of texts) {
      try {
        const stored = prepare(this.#schema, text);
        this.#trusted.set(text, stored);
        this.#trustedById.set(documentId(text), stored);
      } catch (error) {
        problems.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    if (problems.length > 0) throw new Error(`trusted documents have errors:\n${problems.join('\n')}`);
  }

  #add(text: string): StoredDocument | null {
    const stored = prepareOrNull(this.#schema, text);
    if (stored) this.#kept.set(text, stored);
    return stored;
  }
}

function prepareOrNull(schema: GraphQLSchema, text: string): StoredDocument | null {
  try {
    return prepare(schema, text);
  } catch {
    return null;
  }
}

/** Parses and validates as Yoga does: the specified rules, and graphql-js's own number of errors. @throws Error */
function prepare(schema: GraphQLSchema, text: string): StoredDocument {
  const document = parseDocument(text);
  const errors = validate(schema, document);
  if (errors.length > 0) throw new Error(errors.map(({ message }) => message).join('; '));
  const operations = new Map<string | null, StoredOperation>();
  for (const node of document.definitions) {
    if (node.kind !== Kind.OPERATION_DEFINITION) continue;
    const name = node.name?.value ?? null;
    const operation = prepareOperation(schema, document, name);
    if (operation) operations.set(name, Object.assign(operation, { id: operationId(text, name) }));
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
