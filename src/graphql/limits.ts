import { type DirectiveNode, type DocumentNode, GraphQLError, Kind, type SelectionSetNode } from 'graphql';

/** How much a document may hold. A document that holds more is refused before it is validated. */
export const LIMITS = {
  tokens: 5_000,
  /** levels of selections in each other, fragments included */
  depth: 40,
  /** fields of an operation, with its fragments spread */
  fields: 2_000,
  /** fields and fragments of one selection */
  selections: 300,
  /** fields of one selection that answer under the same name */
  repetitions: 10,
  aliasesOfSelection: 100,
  aliases: 500,
  directives: 100,
  operations: 20,
  fragments: 50,
  /** Each is a transaction, and signing in is made slow on purpose. */
  mutations: 20,
} as const;

const COUNTED: Readonly<Record<keyof typeof LIMITS, string>> = {
  tokens: 'tokens',
  depth: 'levels of nesting',
  fields: 'fields, with fragments spread',
  selections: 'fields in one selection',
  repetitions: 'fields of the same name in one selection',
  aliasesOfSelection: 'aliases in one selection',
  aliases: 'aliases',
  directives: 'directives',
  operations: 'operations',
  fragments: 'fragments',
  mutations: 'changes in one operation',
};

/** The refusal of what exceeds a limit. */
export function tooMuch(limit: keyof typeof LIMITS, counted: number): GraphQLError {
  const allowed = LIMITS[limit];
  return new GraphQLError(`this has ${counted} ${COUNTED[limit]}, or more: at most ${allowed} are allowed`, {
    extensions: { code: 'TOO_MUCH', limit, allowed, counted, http: { status: 400 } },
  });
}

interface Counts {
  aliases: number;
  directives: number;
}

/**
 * Refuses a document that holds too much, before validating it costs anything: rules of validation compare each field
 * of a selection with each other of its name. Takes time in proportion to the document.
 * @throws GraphQLError with the code TOO_MUCH
 */
export function checkDocument({ definitions }: DocumentNode): void {
  const count = (kind: Kind) => definitions.filter((node) => node.kind === kind).length;
  insist('operations', count(Kind.OPERATION_DEFINITION));
  insist('fragments', count(Kind.FRAGMENT_DEFINITION));
  const counts: Counts = { aliases: 0, directives: 0 };
  for (const node of definitions) {
    if (node.kind !== Kind.OPERATION_DEFINITION && node.kind !== Kind.FRAGMENT_DEFINITION) continue;
    countDirectives(counts, node.directives);
    if (node.kind === Kind.OPERATION_DEFINITION)
      for (const variable of node.variableDefinitions ?? []) countDirectives(counts, variable.directives);
    checkSelection(counts, node.selectionSet, 1);
  }
}

function insist(limit: keyof typeof LIMITS, counted: number): void {
  if (counted > LIMITS[limit]) throw tooMuch(limit, counted);
}

function countDirectives(counts: Counts, directives: readonly DirectiveNode[] | undefined): void {
  counts.directives += directives?.length ?? 0;
  insist('directives', counts.directives);
}

function checkSelection(counts: Counts, { selections }: SelectionSetNode, depth: number): void {
  insist('depth', depth);
  insist('selections', selections.length);
  const names = new Map<string, number>();
  let aliases = 0;
  for (const node of selections) {
    countDirectives(counts, node.directives);
    if (node.kind === Kind.FIELD) {
      const name = node.alias?.value ?? node.name.value;
      const repeated = (names.get(name) ?? 0) + 1;
      names.set(name, repeated);
      insist('repetitions', repeated);
      if (node.alias) {
        insist('aliasesOfSelection', ++aliases);
        insist('aliases', ++counts.aliases);
      }
    }
    if (node.kind !== Kind.FRAGMENT_SPREAD && node.selectionSet) checkSelection(counts, node.selectionSet, depth + 1);
  }
}
