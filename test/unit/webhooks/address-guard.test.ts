import { lookup as resolve } from 'node:dns/promises';
import { describe, expect, it } from 'vitest';
import { AddressGuard, ForbiddenAddress } from '../../../src/modules/webhooks/address-guard.ts';
import { checkUrl, urlRules } from '../../../src/modules/webhooks/url-rules.ts';

const guard = new AddressGuard({ allowPrivate: false, networks: [] });

const FORBIDDEN = [
  ['this network', '0.0.0.0', '0.255.255.255'],
  ['private', '10.0.0.0', '10.255.255.255', '172.16.0.1', '172.31.255.255', '192.168.0.1', '192.168.255.255'],
  ['carriers', '100.64.0.1', '100.127.255.255', '100.100.100.200'],
  ['loopback', '127.0.0.1', '127.255.255.254', '::1', '::'],
  ['link-local', '169.254.0.1', '169.254.169.254', 'fe80::1', 'fe80::1%eth0', 'febf::1', 'fec0::1'],
  ['the host of a virtual machine', '168.63.129.16'],
  ['protocols', '192.0.0.1', '192.0.0.170', '192.88.99.1', '2001::1', '2001:1ff::1', '100::1', '5f00::1'],
  ['documentation', '192.0.2.1', '198.51.100.7', '203.0.113.255', '2001:db8::1', '3fff:fff::1'],
  ['benchmarks', '198.18.0.1', '198.19.255.255', '2001:2::1'],
  ['multicast', '224.0.0.1', '239.255.255.255', 'ff02::1', 'ff0e::1'],
  ['reserved', '240.0.0.1', '255.255.255.255', '4000::1', 'e000::1'],
  ['unique local', 'fc00::1', 'fd00:ec2::254', 'fdff:ffff::1'],
  ['IPv4-mapped', '::ffff:127.0.0.1', '::ffff:7f00:1', '0:0:0:0:0:ffff:a00:1', '::ffff:169.254.169.254'],
  ['IPv4-compatible', '::127.0.0.1', '::8.8.8.8', '::ffff:0:8.8.8.8'],
  ['NAT64', '64:ff9b::127.0.0.1', '64:ff9b::a00:1', '64:ff9b::192.168.1.1', '64:ff9b:1::808:808', '64:ff9b:0:1::1'],
  ['6to4', '2002:7f00:1::1', '2002:a00:1::1', '2002:808:808::1'],
  ['Teredo', '2001:0:7f00:1::', '2001:0:ffff:ffff:ffff:ffff:ffff:ffff'],
  ['no address', '', 'localhost', '127.1', '0x7f000001', '1.2.3.4.5', '[::1]', '1.2.3.4/8', ' 1.2.3.4'],
] as const;
const ALLOWED = [
  ['below and above what is not public', '1.0.0.0', '9.255.255.255', '11.0.0.0', '126.255.255.255', '128.0.0.1'],
  ['beside private networks', '172.15.255.255', '172.32.0.0', '192.167.255.255', '192.169.0.0', '169.253.255.255'],
  [
    'beside others',
    '100.63.255.255',
    '100.128.0.0',
    '198.17.255.255',
    '198.20.0.0',
    '223.255.255.255',
    '168.63.129.17',
  ],
  ['public', '8.8.8.8', '93.184.215.14', '2606:4700::1111', '2a00:1450:4001::1', '2001:200::1', '2003::1', '3ffe::1'],
  ['public IPv4 in other forms', '::ffff:8.8.8.8', '64:ff9b::8.8.8.8', '::ffff:808:808'],
] as const;
const rows = (table: readonly (readonly string[])[]) =>
  table.flatMap(([kind, ...addresses]) => addresses.map((address) => [kind, address] as const));

