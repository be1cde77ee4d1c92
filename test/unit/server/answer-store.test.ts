import { describe, expect, test } from 'vitest';
import type { Dependence } from '../../../src/events/changes.ts';
import type { LogChange } from '../../../src/events/event.ts';
import { AnswerStore, type Entry } from '../../../src/server/answer-store.ts';
import { randomOf } from '../../support/random.ts';

const ROOM = 100_000;
const [A, B] = ['018f0000-0000-7000-8000-00000000000a', '018f0000-0000-7000-8000-00000000000b'];
const entryOf = (key: string, over: Partial<Entry> = {}): Entry => ({
  tenantId: A,
  key,
  body: `body of ${key}`,
  until: 1_000,
  dependence: new Map([['Case', null]]),
  ...over,
});
const changeOf = (types: [string, string[] | null][] | null, tenantId = A): LogChange => ({
  tenantId,
  firstSeq: 1n,
  lastSeq: 1n,
  types: types && new Map(types.map(([type, ids]) => [type, ids && new Set(ids)])),
});
const keptOf = (store: AnswerStore, keys: readonly string[]) => keys.filter((key) => store.get(key, 0));

describe('a store of answers', () => {
  test('gives what was put until its time is over', () => {
    const store = new AnswerStore(ROOM);
    store.put(entryOf('x'));
    expect(store.get('x', 999)?.body).toBe('body of x');
    expect(store.get('y', 0)).toBeUndefined();
    expect(store.get('x', 1_000)).toBeUndefined();
    expect([store.bytes, store.dropped]).toEqual([0, 1]);
  });

  test('keeps within its room, and what was asked for last', () => {
    const store = new AnswerStore(ROOM);
    const keys = Array.from({ length: 200 }, (_, i) => `key ${i}`);
    for (const key of keys) {
      store.put(entryOf(key, { body: 'x'.repeat(1_000) }));
      store.get('key 0', 0);
      expect(store.bytes).toBeLessThanOrEqual(ROOM);
    }
    const kept = keptOf(store, keys);
    expect(kept.length).toBeGreaterThan(20);
    expect(kept).toEqual(['key 0', ...keys.slice(-(kept.length - 1))]);
    expect(store.bytes).toBeGreaterThan(kept.length * 2_000);
  });

  test('does not keep a body that would drive out many others', () => {
    const store = new AnswerStore(ROOM);
    store.put(entryOf('fits', { body: 'x'.repeat(ROOM / 32) }));
    store.put(entryOf('large', { body: 'x'.repeat(ROOM / 32 + 1) }));
    expect(keptOf(store, ['fits', 'large'])).toEqual(['fits']);
  });

  test('counts the rows that answers depend on', () => {
    const store = new AnswerStore(ROOM);
    store.put(entryOf('few'));
    const before = store.bytes;
    store.put(
      entryOf('many', { dependence: new Map([['Bug', new Set(Array.from({ length: 100 }, (_, i) => `${i}`))]]) }),
    );
    expect(store.bytes - before).toBeGreaterThan(before + 100 * 36 * 2);
  });

  test('puts a new answer in the place of the old one', () => {
    const store = new AnswerStore(ROOM);
    store.put(entryOf('x'));
    const { bytes } = store;
    store.put(entryOf('x', { dependence: new Map([['Bug', null]]) }));
    expect(store.bytes).toBe(bytes);
    store.apply(changeOf([['Case', null]]));
    expect(keptOf(store, ['x'])).toEqual(['x']);
    store.apply(changeOf([['Bug', null]]));
    expect(keptOf(store, ['x'])).toEqual([]);
  });

  test('throws away what a change may have changed, of its tenant', () => {
    const store = new AnswerStore(ROOM);
    const all: Record<string, Partial<Entry>> = {
      cases: {},
      'case 1': { dependence: new Map([['Case', new Set(['1'])]]) },
      'case 2': { dependence: new Map([['Case', new Set(['2'])]]) },
      bugs: { dependence: new Map([['Bug', null]]) },
      anything: { dependence: new Map([['*', null]]) },
      theirs: { tenantId: B },
    };
    const fill = () => {
      for (const [key, over] of Object.entries(all)) store.put(entryOf(key, over));
    };
    const leftBy = (change: LogChange) => {
      fill();
      store.apply(change);
      return keptOf(store, Object.keys(all));
    };
    expect(leftBy(changeOf([['Case', ['1']]]))).toEqual(['case 2', 'bugs', 'theirs']);
    expect(leftBy(changeOf([['Case', null]]))).toEqual(['bugs', 'theirs']);
    expect(leftBy(changeOf([['Project', ['1']]]))).toEqual(['cases', 'case 1', 'case 2', 'bugs', 'theirs']);
    expect(leftBy(changeOf([['Watchlist', ['1']]]))).toEqual(['theirs']);
    expect(leftBy(changeOf(null))).toEqual(['theirs']);
    expect(leftBy(changeOf([['Case', null]], B))).toEqual(['cases', 'case 1', 'case 2', 'bugs', 'anything']);
  });

  test('does the same as a list that is looked through, whatever happens', () => {
    for (const seed of [1, 2, 3]) {
      const random = randomOf(seed);
      const any = (n: number) => Math.floor(random() * n);
      const store = new AnswerStore(2 ** 30);
      let model: Entry[] = [];
      const types = ['Case', 'Bug', 'Project', '*'];
      for (let step = 0; step < 3_000; step++) {
        const tenantId = any(2) === 0 ? A : B;
        if (any(3) > 0) {
          const ids = () => (any(2) === 0 ? null : new Set([`${any(3)}`, `${any(3)}`]));
          const dependence: Dependence = new Map(Array.from({ length: any(3) }, () => [types[any(4)] ?? '', ids()]));
          if (dependence.has('*')) dependence.set('*', null);
          const entry = entryOf(`${tenantId} ${any(20)}`, { tenantId, dependence });
          store.put(entry);
          model = [...model.filter(({ key }) => key !== entry.key), entry];
        } else {
          const type = types[any(3)] ?? '';
          const ids = any(3) === 0 ? null : [`${any(3)}`];
          store.apply(changeOf([[type, ids]], tenantId));
          model = model.filter(
            ({ tenantId: of, dependence: on }) =>
              of !== tenantId ||
              !(on.has('*') || (on.has(type) && (!ids || !on.get(type) || ids.some((id) => on.get(type)?.has(id))))),
          );
        }
        expect(
          keptOf(
            store,
            Array.from({ length: 40 }, (_, i) => `${i % 2 ? A : B} ${i >> 1}`),
          ).sort(),
        ).toEqual(model.map(({ key }) => key).sort());
      }
      for (const tenantId of [A, B]) store.dropTenant(tenantId);
      expect(store.bytes).toBe(0);
    }
  });
});
