import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Log } from '../log.ts';
import type { MetricsOfProcess } from './metrics.ts';

/** The metrics of one process of several. */
export interface ProcessMetrics {
  /** null: it is the only one */
  worker: string | null;
  metrics: MetricsOfProcess;
}

export interface MetricsServer {
  url: string;
  close(): Promise<void>;
}

const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/**
 * Serves `/metrics` in Prometheus' text format, on an address of its own: who may call the API is not who may see this.
 * @throws Error when the port is taken
 */
export async function serveMetrics(
  { host, port, log }: { host: string; port: number; log: Log },
  read: () => Promise<ProcessMetrics[]>,
): Promise<MetricsServer> {
  const server = createServer((req, res) => {
    if (req.method !== 'GET' || req.url?.split('?', 1)[0] !== '/metrics') {
      res.writeHead(404).end('the metrics are at GET /metrics\n');
      return;
    }
    read()
      .then(metricsText)
      .then(
        (text) => res.writeHead(200, { 'content-type': CONTENT_TYPE }).end(text),
        (error: unknown) => {
          log.warn({ err: error }, 'cannot read the metrics');
          res.writeHead(503).end();
        },
      );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const reason = error.code === 'EADDRINUSE' ? 'is in use' : `cannot be used (${error.code})`;
      reject(new Error(`port ${port} for metrics ${reason}: choose another with METRICS_PORT`));
    });
    server.listen(port, host, resolve);
  });
  const { port: taken } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${taken}/metrics`,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** The metrics of all processes as one text; those of several are told apart by the label `worker`. */
export async function metricsText(processes: readonly ProcessMetrics[]): Promise<string> {
  const { AggregatorRegistry } = (await import('prom-client')).default;
  const labelled = processes.map(({ worker, metrics }) => {
    if (worker === null) return metrics;
    // Copies: those of this process are what it counts with.
    return metrics.map(({ values, ...metric }) => ({
      ...metric,
      values: values.map((value) => ({ ...value, labels: { ...value.labels, worker } })),
    }));
  });
  // No two values have the same labels: nothing is added up.
  return AggregatorRegistry.aggregate(labelled).metrics();
}
