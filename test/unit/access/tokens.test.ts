import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  newApiKey,
  newSessionToken,
  parseCredential,
  SECRET_SCANNER_PATTERN,
  sameHash,
} from '../../../src/access/tokens.ts';
import { newId } from '../../../src/graphql/ids.ts';

const sha256 = (text: string) => createHash('sha256').update(text).digest();

/** The text with another character at one place, of the same kind. */
function changed(text: string, at: number): string {
  const other = text[at] === '0' ? '1' : '0';
  return text.slice(0, at) + other + text.slice(at + 1);
}

describe('session tokens', () => {
  it('are read back with their hash', () => {
    const { token, hash } = newSessionToken();
    expect(token).toMatch(/^argus_session_[\w-]{43}$/);
    expect(hash).toEqual(sha256(token));
    expect(parseCredential(token)).toEqual({ kind: 'session', hash });
    expect(newSessionToken().token).not.toBe(token);
  });

  it('are refused when malformed', () => {
    const { token } = newSessionToken();
    for (const text of [token.slice(1), token.slice(0, -1), `${token}A`, `${token}\n`, ` ${token}`, '']) {
      expect(parseCredential(text)).toBeNull();
    }
  });
});

describe('API keys', () => {
  it('are read back with their id and hash', () => {
    const id = newId();
    const { key, hash } = newApiKey(id);
    expect(key).toHaveLength(6 + 26 + 1 + 43 + 6);
    expect(hash).toEqual(sha256(key));
    expect(parseCredential(key)).toEqual({ kind: 'key', id, hash });
    expect(newApiKey(id).key).not.toBe(key);
  });

  it('fail their checksum when any character is changed', () => {
    const { key } = newApiKey(newId());
    for (let at = 6; at < key.length; at += 1) {
      if (at !== 32) expect(parseCredential(changed(key, at)), `changed at ${at}`).toBeNull();
    }
    expect(parseCredential(key)).not.toBeNull();
  });

  it('keep one form for ever, so that issued keys stay valid', () => {
    const body = `argus_01h455vb4pex5vsknk084sn02q_${'A'.repeat(43)}`;
    expect(parseCredential(`${body}4fV5iA`)).toMatchObject({ id: '01890a5d-ac96-774b-bcce-b302099a8057' });
    expect(parseCredential(`${body}4fV5iB`)).toBeNull();
  });
});

describe('the pattern for secret scanners', () => {
  it('finds both kinds inside other text and nothing else', () => {
    const { token } = newSessionToken();
    const { key } = newApiKey(newId());
    const text = `ARGUS="${token}"\nheader: Bearer ${key}, argus_session_short argus_nokey`;
    expect([...text.matchAll(new RegExp(SECRET_SCANNER_PATTERN, 'g'))].map(([found]) => found)).toEqual([token, key]);
  });
});

describe('sameHash', () => {
  it('compares', () => {
    expect(sameHash(sha256('a'), sha256('a'))).toBe(true);
    expect(sameHash(sha256('a'), sha256('b'))).toBe(false);
    expect(sameHash(sha256('a'), sha256('a').subarray(1))).toBe(false);
    expect(sameHash(Buffer.alloc(0), sha256('a'))).toBe(false);
  });
});
