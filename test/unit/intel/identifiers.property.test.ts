import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { extractIdentifiers } from '../../../src/modules/intel/identifiers/extract.ts';
import { normaliseIdentifier, refang } from '../../../src/modules/intel/identifiers/normalise.ts';
import { IDENTIFIER_TYPES, type IdentifierType } from '../../../src/modules/intel/identifiers/types.ts';

// One raw form and its normal form per type; offered to the properties next to arbitrary text.
const PLANTED: [IdentifierType, string, string][] = [
  ['EMAIL', 'Bob.Smith@Example[.]COM', 'bob.smith@example.com'],
  ['PHONE', '+44 20 7946 0958', '+442079460958'],
  ['HANDLE', 't.me/Some_Channel', 'telegram:some_channel'],
  ['HANDLE', '@Some_Name', '@some_name'],
  ['URL', 'hxxps://evil[.]com:443/a?b=1#c', 'https://evil.com/a?b=1'],
  ['DOMAIN', 'sub.evil[.]com', 'sub.evil.com'],
  [
    'ONION',
    '2gzyxa5ihm7nsggfxnu52rck2vv4rvmdlkiu3zzui5du4xyclen53wid.onion',
    '2gzyxa5ihm7nsggfxnu52rck2vv4rvmdlkiu3zzui5du4xyclen53wid.onion',
  ],
  ['IPV4', '203.0.113[.]7', '203.0.113.7'],
  ['IPV6', '2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
  ['BTC', '1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa', '1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa'],
  ['ETH', '0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed', '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed'],
  ['IBAN', 'GB82 WEST 1234 5698 7654 32', 'GB82WEST12345698765432'],
  ['HASH_MD5', 'D41D8CD98F00B204E9800998ECF8427E', 'd41d8cd98f00b204e9800998ecf8427e'],
  ['COORDINATE', '40.71280, -74.00600', '40.71280,-74.00600'],
];
const planted = fc.constantFrom(...PLANTED);
// `binary` units make every UTF-16 unit possible, lone surrogates included.
const anyUnits = fc
  .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 80 })
  .map((units) => String.fromCharCode(...units));
const pieces = fc.constantFrom(
  '.',
  '@',
  '[.]',
  '[',
  ']',
  '(at)',
  ' [dot] ',
  '://',
  'http',
  'hxxps',
  'www',
  'com',
  'onion',
  'a',
  '1',
  '0x',
  '+',
  ' ',
  '-',
  '_',
  '/',
  '?',
  '#',
  '%41',
  '%2f',
  ':',
  '::',
  'bc1',
  't.me/',
  '\\',
  '..',
  '\u3002',
  '\u0430',
  '\u6f22',
  '\ud800',
  '\u0130',
);
const grammarish = fc.array(pieces, { maxLength: 25 }).map((parts) => parts.join(''));
const text = fc.oneof(
  anyUnits,
  grammarish,
  fc.string({ unit: 'grapheme', maxLength: 80 }),
  fc
    .array(
      fc.oneof(
        planted.map(([, raw]) => raw),
        grammarish,
      ),
      { maxLength: 6 },
    )
    .map((parts) => parts.join(' ')),
);
const country = fc.constantFrom(undefined, 'GB', 'IN', 'US', 'DE', 'ZZ');

describe('normaliseIdentifier', () => {
  it('is idempotent and never throws (4000 runs)', () => {
    const raw = fc.oneof(
      text,
      planted.map(([, form]) => form),
      fc.webUrl({ withFragments: true, withQueryParameters: true }),
      fc.emailAddress(),
      fc.ipV6(),
    );
    fc.assert(
      fc.property(fc.constantFrom(...IDENTIFIER_TYPES), raw, country, (type, form, hint) => {
        const once = normaliseIdentifier(type, form, { country: hint });
        if (!once.ok) {
          expect(once.reason).not.toBe('');
          return;
        }
        expect(normaliseIdentifier(type, once.value, { country: hint })).toEqual(once);
        // A stored value must stay what it is when the hint of its source is not known.
        expect(normaliseIdentifier(type, once.value)).toEqual(once);
      }),
      { numRuns: 4000 },
    );
  });

  it('takes every IPv4 and IPv6 address (500 runs each)', () => {
    fc.assert(
      fc.property(fc.ipV4(), (ip) => normaliseIdentifier('IPV4', ip).ok),
      { numRuns: 500 },
    );
    fc.assert(
      fc.property(fc.ipV6(), (ip) => normaliseIdentifier('IPV6', ip).ok),
      { numRuns: 500 },
    );
  });
});

describe('extractIdentifiers', () => {
  it('gives ordered, disjoint slices of the original that normalise to what it says (3000 runs)', () => {
    fc.assert(
      fc.property(text, country, (source, hint) => {
        let from = 0;
        for (const found of extractIdentifiers(source, { country: hint })) {
          expect(found.start).toBeGreaterThanOrEqual(from);
          expect(found.end).toBeGreaterThan(found.start);
          expect(source.slice(found.start, found.end)).toBe(found.raw);
          const normalised = normaliseIdentifier(found.type, found.raw, { country: hint });
          expect(normalised).toEqual({ ok: true, value: found.normalised });
          from = found.end;
        }
      }),
      { numRuns: 3000 },
    );
  });

  it('finds what was planted between lines of any text (2000 runs)', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(anyUnits, planted), { minLength: 1, maxLength: 5 }), (parts) => {
        // Words around a value may change how it reads ("version 1.2.3.4"), so each stands on a line of its own.
        let source = '';
        const expected = parts.map(([noise, [type, raw, normalised]]) => {
          source += `${noise.replace(/[[({]/g, '')}\n\n`;
          const start = source.length;
          source += `${raw}\n\n`;
          return { type, raw, normalised, start, end: start + raw.length };
        });
        const found = extractIdentifiers(source);
        for (const one of expected) expect(found).toContainEqual(one);
      }),
      { numRuns: 2000 },
    );
  });

  it('refangs without throwing (1000 runs)', () => {
    fc.assert(
      fc.property(text, (source) => refang(source).length <= source.length + source.length),
      { numRuns: 1000 },
    );
  });
});
