import { DirectiveLocation, GraphQLDirective } from 'graphql';

/** Makes a query a live one. */
export const LIVE_DIRECTIVE = new GraphQLDirective({
  name: 'live',
  description:
    'The query is answered, and again whenever its answer has changed. Send it as a subscription is sent: over a WebSocket, or with `Accept: text/event-stream`.',
  locations: [DirectiveLocation.QUERY],
});
