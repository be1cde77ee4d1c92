import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Answer } from './app.ts';

/** A span as it came. */
export interface ReceivedSpan {
  name: string;
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  kind: number;
  milliseconds: number;
  error: boolean;
  attributes: Record<string, string | number>;
}

export interface OtlpReceiver {
  url: string;
  spans: ReceivedSpan[];
  /** all that came, as texts */
  bodies: string[];
  close(): void;
}

/** Takes traces by OTLP over HTTP, as a collector does. https://opentelemetry.io/docs/specs/otlp/#otlphttp */
export async function receiveTraces(): Promise<OtlpReceiver> {
  const spans: ReceivedSpan[] = [];
  const bodies: string[] = [];
  const server = createServer((req, res) => {
    let body = '';
    req.on('data', (chunk) => (body += chunk));
    req.on('end', () => {
      if (req.url !== '/v1/traces') return void res.writeHead(404).end();
      bodies.push(body);
      spans.push(...spansOf(JSON.parse(body)));
      res.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, spans, bodies, close: () => server.close() };
}

function spansOf({ resourceSpans }: Answer): ReceivedSpan[] {
  const spans = resourceSpans.flatMap((of: Answer) => of.scopeSpans.flatMap((scope: Answer) => scope.spans));
  return spans.map((span: Answer) => ({
    ...span,
    milliseconds: Number(BigInt(span.endTimeUnixNano) - BigInt(span.startTimeUnixNano)) / 1e6,
    error: span.status?.code === 2,
    attributes: Object.fromEntries(span.attributes.map(({ key, value }: Answer) => [key, Object.values(value)[0]])),
  }));
}
