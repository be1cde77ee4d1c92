import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import type pg from 'pg';
import type { MetricObjectWithValues, MetricValue, Registry } from 'prom-client';
import type { StatementLog } from '../data/statement-log.ts';
import type { EventBus } from '../events/bus.ts';
import type { ResultCacheCounters } from '../server/result-cache.ts';
import { VERSION } from '../version.ts';
import type { Counts } from './counts.ts';
import { OperationNames } from './operation-names.ts';
import type { Outcome, RequestNote } from './request-note.ts';

/** What the figures are of. */
export interface Measured {
  pools: Readonly<Record<'read' | 'write', pg.Pool>>;
  bus: EventBus;
  statements: StatementLog;
  counts: Counts;
}

export type MetricsOfProcess = MetricObjectWithValues<MetricValue<string>>[];

/** The metrics of a process. */
export interface Metrics {
  /** counts a request that has ended */
  ended(note: RequestNote, outcome: Outcome, milliseconds: number): void;
  /** operations that are told apart by name whoever asks for them */
  know(names: Iterable<string>): void;
  /** where the figures of the result cache are */
  cache: (() => ResultCacheCounters) | undefined;
  /** all figures as they are now */
  read(): Promise<MetricsOfProcess>;
  close(): void;
}

/** Seconds: from what one row takes to what a request may take at all. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60];
const TICK_MS = 20;

type Library = typeof import('prom-client');
type Labels = Readonly<Record<string, string>>;
type Read = () => number | readonly [Labels, number][];

/** Makes the metrics; the library is loaded only now. */
export async function createMetrics(measured: Measured): Promise<Metrics> {
  const { default: library } = await import('prom-client');
  const registry = new library.Registry();
  const names = new OperationNames();
  const requests = new library.Histogram({
    name: 'argus_request_duration_seconds',
    help: 'Requests that have ended, and how long they took; of subscriptions and exports, until they ended',
    labelNames: ['operation', 'type', 'outcome'],
    buckets: BUCKETS,
    registers: [registry],
  });
  const errors = new library.Counter({
    name: 'argus_errors_total',
    help: 'Requests whose answer had an error or a user error with this code',
    labelNames: ['code'],
    registers: [registry],
  });
  const read = reader(library, registry);
  addServer(read, measured);
  const stop = addProcess(read);
  const metrics: Metrics = {
    ended: (note, outcome, milliseconds) => {
      const operation = names.labelOf(note);
      const type = note.operation?.kind ?? note.transport;
      requests.observe({ operation, type, outcome }, milliseconds / 1_000);
      for (const code of note.codes ?? []) errors.inc({ code });
    },
    know: (some) => names.know(some),
    cache: undefined,
    read: () => registry.getMetricsAsJSON(),
    close: stop,
  };
  addCache(read, metrics);
  return metrics;
}

type Add = (kind: 'Counter' | 'Gauge', name: string, help: string, now: Read) => void;

/** Adds metrics that are read where they are kept, when somebody asks. */
function reader(library: Library, registry: Registry): Add {
  return (kind, name, help, now) => {
    const first = now();
    const labelNames = typeof first === 'number' ? [] : Object.keys(first[0]?.[0] ?? { kind: '' });
    const collect = () => {
      metric.reset();
      const values = now();
      const all: readonly [Labels, number][] = typeof values === 'number' ? [[{}, values]] : values;
      for (const [labels, value] of all) metric.inc(labels, value);
    };
    const metric = new library[kind]({ name, help, labelNames, registers: [registry], collect });
  };
}

const POOL_FIGURES = { open: 'totalCount', idle: 'idleCount', waiting: 'waitingCount' } as const;

function addServer(add: Add, { pools, bus, statements, counts }: Measured): void {
  const ofPools = (): [Labels, number][] =>
    Object.entries(pools).flatMap(([pool, figures]) =>
      Object.entries(POOL_FIGURES).map(([state, name]): [Labels, number] => [{ pool, state }, figures[name]]),
    );
  add('Counter', 'argus_statements_total', 'Statements that PostgreSQL answered', () => statements.totals.calls);
  add('Counter', 'argus_statement_seconds_total', 'Time from sending statements to their answers, added up', () => {
    return statements.totals.totalMs / 1_000;
  });
  add('Counter', 'argus_slow_statements_total', 'Statements slower than SLOW_STATEMENT_MS', () => {
    return statements.totals.slow;
  });
  add('Gauge', 'argus_pool_connections', 'Connections that are open, of them idle; callers that wait for one', ofPools);
  add('Gauge', 'argus_streams', 'Streams that are open', () => [
    [{ kind: 'listener' }, bus.listening],
    ...[...counts.streams].map(([kind, open]): [Labels, number] => [{ kind }, open]),
  ]);
  add('Gauge', 'argus_listen_connected', '1 when this process hears of what others write', () => +bus.connected);
  add('Gauge', 'argus_listen_silence_seconds', 'Since when nothing proved that the LISTEN connection is alive', () => {
    return (performance.now() - bus.heardAt) / 1_000;
  });
  add('Counter', 'argus_authentication_failures_total', 'Keys and sessions, and attempts to sign in, refused', () => [
    [{ kind: 'credential' }, counts.credentialsRefused],
    [{ kind: 'sign_in' }, counts.signInsRefused],
  ]);
}

const ORIGINS = { hit: 'hits', join: 'joins', miss: 'misses', drop: 'dropped' } as const;

function addCache(add: Add, metrics: Metrics): void {
  const NONE: ResultCacheCounters = { hits: 0, joins: 0, misses: 0, dropped: 0, bytes: 0 };
  const counters = () => metrics.cache?.() ?? NONE;
  add('Counter', 'argus_result_cache_total', 'Answers kept, waited for, computed, and thrown away', () => {
    const now = counters();
    return Object.entries(ORIGINS).map(([event, name]): [Labels, number] => [{ event }, now[name]]);
  });
  add('Gauge', 'argus_result_cache_bytes', 'Memory that kept answers take', () => counters().bytes);
}

/** Of the process, under the names that Prometheus has for them. */
function addProcess(add: Add): () => void {
  const delay = monitorEventLoopDelay({ resolution: TICK_MS });
  delay.enable();
  let before = performance.eventLoopUtilization();
  add('Gauge', 'argus_event_loop_delay_seconds', 'How late the event loop came to its work since the last look', () => {
    // It measures from tick to tick.
    const late = (nanoseconds: number) => Math.max(0, nanoseconds / 1e9 - TICK_MS / 1_000);
    const values: [Labels, number][] = [
      [{ quantile: '0.5' }, late(delay.percentile(50))],
      [{ quantile: '0.99' }, late(delay.percentile(99))],
      [{ quantile: '1' }, late(delay.max)],
    ];
    delay.reset();
    return values;
  });
  add('Gauge', 'argus_event_loop_utilization', 'Share of the time since the last look that it was busy', () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, before);
    before = now;
    return utilization;
  });
  add('Counter', 'process_cpu_seconds_total', 'CPU time, user and system', () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
  add('Gauge', 'process_resident_memory_bytes', 'Resident memory', () => process.memoryUsage.rss());
  add('Gauge', 'nodejs_heap_size_used_bytes', 'Memory of JavaScript objects', () => process.memoryUsage().heapUsed);
  const started = (performance.timeOrigin / 1_000) | 0;
  add('Gauge', 'process_start_time_seconds', 'When the process started, Unix time', () => started);
  const build = { version: VERSION, node: process.versions.node };
  add('Gauge', 'argus_build_info', 'Always 1; what runs is in the labels', () => [[build, 1]]);
  return () => delay.disable();
}
