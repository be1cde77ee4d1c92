import { describe, expect, it } from 'vitest';
import { InvalidInput } from '../../../src/errors.ts';
import {
  type CalendarSpec,
  checkCalendar,
  compileCalendar,
  type Holiday,
  type WeeklyHours,
} from '../../../src/modules/delivery/sla/calendar.ts';

const HOUR = 3_600_000;
const WORKDAYS = [1, 2, 3, 4, 5];
const EVERY_DAY = [...WORKDAYS, 6, 7];

function hours(days: readonly number[], from: string, to: string): WeeklyHours[] {
  return days.map((day) => ({ day, from, to }));
}

const OFFICE = hours(WORKDAYS, '09:00', '17:00');
const NIGHT = hours(EVERY_DAY, '00:00', '06:00');

function calendar(timeZone: string, weekly: readonly WeeklyHours[], holidays: readonly Holiday[] = []) {
  const compiled = compileCalendar(checkCalendar({ timeZone, hours: weekly, holidays }));
  return {
    /** open hours between two instants */
    open: (from: string, to: string) => compiled.elapsed(new Date(from), new Date(to)) / HOUR,
    /** the instant after so many open hours */
    after: (from: string, open: number) => compiled.add(new Date(from), open * HOUR).toISOString(),
  };
}

/** An instant given with its offset, as the calendar answers it. */
const at = (text: string) => new Date(text).toISOString();

describe('office hours', () => {
  const berlin = calendar('Europe/Berlin', OFFICE);

  it('counts the open part of a span only', () => {
    // Wednesday 2026-01-14
    expect(berlin.open('2026-01-14T08:00+01:00', '2026-01-14T18:00+01:00')).toBe(8);
    expect(berlin.open('2026-01-14T10:15+01:00', '2026-01-14T10:45+01:00')).toBe(0.5);
    expect(berlin.open('2026-01-14T17:00+01:00', '2026-01-15T09:00+01:00')).toBe(0);
    expect(berlin.open('2026-01-14T16:00+01:00', '2026-01-15T10:00+01:00')).toBe(2);
  });

  it('counts nothing when the end is not after the start', () => {
    expect(berlin.open('2026-01-14T10:00Z', '2026-01-14T10:00Z')).toBe(0);
    expect(berlin.open('2026-01-15T10:00Z', '2026-01-14T10:00Z')).toBe(0);
  });

  it('starts at the next opening when it is closed', () => {
    expect(berlin.after('2026-01-17T12:00+01:00', 1), 'Saturday').toBe(at('2026-01-19T10:00+01:00'));
    expect(berlin.after('2026-01-14T03:00+01:00', 1), 'before opening').toBe(at('2026-01-14T10:00+01:00'));
    expect(berlin.after('2026-01-14T20:00+01:00', 1), 'after closing').toBe(at('2026-01-15T10:00+01:00'));
  });

  it('passes over a weekend, and over one on which clocks change', () => {
    expect(berlin.after('2026-01-16T16:00+01:00', 2)).toBe(at('2026-01-19T10:00+01:00'));
    expect(berlin.after('2026-03-27T16:00+01:00', 2)).toBe(at('2026-03-30T10:00+02:00'));
    expect(berlin.after('2026-10-23T16:00+02:00', 2)).toBe(at('2026-10-26T10:00+01:00'));
  });

  it('ends with an interval, not at the start of the next', () => {
    expect(berlin.after('2026-01-16T09:00+01:00', 8)).toBe(at('2026-01-16T17:00+01:00'));
    expect(berlin.after('2026-01-16T17:00+01:00', 8)).toBe(at('2026-01-19T17:00+01:00'));
  });

  it('stays where it is when nothing is added', () => {
    expect(berlin.after('2026-01-17T12:34:56.789Z', 0)).toBe('2026-01-17T12:34:56.789Z');
  });

  it('has breaks, in whatever order the intervals are given', () => {
    const broken = calendar('Europe/Berlin', [
      ...hours(WORKDAYS, '13:00', '17:00'),
      ...hours(WORKDAYS, '09:00', '12:00'),
    ]);
    expect(broken.open('2026-01-14T00:00+01:00', '2026-01-15T00:00+01:00')).toBe(7);
    expect(broken.after('2026-01-14T11:00+01:00', 2)).toBe(at('2026-01-14T14:00+01:00'));
    expect(broken.after('2026-01-14T11:00+01:00', 1)).toBe(at('2026-01-14T12:00+01:00'));
  });

  it('takes 168 open hours for 21 working days', () => {
    expect(berlin.after('2026-01-05T09:00+01:00', 168)).toBe(at('2026-02-02T17:00+01:00'));
  });
});

