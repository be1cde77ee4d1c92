import { choice, httpProblem, noProblem, text, wholeNumber } from './env-variables.ts';

/** Settings of logs, metrics and traces: rows of the table in env.ts. */

const REQUESTS = ['none', 'errors', 'slow', 'all'] as const;
const DEFAULT_TRACES_TO = 'http://localhost:4318';

export const OBSERVE_VARIABLES = {
  LOG_REQUESTS: choice(REQUESTS, 'slow', [
    'Requests that get a line in the log; slow: those with errors too',
    'slow',
    'all',
  ]),
  SLOW_REQUEST_MS: wholeNumber(0, 3_600_000, 1000, ['Requests that take longer are slow', '1000', '250']),
  METRICS_PORT: wholeNumber(0, 65_535, null, [
    'Port of the metrics for Prometheus; 0: any free one',
    'none: there are no metrics',
    '9464',
  ]),
  METRICS_HOST: text(
    noProblem,
    ['Address on which the metrics are served, to whoever reaches it', '127.0.0.1', '10.0.0.5'],
    'an address or host name',
  ),
  TRACES: wholeNumber(0, 100, 0, ['Percentage of requests that are traced, by OpenTelemetry; 0: none', '0', '10']),
  OTEL_EXPORTER_OTLP_ENDPOINT: text(
    httpProblem,
    ['Where traces are sent to, by OTLP over HTTP', DEFAULT_TRACES_TO, 'http://collector.example.org:4318'],
    'an http:// or https:// URL',
    'url',
  ),
  OTEL_SERVICE_NAME: text(noProblem, ['Name of this server in traces', 'argus', 'argus-eu'], 'any text'),
} as const;

export interface ObserveEnv {
  LOG_REQUESTS: (typeof REQUESTS)[number];
  SLOW_REQUEST_MS: number;
  /** null: no metrics */
  METRICS_PORT: number | null;
  METRICS_HOST: string;
  /** percent; 0: no traces */
  TRACES: number;
  /** without a slash at the end */
  OTEL_EXPORTER_OTLP_ENDPOINT: string;
  OTEL_SERVICE_NAME: string;
}

type Given = Record<'METRICS_HOST' | 'OTEL_EXPORTER_OTLP_ENDPOINT' | 'OTEL_SERVICE_NAME', string | null>;

/** Texts that were not given. */
export function observeDefaults(raw: Given): Record<keyof Given, string> {
  return {
    METRICS_HOST: raw.METRICS_HOST ?? '127.0.0.1',
    OTEL_EXPORTER_OTLP_ENDPOINT: (raw.OTEL_EXPORTER_OTLP_ENDPOINT ?? DEFAULT_TRACES_TO).replace(/\/+$/, ''),
    OTEL_SERVICE_NAME: raw.OTEL_SERVICE_NAME ?? 'argus',
  };
}
