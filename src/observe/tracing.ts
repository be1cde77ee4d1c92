import type { IncomingHttpHeaders } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Context, Span, Tracer } from '@opentelemetry/api';
import type { Env } from '../env.ts';
import type { Log } from '../log.ts';
import { VERSION } from '../version.ts';
import { type Place, places } from './place.ts';
import type { Outcome, RequestNote } from './request-note.ts';

/** How long a server that stops waits for the collector, in milliseconds; the exporter itself tries for 10 s. */
const LAST_MS = 2_000;

type Api = typeof import('@opentelemetry/api');
type Attributes = Readonly<Record<string, string | number>>;
type Settings = Pick<Env, 'TRACES' | 'OTEL_EXPORTER_OTLP_ENDPOINT' | 'OTEL_SERVICE_NAME'>;

/** Traces by OpenTelemetry: spans of requests, of transactions and jobs in them, and of statements. */
export interface Tracing {
  /** the span of a request; a part of its caller's, when the caller says so by `traceparent` */
  request(headers: IncomingHttpHeaders): Span;
  ended(span: Span, note: RequestNote, how: { outcome: Outcome; status: number | null }): void;
  /** a statement that was answered just now */
  statement(text: string, milliseconds: number, place: Place | null): void;
  /** does work in a span of its own, a part of the one that is open here */
  within<T>(name: string, attributes: Attributes, work: () => Promise<T>): Promise<T>;
  /** headers by which who is called from here makes its spans a part of this one */
  outgoing(): Record<string, string>;
  /** sends what is waiting to be sent */
  close(): Promise<void>;
}

/** Begins with traces; OpenTelemetry's libraries are loaded only now. */
export async function createTracing(settings: Settings, log: Log): Promise<Tracing> {
  const [api, sdk, { resourceFromAttributes }, { OTLPTraceExporter }, core] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/sdk-trace'),
    import('@opentelemetry/resources'),
    import('@opentelemetry/exporter-trace-otlp-http'),
    import('@opentelemetry/core'),
  ]);
  core.setGlobalErrorHandler((error: unknown) => log.warn({ err: error }, 'traces cannot be sent'));
  const exporter = new OTLPTraceExporter({ url: `${settings.OTEL_EXPORTER_OTLP_ENDPOINT}/v1/traces` });
  const provider = new sdk.TracerProvider({
    resource: resourceFromAttributes({ 'service.name': settings.OTEL_SERVICE_NAME, 'service.version': VERSION }),
    // A caller who traces gets his trace; of the others, so many.
    sampler: new sdk.ParentBasedSampler({ root: new sdk.TraceIdRatioBasedSampler(settings.TRACES / 100) }),
    spanProcessors: [new sdk.BatchSpanProcessor({ exporter })],
  });
  const close = async () => {
    const late = sleep(LAST_MS, new Error('the collector did not answer in time'), { ref: false });
    const sent = provider.shutdown().catch((error: unknown) => error);
    const problem = await Promise.race([sent, late]);
    if (problem) log.warn({ err: problem }, 'the last traces cannot be sent');
  };
  return tracingBy(api, provider.getTracer('argus', VERSION), new core.W3CTraceContextPropagator(), close);
}

type Propagator = InstanceType<typeof import('@opentelemetry/core').W3CTraceContextPropagator>;

function tracingBy(api: Api, tracer: Tracer, propagator: Propagator, close: () => Promise<void>): Tracing {
  const { SpanKind, SpanStatusCode, ROOT_CONTEXT, trace, defaultTextMapGetter, defaultTextMapSetter } = api;
  const contextOf = (span: Span | null | undefined): Context =>
    span ? trace.setSpan(ROOT_CONTEXT, span) : ROOT_CONTEXT;
  return {
    request: (headers) =>
      tracer.startSpan(
        'request',
        { kind: SpanKind.SERVER },
        propagator.extract(ROOT_CONTEXT, headers, defaultTextMapGetter),
      ),
    ended: (span, { id, transport, operation, viewer, codes }, { outcome, status }) => {
      span.updateName(operation ? [operation.kind, operation.label].filter(Boolean).join(' ') : transport);
      span.setAttributes({
        'argus.request.id': id,
        'argus.outcome': outcome,
        ...(status !== null && { 'http.response.status_code': status }),
        ...(operation?.label && { 'graphql.operation.name': operation.label }),
        ...(operation && { 'graphql.operation.type': operation.kind }),
        ...(viewer && { 'argus.tenant.id': viewer.tenantId }),
        ...(codes && { 'argus.codes': [...codes] }),
      });
      if (outcome === 'error') span.setStatus({ code: SpanStatusCode.ERROR });
      span.end();
    },
    statement: (text, milliseconds, place) => {
      // What nobody asked for, such as a look at the health, would be a trace of its own.
      if (!place?.span) return;
      const end = Date.now();
      const options = {
        kind: SpanKind.CLIENT,
        startTime: end - milliseconds,
        attributes: { 'db.system.name': 'postgresql' },
      };
      tracer.startSpan(statementLabel(text), options, contextOf(place.span)).end(end);
    },
    within: async (name, attributes, work) => {
      const { request = null, span: parent } = places.getStore() ?? {};
      const span = tracer.startSpan(name, { attributes }, contextOf(parent));
      try {
        return await places.run({ request, span }, work);
      } catch (error) {
        // The message may show what it is about.
        span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.name : 'Error' });
        throw error;
      } finally {
        span.end();
      }
    },
    outgoing: () => {
      const headers: Record<string, string> = {};
      propagator.inject(contextOf(places.getStore()?.span), headers, defaultTextMapSetter);
      return headers;
    },
    close,
  };
}

/** A statement's name: its comment, else its verb and table. Its text is not told: it may hold a setting's value. */
export function statementLabel(text: string): string {
  const [, tag] = /^\/\* ([\w.: -]+?) \*\//.exec(text) ?? [];
  if (tag !== undefined) return tag;
  const [, verb = 'statement'] = /^\s*([A-Za-z]+)/.exec(text) ?? [];
  const [, table] = /\b(?:FROM|INTO|UPDATE)\s+(?:"?public"?\.)?"?([a-z_]+)/.exec(text) ?? [];
  return [verb.toUpperCase(), table].filter(Boolean).join(' ');
}
