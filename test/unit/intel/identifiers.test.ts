import { describe, expect, it } from 'vitest';
import { extractIdentifiers } from '../../../src/modules/intel/identifiers/extract.ts';
import { normaliseIdentifier, refang } from '../../../src/modules/intel/identifiers/normalise.ts';
import type { IdentifierType } from '../../../src/modules/intel/identifiers/types.ts';

const ONION = '2gzyxa5ihm7nsggfxnu52rck2vv4rvmdlkiu3zzui5du4xyclen53wid.onion';
const XMR = '44AFFq5kSiGBoZ4NMDwYtN18obc8AemS33DBLWs3H7otXft3XjrpDtQGv7SqSsaBYBb98uNbr2VBBEt7f2wfn3RVGQBEP3A';
const MD5 = 'd41d8cd98f00b204e9800998ecf8427e';
const SHA1 = 'da39a3ee5e6b4b0d3255bfef95601890afd80709';
const SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const ETH = '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed';

const KNOWN_GOOD: [IdentifierType, string, string][] = [
  ['EMAIL', 'Bob.Smith+Tag@EXAMPLE.com', 'bob.smith+tag@example.com'],
  ['EMAIL', 'mailto:user [at] ex\u00e4mple (dot) com', 'user@xn--exmple-cua.com'],
  ['EMAIL', '<F\u00c9LIX@example.org>', 'f\u00e9lix@example.org'],
  ['PHONE', '+44 (0)20 7946 0958', '+442079460958'],
  ['PHONE', '0044 20 7946 0958', '+442079460958'],
  ['PHONE', 'tel:+1-415-555-2671', '+14155552671'],
  ['PHONE', 'https://wa.me/442079460958', '+442079460958'],
  ['HANDLE', 'https://t.me/Some_Channel', 'telegram:some_channel'],
  ['HANDLE', 't.me/s/some_channel', 'telegram:some_channel'],
  ['HANDLE', 'www.instagram.com/Foo.Bar/?hl=en', 'instagram:foo.bar'],
  ['HANDLE', 'twitter.com/SomeOne', 'x:someone'],
  ['HANDLE', 'https://www.tiktok.com/@some.one', 'tiktok:some.one'],
  ['HANDLE', 'reddit.com/user/Some-One', 'reddit:some-one'],
  ['HANDLE', 'TG: @Some_Channel', 'telegram:some_channel'],
  ['HANDLE', 'telegram:some_channel', 'telegram:some_channel'],
  ['HANDLE', '@Some_Name', '@some_name'],
  ['URL', 'HTTP://Example.COM:80/A/../b?utm_source=x#top', 'http://example.com/b?utm_source=x'],
  ['URL', 'hxxps[://]evil[.]com/%7ea%2fb', 'https://evil.com/%7Ea%2Fb'],
  ['URL', 'https://[2001:DB8::1]:443/', 'https://[2001:db8::1]/'],
  ['DOMAIN', 'WWW.B\u00fccher.DE.', 'www.xn--bcher-kva.de'],
  ['DOMAIN', 'evil{.}co[dot]uk', 'evil.co.uk'],
  ['ONION', `www.${ONION.toUpperCase()}`, ONION],
  ['IPV4', '8[.]8(.)8.8', '8.8.8.8'],
  ['IPV6', '2001:0DB8:0:0:0:0:0:1', '2001:db8::1'],
  ['IPV6', '2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
  ['IPV6', '2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
  ['IPV6', '::FFFF:c000:0280', '::ffff:192.0.2.128'],
  ['BTC', '1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa', '1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa'],
  ['BTC', '3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy', '3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy'],
  ['BTC', 'BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4', 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4'],
  [
    'BTC',
    'bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0',
    'bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0',
  ],
  ['ETH', ETH.toLowerCase(), ETH],
  ['ETH', ETH, ETH],
  ['ETH', '0xFB6916095CA1DF60BB79CE92CE3EA74C37C5D359', '0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359'],
  ['XMR', XMR, XMR],
  ['IBAN', 'gb82 west 1234 5698 7654 32', 'GB82WEST12345698765432'],
  ['IBAN', 'IBAN: DE89-3704-0044-0532-0130-00', 'DE89370400440532013000'],
  ['HASH_MD5', MD5.toUpperCase(), MD5],
  ['HASH_SHA1', SHA1.toUpperCase(), SHA1],
  ['HASH_SHA256', SHA256.toUpperCase(), SHA256],
  ['PGP', 'da39 a3ee 5e6b 4b0d 3255  bfef 9560 1890 afd8 0709', SHA1.toUpperCase()],
  ['PGP', `openpgp4fpr:${SHA1}`, SHA1.toUpperCase()],
  ['COORDINATE', '40.7128, -74.006', '40.71280,-74.00600'],
  ['COORDINATE', '40.7128\u00b0 N, 74.0060\u00b0 W', '40.71280,-74.00600'],
  ['COORDINATE', '-0.000001,-180', '0.00000,180.00000'],
];

const KNOWN_BAD: [IdentifierType, string, RegExp][] = [
  ['EMAIL', 'user@localhost', /public suffix/],
  ['EMAIL', 'a..b@example.com', /not allowed/],
  ['EMAIL', 'example.com', /before @/],
  ['PHONE', '020 7946 0958', /needs the country/],
  ['PHONE', '+44 20 7946', /not a valid telephone/],
  ['HANDLE', 't.me/joinchat/abcdef', /profile/],
  ['HANDLE', 'instagram.com/p', /account name/],
  ['HANDLE', 'example.com/name', /known platform/],
  ['URL', 'evil.com/x', /starts with/],
  ['URL', 'http://localhost/', /full name/],
  ['URL', 'http://evil.com:99999/', /not a valid URL/],
  ['DOMAIN', 'setup.exe', /public suffix/],
  ['DOMAIN', 'co.uk', /is a public suffix/],
  ['DOMAIN', '-bad-.com', /well-formed/],
  ['DOMAIN', 'bad_name.com', /underscore/],
  ['DOMAIN', 'a.com/b', /well-formed/],
  ['DOMAIN', ONION, /onion/],
  ['ONION', ONION.replace('2g', '2h'), /checksum/],
  ['ONION', '3g2upl4pq6kufc4m.onion', /version 2/],
  ['IPV4', '01.2.3.4', /four decimal/],
  ['IPV4', '1.2.3.256', /four decimal/],
  ['IPV6', 'fe80::1%eth0', /not an IPv6/],
  ['IPV6', '1::2::3', /not an IPv6/],
  ['BTC', '1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb', /checksum/],
  ['BTC', 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5', /checksum/],
  ['BTC', 'bc1Qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4', /mix case/],
  ['BTC', 'bc1p38j9r5y49hruaue7wxjce0updqjuyyx0kh56v8s25huc6995vvpql3jow4', /checksum/],
  ['BTC', 'tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx', /mainnet/],
  ['BTC', 'mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn', /mainnet/],
  ['ETH', ETH.replace('BeAed', 'BeAeD'), /EIP-55/],
  ['ETH', '0x123', /40 hex/],
  ['XMR', XMR.replace('44AFF', '44AFG'), /checksum/],
  ['XMR', '888tNkZrPN6J', /95 or 106/],
  ['IBAN', 'GB82WEST12345698765433', /check digits/],
  ['IBAN', 'DE8937040044053201300', /22 characters/],
  ['IBAN', 'US82WEST12345698765432', /no IBAN/],
  ['HASH_MD5', `${MD5}0`, /32 hex/],
  ['HASH_SHA1', SHA1.replace('d', 'g'), /40 hex/],
  ['HASH_SHA256', MD5, /64 hex/],
  ['PGP', MD5, /40 hex/],
  ['COORDINATE', '90.1,0', /latitude/],
  ['COORDINATE', '0,180.1', /longitude/],
  ['COORDINATE', '40.7', /two numbers/],
];

describe('normaliseIdentifier', () => {
  it.each(KNOWN_GOOD)('%s %s', (type, raw, value) => {
    expect(normaliseIdentifier(type, raw)).toEqual({ ok: true, value });
  });

  it.each(KNOWN_BAD)('refuses %s %s', (type, raw, reason) => {
    const result = normaliseIdentifier(type, raw);
    expect(result.ok ? result.value : result.reason).toMatch(reason);
    expect(result.ok).toBe(false);
  });

  it('reads national numbers by the country hint', () => {
    expect(normaliseIdentifier('PHONE', '020 7946 0958', { country: 'gb' })).toEqual({
      ok: true,
      value: '+442079460958',
    });
    expect(normaliseIdentifier('PHONE', '9876543210', { country: 'IN' })).toEqual({ ok: true, value: '+919876543210' });
    expect(normaliseIdentifier('PHONE', '9876543210', { country: 'ZZ' }).ok).toBe(false);
  });

  it('refuses empty and oversized input', () => {
    expect(normaliseIdentifier('URL', '  ')).toEqual({ ok: false, reason: 'empty' });
    expect(normaliseIdentifier('URL', `http://a.com/${'x'.repeat(5000)}`).ok).toBe(false);
  });
});

describe('refang', () => {
  it.each([
    ['evil[.]com evil(.)com evil{.}com evil[dot]com evil (dot) com', 'evil.com evil.com evil.com evil.com evil.com'],
    ['hxxp://a hXXps[:]//b h**p://c fxp://d', 'http://a https://b http://c ftp://d'],
    ['a[@]b a[at]b a (at) b', 'a@b a@b a@b'],
    ['say [at]bob (see above)', 'say @bob (see above)'],
  ])('%s', (text, plain) => {
    expect(refang(text)).toBe(plain);
  });
});

const found = (text: string, country?: string): string[] =>
  extractIdentifiers(text, { country }).map((one) => `${one.type} ${one.normalised}`);

describe('extractIdentifiers', () => {
  it('gives offsets into the original, defanged text', () => {
    const text = '\u{1f600} see hxxps[://]evil[.]com/a, then user [at] evil (dot) org.';
    const results = extractIdentifiers(text);
    expect(results.map((one) => [one.type, one.normalised, one.raw])).toEqual([
      ['URL', 'https://evil.com/a', 'hxxps[://]evil[.]com/a'],
      ['EMAIL', 'user@evil.org', 'user [at] evil (dot) org'],
    ]);
    for (const one of results) expect(text.slice(one.start, one.end)).toBe(one.raw);
  });

  it.each<[string, string, string[]]>([
    ['an e-mail is not also a domain', 'bob@mail.example.com', ['EMAIL bob@mail.example.com']],
    ['a URL hides its host, its user and a wallet in it', `https://u@a.com/${ETH}`, [`URL https://u@a.com/${ETH}`]],
    [
      'brackets and full stops end a URL',
      '(https://a.com/b_(c)). [x](https://a.com)',
      ['URL https://a.com/b_(c)', 'URL https://a.com/'],
    ],
    [
      'a profile link is a handle, a post is a URL',
      'https://t.me/abcd https://t.me/abcd/1',
      ['HANDLE telegram:abcd', 'URL https://t.me/abcd/1'],
    ],
    ['a link without scheme', 'instagram.com/foo and evil.com/gate.php', ['HANDLE instagram:foo', 'DOMAIN evil.com']],
    [
      'a word names the platform',
      'IG: @foo, tg @abcde, @other',
      ['HANDLE instagram:foo', 'HANDLE telegram:abcde', 'HANDLE @other'],
    ],
    ['code is no handle', 'npm i @scope/pkg @Override run@1.2 @media @name@ @Call(', []],
    ['files', 'setup.exe index.php README.md run.sh a.zip lib.so', []],
    [
      'file endings that were defanged or have a path',
      'evil[.]zip evil.sh/x evil.md:8080',
      ['DOMAIN evil.zip', 'DOMAIN evil.sh', 'DOMAIN evil.md'],
    ],
    ['joined sentences, packages, calls', 'it works.In the end com.example.app x.name() ASP.NET', []],
    ['a version', 'version 1.2.3.4, v1.2.3.4, Chrome/1.2.3.4, < 1.2.3.4, 1.2.3.4.5', []],
    [
      'addresses',
      '1.2.3.4:80 10.0.0.1-10.0.0.5 192.0.2.0/24.',
      ['IPV4 1.2.3.4', 'IPV4 10.0.0.1', 'IPV4 10.0.0.5', 'IPV4 192.0.2.0'],
    ],
    ['IPv6', '[2001:db8::1]:443 ip6:fe80::2 12:30:45 std::abc ::', ['IPV6 2001:db8::1', 'IPV6 fe80::2']],
    ['onion', `${ONION} http://${ONION}/x 3g2upl4pq6kufc4m.onion`, [`ONION ${ONION}`, `URL http://${ONION}/x`]],
    ['hashes by length', `${MD5} ${SHA1} ${SHA256}`, [`HASH_MD5 ${MD5}`, `HASH_SHA1 ${SHA1}`, `HASH_SHA256 ${SHA256}`]],
    ['no hash out of a longer run', `${MD5}0 ${SHA256}${SHA256} 0x${SHA256}`, []],
    ['digits or letters alone are no hash', `${'1'.repeat(32)} ${'a'.repeat(32)}`, []],
    [
      'PGP by its groups or its context',
      `key DA39 A3EE 5E6B 4B0D 3255  BFEF 9560 1890 AFD8 0709, fingerprint: ${SHA1}`,
      [`PGP ${SHA1.toUpperCase()}`, `PGP ${SHA1.toUpperCase()}`],
    ],
    [
      'wallets',
      `bitcoin:1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa ${ETH} ${XMR}`,
      ['BTC 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa', `ETH ${ETH}`, `XMR ${XMR}`],
    ],
    ['IBAN in groups, with words after it', 'GB82 WEST 1234 5698 7654 32 AND MORE', ['IBAN GB82WEST12345698765432']],
    ['coordinates need four decimals', '40.7128, -74.0060 and 1.25, 2.50', ['COORDINATE 40.71280,-74.00600']],
    ['phones with +', 'call (+1 415-555-2671) or 020 7946 0958', ['PHONE +14155552671']],
    [
      'scripts without spaces',
      '\u8bf7\u8bbf\u95eeevil.com\u67e5\u770b \u0441\u043c\u043e\u0442\u0440\u0438evil.org',
      ['DOMAIN evil.com', 'DOMAIN evil.org'],
    ],
    ['IDN', '\u043f\u0440\u0438\u043c\u0435\u0440.\u0440\u0444', ['DOMAIN xn--e1afmkfd.xn--p1ai']],
    ['bad checksums', '1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb GB82WEST12345698765433', []],
  ])('%s', (_name, text, expected) => {
    expect(found(text)).toEqual(expected);
  });

  it('finds national numbers with a hint, but no dates', () => {
    const text = 'call 020 7946 0958 on 2024-01-15 or 07700 900123';
    expect(found(text, 'GB')).toEqual(['PHONE +442079460958']);
    expect(found('9876543210 9876543211, 98765 43212', 'IN')).toEqual([
      'PHONE +919876543210',
      'PHONE +919876543211',
      'PHONE +919876543212',
    ]);
  });

  it('gives the first ones up to max', () => {
    const text = Array.from({ length: 600 }, (_, index) => `u${index}@example.com`).join(' ');
    expect(extractIdentifiers(text)).toHaveLength(500);
    expect(extractIdentifiers(text, { max: 2 }).map((one) => one.normalised)).toEqual([
      'u0@example.com',
      'u1@example.com',
    ]);
  });
});

describe('linear time', () => {
  const cpu = (text: string): number => {
    const samples = [0, 1, 2].map(() => {
      const start = process.cpuUsage();
      extractIdentifiers(text, { country: 'IN' });
      const { user, system } = process.cpuUsage(start);
      return user + system;
    });
    return Math.min(...samples);
  };

  // Four times the text must cost well below the sixteen times of quadratic work; processor time, not wall clock.
  it.each([
    'a.',
    '@',
    '0',
    '0123456789abcdef',
    '12 ',
    '+12 12 12 12 ',
    '9876543210 ',
    '[',
    '[.',
    '(',
    '://',
    'http://',
    'http://a.b/(',
    'a@',
    'a@b.',
    ':',
    '1:',
    'abcd ',
    'GB82 ',
    '1.23456,',
    '1.2.3.4-',
    't.me/',
    '\ud800',
    '\u6f22',
    'a\u0436',
    '\u00e9.',
    'evil[.]com ',
  ])('four times the text of %j', (unit) => {
    const size = 60_000;
    const make = (length: number): string => unit.repeat(Math.ceil(length / unit.length));
    cpu(make(size / 4));
    const small = Math.max(cpu(make(size)), 2000);
    expect(cpu(make(size * 4)) / small).toBeLessThan(9);
  });
});