describe('clock changes', () => {
  it.each([
    ['Europe/Berlin', 'forward', '2026-03-29T00:00+01:00', '2026-03-30T00:00+02:00', 5, 23],
    ['Europe/Berlin', 'back', '2026-10-25T00:00+02:00', '2026-10-26T00:00+01:00', 7, 25],
    ['America/New_York', 'forward', '2026-03-08T00:00-05:00', '2026-03-09T00:00-04:00', 5, 23],
    ['America/New_York', 'back', '2026-11-01T00:00-04:00', '2026-11-02T00:00-05:00', 7, 25],
    ['Australia/Lord_Howe', 'forward', '2026-10-04T00:00+10:30', '2026-10-05T00:00+11:00', 5.5, 23.5],
    ['Australia/Lord_Howe', 'back', '2026-04-05T00:00+11:00', '2026-04-06T00:00+10:30', 6.5, 24.5],
    ['America/Sao_Paulo', 'forward at midnight', '2018-11-04T01:00-02:00', '2018-11-05T00:00-02:00', 5, 23],
    ['Africa/Cairo', 'forward at midnight', '2026-04-24T01:00+03:00', '2026-04-25T00:00+03:00', 5, 23],
    ['America/Toronto', 'forward over midnight', '1919-03-31T00:30-04:00', '1919-04-01T00:00-04:00', 5.5, 23.5],
    ['Asia/Kathmandu', 'not at all', '2026-03-29T00:00+05:45', '2026-03-30T00:00+05:45', 6, 24],
  ])('%s, %s: the shift from 00:00 to 06:00 lasts as long as it does', (zone, _, from, to, shift, day) => {
    expect(calendar(zone, NIGHT).open(from, to)).toBe(shift);
    expect(calendar(zone, hours(EVERY_DAY, '00:00', '24:00')).open(from, to)).toBe(day);
    expect(calendar(zone, NIGHT).after(from, shift + 1), 'into the next night').toBe(
      new Date(Date.parse(to) + HOUR).toISOString(),
    );
  });

  it('a time that is skipped counts as later by the change', () => {
    const spring = ['2026-03-29T00:00+01:00', '2026-03-30T00:00+02:00'] as const;
    const sunday = (...pairs: [string, string][]) =>
      calendar(
        'Europe/Berlin',
        pairs.flatMap(([from, to]) => hours([7], from, to)),
      ).open(...spring);
    expect(sunday(['02:30', '05:00']), '03:30 to 05:00').toBe(1.5);
    expect(sunday(['01:00', '02:30']), '01:00 to 02:00, which is 03:00, to 03:30').toBe(1.5);
    expect(sunday(['02:00', '03:00'], ['03:00', '04:00']), 'nothing, then an hour').toBe(1);
    expect(sunday(['02:30', '02:45'], ['03:00', '03:15']), 'the later interval comes first').toBe(0.5);
    expect(sunday(['02:00', '02:45'], ['03:00', '04:00']), 'they meet: no time counts twice').toBe(1);
    expect(sunday(['02:30', '03:15']), 'it would end before it starts').toBe(0);
  });

  it('a time that comes twice is its first', () => {
    const autumn = ['2026-10-25T00:00+02:00', '2026-10-26T00:00+01:00'] as const;
    expect(calendar('Europe/Berlin', hours([7], '02:30', '05:00')).open(...autumn)).toBe(3.5);
    expect(calendar('Europe/Berlin', hours([7], '01:00', '02:30')).open(...autumn)).toBe(1.5);
    expect(calendar('Europe/Berlin', hours([7], '01:00', '03:00')).open(...autumn)).toBe(3);
  });

  it('an hour before midnight comes twice in São Paulo, and belongs to its day', () => {
    const evening = calendar('America/Sao_Paulo', hours([6], '22:00', '24:00'));
    expect(evening.open('2018-02-17T12:00-02:00', '2018-02-19T00:00-03:00')).toBe(3);
    expect(evening.after('2018-02-17T12:00-02:00', 3)).toBe(at('2018-02-18T00:00-03:00'));
  });

  it('the evening before a midnight that does not exist ends when the next day begins', () => {
    const evening = calendar('Africa/Cairo', hours([4], '22:00', '24:00'));
    expect(evening.open('2026-04-23T00:00+02:00', '2026-04-25T00:00+03:00')).toBe(2);
    expect(evening.after('2026-04-23T00:00+02:00', 2)).toBe(at('2026-04-24T01:00+03:00'));
  });

  it('Pacific/Apia had no 30 December 2011, so no hours on it', () => {
    const [thursday, sunday] = ['2011-12-29T00:00-10:00', '2012-01-01T00:00+14:00'] as const;
    expect(calendar('Pacific/Apia', hours([5], '09:00', '17:00')).open(thursday, sunday), 'Friday').toBe(0);
    expect(calendar('Pacific/Apia', hours(EVERY_DAY, '00:00', '24:00')).open(thursday, sunday)).toBe(48);
    const halfDay = { date: '2011-12-30', from: '09:00', to: '12:00' };
    expect(calendar('Pacific/Apia', OFFICE, [halfDay]).open(thursday, sunday), 'Thursday only').toBe(8);
    expect(calendar('Pacific/Apia', OFFICE).after('2011-12-29T16:30-10:00', 1)).toBe(at('2012-01-02T09:30+14:00'));
  });
});