describe('an address', () => {
  it('of which kinds there are many', () => {
    expect(rows(FORBIDDEN).length + rows(ALLOWED).length).toBeGreaterThan(90);
  });

  it.each(rows(FORBIDDEN))('%s: %s is refused', (_, address) => {
    expect(guard.allows(address)).toBe(false);
  });

  it.each(rows(ALLOWED))('%s: %s is allowed', (_, address) => {
    expect(guard.allows(address)).toBe(true);
  });

  it.each([
    ['10.1.2.3', true],
    ['::ffff:10.1.2.3', true],
    ['64:ff9b::10.1.2.3', true],
    ['10.2.0.1', false],
    ['fd12:3456:0:1::1', true],
    ['fd12:3457::1', false],
    ['127.0.0.1', false],
    ['8.8.8.8', true],
  ])('%s beside allowed networks: %s', (address, allowed) => {
    const some = new AddressGuard({ allowPrivate: false, networks: ['10.1.0.0/16', 'fd12:3456::/48'] });
    expect(some.allows(address)).toBe(allowed);
  });

  it('may be any where private ones are allowed, but must be one', () => {
    const any = new AddressGuard({ allowPrivate: true, networks: [] });
    expect(['127.0.0.1', '::1', '10.0.0.1'].every((address) => any.allows(address))).toBe(true);
    expect(any.allows('localhost')).toBe(false);
  });
});

describe('a name', () => {
  const ask = (of: AddressGuard, options: object) =>
    new Promise((done) =>
      of.lookup('localhost', options, (error, address, family) => done(error ?? [address, family])),
    );

  it('is refused for what it means, however it is asked for', async () => {
    for (const options of [{}, { all: true }, { family: 4 }]) {
      const refused = await ask(guard, options);
      expect(refused).toBeInstanceOf(ForbiddenAddress);
      expect(String(refused)).toMatch(/localhost is (127\.|::1)/);
    }
  });

  it('gives what the system gives, where that is allowed', async () => {
    const any = new AddressGuard({ allowPrivate: true, networks: [] });
    const { address, family } = await resolve('localhost');
    expect(await ask(any, {})).toEqual([address, family]);
    expect(await ask(any, { all: true })).toEqual([await resolve('localhost', { all: true }), undefined]);
  });
});

describe('a URL', () => {
  const rules = urlRules({ WEBHOOK_ALLOW_PRIVATE: false, WEBHOOK_ALLOWED_NETWORKS: [], WEBHOOK_ALLOW_HTTP: false });

  it.each([
    ['https://127.0.0.1/', /127\.0\.0\.1 is not a public address/],
    ['https://2130706433/', /127\.0\.0\.1/],
    ['https://0x7f.1:8443/', /127\.0\.0\.1/],
    ['https://0177.0.0.1/', /127\.0\.0\.1/],
    ['https://[::1]/', /::1/],
    ['https://[::ffff:10.0.0.1]/', /::ffff:a00:1/],
    ['https://localhost:4790/', /localhost is 127\.0\.0\.1, which is not a public address.*WEBHOOK_ALLOW_PRIVATE/],
    ['https://hook.localhost./', /hook\.localhost\. is 127\.0\.0\.1/],
    ['http://example.org/', /only https/],
    ['ftp://example.org/', /http:\/\/ or https/],
    ['example.org', /http:\/\/ or https/],
    ['https://user:secret@example.org/', /credentials/],
    ['https://user@example.org/', /credentials/],
    [`https://example.org/${'x'.repeat(2_000)}`, /at most 2000/],
  ])('%s is refused', (url, message) => {
    expect(() => checkUrl(url, rules)).toThrow(message);
  });

  it.each([
    'https://example.org/hook?key=1',
    'https://example.org:8443/',
    'https://localhost.example.org/',
    'https://8.8.8.8/',
  ])('%s is taken', (url) => {
    expect(checkUrl(url, rules)).toBe(url);
  });

  it.each([
    { WEBHOOK_ALLOW_PRIVATE: true, WEBHOOK_ALLOWED_NETWORKS: [] },
    { WEBHOOK_ALLOW_PRIVATE: false, WEBHOOK_ALLOWED_NETWORKS: ['127.0.0.0/8'] },
    { WEBHOOK_ALLOW_PRIVATE: false, WEBHOOK_ALLOWED_NETWORKS: ['::1/128'] },
  ])('may name localhost where that is allowed: %j', (allowed) => {
    const local = urlRules({ ...allowed, WEBHOOK_ALLOW_HTTP: true });
    expect(checkUrl('http://localhost:4790/', local)).toBe('http://localhost:4790/');
  });

  it('may go without TLS where that is allowed', () => {
    expect(checkUrl('http://example.org', { ...rules, allowHttp: true })).toBe('http://example.org/');
  });
});
