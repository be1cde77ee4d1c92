import { createHmac, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { parseKeyRing } from '../../../src/access/encryption.ts';
import { bodyOf, headersOf } from '../../../src/modules/webhooks/message.ts';
import { RETRIES, retryAfterMs, retryDelay } from '../../../src/modules/webhooks/schedule.ts';
import { newSecret, openSecrets, sealSecret, signatureOf } from '../../../src/modules/webhooks/secret.ts';
import '../../../src/schema.ts';

const MINUTE = 60_000;
const AT = new Date('2026-03-01T12:00:00.900Z');

describe('the schedule', () => {
  it('tries again after 1 minute, 10 minutes, 1 hour, 6 hours, and then no more', () => {
    const delays = [1, 2, 3, 4, 5].map((attempts) => retryDelay(RETRIES, attempts, null, 0));
    expect(delays).toEqual([MINUTE, 10 * MINUTE, 60 * MINUTE, 360 * MINUTE, null]);
  });

  it('adds up to a tenth', () => {
    for (const chance of [0, 0.5, 0.999]) {
      const delay = retryDelay(RETRIES, 2, null, chance) ?? 0;
      expect(delay).toBe(Math.round(10 * MINUTE * (1 + chance / 10)));
    }
    const some = new Set(Array.from({ length: 20 }, () => retryDelay(RETRIES, 4, null)));
    expect(some.size).toBeGreaterThan(10);
    expect([...some].every((delay) => delay !== null && delay >= 360 * MINUTE && delay <= 396 * MINUTE)).toBe(true);
  });

  it.each([
    ['a longer one counts', 5 * MINUTE, 5 * MINUTE],
    ['a shorter one does not', 1_000, MINUTE],
    ['at most 6 hours', 1_000 * MINUTE, 360 * MINUTE],
  ])('waits as long as the receiver asks: %s', (_, asked, waited) => {
    expect(retryDelay(RETRIES, 1, asked, 0)).toBe(waited);
    expect(retryDelay(RETRIES, 5, asked, 0)).toBeNull();
  });

  it.each([
    ['120', 120_000],
    [' 5 ', 5_000],
    ['Sun, 01 Mar 2026 12:10:00 GMT', 10 * MINUTE - 900],
    ['Sun, 01 Mar 2020 12:10:00 GMT', null],
    ['soon', null],
    ['-1', null],
    [undefined, null],
  ])('reads Retry-After %s', (header, ms) => {
    expect(retryAfterMs(header, AT.getTime())).toBe(ms);
  });
});

describe('the signature', () => {
  it('is what another implementation makes of the same', () => {
    // printf '1772366400.{"a":1}' | openssl dgst -sha256 -hmac whsec_test
    const header = signatureOf(['whsec_test'], '{"a":1}', AT);
    expect(header).toBe('t=1772366400,v1=f0fe3dd99865a9267d4ee54763cb20d5ec1ce23dbc563e4217bc69f19912aae0');
  });

  it('has one part for each secret', () => {
    const [first, second] = ['whsec_a', 'whsec_b'].map((key) =>
      createHmac('sha256', key).update('1772366400.é').digest('hex'),
    );
    expect(signatureOf(['whsec_a', 'whsec_b'], 'é', AT)).toBe(`t=1772366400,v1=${first},v1=${second}`);
  });
});

describe('secrets', () => {
  const ring = parseKeyRing(`a:${randomBytes(32).toString('base64')}`);
  const [tenantId, id] = ['01890a5d-ac96-774b-bcce-b302099a8057', '01890a5d-ac96-774b-bcce-b302099a8058'];

  it('are long, and never the same', () => {
    expect(newSecret()).toMatch(/^whsec_[\w-]{43}$/);
    expect(newSecret()).not.toBe(newSecret());
  });

  it('count as long as they are good, the current one first', () => {
    const seal = (secret: string) => sealSecret(ring, secret, tenantId, id);
    const row = { tenantId, id, secret: seal('new'), previousSecret: seal('old'), previousSecretUntil: AT };
    expect(openSecrets(ring, row, new Date(AT.getTime() - 1))).toEqual(['new', 'old']);
    expect(openSecrets(ring, row, AT)).toEqual(['new']);
    expect(openSecrets(ring, { ...row, previousSecret: null, previousSecretUntil: null }, AT)).toEqual(['new']);
  });

  it('open only where they belong', () => {
    const secret = sealSecret(ring, 'x', tenantId, id);
    const moved = { tenantId, id: tenantId, secret, previousSecret: null, previousSecretUntil: null };
    expect(() => openSecrets(ring, moved, AT)).toThrow('cannot be trusted');
  });
});

describe('a message', () => {
  const uuid = '01890a5d-ac96-774b-bcce-b302099a8057';
  const event = {
    id: uuid,
    seq: 42n,
    type: 'CASE_OPENED',
    aggregateType: 'Case',
    aggregateId: uuid,
    aggregateVersion: 3,
    occurredAt: AT,
    payload: { title: 'é' },
  };

  it('tells the event with global ids', () => {
    const suffix = '01h455vb4pex5vsknk084sn02q';
    expect(JSON.parse(bodyOf(event, 'acme'))).toEqual({
      id: `evt_${suffix}`,
      seq: 42,
      type: 'CASE_OPENED',
      tenant: 'acme',
      aggregateType: 'Case',
      aggregateId: `case_${suffix}`,
      aggregateVersion: 3,
      occurredAt: '2026-03-01T12:00:00.900Z',
      payload: { title: 'é' },
    });
    const headers = headersOf({ deliveryId: uuid, type: event.type, secrets: ['s'], body: '{}' }, AT);
    expect(headers).toMatchObject({ 'x-argus-delivery': `whd_${suffix}`, 'x-argus-event': 'CASE_OPENED' });
    expect(headers['user-agent']).toMatch(/^Argus\/\d+\.\d+\.\d+$/);
  });
});
