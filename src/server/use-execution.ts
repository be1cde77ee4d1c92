import { type ExecutionArgs, type ExecutionResult, GraphQLError } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { executeOperation, type Operation } from '../execution/operation.ts';
import type { Context } from '../graphql/context.ts';
import { requestNow } from '../observe/place.ts';
import { assembled } from './assembled.ts';
import { runBounded } from './bounded-run.ts';
import type { Documents } from './documents.ts';
import { type Gate, isOverloaded } from './gate.ts';
import type { ServerContext } from './graphql.ts';
import { liveAnswers, needsStream } from './live-query.ts';
import type { Meter } from './meter.ts';

interface Limits {
  meter: Meter;
  gate: Gate;
  timeoutMs: number;
}

type Ctx = Context & Partial<ServerContext>;

/** Runs queries and mutations by `executeOperation` within all limits, and has subscriptions pay for what they read. */
export function useExecution(documents: Documents, limits: Limits): Plugin<Context, Partial<ServerContext>> {
  const operationOf = ({ document, operationName }: Pick<ExecutionArgs, 'document' | 'operationName'>) => {
    const operation = documents.operationOf(document, operationName ?? null);
    const request = requestNow();
    if (request && operation) request.operation = operation;
    return operation;
  };
  const { meter } = limits;
  return {
    onExecute({ args, setExecuteFn }) {
      // Without an operation graphql-js tells what is wrong.
      const operation = operationOf(args);
      if (!operation) return;
      setExecuteFn(({ contextValue, variableValues }: ExecutionArgs) => {
        const ctx = contextValue as Ctx;
        const variables = variableValues ?? {};
        if (!operation.live) return execute(limits, operation, ctx, variables);
        return liveAnswers(operation, ctx, variables, () => meter.admit(ctx, operation, variables));
      });
    },
    onSubscribe({ args, setResultAndStopExecution }) {
      const operation = operationOf(args);
      if (!operation) return;
      const ctx = args.contextValue as Context;
      // Where the variables are known: a validation rule would be cached without them.
      const { refused, requested, report, refund } = meter.admit(ctx, operation, args.variableValues ?? {});
      const wrongWay = ctx.stream.open ? null : needsStream('a subscription', 'SUBSCRIPTION_NEEDS_STREAM');
      if (wrongWay) refund();
      const stopped = refused ?? wrongWay;
      if (stopped) setResultAndStopExecution({ errors: [stopped], extensions: { cost: report() } });
      return {
        onSubscribeResult: () => ({
          async onNext({ result, setResult }) {
            // What a message tells of itself is paid for at the beginning, what is read for it each time.
            await meter.pay(ctx, requested - 1, ctx.services.streams.signal);
            setResult({ ...result, extensions: { cost: report() } });
          },
        }),
      };
    },
  };
}

/** Executes an operation within all limits; its result tells what it cost. */
async function execute(
  { meter, gate, timeoutMs }: Limits,
  operation: Operation,
  ctx: Ctx,
  variables: Readonly<Record<string, unknown>>,
): Promise<ExecutionResult> {
  const admitted = meter.admit(ctx, operation, variables);
  if (admitted.refused) return { errors: [admitted.refused], extensions: { cost: admitted.report() } };
  try {
    const work = () => executeOperation(operation, ctx, variables);
    // The server asking itself how it is does not wait behind others.
    const run = ctx.viewer?.kind === 'SYSTEM' ? work : () => gate.run(work);
    const result = await runBounded(ctx, operation, ctx.res, timeoutMs, run);
    if (typeof result === 'string') return assembled(result, admitted.report());
    if (!('data' in result)) admitted.refund();
    return { ...result, extensions: { cost: admitted.report() } };
  } catch (error) {
    void ctx.scope.close();
    if (!(error instanceof GraphQLError)) throw error;
    if (isOverloaded(error)) admitted.refund();
    return { errors: [error], extensions: { cost: admitted.report() } };
  }
}
