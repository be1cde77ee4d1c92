import type { Worker } from 'node:cluster';
import { once } from 'node:events';
import type { MetricsOfProcess } from '../observe/metrics.ts';
import { type MetricsServer, type ProcessMetrics, serveMetrics } from '../observe/metrics-server.ts';
import type { Services } from '../services.ts';
import type { Workers } from './workers.ts';

/** How long a worker may take to tell its metrics, in milliseconds: one that is busy is left out this time. */
const LATEST_MS = 2_000;
/** The message that asks a worker for its metrics. */
const ASK = 'metrics';

interface Told {
  metrics?: MetricsOfProcess;
}

/** Serves the metrics of this process, and of its workers if it has any, where METRICS_PORT asks for them. */
export async function serveOwnMetrics(
  { env, log, observer }: Services,
  workers: Workers['now'] | null,
): Promise<MetricsServer | null> {
  const { metrics } = observer;
  if (!metrics || env.METRICS_PORT === null) return null;
  return serveMetrics({ host: env.METRICS_HOST, port: env.METRICS_PORT, log }, async () => {
    const own = { worker: workers ? '0' : null, metrics: await metrics.read() };
    const told = await Promise.all((workers?.() ?? []).map(ask));
    return [own, ...told.filter((one) => one !== null)];
  });
}

async function ask({ worker, place }: { worker: Worker; place: number }): Promise<ProcessMetrics | null> {
  const signal = AbortSignal.timeout(LATEST_MS);
  try {
    worker.send(ASK);
    for (;;) {
      const [message]: (Told | null)[] = await once(worker, 'message', { signal });
      if (message?.metrics) return { worker: String(place), metrics: message.metrics };
    }
  } catch {
    return null;
  }
}

/** Has a worker tell its metrics when the first process asks. */
export function tellMetrics({ observer: { metrics } }: Services): void {
  if (!metrics) return;
  process.on('message', async (message) => {
    if (message !== ASK) return;
    const told: Told = { metrics: await metrics.read() };
    // The first process may have gone meanwhile.
    process.send?.(told, () => {});
  });
}
