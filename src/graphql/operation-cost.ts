import {
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  Kind,
  type OperationDefinitionNode,
  visit,
} from 'graphql';
import { type Cost, operationCost, SIZE_ARGUMENTS } from './cost.ts';

type Variables = Readonly<Record<string, unknown>>;

/** Costs by page sizes that are remembered for one operation. */
const MAX_KNOWN = 200;
const SHOWN_PATHS = 3;

/** What one operation costs, which depends on its variables only where these are page sizes or keys. */
export class OperationCost {
  readonly #schema: GraphQLSchema;
  readonly #document: DocumentNode;
  readonly #operation: OperationDefinitionNode;
  #sizes: readonly string[] | undefined;
  readonly #known = new Map<string, number>();
  #introspects: boolean | undefined;

  constructor(schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode) {
    this.#schema = schema;
    this.#document = document;
    this.#operation = operation;
  }

  /** Whether the document asks for the schema. */
  get introspects(): boolean {
    this.#introspects ??= introspects(this.#document);
    return this.#introspects;
  }

  /**
   * Points, from variables as they were given: a size that is no number is refused when it is coerced.
   * @throws GraphQLError with the code TOO_MUCH, when the operation exceeds a limit of its form
   */
  total(variables: Variables): number {
    const key = this.#keyOf(variables);
    const known = key === null ? undefined : this.#known.get(key);
    if (known !== undefined) return known;
    const { total } = operationCost(this.#schema, this.#document, this.#operation, variables);
    if (key !== null && this.#known.size < MAX_KNOWN) this.#known.set(key, total);
    return total;
  }

  /** Total and paths. @throws as `total` does */
  explain(variables: Variables): Cost {
    return operationCost(this.#schema, this.#document, this.#operation, variables, true);
  }

  /** @throws GraphQLError with the code TOO_MUCH when it costs more than `most`; it names the dearest paths */
  check(variables: Variables, most: number): void {
    const total = this.total(variables);
    if (total <= most) return;
    const dearest = this.explain(variables).paths.slice(0, SHOWN_PATHS);
    const named = dearest.map(({ path, cost }) => `${path} (${shown(cost)})`).join(', ');
    const message = `this operation could cost ${shown(total)} points, ${shown(most)} are allowed. The dearest fields are ${named}: ask for fewer rows with first, or nest less`;
    const extensions = { code: 'TOO_MUCH', limit: 'cost', allowed: most, counted: total, paths: dearest };
    throw new GraphQLError(message, { extensions: { ...extensions, http: { status: 400 } } });
  }

  /** What of the variables the cost depends on, as a short text; null when it is not what it should be. */
  #keyOf(variables: Variables): string | null {
    this.#sizes ??= sizesOf(this.#document);
    let key = '';
    for (const name of this.#sizes) {
      const value = variables[name];
      if (Array.isArray(value)) key += `[${value.length},`;
      else if (value === undefined || value === null || typeof value === 'number') key += `${value},`;
      else return null;
    }
    return key;
  }
}

function shown(points: number): string {
  return points.toLocaleString('en');
}

/** Variables that say how many rows a field gives. Looked for at the first use: a document may hold many operations. */
function sizesOf(document: DocumentNode): string[] {
  const sizes = new Set<string>();
  visit(document, {
    Argument: ({ name, value }) => {
      if (value.kind === Kind.VARIABLE && SIZE_ARGUMENTS.has(name.value)) sizes.add(value.name.value);
    },
  });
  return [...sizes];
}

function introspects(document: DocumentNode): boolean {
  let found = false;
  visit(document, {
    Field: ({ name: { value } }) => {
      if (value === '__schema' || value === '__type') found = true;
    },
  });
  return found;
}
