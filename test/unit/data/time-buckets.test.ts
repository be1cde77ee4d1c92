import { expect, test } from 'vitest';
import { isByWholeHours } from '../../../src/data/time-buckets.ts';
import type { TimeScale } from '../../../src/graphql/time-series.ts';

const CASES: [whole: boolean, scale: TimeScale, timeZone: string, from: string, to: string][] = [
  [true, 'DAY', 'UTC', '1999-01-01', '2024-06-01'],
  [false, 'MINUTE', 'UTC', '2024-05-01', '2024-05-02'],
  [true, 'HOUR', 'Europe/Berlin', '2024-03-20', '2024-04-20'],
  [true, 'MONTH', 'America/New_York', '2012-01-01', '2024-06-01'],
  // Before 2012 clocks changed a minute past midnight in some zones.
  [false, 'MONTH', 'America/New_York', '2011-12-31', '2024-06-01'],
  [false, 'DAY', 'Asia/Kolkata', '2024-05-01', '2024-06-01'],
  [false, 'HOUR', 'Asia/Kathmandu', '2024-05-01', '2024-05-02'],
  // Half an hour of summer time: +11 in the southern summer, +10:30 in winter.
  [true, 'DAY', 'Australia/Lord_Howe', '2024-01-01', '2024-02-01'],
  [false, 'DAY', 'Australia/Lord_Howe', '2024-06-01', '2024-07-01'],
  [false, 'DAY', 'Australia/Lord_Howe', '2024-04-01', '2024-04-08'],
  [false, 'YEAR', 'Australia/Lord_Howe', '2023-01-01', '2024-02-01'],
  // +08:30 from 15 August 2015 to 4 May 2018
  [true, 'DAY', 'Asia/Pyongyang', '2015-06-01', '2015-07-01'],
  [false, 'DAY', 'Asia/Pyongyang', '2015-08-10', '2015-08-20'],
  [true, 'DAY', 'Asia/Pyongyang', '2018-06-01', '2024-06-01'],
];

test.each(CASES)('that buckets have whole hours is %s: %s in %s, %s to %s', (whole, scale, timeZone, from, to) => {
  expect(isByWholeHours({ from: new Date(from), to: new Date(to), bin: { scale, timeZone } })).toBe(whole);
});
