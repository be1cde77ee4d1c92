import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeId, decodeUuid, encodeId, encodeUuid, newId } from '../../src/graphql/ids.ts';

const prefixes = fc.stringMatching(/^[a-z]{1,63}$/);
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

/** The 26 characters computed the slow, obvious way. */
function slowSuffix(uuid: string): string {
  let rest = BigInt(`0x${uuid.replaceAll('-', '')}`);
  let text = '';
  for (let index = 0; index < 26; index += 1) {
    text = ALPHABET.charAt(Number(rest & 31n)) + text;
    rest >>= 5n;
  }
  return text;
}

describe('encodeId', () => {
  // From the valid vectors of the TypeID specification.
  it.each([
    ['00000000-0000-0000-0000-000000000000', 'prefix_00000000000000000000000000'],
    ['00000000-0000-0000-0000-000000000001', 'prefix_00000000000000000000000001'],
    ['00000000-0000-0000-0000-00000000000a', 'prefix_0000000000000000000000000a'],
    ['00000000-0000-0000-0000-000000000010', 'prefix_0000000000000000000000000g'],
    ['00000000-0000-0000-0000-000000000020', 'prefix_00000000000000000000000010'],
    ['ffffffff-ffff-ffff-ffff-ffffffffffff', 'prefix_7zzzzzzzzzzzzzzzzzzzzzzzzz'],
    ['0110c853-1d09-52d8-d73e-1194e95b5f19', 'prefix_0123456789abcdefghjkmnpqrs'],
    ['01890a5d-ac96-774b-bcce-b302099a8057', 'prefix_01h455vb4pex5vsknk084sn02q'],
  ])('%s', (uuid, id) => {
    expect(encodeId('prefix', uuid)).toBe(id);
    expect(decodeId(id)).toEqual({ prefix: 'prefix', uuid });
  });

  it('agrees with plain arithmetic and comes back', () => {
    fc.assert(
      fc.property(prefixes, fc.uuid(), (prefix, uuid) => {
        const id = encodeId(prefix, uuid);
        expect(id).toBe(`${prefix}_${slowSuffix(uuid)}`);
        expect(decodeId(id)).toEqual({ prefix, uuid });
        expect(encodeId(prefix, uuid.toUpperCase())).toBe(id);
      }),
    );
  });

  it('keeps the order of UUIDs', () => {
    fc.assert(fc.property(fc.uuid(), fc.uuid(), (a, b) => encodeUuid(a) < encodeUuid(b) === a < b));
  });

  it.each([
    '',
    'x',
    '01890a5dac96774bbcceb302099a8057',
    '01890a5d-ac96-774b-bcce-b302099a805g',
    '01890a5d-ac96-774b-bcce_b302099a8057',
    '01890a5d-ac96-774b-bcce-b302099a805é',
  ])('refuses %j, which is not a UUID', (uuid) => {
    expect(() => encodeId('a', uuid)).toThrow(TypeError);
  });

  it.each(['', 'A', 'a1', 'a_b', 'a'.repeat(64)])('refuses the prefix %j', (prefix) => {
    expect(() => encodeId(prefix, newId())).toThrow(TypeError);
  });
});

describe('decodeId', () => {
  it.each([
    ['nothing', ''],
    ['only a suffix', '01h455vb4pex5vsknk084sn02q'],
    ['no prefix', '_01h455vb4pex5vsknk084sn02q'],
    ['an upper-case prefix', 'Prefix_01h455vb4pex5vsknk084sn02q'],
    ['a digit in the prefix', 'pre1_01h455vb4pex5vsknk084sn02q'],
    ['two separators', 'pre_fix_01h455vb4pex5vsknk084sn02q'],
    ['a prefix of 64 letters', `${'a'.repeat(64)}_01h455vb4pex5vsknk084sn02q`],
    ['an upper-case suffix', 'prefix_01H455VB4PEX5VSKNK084SN02Q'],
    ['25 characters', 'prefix_01h455vb4pex5vsknk084sn02'],
    ['27 characters', 'prefix_01h455vb4pex5vsknk084sn02qq'],
    ['a first character above 7', 'prefix_8zzzzzzzzzzzzzzzzzzzzzzzzz'],
    ['a letter outside the alphabet', 'prefix_01h455vb4pex5vsknk084sn02l'],
    ['a letter beyond ASCII', 'prefix_01h455vb4pex5vsknk084sn02é'],
    ['a line break at the end', 'prefix_01h455vb4pex5vsknk084sn02\n'],
  ])('is null for %s', (_, text) => {
    expect(decodeId(text)).toBeNull();
  });

  it('has one text for every id', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 26, maxLength: 40 }), (text) => {
        const id = decodeId(text);
        if (id !== null) expect(encodeId(id.prefix, id.uuid)).toBe(text);
      }),
    );
    const suffixes = fc.string({ unit: fc.constantFrom(...ALPHABET), minLength: 26, maxLength: 26 });
    fc.assert(
      fc.property(suffixes, (suffix) => {
        const uuid = decodeUuid(suffix);
        if (suffix.charAt(0) > '7') expect(uuid).toBeNull();
        else expect(encodeUuid(uuid ?? '')).toBe(suffix);
      }),
    );
  });
});

describe('newId', () => {
  it('makes UUIDs of version 7 that sort by the order they were made', () => {
    const ids = Array.from({ length: 10_000 }, newId);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(ids.toSorted()).toEqual(ids);
    expect(new Set(ids).size).toBe(ids.length);
  });
});
