/** Rules and histories for the property tests of the SLA clock. */
import fc from 'fast-check';
import { compileCalendar } from '../../../src/modules/delivery/sla/calendar.ts';
import {
  changeSeverity,
  moveClock,
  type SlaClock,
  type SlaRules,
  startClock,
} from '../../../src/modules/delivery/sla/clock.ts';
import type { SlaChange } from '../../../src/modules/delivery/sla/replay.ts';
import {
  BUG_SEVERITIES,
  BUG_STATUSES,
  type BugSeverity,
  type BugStatus,
  RESOLVED_STATUSES,
} from '../../../src/modules/delivery/values.ts';

export const HOUR = 3_600_000;
export const RUNS = { numRuns: 2_000, seed: 20_261_025 };

const time = fc.integer({ min: 0, max: 23 }).map((hour) => `${String(hour).padStart(2, '0')}:30`);
const specs = fc.record({
  timeZone: fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Africa/Cairo'),
  hours: fc
    .uniqueArray(fc.integer({ min: 1, max: 7 }), { minLength: 1 })
    .chain((days) =>
      fc.tuple(...days.map((day) => time.map((from) => ({ day, from, to: from < '17' ? '17:00' : '24:00' })))),
    ),
  holidays: fc.uniqueArray(
    fc
      .integer({ min: 0, max: 700 })
      .map((day) => ({ date: new Date(1.77e12 + day * 24 * HOUR).toISOString().slice(0, 10) })),
    { selector: ({ date }) => date },
  ),
});
const compiled = fc.sample(specs, { numRuns: 40, seed: 11 }).map(compileCalendar);
export const always = compileCalendar(null);
const calendars = fc.oneof(fc.constant(always), fc.constantFrom(...compiled));

const target = fc.integer({ min: 1, max: 400 }).map((quarters) => quarters / 4);
export const rulesWith = (calendar: typeof calendars): fc.Arbitrary<SlaRules> =>
  fc.record({
    targetHours: fc.record({ CRITICAL: target, HIGH: target, MEDIUM: target, LOW: target }),
    warnAt: fc.integer({ min: 0, max: 50 }).map((percent) => percent / 100),
    highRiskAt: fc.integer({ min: 50, max: 100 }).map((percent) => percent / 100),
    pauseOn: fc.subarray([...BUG_STATUSES]),
    restartOnReopen: fc.boolean(),
    calendar,
  });
export const anyRules = rulesWith(calendars);

const status = fc.constantFrom(...BUG_STATUSES);
const severity = fc.constantFrom(...BUG_SEVERITIES);
const moment = fc.integer({ min: 1.77e12, max: 1.8e12 }).map((ms) => new Date(ms));
/** Milliseconds; often 0 or whole hours, so that changes meet each other and the dates of the clock. */
export const gap = fc.oneof(
  fc.constant(0),
  fc.integer({ min: 1, max: 100 }).map((hours) => hours * HOUR),
  fc.integer({ min: 1, max: 200 * HOUR }),
);

export interface History {
  readonly changes: readonly SlaChange[];
  readonly until: Date;
}

function historyWith(
  change: fc.Arbitrary<{ status?: BugStatus | undefined; severity?: BugSeverity | undefined }>,
): fc.Arbitrary<History> {
  const steps = fc.array(fc.tuple(gap, change), { maxLength: 12 });
  return fc.tuple(moment, status, severity, steps, gap).map(([start, first, level, rest, end]) => {
    let at = start;
    const changes: SlaChange[] = [{ at, status: first, severity: level }];
    for (const [ms, one] of rest) {
      at = new Date(at.getTime() + ms);
      changes.push({ at, ...one });
    }
    return { changes, until: new Date(at.getTime() + end) };
  });
}

export const histories = historyWith(fc.record({ status, severity }, { requiredKeys: [] }));
export const movesOnly = historyWith(fc.record({ status }));

export interface Steps {
  /** the clock after each change; null while there is none */
  readonly clocks: readonly (SlaClock | null)[];
  readonly status: BugStatus;
}

/** The history in single steps, as a service takes it; `sweep` may do to the clock what a sweeper does. */
export function step(
  rules: SlaRules,
  { changes }: History,
  sweep = (clock: SlaClock, _nextAt: Date): SlaClock => clock,
): Steps {
  const clocks: (SlaClock | null)[] = [];
  let clock: SlaClock | null = null;
  let now: { status: BugStatus; severity: BugSeverity } = { status: 'PENDING', severity: 'LOW' };
  for (const [index, change] of changes.entries()) {
    if (clock !== null) clock = sweep(clock, change.at);
    now = { status: change.status ?? now.status, severity: change.severity ?? now.severity };
    if (index === 0) {
      clock = startClock(rules, now.severity, now.status, change.at);
    } else {
      if (clock !== null && change.severity !== undefined) {
        clock = changeSeverity(rules, clock, now.severity, change.at);
      }
      clock = moveClock(rules, clock, now.severity, now.status, change.at);
    }
    clocks.push(clock);
  }
  return { clocks, status: now.status };
}

/** Running intervals of the last cycle by the statuses alone: what the clock is measured against. */
export function runsByStatus(rules: SlaRules, { changes, until }: History): { from: Date; to: Date }[] {
  let runs: { from: Date; to: Date }[] = [];
  let current: BugStatus = 'PENDING';
  let wasOpen = false;
  for (const [index, change] of changes.entries()) {
    const before = current;
    current = change.status ?? current;
    const isResolved = RESOLVED_STATUSES.includes(current);
    if (rules.restartOnReopen && wasOpen && RESOLVED_STATUSES.includes(before) && !isResolved) runs = [];
    wasOpen ||= !isResolved;
    const to = changes[index + 1]?.at ?? until;
    if (!isResolved && !rules.pauseOn.includes(current)) runs.push({ from: change.at, to });
  }
  return runs;
}

export const sum = (numbers: readonly number[]) => numbers.reduce((total, one) => total + one, 0);
export const wall = (spans: readonly { from: Date; to: Date }[]) =>
  sum(spans.map(({ from, to }) => to.getTime() - from.getTime()));
