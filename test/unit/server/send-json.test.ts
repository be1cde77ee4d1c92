import { createServer, type IncomingMessage, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { acceptsGzip, sendJson } from '../../../src/server/send-json.ts';

let server: Server;
let answer = '';
/** where the client is said to be; everything else about the request is as it came */
let remoteAddress: string | undefined;
beforeAll(async () => {
  server = createServer((req, res) => {
    const from = Object.create(req, { socket: { value: { remoteAddress } } }) as IncomingMessage;
    sendJson(from, res, { status: 200, headers: { 'content-type': 'application/json' }, body: answer });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(() => new Promise((resolve) => server.close(resolve)));

const LARGE = JSON.stringify({ data: 'ä€🦊'.repeat(6_000) });

async function get(address: string | undefined, encoding: string | undefined, body: string) {
  remoteAddress = address;
  answer = body;
  const { port } = server.address() as AddressInfo;
  const headers: Record<string, string> = encoding === undefined ? {} : { 'accept-encoding': encoding };
  return new Promise<{ coding: string | undefined; vary: string | undefined; length: number; text: string }>(
    (resolve) =>
      request({ port, headers }, async (res) => {
        const bytes = Buffer.concat(await res.toArray());
        const coding = res.headers['content-encoding'];
        expect(res.headers['content-length']).toBe(String(bytes.length));
        const text = (coding === 'gzip' ? gunzipSync(bytes) : bytes).toString();
        resolve({ coding, vary: res.headers.vary, length: bytes.length, text });
      }).end(),
  );
}

describe('an answer is compressed', () => {
  test('when it is large, and the client is elsewhere and takes gzip', async () => {
    const { coding, vary, length, text } = await get('192.0.2.7', 'br, gzip', LARGE);
    expect([coding, vary, text === LARGE]).toEqual(['gzip', 'accept-encoding', true]);
    expect(length).toBeLessThan(Buffer.byteLength(LARGE) / 10);
  });

  test.for([
    ['that is short', '192.0.2.7', 'gzip', '{"data":null}', undefined],
    ['for a client that does not take gzip', '192.0.2.7', 'br', LARGE, 'accept-encoding'],
    ['for a client that tells nothing', '192.0.2.7', undefined, LARGE, 'accept-encoding'],
    ['for this machine', '127.0.0.1', 'gzip', LARGE, undefined],
    ['for this machine by IPv6', '::1', 'gzip', LARGE, undefined],
    ['for this machine by a mapped address', '::ffff:127.0.0.3', 'gzip', LARGE, undefined],
  ] as const)('and one %s is not', async ([, address, encoding, body, vary]) => {
    const given = await get(address, encoding, body);
    expect([given.coding, given.vary, given.text === body]).toEqual([undefined, vary, true]);
  });

  test('from 16 kB on', async () => {
    expect((await get('2001:db8::1', 'gzip', 'x'.repeat(16 * 1024 - 1))).coding).toBeUndefined();
    expect((await get('2001:db8::1', 'gzip', 'x'.repeat(16 * 1024))).coding).toBe('gzip');
  });
});

test.for([
  ['gzip', true],
  ['GZIP', true],
  ['deflate, gzip;q=0.5, br', true],
  ['gzip ; q=1.0', true],
  ['gzip;q=0.001', true],
  ['gzip;q=0', false],
  ['gzip; q=0.000', false],
  ['identity', false],
  ['*', false],
  ['xgzip', false],
  ['', false],
  [undefined, false],
] as const)('accept-encoding: %s takes gzip: %s', ([header, takes]) => {
  expect(acceptsGzip(header)).toBe(takes);
});

test('what is sent to somebody who has gone is dropped', async () => {
  for (const body of ['{}', LARGE]) {
    const gone = await new Promise<boolean>((resolve) => {
      const other = createServer((req, res) => {
        res.once('close', () => {
          sendJson(req, res, { status: 200, headers: {}, body });
          other.close(() => resolve(!res.headersSent));
        });
      });
      other.listen(0, '127.0.0.1', () => {
        const client = request({ port: (other.address() as AddressInfo).port }).on('error', () => {});
        client.end();
        other.once('request', () => client.destroy());
      });
    });
    expect(gone).toBe(true);
  }
});
