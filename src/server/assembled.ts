import type { ExecutionResult } from 'graphql';
import { type CostReport, withCost } from './meter.ts';

/**
 * A response that is JSON text, with what it cost: what sends JSON sends what `stringify` gives; over a WebSocket it is
 * read and written once more.
 */
export function assembled(text: string, cost: CostReport): ExecutionResult & { stringify(): string } {
  return {
    get data() {
      return (JSON.parse(text) as ExecutionResult).data;
    },
    extensions: { cost },
    stringify: () => withCost(text, cost),
  };
}

/** A result as JSON: its text where it was assembled as such. */
export function resultText(result: ExecutionResult): string {
  const stringify: unknown = Reflect.get(result, 'stringify');
  return typeof stringify === 'function' ? (stringify as () => string)() : JSON.stringify(result);
}
