import type { IncomingMessage, Server } from 'node:http';
import type { ExecutionArgs } from 'graphql';
import { CloseCode, type SubscribePayload } from 'graphql-ws';
import { useServer } from 'graphql-ws/use/ws';
import { WebSocketServer } from 'ws';
import { requestFrom } from '../access/viewer.ts';
import { Unauthenticated } from '../errors.ts';
import type { Context } from '../graphql/context.ts';
import { newId } from '../graphql/ids.ts';
import type { Services } from '../services.ts';
import { InvalidDocument } from './documents.ts';
import { GRAPHQL_PATH, type GraphQLEndpoint } from './graphql.ts';
import { maskError } from './mask-error.ts';
import { clientAddress } from './request.ts';
import { CONTEXT, errorsFor, requireTrusted } from './use-admission.ts';

const MAX_MESSAGE_BYTES = 256 * 1024;

/** The graphql-transport-ws protocol at the same path as HTTP; the credential comes in connection_init or a header. */
export function attachWebSocket(
  server: Server,
  endpoint: GraphQLEndpoint,
  services: Services,
): { close(): Promise<void>; terminate(): void } {
  const sockets = new WebSocketServer({ server, path: GRAPHQL_PATH, maxPayload: MAX_MESSAGE_BYTES });
  const makeContext = (req: IncomingMessage, params: Readonly<Record<string, unknown>> | undefined) => {
    const given = params?.authorization ?? params?.Authorization ?? req.headers.authorization ?? null;
    const userAgent = req.headers['user-agent'] ?? null;
    const from = requestFrom(clientAddress(req, services.env.TRUST_PROXY), userAgent);
    return endpoint.contextOf(typeof given === 'string' ? given : null, from);
  };
  const prepare = async (
    {
      extra,
      connectionParams,
    }: { extra: { request: IncomingMessage }; connectionParams?: Readonly<Record<string, unknown>> },
    params: SubscribePayload,
  ) => {
    const context = await makeContext(extra.request, connectionParams);
    const enveloped = endpoint.yoga.getEnveloped({
      [CONTEXT]: context,
      params,
      request: undefined,
      req: extra.request,
    });
    requireTrusted(endpoint.documents, context.viewer, endpoint.documents.isTrusted(params.query));
    const found = endpoint.documents.find(params.query);
    if (found instanceof InvalidDocument) return [...errorsFor(context.viewer, found)];
    return {
      schema: enveloped.schema,
      operationName: params.operationName,
      document: found.document,
      variableValues: params.variables,
      contextValue: await enveloped.contextFactory(),
      rootValue: { execute: enveloped.execute, subscribe: enveloped.subscribe },
    } as ExecutionArgs;
  };
  const { dispose } = useServer(
    {
      // The functions of each operation come with it, so that the same plugins run as over HTTP.
      execute: (args) => (args as unknown as Enveloped).rootValue.execute(args),
      subscribe: (args) => (args as unknown as Enveloped).rootValue.subscribe(args),
      onConnect: async ({ extra, connectionParams }) => {
        try {
          await makeContext(extra.request, connectionParams);
          return true;
        } catch (error) {
          if (!(error instanceof Unauthenticated)) throw error;
          extra.socket.close(CloseCode.Forbidden, error.message.slice(0, 120));
          return false;
        }
      },
      // What is thrown here would close the connection and end all other operations on it: it is answered instead.
      onSubscribe: (given, _id, params) =>
        prepare(given, params).catch((error: unknown) => [maskError(error, newId(), services.log)]),
    },
    sockets,
  );
  return {
    close: async () => {
      await dispose();
    },
    terminate: () => {
      for (const client of sockets.clients) client.terminate();
    },
  };
}

interface Enveloped {
  contextValue: Context;
  rootValue: { execute: (args: unknown) => never; subscribe: (args: unknown) => never };
}
