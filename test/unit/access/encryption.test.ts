import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import {
  decrypt,
  encrypt,
  ephemeralKeyRing,
  needsRotation,
  parseKeyRing,
  TamperedError,
  UnknownKeyError,
} from '../../../src/access/encryption.ts';

const KEY_A = `a:${Buffer.alloc(32, 1).toString('base64')}`;
const KEY_B = `b:${Buffer.alloc(32, 2).toString('base64')}`;
const RING_A = parseKeyRing(KEY_A);
const AAD = 'osint.phone:tenant-1:row-1';

describe('encrypt and decrypt', () => {
  it('come back for any text and any place', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string(), (text, aad) => {
        expect(decrypt(RING_A, encrypt(RING_A, text, aad), aad)).toBe(text);
      }),
    );
    expect(decrypt(RING_A, encrypt(RING_A, Buffer.from('bytes'), AAD), AAD)).toBe('bytes');
  });

  it('lay the value out as documented, with a new nonce each time', () => {
    const blob = Buffer.from(encrypt(RING_A, 'text', AAD));
    expect(blob.subarray(0, 3)).toEqual(Buffer.from([1, 1, 97]));
    expect(blob).toHaveLength(3 + 12 + 16 + 4);
    expect(blob.includes('text')).toBe(false);
    expect(Buffer.from(encrypt(RING_A, 'text', AAD)).equals(blob)).toBe(false);
  });

  it('read a value from the middle of a larger buffer', () => {
    const blob = encrypt(RING_A, 'text', AAD);
    const padded = new Uint8Array(blob.length + 20);
    padded.set(blob, 10);
    expect(decrypt(RING_A, padded.subarray(10, 10 + blob.length), AAD)).toBe('text');
  });

  it.each(['osint.phone:tenant-1:row-2', 'osint.phone:tenant-2:row-1', 'osint.email:tenant-1:row-1', ''])(
    'refuse a value that was moved to %j',
    (aad) => {
      expect(() => decrypt(RING_A, encrypt(RING_A, 'text', AAD), aad)).toThrow(TamperedError);
    },
  );

  it('refuse a value with any bit changed or any end cut off', () => {
    const blob = encrypt(RING_A, 'text', AAD);
    for (let bit = 0; bit < blob.length * 8; bit += 1) {
      const damaged = Uint8Array.from(blob);
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      // A key id of another length or text names a key that does not exist; everything else is found by the tag.
      const byte = bit >> 3;
      const expected = byte === 1 ? /key|cannot be trusted/ : byte === 2 ? /key/ : /cannot be trusted/;
      expect(() => decrypt(RING_A, damaged, AAD), `bit ${bit}`).toThrow(expected);
    }
    for (let length = 0; length < blob.length; length += 1) {
      expect(() => decrypt(RING_A, blob.subarray(0, length), AAD), `length ${length}`).toThrow(TamperedError);
    }
  });

  it('refuse a value whose key id was exchanged for another key of the ring', () => {
    const both = parseKeyRing(`${KEY_A},${KEY_B}`);
    const blob = encrypt(both, 'text', AAD);
    blob[2] = 98;
    expect(() => decrypt(both, blob, AAD)).toThrow(TamperedError);
  });

  it('authenticate the key id, also when two ids hold the same key', () => {
    const twins = parseKeyRing(`${KEY_A},b:${KEY_A.slice(2)}`);
    const blob = encrypt(twins, 'text', AAD);
    blob[2] = 98;
    expect(() => decrypt(twins, blob, AAD)).toThrow(TamperedError);
  });

  it('name the key that is missing', () => {
    const blob = encrypt(RING_A, 'text', AAD);
    expect(() => decrypt(parseKeyRing(KEY_B), blob, AAD)).toThrow(UnknownKeyError);
    expect(() => decrypt(parseKeyRing(KEY_B), blob, AAD)).toThrow(/"a"/);
  });

  it('refuse another key under the same id', () => {
    const other = parseKeyRing(`a:${randomBytes(32).toString('base64')}`);
    expect(() => decrypt(other, encrypt(RING_A, 'text', AAD), AAD)).toThrow(TamperedError);
  });
});

