import type { InputRef, ObjectRef } from '@pothos/core';
import type { Permission } from '../access/permissions.ts';
import type { Written } from '../data/write.ts';
import { DomainError, InvalidInput, type InvalidTransition, type VersionMismatch } from '../errors.ts';
import { requestNow } from '../observe/place.ts';
import { builder, type SchemaTypes } from './builder.ts';
import type { Context } from './context.ts';
import { entityOf, loadNode } from './entity.ts';
import { inTurn, type KeyedField, keyedContext } from './idempotency-key.ts';
import { Node } from './node.ts';

type TypesOf = PothosSchemaTypes.ExtendDefaultTypes<SchemaTypes>;

export const UserError = builder.interfaceRef<DomainError>('UserError').implement({
  description: 'Why a change was refused. Nothing was changed.',
  resolveType: (error) => (TYPED_ERRORS.has(error.name) ? error.name : 'SimpleError'),
  fields: (t) => ({
    code: t.exposeString('code', {
      description: 'INVALID_INPUT, NOT_FOUND, CONFLICT, VERSION_MISMATCH, INVALID_TRANSITION …',
    }),
    message: t.exposeString('message', { description: 'in words, for people' }),
    path: t.field({
      type: ['String'],
      description: 'where in the input, outermost first',
      resolve: (error) => [...error.inputPath],
    }),
  }),
});
const TYPED_ERRORS = new Set(['InvalidTransition', 'VersionMismatch']);

builder
  .objectRef<DomainError>('SimpleError')
  .implement({ interfaces: [UserError], description: 'An error that carries no data of its own.' });

builder.objectRef<InvalidTransition>('InvalidTransition').implement({
  description: 'The state machine does not allow this move.',
  interfaces: [UserError],
  fields: (t) => ({
    from: t.exposeString('from'),
    to: t.exposeString('to'),
    allowed: t.field({ type: ['String'], resolve: (error) => [...error.allowed] }),
  }),
});

builder.objectRef<VersionMismatch>('VersionMismatch').implement({
  description: 'Somebody changed the row since you read it.',
  interfaces: [UserError],
  fields: (t) => ({
    expected: t.exposeInt('expected'),
    actual: t.exposeInt('actual'),
    current: t.field({
      type: Node,
      nullable: true,
      description: 'the row as it is now',
      resolve: ({ row }, _, ctx) => {
        const entity = entityOf(row.model);
        return entity ? loadNode(ctx, entity.encode(row.id)) : null;
      },
    }),
  }),
});

interface Payload<R> {
  value: R | null;
  userErrors: DomainError[];
  eventSeq: bigint | null;
}

/** A change: its input, what it answers with, and the service that makes it. */
export interface MutationSpec<I, R> {
  name: string;
  permission: Permission | 'public';
  description: string;
  /** none: the mutation takes no arguments */
  input?: InputRef<I>;
  /** name and type of the payload's field; nullable by nature: it is null when userErrors is not empty */
  returns: { field: string; type: ObjectRef<TypesOf, R, R> };
  /** takes text that PostgreSQL cannot hold and mends it; else such text is refused */
  mendsText?: boolean;
  run: (ctx: Context, input: I) => Promise<Written<R>>;
}

/**
 * Adds a mutation `name(input:, idempotencyKey:)` that answers `{ <field>, userErrors, eventSeq }`. Domain errors become userErrors;
 * what else is thrown goes on to be masked. Reads after it start afresh, so that the payload shows what was committed.
 */
export function addMutation<I, R>(spec: MutationSpec<I, R>): void {
  const title = spec.name.charAt(0).toUpperCase() + spec.name.slice(1);
  const payload = builder.objectRef<Payload<R>>(`${title}Payload`).implement({
    description: `What became of \`${spec.name}\`.`,
    fields: (t) => ({
      [spec.returns.field]: t.field({
        type: spec.returns.type,
        nullable: true,
        resolve: ({ value }) => value as never,
      }),
      userErrors: t.field({ type: [UserError], resolve: ({ userErrors }) => userErrors.map(asData) }),
      eventSeq: t.field({
        type: 'BigInt',
        nullable: true,
        description:
          'Last event of this change: a subscriber that has seen it has caught up. Null when nothing changed.',
        resolve: ({ eventSeq }) => eventSeq,
      }),
    }),
  });
  builder.mutationField(spec.name, (t) =>
    t.field({
      type: payload,
      permission: spec.permission,
      description: spec.description,
      args: {
        ...(spec.input ? { input: t.arg({ type: spec.input, required: true }) } : {}),
        idempotencyKey: t.arg.string({ description: IDEMPOTENCY_KEY }),
      },
      resolve: (_, args, ctx, { fieldNodes }) => {
        const responseName = fieldNodes[0]?.alias?.value ?? spec.name;
        return runMutation(spec, ctx, { name: spec.name, responseName, args }) as never;
      },
    }),
  );
}

/** An Error that stands where a value should be is thrown by GraphQL; an expected one is a value, so it is copied. */
export function asData(error: DomainError): DomainError {
  return { ...error, name: error.name, message: error.message };
}

async function runMutation<I, R>(spec: MutationSpec<I, R>, ctx: Context, field: KeyedField): Promise<Payload<R>> {
  try {
    const input = field.args.input as I;
    if (!spec.mendsText) checkText(input, []);
    const { ctx: keyed, key } = keyedContext(ctx, field);
    const run = () => spec.run(keyed, input);
    const { value, eventSeq } = await (key ? inTurn(ctx, key, run) : run());
    if (key?.replayed) ctx.idempotency.replayed = true;
    ctx.refresh();
    return { value, userErrors: [], eventSeq };
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    requestNow()?.failed(error.code);
    // An error may show the row that stood in the way, as it is now.
    ctx.refresh();
    return { value: null, userErrors: [error], eventSeq: null };
  }
}

/** PostgreSQL holds neither U+0000 nor half of a surrogate pair. Throws InvalidInput with the place. */
function checkText(value: unknown, path: readonly string[]): void {
  if (typeof value === 'string') {
    if (value.includes('\0')) throw new InvalidInput('text cannot hold the character U+0000', path);
    if (!value.isWellFormed()) throw new InvalidInput('the text holds half of a surrogate pair', path);
  } else if (typeof value === 'object' && value !== null && !(value instanceof Date)) {
    for (const [key, inner] of Object.entries(value)) checkText(inner, [...path, key]);
  }
}

const IDEMPOTENCY_KEY =
  'up to 200 characters of your choice: a call that is made again with the same key within 24 hours changes nothing and answers as the first';

/** The `expectedVersion` field that every change of an existing row takes. */
export const EXPECTED_VERSION = 'refuse the change when the row is no longer at this version';
