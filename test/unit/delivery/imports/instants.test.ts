import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InvalidInput } from '../../../../src/errors.ts';
import { cellInstant, type DateOrder } from '../../../../src/modules/delivery/imports/instants.ts';

const read = (value: unknown, order: DateOrder | null = null) =>
  cellInstant({ at: value }, 'at', order)?.toISOString() ?? null;

function problem(value: unknown, order: DateOrder | null = null): InvalidInput {
  try {
    read(value, order);
  } catch (error) {
    if (error instanceof InvalidInput) return error;
  }
  throw new Error(`${String(value)} was taken`);
}

describe('dates of a file', () => {
  it.each([
    ['2020-01-02', '2020-01-02T00:00:00.000Z'],
    ['2020/01/02', '2020-01-02T00:00:00.000Z'],
    ['2020-02-29T23:59', '2020-02-29T23:59:00.000Z'],
    ['2011-03-04T09:08:07.000Z', '2011-03-04T09:08:07.000Z'],
    ['2020-01-02 10:20:30+00:00', '2020-01-02T10:20:30.000Z'],
    ['2020-01-02T10:20:30+05:30', '2020-01-02T04:50:30.000Z'],
    ['2020-01-02 10:20:30 -0800', '2020-01-02T18:20:30.000Z'],
    ['2020-01-02T10:20:30+02', '2020-01-02T08:20:30.000Z'],
    ['2020-01-02 10:20:30 UTC', '2020-01-02T10:20:30.000Z'],
    ['2020-05-06T07:08:09.123999Z', '2020-05-06T07:08:09.123Z'],
    ['2020-05-06T07:08:09,5', '2020-05-06T07:08:09.500Z'],
    ['1577836800', '2020-01-01T00:00:00.000Z'],
    [1_577_836_800, '2020-01-01T00:00:00.000Z'],
    ['1577836800.123456', '2020-01-01T00:00:00.123Z'],
    [1_577_836_800_123, '2020-01-01T00:00:00.123Z'],
    ['  2020-01-02 ', '2020-01-02T00:00:00.000Z'],
    ['', null],
    [null, null],
    [undefined, null],
  ])('reads %j', (value, expected) => {
    expect(read(value)).toBe(expected);
  });

  it('reads dates with the day or month first only when it is said which', () => {
    expect(read('03/04/2020', 'DMY')).toBe('2020-04-03T00:00:00.000Z');
    expect(read('03/04/2020', 'MDY')).toBe('2020-03-04T00:00:00.000Z');
    expect(read('3.4.2020 10:30', 'DMY')).toBe('2020-04-03T10:30:00.000Z');
    expect(read('2020-01-02', 'MDY')).toBe('2020-01-02T00:00:00.000Z');
    for (const text of ['03/04/2020', '25/12/2020'])
      expect(problem(text).message).toMatch(/"dateOrder": "DMY" or "MDY"/);
    expect(problem('25/12/2020', 'MDY').message).toMatch(/is not a date/);
    expect(problem('03/04/20', 'DMY').message).toMatch(/is not a date/);
  });

  it.each([
    'yesterday',
    '2020-02-30',
    '2020-13-01',
    '2020-01-02T24:00:00Z',
    '2020-01-02T10:60:00Z',
    '2020-01-02T10:00:00+15:00',
    '2020-01-02T10:00:00+01:75',
    '0000-00-00 00:00:00',
    '20200102',
    '12',
    '-1577836800',
    true,
    '02/Jan/20 5:14 PM',
  ])('refuses %j and names the column', (value) => {
    expect(problem(value).message).toMatch(/is not a date: write it like/);
    expect(problem(value).inputPath).toEqual(['at']);
  });

  it('refuses years outside 1970 to 2100, and lists', () => {
    for (const value of ['1969-12-31', '2101-01-01', '4133980800', '1970-01-01T00:00:00+01:00'])
      expect(problem(value).message).toMatch(/outside the years 1970 to 2100/);
    expect(problem(['2020-01-02']).message).toBe('is a list or an object where a text is expected');
  });

  it('reads every moment back from its ISO text and its epoch', () => {
    const moment = fc.date({
      min: new Date('1975-01-01'),
      max: new Date('2026-01-01'),
      noInvalidDate: true,
    });
    fc.assert(
      fc.property(moment, fc.integer({ min: -14 * 60, max: 14 * 60 }), (date, offset) => {
        const local = new Date(date.getTime() + offset * 60_000).toISOString().slice(0, -1);
        const size = Math.abs(offset);
        const zone = `${String(Math.trunc(size / 60)).padStart(2, '0')}:${String(size % 60).padStart(2, '0')}`;
        const written = `${local}${offset < 0 ? '-' : '+'}${zone}`;
        for (const text of [date.toISOString(), written, date.getTime()]) expect(read(text)).toBe(date.toISOString());
        expect(read(Math.trunc(date.getTime() / 1_000))).toBe(`${date.toISOString().slice(0, 19)}.000Z`);
      }),
      { seed: 11, numRuns: 300 },
    );
  });
});
