import type { IncomingMessage } from 'node:http';
import { describe, expect, test } from 'vitest';
import { addressKey, plainAddress } from '../../../src/access/address.ts';
import type { Env } from '../../../src/env.ts';
import { Meter } from '../../../src/server/meter.ts';
import { clientAddress } from '../../../src/server/request.ts';
import { Connections, MAX_CONNECTIONS } from '../../../src/server/stream-limits.ts';

test.for([
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['::FFFF:c000:201', '192.0.2.1'],
  ['0:0:0:0:0:ffff:192.0.2.1', '192.0.2.1'],
  ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
  ['2001:0db8::0001', '2001:db8::1'],
  ['fe80::1%eth0', 'fe80::1'],
  ['::1', '::1'],
])('%s is spelt %s', ([given, plain]) => {
  expect(plainAddress(given as string)).toBe(plain);
});

test.for([
  ['192.0.2.1', '192.0.2.1'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8:1:2::1', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['::', '0:0:0:0::/64'],
  ['1::2:3:4:5:6:7', '1:0:2:3::/64'],
  ['', ''],
])('%s is counted as %s', ([address, key]) => {
  expect(addressKey(address as string)).toBe(key);
});

test('a request has the address in one spelling, of its connection or of a trusted header', () => {
  const from = (remoteAddress: string | undefined, header?: string, proxies = 0) =>
    clientAddress(
      { socket: { remoteAddress }, headers: { 'x-forwarded-for': header } } as unknown as IncomingMessage,
      proxies,
    );
  expect(from('::ffff:192.0.2.1')).toBe('192.0.2.1');
  expect(from('2001:DB8:0::1')).toBe('2001:db8::1');
  expect(from(undefined)).toBeNull();
  expect(from('192.0.2.9', '::ffff:192.0.2.1', 1)).toBe('192.0.2.1');
  expect(from('192.0.2.9', 'x, 2001:0DB8::0:1', 1)).toBe('2001:db8::1');
  expect(from('192.0.2.9', 'nonsense', 1)).toBe('192.0.2.9');
});

test('a budget without a credential is that of a /64', () => {
  const env = { MAX_OPERATION_COST: 100, BUDGET_PER_KEY: 0, BUDGET_PER_TENANT: 0, BUDGET_PER_ADDRESS: 10 };
  const meter = new Meter(env as Env);
  const charge = (ip: string) => meter.charge({ viewer: null, request: { id: '', userAgent: null, ip } }, 8);
  charge('2001:db8::1');
  expect(() => charge('2001:db8::2')).toThrow(/try again/);
  charge('2001:db8:0:1::1');
});

describe('streams without a credential', () => {
  const open = (connections: Connections, ip: string) => connections.open({ viewer: null, request: { ip } });

  test('are counted by address, so that one cannot take those of all', () => {
    const connections = new Connections();
    const opened = Array.from({ length: MAX_CONNECTIONS.address }, (_, i) => open(connections, `2001:db8::${i + 1}`));
    expect(opened.every((one) => typeof one === 'function')).toBe(true);
    expect(open(connections, '2001:db8::ffff')).toMatch(/20 open streams of your address/);
    expect(open(connections, '2001:db8:0:1::1')).toBeTypeOf('function');
    const [first] = opened;
    if (typeof first === 'function') first();
    expect(open(connections, '2001:db8::ffff')).toBeTypeOf('function');
  });

  test('have a bound in all', () => {
    const connections = new Connections();
    for (let i = 0; i < MAX_CONNECTIONS.nobody; i++)
      expect(open(connections, `192.0.${Math.floor(i / 200)}.${i % 200}`)).toBeTypeOf('function');
    expect(open(connections, '198.51.100.1')).toMatch(/1000 open streams of callers who have not signed in/);
  });
});
