import { describe, expect, it } from 'vitest';
import { insistSame, normalise } from '../../../bench/same-answers.ts';
import { encodeId } from '../../../src/graphql/ids.ts';

const UUID = '01890a5d-ac96-774b-bcce-b302099a8057';
const OTHER = '01890a5d-ac96-774b-bcce-b302099a8058';

function compare(one: unknown, other: unknown): void {
  insistSame(normalise(one), normalise(other), 'floor in flat');
}

describe('answers that differ only in form say the same:', () => {
  it.each([
    ['a connection and a list', { bugs: { nodes: [{ id: 'a' }] } }, { bugs: [{ id: 'a' }] }],
    ['a search hit and its row', { found: [{ node: { title: 'x' } }] }, { found: [{ title: 'x' }] }],
    ['points in two wrappers and in none', { trends: { current: { points: [1, 2] } } }, { trends: [1, 2] }],
    ['a TypeID and a UUID', { id: encodeId('bug', UUID) }, { id: UUID }],
    ['an instant as PostgreSQL writes it', { at: '2026-03-01 10:20:30.12+00' }, { at: '2026-03-01T10:20:30.120Z' }],
    ['an instant of another zone', { at: '2026-03-01T12:20:30+02:00' }, { at: '2026-03-01T10:20:30.000Z' }],
    ['microseconds and milliseconds', { at: '2026-03-01T10:20:30.123456+00:00' }, { at: '2026-03-01T10:20:30.123Z' }],
    ['fields in another order', { a: 1, b: [{ c: 2, d: 3 }] }, { b: [{ d: 3, c: 2 }], a: 1 }],
    [
      'figures in another order, without those that are 0',
      [
        { severity: 'LOW', count: 2 },
        { severity: 'HIGH', count: 0 },
        { severity: 'CRITICAL', count: 1 },
      ],
      [
        { count: 1, severity: 'CRITICAL' },
        { count: 2, severity: 'LOW' },
      ],
    ],
    ['an empty list', { bugs: { nodes: [] } }, { bugs: [] }],
  ])('%s', (_, one, other) => {
    expect(() => compare(one, other)).not.toThrow();
    expect(() => compare(other, one)).not.toThrow();
  });
});

describe('a real difference is refused:', () => {
  const bugs = (...titles: (string | null)[]) => ({ bugs: titles.map((title) => ({ title })) });

  it.each([
    ['another value', bugs('a', 'b'), bugs('a', 'c')],
    ['a row too few', bugs('a', 'b'), bugs('a')],
    ['rows in another order', bugs('a', 'b'), bugs('b', 'a')],
    ['null for a text', bugs('a'), bugs(null)],
    ['nothing for a list', bugs('a'), { bugs: null }],
    ['a field too few', { id: 1, title: 'x' }, { id: 1 }],
    ['a field that is null for none', { id: 1, title: null }, { id: 1 }],
    ['a text for a number', { number: 7 }, { number: '7' }],
    ['the id of another row', { id: encodeId('bug', UUID) }, { id: OTHER }],
    ['an instant a millisecond later', { at: '2026-03-01T10:20:30.124Z' }, { at: '2026-03-01T10:20:30.123456Z' }],
    ['an instant without its zone', { at: '2026-03-01T10:20:30' }, { at: '2026-03-01T10:20:30Z' }],
    ['another figure', [{ severity: 'LOW', count: 2 }], [{ severity: 'LOW', count: 3 }]],
    ['a figure of another kind', [{ severity: 'LOW', count: 2 }], [{ severity: 'HIGH', count: 2 }]],
    ['a figure too many', [{ severity: 'LOW', count: 2 }], []],
    [
      'another value deep in a row with a count',
      [{ count: 1, bug: { title: 'a' } }],
      [{ count: 1, bug: { title: 'b' } }],
    ],
    ['a wrapper with more than its rows', { bugs: { nodes: [], total: 1 } }, { bugs: [] }],
  ])('%s', (_, one, other) => {
    expect(() => compare(one, other)).toThrow('floor in flat answers other data');
    expect(() => compare(other, one)).toThrow('floor in flat answers other data');
  });

  it('and the message shows both', () => {
    const different = () => compare(bugs('the expected'), bugs('the given'));
    expect(different).toThrow('the expected');
    expect(different).toThrow('the given');
  });

  it('also when a text only begins like an instant', () => {
    expect(normalise('2026-03-01T10:20:30Z was the day')).toBe('2026-03-01T10:20:30Z was the day');
  });
});
