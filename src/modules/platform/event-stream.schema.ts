import type { ObjectRef } from '@pothos/core';
import type { Permission } from '../../access/permissions.ts';
import type { Viewer } from '../../access/viewer.ts';
import type { FilterInput } from '../../data/filter.ts';
import type { ListSpec } from '../../data/list.ts';
import type { ModelName, Row } from '../../data/models.ts';
import { type RowMessage, rowStream } from '../../events/row-stream.ts';
import type { StreamOptions } from '../../events/stream.ts';
import { builder, type SchemaTypes } from '../../graphql/builder.ts';
import { type Context, viewerOf } from '../../graphql/context.ts';
import { filterInput } from '../../graphql/filter-inputs.ts';
import { requirePermission } from '../../graphql/permission-plugin.ts';
import { Event } from './event.schema.ts';

type TypesOf = PothosSchemaTypes.ExtendDefaultTypes<SchemaTypes>;

/** The arguments that every subscription to events has besides its filter. */
export const resumeArgs = builder.args((t) => ({
  afterSeq: t.field({
    type: 'BigInt',
    description: 'everything after this event, then what happens; null: what happens from now on',
  }),
  heartbeatSeconds: t.int({
    defaultValue: 15,
    description: 'a message at least so often, 1 to 300; 0: only when something happens',
  }),
}));

interface ResumeArgs {
  afterSeq?: bigint | null;
  heartbeatSeconds?: number | null;
  filter?: FilterInput | null;
}

/** The viewer of a subscription, and what its stream is made with. */
export function streamOf(
  ctx: Context,
  args: ResumeArgs,
  permission: Permission,
): { viewer: Viewer; options: StreamOptions } {
  const { services, stream } = ctx;
  const viewer = viewerOf(ctx);
  const options: StreamOptions = {
    // The header, since EventSource comes again with the same address.
    afterSeq: stream.after ?? args.afterSeq ?? null,
    filter: args.filter ?? null,
    heartbeatSeconds: args.heartbeatSeconds ?? 0,
    check: async (fresh) => {
      const permissions = await services.rights.current(viewer, fresh);
      // Fields below are asked with what the viewer may do now.
      ctx.viewer = { ...viewer, permissions };
      requirePermission(ctx, permission);
    },
    signal: services.streams.signal,
  };
  return { viewer, options };
}

/** Notes the place of the message that is sent next, which the transports tell. */
export function place<T extends { seq: bigint }>(ctx: Context, message: T): T {
  ctx.stream.seq = message.seq;
  return message;
}

/**
 * Adds the subscription `<model>Events` to the changes of a list's rows: its filter is the list's, its permission that of
 * reading the list. `bugList` gives `bugEvents(afterSeq, filter, heartbeatSeconds): BugEvent`.
 */
export function addEventSubscription<M extends ModelName>(
  list: ListSpec<M>,
  node: ObjectRef<TypesOf, Row<M>, Row<M>>,
  permission: Permission,
): void {
  const field = list.name.charAt(0).toLowerCase() + list.name.slice(1);
  const type = builder.objectRef<RowMessage<M>>(`${list.name}Event`).implement({
    description: `A change of a ${list.name}, as \`${field}Events\` tells it.`,
    fields: (t) => ({
      seq: t.expose('seq', { type: 'BigInt', description: 'up to here you have everything: where to go on from' }),
      heartbeat: t.boolean({
        description: 'nothing happened, and the subscription is alive',
        resolve: ({ event }) => event === null,
      }),
      hidden: t.exposeBoolean('hidden', { description: 'the row no longer fits the filter, or is gone' }),
      event: t.field({ type: Event, nullable: true, resolve: ({ event }) => event, description: 'what happened' }),
      [field]: t.field({
        type: node,
        nullable: true,
        description: 'the row as it is now, if it fits the filter',
        resolve: ({ row }) => row as never,
      }),
    }),
  });
  builder.subscriptionField(`${field}Events`, (t) =>
    t.field({
      type,
      permission,
      description: `What happens to rows of this list that fit the filter, in order, without gap or double. A row that no longer fits is told of once as hidden.`,
      args: { ...resumeArgs, filter: t.arg({ type: filterInput(list) }) },
      subscribe: (_, args, ctx) => {
        const { viewer, options } = streamOf(ctx, args, permission);
        return rowStream(ctx.services, viewer, list, options) as never;
      },
      resolve: (message, _, ctx) => place(ctx, message as RowMessage<M>) as never,
    }),
  );
}