describe('holidays and the course of the year', () => {
  const christmas = calendar('Europe/Berlin', OFFICE, [
    { date: '2026-12-24', name: 'Christmas Eve', from: '09:00', to: '12:00' },
    { date: '2026-12-25', name: 'Christmas Day' },
    { date: '2026-12-27', from: '10:00', to: '11:00' },
    { date: '2027-01-01', from: null, to: null },
  ]);

  it('a holiday is closed, a half day is open in its hours only, also on a Sunday', () => {
    expect(christmas.open('2026-12-23T00:00+01:00', '2026-12-29T00:00+01:00')).toBe(8 + 3 + 0 + 0 + 1 + 8);
    expect(christmas.after('2026-12-24T11:00+01:00', 1)).toBe(at('2026-12-24T12:00+01:00'));
    expect(christmas.after('2026-12-24T11:00+01:00', 2)).toBe(at('2026-12-27T11:00+01:00'));
    expect(christmas.after('2026-12-24T11:00+01:00', 3)).toBe(at('2026-12-28T10:00+01:00'));
  });

  it('a year without listed holidays has none', () => {
    expect(christmas.open('2025-12-24T00:00+01:00', '2025-12-27T00:00+01:00')).toBe(24);
  });

  it('goes on over the end of a year', () => {
    expect(christmas.after('2026-12-31T16:00+01:00', 2)).toBe(at('2027-01-04T10:00+01:00'));
    const late = calendar('Europe/Berlin', [
      ...hours(EVERY_DAY, '22:00', '24:00'),
      ...hours(EVERY_DAY, '00:00', '02:00'),
    ]);
    expect(late.after('2026-12-31T23:00+01:00', 2)).toBe(at('2027-01-01T01:00+01:00'));
    expect(late.open('2026-12-31T23:00+01:00', '2027-01-01T12:00+01:00')).toBe(3);
    expect(late.after('2026-12-31T22:00+01:00', 2), 'an interval ends at 24:00').toBe(at('2027-01-01T00:00+01:00'));
    // In Auckland the year ends 13 hours earlier, in Honolulu 10 hours later than in UTC.
    const [from, to] = ['2026-12-31T00:00Z', '2027-01-02T00:00Z'] as const;
    expect(calendar('Pacific/Auckland', OFFICE, [{ date: '2027-01-01' }]).open(from, to)).toBe(4);
    expect(calendar('Pacific/Honolulu', OFFICE, [{ date: '2027-01-01' }]).open(from, to)).toBe(3 + 8);
    const honolulu = calendar('Pacific/Honolulu', OFFICE);
    expect(honolulu.open('2027-01-01T02:00Z', '2027-01-01T12:00Z'), 'from 16:00 on 31 December').toBe(1);
    expect(honolulu.after('2027-01-01T02:00Z', 2)).toBe(at('2027-01-01T10:00-10:00'));
  });

  it('has a 29 February in leap years only', () => {
    const utc = calendar('UTC', OFFICE);
    expect(utc.open('2028-02-28', '2028-03-02'), 'Monday, Tuesday 29, Wednesday').toBe(24);
    expect(utc.open('2027-02-26', '2027-03-02'), 'Friday, weekend, Monday').toBe(16);
    expect(utc.open('2100-02-26', '2100-03-02'), 'no leap year: Friday, weekend, Monday').toBe(16);
    expect(calendar('UTC', OFFICE, [{ date: '2028-02-29' }]).open('2028-02-28', '2028-03-02')).toBe(16);
    expect(utc.open('2028-01-01', '2029-01-01'), '260 weekdays').toBe(2_080);
    expect(utc.open('2027-01-01', '2028-01-01'), '261 weekdays').toBe(2_088);
  });

  it('counts over many years, and before 1970', () => {
    const utc = calendar('UTC', OFFICE);
    // 28 years with 7 leap days are 1,461 whole weeks.
    expect(utc.open('2001-01-01', '2029-01-01')).toBe(1_461 * 5 * 8);
    expect(utc.open('1969-12-31', '1970-01-02'), 'Wednesday and Thursday').toBe(16);
    expect(utc.after('1969-12-31T16:00Z', 2)).toBe('1970-01-01T10:00:00.000Z');
    for (const round of [1, 2]) {
      for (let year = 1_850; year < 2_050; year += 1) {
        const open = utc.open(`${year}-01-01`, `${year}-01-08`);
        expect(open, `week ${year}, round ${round}`).toBe(40);
      }
    }
  });
});

