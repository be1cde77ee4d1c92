import {
  type FieldNode,
  type GraphQLOutputType,
  Kind,
  type OperationDefinitionNode,
  parse,
  print,
  type SelectionNode,
  visit,
} from 'graphql';
import { vi } from 'vitest';
import type { GraphQLResponse, TestApp } from './app.ts';
import { rootFields, selection } from './schema-walk.ts';

/** A call of a change that was made with an idempotency key, and can be made again. */
export interface KeyedCall {
  /** root fields */
  names: string[];
  answer: GraphQLResponse;
  /** the same call at the same time of day, with the same key */
  again(): Promise<GraphQLResponse>;
}

/** A test's app that sends a key with every mutation, and asks for all that its payload holds. */
export function withKeys(t: TestApp): { t: TestApp; taken(): KeyedCall[] } {
  let calls: KeyedCall[] = [];
  let count = 0;
  const run: TestApp['run'] = async (key, query, variables) => {
    const operation = parse(query).definitions.find((one) => one.kind === Kind.OPERATION_DEFINITION);
    if (operation?.operation !== 'mutation') return t.run(key, query, variables);
    count += 1;
    const keyed = keyedQuery(query, `call ${count}`);
    const moment = Date.now();
    const call = async () => {
      // Ages and clocks follow the time.
      vi.useFakeTimers({ toFake: ['Date'], now: moment });
      try {
        const { statements: _, ...answer } = await t.run<never>(key, keyed, variables);
        return answer;
      } finally {
        vi.useRealTimers();
      }
    };
    const answer = await call();
    calls.push({ names: namesOf(operation), answer, again: call });
    return { ...answer, statements: 0 };
  };
  const runOk: TestApp['runOk'] = async (key, query, variables) => {
    const { data, errors } = await run(key, query, variables);
    if (errors || !data) throw new Error(`${query}\n${JSON.stringify(errors, null, 2)}`);
    return data as never;
  };
  return {
    t: { ...t, run, runOk },
    taken: () => {
      const taken = calls;
      calls = [];
      return taken;
    },
  };
}

function namesOf({ selectionSet }: OperationDefinitionNode): string[] {
  return selectionSet.selections.flatMap((node) => (node.kind === Kind.FIELD ? [node.name.value] : []));
}

/** Each reading of these is audited, whatever asks for it. */
const AUDITED = /\w+_JSON: (results|searchParameters)\b/g;

/** The query with an argument `idempotencyKey` and everything selected at each root field. */
function keyedQuery(query: string, key: string): string {
  const fields = new Map(rootFields('Mutation').map((field) => [field.name, field.type]));
  const keyed = (node: FieldNode, type: GraphQLOutputType): FieldNode => ({
    ...node,
    arguments: [
      ...(node.arguments ?? []),
      {
        kind: Kind.ARGUMENT,
        name: { kind: Kind.NAME, value: 'idempotencyKey' },
        value: { kind: Kind.STRING, value: key },
      },
    ],
    selectionSet: {
      kind: Kind.SELECTION_SET,
      selections: [...(node.selectionSet?.selections ?? []), ...allOf(type)],
    },
  });
  const document = visit(parse(query), {
    Field: (node) => {
      const type = fields.get(node.name.value);
      return type ? keyed(node, type) : undefined;
    },
  });
  return print(document);
}

function allOf(type: GraphQLOutputType): readonly SelectionNode[] {
  const text = `{ ${selection(type, 2).replaceAll(AUDITED, '')} }`;
  const [operation] = parse(text).definitions;
  return operation?.kind === Kind.OPERATION_DEFINITION ? operation.selectionSet.selections : [];
}
