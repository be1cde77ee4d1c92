import type { BugSeverity, BugStatus } from '../../modules/delivery/values.ts';
import type { Who } from '../actions.ts';

/** What happens to a named bug; hours before now. */
export type NamedStep = { hours: number; by: Who } & (
  | { move: BugStatus; reason?: string }
  | { assign: Who }
  | { say: string }
  | { severity: BugSeverity }
  | { spent: string }
);

/** A bug with a story of its own, which examples can name. */
export interface NamedBug {
  project: string;
  title: string;
  description: string;
  severity: BugSeverity;
  labels: readonly string[];
  reporter: Who;
  assignee?: Who;
  isBlocker?: boolean;
  affectedShare?: string;
  /** hours before now */
  hours: number;
  steps: readonly NamedStep[];
}

/** A life with everything in it: the example of a bug’s history shows it. */
export const STORY_BUG = 'Refunds of split payments reach only the first card';
/** Not yet begun: the example of a refused move tries to ship it. */
export const PENDING_BUG = 'Drivers without a telephone number are left out of the tour';
/** Wait for somebody: the example of a batch gives them labels. */
export const BATCH_BUGS = ['Alarm calls are silent on some handsets', 'A paired sensor shows the name of the old one'];

export const NAMED_BUGS: readonly NamedBug[] = [
  {
    project: 'HARBOR',
    title: STORY_BUG,
    description:
      'A customer paid one order with two cards. The refund was sent to the first card only; the second one got nothing, and the receipt says otherwise.',
    severity: 'HIGH',
    labels: ['money', 'refunds'],
    reporter: 'quinn',
    affectedShare: '0.04',
    hours: 24 * 41,
    steps: [
      { hours: 24 * 41 - 2, by: 'marta', assign: 'erin' },
      { hours: 24 * 41 - 4, by: 'erin', move: 'IN_PROGRESS' },
      {
        hours: 24 * 40,
        by: 'erin',
        say: 'The refund takes the order’s amount from the first payment. Easy to mend, hard to test.',
      },
      { hours: 24 * 39, by: 'marta', severity: 'CRITICAL' },
      {
        hours: 24 * 38.5,
        by: 'erin',
        move: 'DEFERRED',
        reason: 'The payment provider has to open its test system first.',
      },
      { hours: 24 * 34, by: 'erin', move: 'IN_PROGRESS' },
      { hours: 24 * 33.6, by: 'quinn', move: 'VERIFIED' },
      { hours: 24 * 33.5, by: 'erin', spent: '11.5' },
      { hours: 24 * 33.4, by: 'erin', move: 'SHIPPED' },
      { hours: 24 * 12, by: 'quinn', move: 'IN_PROGRESS', reason: 'Back since the update of the provider’s library.' },
      { hours: 24 * 11.9, by: 'quinn', say: 'Seen with three orders of yesterday.' },
      { hours: 24 * 11.5, by: 'sven', say: 'The library now sorts payments by amount. We relied on their order.' },
      { hours: 24 * 11, by: 'quinn', move: 'VERIFIED' },
      { hours: 24 * 10.9, by: 'erin', spent: '15' },
      { hours: 24 * 10.8, by: 'erin', move: 'SHIPPED' },
      { hours: 24 * 8, by: 'marta', move: 'CLOSED' },
    ],
  },
  {
    project: 'ATLAS',
    title: PENDING_BUG,
    description: 'They are in the list, but the planner does not give them a van.',
    severity: 'MEDIUM',
    labels: ['planner'],
    reporter: 'quinn',
    affectedShare: '0.01',
    hours: 52,
    steps: [{ hours: 30, by: 'sven', say: 'The planner sorts by telephone number. Of all things.' }],
  },
  {
    project: 'PULSE',
    title: BATCH_BUGS[0] ?? '',
    description: 'The call arrives, but nothing is heard: the recording has the wrong sample rate for them.',
    severity: 'HIGH',
    labels: ['audio'],
    reporter: 'quinn',
    affectedShare: '0.05',
    hours: 41,
    steps: [],
  },
  {
    project: 'PULSE',
    title: BATCH_BUGS[1] ?? '',
    description: 'After replacing a broken sensor, its successor inherits the name, and the alarms with it.',
    severity: 'MEDIUM',
    labels: ['pairing'],
    reporter: 'enzo',
    affectedShare: '0.02',
    hours: 96,
    steps: [],
  },
  {
    project: 'ATLAS',
    title: 'Tours over the ring road are planned against the traffic',
    description: 'Since the map update of this night the one-way rule of the southern ring is the wrong way round.',
    severity: 'CRITICAL',
    labels: ['maps', 'outage'],
    reporter: 'quinn',
    assignee: 'sven',
    isBlocker: true,
    affectedShare: '0.15',
    hours: 15,
    steps: [
      { hours: 14, by: 'sven', move: 'IN_PROGRESS' },
      { hours: 5, by: 'sven', say: 'The map’s supplier confirms it. We take back the update for the south.' },
    ],
  },
  {
    project: 'PULSE',
    title: 'No alarm is called for cold stores behind a proxy',
    description: 'The gateway cannot open its connection, and nobody is told that it cannot.',
    severity: 'CRITICAL',
    labels: ['alerts'],
    reporter: 'enzo',
    assignee: 'enzo',
    isBlocker: true,
    affectedShare: '0.3',
    hours: 21,
    steps: [{ hours: 19, by: 'enzo', move: 'IN_PROGRESS' }],
  },
  {
    project: 'LEDGER',
    title: 'The nightly run books the first of the month into the last one',
    description: 'Only for companies whose books are kept in another time zone than ours.',
    severity: 'CRITICAL',
    labels: ['dates', 'money'],
    reporter: 'marta',
    assignee: 'erin',
    affectedShare: '0.2',
    hours: 37,
    steps: [
      { hours: 36, by: 'erin', move: 'IN_PROGRESS' },
      { hours: 8, by: 'erin', say: 'It is the bank feed that has no time zone. I ask for one.' },
    ],
  },
  {
    project: 'HARBOR',
    title: 'Express checkout forgets the delivery address',
    description: 'Parcels go to the invoice address instead.',
    severity: 'HIGH',
    labels: ['frontend'],
    reporter: 'quinn',
    assignee: 'erin',
    affectedShare: '0.12',
    hours: 20,
    steps: [{ hours: 17, by: 'erin', move: 'IN_PROGRESS' }],
  },
  {
    project: 'ATLAS',
    title: 'Address search finds nothing for house numbers with a letter',
    description: '12a is unknown, 12 is found.',
    severity: 'HIGH',
    labels: ['search'],
    reporter: 'sven',
    assignee: 'enzo',
    affectedShare: '0.06',
    hours: 61,
    steps: [{ hours: 50, by: 'enzo', move: 'IN_PROGRESS' }],
  },
  {
    project: 'BEACON',
    title: 'Points of returned goods are never taken back',
    description: 'Buy, get points, return, keep the points.',
    severity: 'MEDIUM',
    labels: ['points', 'money'],
    reporter: 'marta',
    affectedShare: '0.03',
    hours: 150,
    steps: [
      { hours: 140, by: 'marta', assign: 'sven' },
      { hours: 100, by: 'sven', move: 'IN_PROGRESS' },
      { hours: 70, by: 'sven', move: 'DEFERRED', reason: 'The shop must first tell us of returns.' },
    ],
  },
];