describe('limits', () => {
  it('without a calendar it is always open', () => {
    const always = compileCalendar(null);
    expect(always.elapsed(new Date('2026-03-28T00:00Z'), new Date('2026-03-30T00:00Z'))).toBe(48 * HOUR);
    expect(always.elapsed(new Date('2026-03-30T00:00Z'), new Date('2026-03-28T00:00Z'))).toBe(0);
    expect(always.add(new Date('2026-03-28T00:00Z'), 48 * HOUR).toISOString()).toBe('2026-03-30T00:00:00.000Z');
  });

  it.each([null, { timeZone: 'UTC', hours: OFFICE, holidays: [] }])('refuses impossible durations (%#)', (spec) => {
    const compiled = compileCalendar(spec);
    for (const ms of [-1, 0.5, Number.NaN]) expect(() => compiled.add(new Date(), ms)).toThrow(RangeError);
    expect(() => compiled.add(new Date('2026-01-01'), 101 * 366 * 24 * HOUR)).toThrow(
      'from 2026-01-01T00:00:00.000Z on it is more than 100 years',
    );
  });

  it('refuses what takes above 100 years, and dates that are none', () => {
    const rare = calendar('UTC', hours([1], '09:00', '09:01'));
    expect(rare.after('2026-01-01', 80)).toBe('2117-12-27T09:01:00.000Z');
    expect(() => rare.after('2026-01-01', 100)).toThrow(InvalidInput);
    expect(() => rare.open('0001-01-01', '2026-01-01')).toThrow('more than 100 years');
    expect(() => rare.open('never', '2026-01-01')).toThrow(RangeError);
  });

  it('ends when holidays leave nothing open for five years', () => {
    const sundays = Array.from({ length: 1_000 }, (_, week) => ({
      date: new Date(Date.UTC(2026, 0, 4 + 7 * week)).toISOString().slice(0, 10),
    }));
    const closed = calendar('UTC', hours([7], '09:00', '17:00'), sundays);
    expect(() => closed.after('2026-01-01', 1)).toThrow('the calendar is never open from 2026 to 2030');
    expect(() => closed.after('2025-12-28T12:00Z', 6)).toThrow(InvalidInput);
    expect(closed.after('2025-12-28T12:00Z', 5)).toBe('2025-12-28T17:00:00.000Z');
    expect(closed.after('2042-01-01', 1), 'they end in March 2045').toBe('2045-03-05T10:00:00.000Z');
  });
});

