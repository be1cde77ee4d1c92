import { eventList } from '../../events/event-list.ts';
import { eventStream, type LogMessage } from '../../events/stream.ts';
import { builder } from '../../graphql/builder.ts';
import { filterInput } from '../../graphql/filter-inputs.ts';
import { Event } from './event.schema.ts';
import { place, resumeArgs, streamOf } from './event-stream.schema.ts';

const EventMessage = builder.objectRef<LogMessage>('EventMessage').implement({
  description: 'An event, or word that there was none.',
  fields: (t) => ({
    seq: t.expose('seq', { type: 'BigInt', description: 'up to here you have everything: where to go on from' }),
    event: t.field({ type: Event, nullable: true, resolve: ({ event }) => event, description: 'null: a heartbeat' }),
    heartbeat: t.boolean({
      description: 'nothing happened, and the subscription is alive',
      resolve: ({ event }) => event === null,
    }),
  }),
});

builder.subscriptionField('events', (t) =>
  t.field({
    type: EventMessage,
    permission: 'event:read',
    description:
      'The log as it grows: everything after `afterSeq`, then what happens from now on, in order, without gap or double. Without `afterSeq`, only what happens from now on.',
    args: { ...resumeArgs, filter: t.arg({ type: filterInput(eventList) }) },
    subscribe: (_, args, ctx) => {
      const { viewer, options } = streamOf(ctx, args, 'event:read');
      return eventStream(ctx.services, viewer, options) as never;
    },
    resolve: (message, _, ctx) => place(ctx, message as LogMessage),
  }),
);
