/** Named operations to be measured; variables may differ from run to run. `prepare` asks for what they need once. */
export type Operations = Record<
  string,
  {
    query: string;
    variables?: (run: number, prepared: Record<string, unknown>) => object;
    prepare?: (
      ask: (query: string, variables?: object) => Promise<Record<string, unknown>>,
    ) => Promise<Record<string, unknown>>;
  }
>;

interface Asked {
  milliseconds: number;
  database: number;
  statements: string;
  bytes: number;
  data: Record<string, unknown>;
}

/** One client over HTTP, one request after the other. */
export class Client {
  readonly #address: string;
  readonly #key: string;

  constructor(address: string, key: string) {
    this.#address = address;
    this.#key = key;
  }

  async ask(query: string, variables?: object): Promise<Asked> {
    const start = performance.now();
    const response = await fetch(this.#address, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${this.#key}` },
      body: JSON.stringify({ query, variables }),
    });
    const text = await response.text();
    const milliseconds = performance.now() - start;
    if (!response.ok || text.includes('"errors"')) throw new Error(text.slice(0, 500));
    const timing = response.headers.get('server-timing') ?? '';
    return {
      milliseconds,
      database: Number(/dur=([\d.]+)/.exec(timing)?.[1] ?? 0),
      statements: /desc="(\d+)/.exec(timing)?.[1] ?? '?',
      bytes: text.length,
      data: JSON.parse(text).data,
    };
  }
}

const WARM_UP = 20;

/** Latency of each operation: request time at p50 and p95, database time at p50 and p95 (statements in one flight overlap), in milliseconds. */
export async function measure(client: Client, operations: Operations, runs: number): Promise<Record<string, object>> {
  const rows: Record<string, object> = {};
  for (const [name, { query, variables, prepare }] of Object.entries(operations)) {
    const prepared = (await prepare?.(async (q, v) => (await client.ask(q, v)).data)) ?? {};
    const asked: Asked[] = [];
    for (let run = 0; run < runs + WARM_UP; run++) {
      const one = await client.ask(query, variables?.(run, prepared));
      if (run >= WARM_UP) asked.push(one);
    }
    const at = (of: 'milliseconds' | 'database', share: number) => {
      const sorted = asked.map((one) => one[of]).sort((a, b) => a - b);
      return Number((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0).toFixed(1));
    };
    const last = asked.at(-1);
    rows[name] = {
      p50: at('milliseconds', 0.5),
      p95: at('milliseconds', 0.95),
      'db p50': at('database', 0.5),
      'db p95': at('database', 0.95),
      statements: last?.statements,
      bytes: last?.bytes,
    };
  }
  return rows;
}
