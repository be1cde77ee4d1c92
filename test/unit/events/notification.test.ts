import { describe, expect, test } from 'vitest';
import { readNotification } from '../../../src/events/event.ts';
import { notificationOf } from '../../support/notification.ts';

const TENANT = '018f0000-0000-7000-8000-000000000001';
const idOf = (n: number) => `018f0000-0000-7000-8000-${String(n).padStart(12, '0')}`;
const eventsOf = (count: number, types = ['Bug']) =>
  Array.from({ length: count }, (_, i) => ({
    aggregateType: types[i % types.length] ?? '',
    aggregateId: idOf(i),
  }));

describe('a notification', () => {
  test.each([1, 2, 7, 60])('of %i events is read as it was written', (count) => {
    const events = eventsOf(count, ['Bug', 'Project', 'SlaPolicy']);
    const change = readNotification(notificationOf(TENANT, 1000n, events));
    expect(change).toMatchObject({ tenantId: TENANT, firstSeq: 1001n - BigInt(count), lastSeq: 1000n });
    const told = [...(change?.types ?? [])].flatMap(([type, ids]) => [...(ids ?? [])].map((id) => `${type} ${id}`));
    expect(told.sort()).toEqual(events.map((event) => `${event.aggregateType} ${event.aggregateId}`).sort());
  });

  test('names a row once, whatever happened to it', () => {
    const payload = notificationOf(TENANT, 3n, [...eventsOf(1), ...eventsOf(1), ...eventsOf(1)]);
    expect(payload).toBe(`${TENANT} 1 3 Bug:${idOf(0)}`);
  });

  test('has the ids as long as PostgreSQL takes it, and from there on the types alone', () => {
    const lengths = Array.from({ length: 300 }, (_, i) => {
      const payload = notificationOf(TENANT, 999n, eventsOf(i + 1, ['Bug', 'Project']));
      const told = readNotification(payload)?.types;
      expect(told?.has('Bug')).toBe(true);
      return { bytes: Buffer.byteLength(payload), ids: told?.get('Bug') !== null };
    });
    const whole = lengths.filter((one) => one.ids);
    expect(lengths.filter((one) => one.bytes >= 8_000)).toEqual([]);
    // room for one id more would not be left, nor for the longest seqs
    expect(Math.max(...whole.map((one) => one.bytes))).toBeGreaterThan(8_000 - 40 - 2 * 16);
    expect(whole.length).toBeGreaterThan(200);
    expect(lengths.slice(whole.length).every((one) => !one.ids && one.bytes < 100)).toBe(true);
  });

  test.each([
    ['of an older version', TENANT],
    ['with a word too many', `${TENANT} 1 2 Bug more`],
    ['whose seqs are no numbers', `${TENANT} a 2 Bug`],
    ['whose first seq is past the last', `${TENANT} 3 2 Bug`],
    ['without a type', `${TENANT} 1 2`],
    ['with an empty type', `${TENANT} 1 2 Bug;`],
    ['with a damaged id', `${TENANT} 1 2 Bug:018f`],
  ])('%s is anything of its tenant', (_, payload) => {
    expect(readNotification(payload)).toEqual({ tenantId: TENANT, firstSeq: 0n, lastSeq: 0n, types: null });
  });

  test.each(['', 'any', 'error', 'x y z', TENANT.slice(1), TENANT.toUpperCase().replace('8', 'X')])(
    '%j, which tells no tenant, is anything of anybody',
    (payload) => {
      expect(readNotification(payload)).toBeUndefined();
    },
  );
});
