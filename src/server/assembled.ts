import type { ExecutionResult } from 'graphql';

/** A response that is JSON text: what sends JSON sends what `stringify` gives; over a WebSocket it is read and written once more. */
export function assembled(text: string): ExecutionResult & { stringify(): string } {
  return {
    get data() {
      return (JSON.parse(text) as ExecutionResult).data;
    },
    stringify: () => text,
  };
}

/** A result as JSON: its text where it was assembled as such. */
export function resultText(result: ExecutionResult): string {
  const stringify: unknown = Reflect.get(result, 'stringify');
  return typeof stringify === 'function' ? (stringify as () => string)() : JSON.stringify(result);
}
