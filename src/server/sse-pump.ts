import type { ExecutionResult, GraphQLError } from 'graphql';
import type { Logger } from 'pino';
import { SlowConsumer } from '../errors.ts';
import { resultText } from './assembled.ts';
import { maskError, withoutHttp } from './mask-error.ts';
import { Stalled } from './outlet.ts';
import { isStream, type StreamedOperation } from './streamed-operation.ts';

/** An operation whose results are being sent. */
export interface Pump {
  /** stops it; nothing of it is sent afterwards */
  stop(): void;
  /** resolves when there is nothing more to send */
  done: Promise<void>;
}

export interface PumpSink {
  /** sends a result, as JSON, and its place in the log. @throws Stalled */
  next(result: string, seq: bigint | null): Promise<void>;
  /** says last words: errors, if there are any, and that nothing follows */
  end(errors: string | null): void;
}

/** Sends an operation's results one after the other, each when the one before was taken. */
export function pump(operation: StreamedOperation, sink: PumpSink, log: Logger): Pump {
  let stopped = false;
  let results: AsyncIterator<ExecutionResult> | undefined;
  const { stream, request } = operation.ctx;
  const run = async () => {
    let sent: bigint | null = null;
    let before: bigint | null = null;
    const next = async (result: ExecutionResult) => {
      before = sent;
      sent = stream.seq;
      await sink.next(resultText(result), stream.seq);
    };
    try {
      const outcome = await operation.run();
      if (isStream(outcome)) {
        results = outcome[Symbol.asyncIterator]();
        if (stopped) return void (await results.return?.());
        for (let step = await results.next(); !step.done && !stopped; step = await results.next())
          await next(step.value);
      } else if (!stopped) await next(outcome);
      if (!stopped) sink.end(null);
    } catch (error) {
      void results?.return?.();
      if (stopped) return;
      const cause = error instanceof Stalled ? new SlowConsumer(error.written ? sent : before) : error;
      sink.end(errorText([maskError(cause, request.id, log)]));
    }
  };
  return {
    stop: () => {
      if (stopped) return;
      stopped = true;
      void results?.return?.();
    },
    done: run(),
  };
}

/** A result that is nothing but errors. */
export function errorText(errors: readonly GraphQLError[]): string {
  return JSON.stringify({ errors: withoutHttp(errors) });
}
