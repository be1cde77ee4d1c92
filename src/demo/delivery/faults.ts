import type { BugSeverity } from '../../modules/delivery/values.ts';

/** What can be wrong with a part of a product: "Refund page" + " shows yesterday’s amounts". */
export interface Fault {
  text: string;
  severity: BugSeverity;
  labels: readonly string[];
  detail: string;
}

const fault = (severity: BugSeverity, text: string, labels: readonly string[], detail: string): Fault => ({
  text,
  severity,
  labels,
  detail,
});

export const FAULTS: readonly Fault[] = [
  fault('CRITICAL', 'is down for all customers', ['outage'], 'Every request answers 503 since the last deployment.'),
  fault(
    'CRITICAL',
    'shows the data of another customer',
    ['security', 'privacy'],
    'Seen twice after signing in again.',
  ),
  fault(
    'CRITICAL',
    'loses what was saved',
    ['data-loss'],
    'Saved at noon, gone in the evening; the log shows no error.',
  ),
  fault(
    'CRITICAL',
    'charges twice after a time-out',
    ['money'],
    'The second attempt does not recognise the first one.',
  ),
  fault(
    'CRITICAL',
    'logs access tokens in plain text',
    ['security'],
    'They can be read by everybody with access to logs.',
  ),
  fault(
    'HIGH',
    'takes more than ten seconds',
    ['performance'],
    'With more than about 2,000 rows; the query has no index.',
  ),
  fault('HIGH', 'answers 500 when the list is empty', ['backend'], 'A new customer sees nothing but the error page.'),
  fault(
    'HIGH',
    'sends the same message twice',
    ['backend', 'duplicates'],
    'Both have the same number and the same second.',
  ),
  fault('HIGH', 'stops after 100 rows', ['paging'], 'The second page is never asked for.'),
  fault('HIGH', 'rounds half a cent the wrong way', ['money'], 'Sums differ by a cent from those of the bank.'),
  fault(
    'HIGH',
    'counts the last day of the month twice',
    ['dates'],
    'Only in months of 31 days, and only east of Greenwich.',
  ),
  fault('HIGH', 'fails for addresses with an umlaut', ['unicode'], 'Müllheim is refused, Muellheim is taken.'),
  fault('HIGH', 'leaks memory overnight', ['performance'], 'Grows by 40 MB an hour and is killed in the morning.'),
  fault('HIGH', 'forgets changes made offline', ['sync'], 'The older version wins when the line comes back.'),
  fault('HIGH', 'accepts an expired link', ['security'], 'Links should end after a day; one of last week works.'),
  fault('MEDIUM', 'shows yesterday’s amounts', ['cache'], 'Until the page is loaded a second time.'),
  fault('MEDIUM', 'ignores the time zone', ['dates'], 'Appointments in Lisbon are an hour late.'),
  fault('MEDIUM', 'accepts an empty name', ['validation'], 'A blank is enough, and then nobody finds the entry.'),
  fault('MEDIUM', 'loses its input after a time-out', ['frontend'], 'Everything has to be typed again.'),
  fault('MEDIUM', 'sorts numbers as words', ['frontend'], '10 comes before 9.'),
  fault('MEDIUM', 'forgets the chosen language', ['i18n'], 'English again after every sign-in.'),
  fault(
    'MEDIUM',
    'breaks when the window is narrow',
    ['frontend'],
    'The buttons lie on top of each other below 400 pixels.',
  ),
  fault('MEDIUM', 'retries without a pause', ['backend'], 'Twenty requests a second until the other side answers.'),
  fault('MEDIUM', 'does not tell why it refused', ['usability'], '“Something went wrong” is all that can be read.'),
  fault('MEDIUM', 'needs two clicks to save', ['frontend'], 'The first one only takes the focus away.'),
  fault('MEDIUM', 'keeps a deleted entry in the list', ['cache'], 'It goes after a minute, or after a reload.'),
  fault('LOW', 'is hard to read in dark mode', ['design'], 'Grey on grey; the contrast is 2.1.'),
  fault('LOW', 'has a typing error in its title', ['texts'], 'An e is missing.'),
  fault('LOW', 'cannot be reached with the keyboard', ['accessibility'], 'The tab key jumps over it.'),
  fault('LOW', 'shows the old logo', ['design'], 'The new one is in all other places.'),
  fault('LOW', 'prints an empty last page', ['print'], 'Only with paper of the size Letter.'),
  fault('LOW', 'uses the wrong plural', ['texts', 'i18n'], '1 results.'),
  fault('LOW', 'scrolls back to the top', ['frontend'], 'After every change of a filter.'),
  fault('LOW', 'lacks an alternative text', ['accessibility'], 'Screen readers say “image”.'),
];

/** What people write under bugs while they work. */
export const COMMENTS: readonly string[] = [
  'I can reproduce it with the newest version.',
  'Happens to two more customers; both have large accounts.',
  'The cause is a cache that nobody clears. A fix is in review.',
  'Cannot see it on the test system. Which browser was it?',
  'A workaround: sign out and in again.',
  'Fixed on a branch; it needs another pair of eyes.',
  'This looks like what we mended in spring. I am adding a test this time.',
  'Checked on the test system: it holds.',
  'Support asks when it will be out. I said this week.',
  'The log has the request; the answer was cut after 64 kB.',
];

export const REOPEN_REASONS: readonly string[] = [
  'It came back with the last deployment.',
  'Still there for customers with more than one address.',
  'The fix works only when the page was never opened before.',
];

export const DEFER_REASONS: readonly string[] = [
  'Waits for the supplier’s next version.',
  'After the quarter’s end: nothing may change before.',
  'Nobody is hit at present.',
];

export const CLOSE_REASONS: readonly string[] = [
  'Duplicate.',
  'Works as described in the manual.',
  'Cannot be reproduced.',
];