describe('rotation', () => {
  it('reads old values, writes new ones under the first key, and knows which are old', () => {
    const old = encrypt(RING_A, 'text', AAD);
    const rotated = parseKeyRing(`${KEY_B},${KEY_A}`);
    expect(decrypt(rotated, old, AAD)).toBe('text');
    expect(needsRotation(RING_A, old)).toBe(false);
    expect(needsRotation(rotated, old)).toBe(true);
    expect(needsRotation(rotated, encrypt(rotated, 'text', AAD))).toBe(false);
  });
});

describe('parseKeyRing', () => {
  it('takes several keys, the first as the current one', () => {
    const ring = parseKeyRing(` ${KEY_B} , ${KEY_A} `);
    expect(ring.current).toBe('b');
    expect([...ring.keys.keys()]).toEqual(['b', 'a']);
  });

  it.each([
    ['', /key 1 of 1 is empty/],
    [`${KEY_A},`, /key 2 of 2 is empty/],
    [KEY_A.slice(2), /has no id/],
    [KEY_A.slice(1), /malformed id/],
    [`b c${KEY_A.slice(1)}`, /malformed id/],
    ['a:%%%%', /not base64/],
    ['a:', /0 bytes/],
    [`a:${randomBytes(16).toString('base64')}`, /16 bytes instead of 32/],
    [`a:${randomBytes(32).toString('hex')}`, /48 bytes instead of 32/],
    [`${KEY_A},a:${KEY_B.slice(2)}`, /"a" appears twice/],
  ])('refuses %j', (text, problem) => {
    expect(() => parseKeyRing(text)).toThrow(problem);
  });

  it('says how to make a key and never shows one', () => {
    const short = randomBytes(31).toString('base64');
    expect(() => parseKeyRing(`a:${short}`)).toThrow('openssl rand -base64 32');
    expect(() => parseKeyRing(`a:${short}`)).not.toThrow(short);
  });
});

describe('ephemeralKeyRing', () => {
  const directories: string[] = [];
  const directory = () => {
    const made = mkdtempSync(join(tmpdir(), 'argus-key-'));
    directories.push(made);
    return made;
  };
  afterEach(() => {
    for (const made of directories.splice(0)) rmSync(made, { recursive: true });
  });

  it('makes one key, keeps it, and lets only its owner read it', () => {
    const dir = join(directory(), 'deeper');
    const ring = ephemeralKeyRing(dir);
    expect(ephemeralKeyRing(dir)).toEqual(ring);
    expect(readdirSync(dir)).toEqual(['encryption.key']);
    expect(statSync(join(dir, 'encryption.key')).mode & 0o777).toBe(0o600);
    expect(ephemeralKeyRing(directory())).not.toEqual(ring);
  });

  it('names a key by itself: that of another folder is unknown, not the same one', () => {
    const [here, there] = [ephemeralKeyRing(directory()), ephemeralKeyRing(directory())];
    expect(() => decrypt(there, encrypt(here, 'text', AAD), AAD)).toThrow(UnknownKeyError);
  });

  it('reads what was encrypted when all such keys had one name', () => {
    const dir = directory();
    const text = `development:${randomBytes(32).toString('base64')}`;
    writeFileSync(join(dir, 'encryption.key'), `${text}\n`);
    const ring = ephemeralKeyRing(dir);
    expect(decrypt(ring, encrypt(parseKeyRing(text), 'text', AAD), AAD)).toBe('text');
    expect(ring.current).toMatch(/^dev-[0-9a-f]{12}$/);
    expect(() => decrypt(ephemeralKeyRing(directory()), encrypt(parseKeyRing(text), '', AAD), AAD)).toThrow(
      UnknownKeyError,
    );
  });

  it('takes rights of others away from an existing file', () => {
    const dir = directory();
    writeFileSync(join(dir, 'encryption.key'), `${KEY_A}\n`, { mode: 0o644 });
    expect(ephemeralKeyRing(dir)).toEqual(RING_A);
    expect(statSync(join(dir, 'encryption.key')).mode & 0o777).toBe(0o600);
  });
});