describe('checkCalendar', () => {
  const good: CalendarSpec = { timeZone: 'Europe/Berlin', hours: OFFICE, holidays: [{ date: '2028-02-29' }] };
  const monday = (from: string, to: string) => ({ day: 1, from, to });

  it('takes a good one, with the canonical spelling of its zone', () => {
    expect(checkCalendar({ ...good, timeZone: 'europe/berlin' })).toEqual(good);
    const touching = [monday('00:00', '12:00'), monday('12:00', '24:00'), { ...monday('11:00', '13:00'), day: 2 }];
    expect(checkCalendar({ ...good, hours: touching }).hours).toEqual(touching);
  });

  it.each<[string, Partial<CalendarSpec>, string[]]>([
    ['an unknown zone', { timeZone: 'Europe/Atlantis' }, ['timeZone']],
    ['an offset', { timeZone: '+02:00' }, ['timeZone']],
    ['no zone', { timeZone: '' }, ['timeZone']],
    ['no hours', { hours: [] }, ['hours']],
    [
      'no hours but a half day',
      { hours: [], holidays: [{ date: '2026-01-01', from: '09:00', to: '10:00' }] },
      ['hours'],
    ],
    ['day 0', { hours: [{ day: 0, from: '09:00', to: '10:00' }] }, ['hours', '0', 'day']],
    ['day 8', { hours: [...OFFICE, { day: 8, from: '09:00', to: '10:00' }] }, ['hours', '5', 'day']],
    ['day 1.5', { hours: [{ day: 1.5, from: '09:00', to: '10:00' }] }, ['hours', '0', 'day']],
    ['9:00', { hours: [monday('9:00', '10:00')] }, ['hours', '0', 'from']],
    ['24:01', { hours: [monday('09:00', '24:01')] }, ['hours', '0', 'to']],
    ['25:00', { hours: [monday('09:00', '25:00')] }, ['hours', '0', 'to']],
    ['09:60', { hours: [monday('09:60', '10:00')] }, ['hours', '0', 'from']],
    ['a time after midnight', { hours: [monday('22:00', '06:00')] }, ['hours', '0', 'to']],
    ['an empty interval', { hours: [monday('09:00', '09:00')] }, ['hours', '0', 'to']],
    ['an overlap', { hours: [monday('12:00', '14:00'), monday('09:00', '12:01')] }, ['hours', '1']],
    ['the same interval twice', { hours: [monday('09:00', '12:00'), monday('09:00', '12:00')] }, ['hours', '1']],
    ['29 February 2027', { holidays: [{ date: '2027-02-29' }] }, ['holidays', '0', 'date']],
    ['month 13', { holidays: [{ date: '2027-13-01' }] }, ['holidays', '0', 'date']],
    ['another form', { holidays: [{ date: '1.1.2027' }] }, ['holidays', '0', 'date']],
    ['a holiday twice', { holidays: [{ date: '2027-01-01' }, { date: '2027-01-01' }] }, ['holidays', '1', 'date']],
    ['a half day without end', { holidays: [{ date: '2027-01-01', from: '09:00' }] }, ['holidays', '0', 'to']],
    ['a half day without start', { holidays: [{ date: '2027-01-01', to: '09:00' }] }, ['holidays', '0', 'from']],
    ['a bad half day', { holidays: [{ date: '2027-01-01', from: '9', to: '10:00' }] }, ['holidays', '0', 'from']],
    ['51 intervals', { hours: Array.from({ length: 51 }, () => monday('09:00', '10:00')) }, ['hours']],
    ['1,001 holidays', { holidays: Array.from({ length: 1_001 }, () => ({ date: '2027-01-01' })) }, ['holidays']],
  ])('refuses %s', (_, wrong, path) => {
    const check = () => checkCalendar({ ...good, ...wrong });
    expect(check).toThrow(InvalidInput);
    expect(check).toThrow(expect.objectContaining({ inputPath: path }));
  });
});
