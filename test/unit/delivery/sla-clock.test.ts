import { describe, expect, it } from 'vitest';
import { compileCalendar } from '../../../src/modules/delivery/sla/calendar.ts';
import {
  changeSeverity,
  elapsedMs,
  moveClock,
  nextThresholdAt,
  noteBreach,
  passedThresholds,
  remainingMs,
  type SlaClock,
  type SlaRules,
  slaStateAt,
  startClock,
} from '../../../src/modules/delivery/sla/clock.ts';
import type { BugSeverity, BugStatus } from '../../../src/modules/delivery/values.ts';

const HOUR = 3_600_000;

const ALWAYS: SlaRules = {
  targetHours: { CRITICAL: 24, HIGH: 72, MEDIUM: 168, LOW: 720 },
  warnAt: 0.5,
  highRiskAt: 0.75,
  pauseOn: ['DEFERRED'],
  restartOnReopen: false,
  calendar: compileCalendar(null),
};
const OFFICE: SlaRules = {
  ...ALWAYS,
  calendar: compileCalendar({
    timeZone: 'UTC',
    hours: [1, 2, 3, 4, 5].map((day) => ({ day, from: '09:00', to: '17:00' })),
    holidays: [],
  }),
};

/** Hours after Monday 2026-01-05, midnight. */
const at = (hours: number) => new Date(Date.UTC(2026, 0, 5) + hours * HOUR);
const plus = (date: Date, ms: number) => new Date(date.getTime() + ms);

function opened(rules: SlaRules, severity: BugSeverity = 'CRITICAL', start = 0): SlaClock {
  const clock = startClock(rules, severity, 'PENDING', at(start));
  if (clock === null) throw new Error('the bug has no clock');
  return clock;
}

function moved(rules: SlaRules, clock: SlaClock | null, to: BugStatus, hours: number): SlaClock {
  const next = moveClock(rules, clock, 'CRITICAL', to, at(hours));
  if (next === null) throw new Error('the bug has no clock');
  return next;
}

const open = { resolved: false };
const resolved = { resolved: true };

describe('a bug that stays open', () => {
  it('has dates by its severity, without a calendar', () => {
    const dates = { mediumRiskAt: at(12), highRiskAt: at(18), dueAt: at(24), breachedAt: null };
    const running = { runningSince: at(0), pausedAt: null, metAt: null, missedAt: null };
    const start = { cycle: 1, startedAt: at(0), targetMs: 24 * HOUR, ranMs: 0, pausedMs: 0 };
    expect(opened(ALWAYS)).toEqual({ ...start, ...running, ...dates });
    expect(opened(ALWAYS, 'LOW').dueAt).toEqual(at(720));
  });

  it('has dates in open hours of its calendar', () => {
    // 24 open hours from Friday 13:00: 4 on Friday, 8 on Monday and Tuesday, 4 on Wednesday.
    const clock = opened(OFFICE, 'CRITICAL', 4 * 24 + 13);
    expect(clock).toMatchObject({ mediumRiskAt: at(7 * 24 + 17), highRiskAt: at(8 * 24 + 15), dueAt: at(9 * 24 + 13) });
    expect(elapsedMs(OFFICE, clock, at(7 * 24 + 10))).toBe(5 * HOUR);
    expect(remainingMs(OFFICE, clock, at(7 * 24 + 10))).toBe(19 * HOUR);
    expect(remainingMs(OFFICE, clock, at(10 * 24 + 10))).toBe(-5 * HOUR);
  });

  it('goes through the states, breached only after its due date', () => {
    const clock = opened(ALWAYS);
    const states = [0, 11.9, 12, 17.9, 18, 24].map((hours) => slaStateAt(clock, at(hours), open));
    expect(states).toEqual(['ON_TRACK', 'ON_TRACK', 'MEDIUM_RISK', 'MEDIUM_RISK', 'HIGH_RISK', 'HIGH_RISK']);
    expect(slaStateAt(clock, plus(at(24), 1), open)).toBe('BREACHED');
    expect(slaStateAt(null, at(0), open)).toBe('NONE');
  });

  it('has its breach noted at the due date, once', () => {
    const clock = opened(ALWAYS);
    expect(noteBreach(clock, at(24))).toBe(clock);
    const breached = noteBreach(clock, at(30));
    expect(breached).toEqual({ ...clock, breachedAt: at(24) });
    expect(noteBreach(breached, at(40))).toBe(breached);
  });
});

describe('a pause', () => {
  it('freezes what remains, and shifts the dates when it ends', () => {
    const paused = moved(ALWAYS, opened(ALWAYS), 'DEFERRED', 13);
    expect(paused).toMatchObject({ ranMs: 13 * HOUR, runningSince: null, pausedAt: at(13), pausedMs: 0 });
    expect(paused).toMatchObject({ mediumRiskAt: at(12), highRiskAt: null, dueAt: null });
    expect(slaStateAt(paused, at(500), open)).toBe('PAUSED');
    expect(remainingMs(ALWAYS, paused, at(500))).toBe(11 * HOUR);
    const resumed = moved(ALWAYS, paused, 'IN_PROGRESS', 113);
    expect(resumed).toMatchObject({ ranMs: 13 * HOUR, runningSince: at(113), pausedAt: null, pausedMs: 100 * HOUR });
    expect(resumed).toMatchObject({ mediumRiskAt: at(12), highRiskAt: at(118), dueAt: at(124) });
  });

  it('that begins at the very risk has reached it', () => {
    expect(moved(ALWAYS, opened(ALWAYS), 'DEFERRED', 12)).toMatchObject({ mediumRiskAt: at(12), highRiskAt: null });
  });

  it('can be what a bug starts with', () => {
    const paused = startClock(ALWAYS, 'HIGH', 'DEFERRED', at(0));
    expect(paused).toMatchObject({ startedAt: at(0), pausedAt: at(0), mediumRiskAt: null, dueAt: null });
    expect(moved(ALWAYS, paused, 'PENDING', 10)).toMatchObject({ dueAt: at(82), pausedMs: 10 * HOUR });
  });

  it('hides a breach until it is over', () => {
    const paused = moved(ALWAYS, opened(ALWAYS), 'DEFERRED', 30);
    expect(paused).toMatchObject({ breachedAt: at(24), ranMs: 30 * HOUR, dueAt: null });
    expect(slaStateAt(paused, at(31), open)).toBe('PAUSED');
    const resumed = moved(ALWAYS, paused, 'PENDING', 40);
    expect(resumed).toMatchObject({ breachedAt: at(24), dueAt: at(24) });
    expect(slaStateAt(resumed, at(40), open)).toBe('BREACHED');
    expect(remainingMs(ALWAYS, resumed, at(41))).toBe(-7 * HOUR);
  });

  it('that begins at the due date loses nothing, and one in closed hours after it comes too late', () => {
    const due = 2 * 24 + 17; // Wednesday, the end of the third day
    const inTime = moved(OFFICE, opened(OFFICE), 'DEFERRED', due);
    expect(inTime).toMatchObject({ ranMs: 24 * HOUR, breachedAt: null });
    expect(moved(OFFICE, inTime, 'CLOSED', due + 1)).toMatchObject({ metAt: at(due + 1), missedAt: null });
    const late = moved(OFFICE, opened(OFFICE), 'DEFERRED', due + 1);
    expect(late).toMatchObject({ ranMs: 24 * HOUR, breachedAt: at(due) });
    expect(moved(OFFICE, late, 'CLOSED', due + 2)).toMatchObject({ metAt: null, missedAt: at(due + 2) });
    expect(moved(OFFICE, late, 'PENDING', due + 2).dueAt).toEqual(at(due));
  });

  it('goes by the status only: moves between running or between pausing ones change nothing', () => {
    const clock = opened(ALWAYS);
    expect(moveClock(ALWAYS, clock, 'CRITICAL', 'IN_PROGRESS', at(5))).toBe(clock);
    const rules: SlaRules = { ...ALWAYS, pauseOn: ['DEFERRED', 'VERIFIED', 'CLOSED'] };
    const paused = moved(rules, clock, 'VERIFIED', 5);
    expect(moveClock(rules, paused, 'CRITICAL', 'DEFERRED', at(9))).toBe(paused);
    expect(moved(rules, paused, 'CLOSED', 9).metAt, 'a resolved status resolves, also as one of pauseOn').toEqual(
      at(9),
    );
  });
});

describe('resolving', () => {
  it('is in time up to the due date', () => {
    const met = moved(ALWAYS, opened(ALWAYS), 'SHIPPED', 24);
    expect(met).toMatchObject({ metAt: at(24), missedAt: null, breachedAt: null, ranMs: 24 * HOUR, dueAt: at(24) });
    expect(slaStateAt(met, at(99), resolved)).toBe('MET');
    expect(remainingMs(ALWAYS, met, at(99))).toBe(0);
    expect(moveClock(ALWAYS, met, 'CRITICAL', 'CLOSED', at(50))).toBe(met);
  });

  it('is late after it, and the breach was at the due date', () => {
    const missed = moveClock(ALWAYS, opened(ALWAYS), 'CRITICAL', 'CLOSED', plus(at(24), 1));
    expect(missed).toMatchObject({ metAt: null, missedAt: plus(at(24), 1), breachedAt: at(24) });
    expect(slaStateAt(missed, at(99), resolved)).toBe('MISSED');
  });

  it('in closed hours after the due date is late, though no more than the target has run', () => {
    const due = 2 * 24 + 17;
    expect(moved(OFFICE, opened(OFFICE), 'CLOSED', due).metAt).toEqual(at(due));
    const missed = moved(OFFICE, opened(OFFICE), 'CLOSED', due + 3);
    expect(missed).toMatchObject({ missedAt: at(due + 3), breachedAt: at(due), ranMs: 24 * HOUR });
  });

  it('keeps the risks that were reached and drops the others', () => {
    expect(moved(ALWAYS, opened(ALWAYS), 'CLOSED', 13)).toMatchObject({ mediumRiskAt: at(12), highRiskAt: null });
  });

  it('at creation leaves a bug without a clock until it is reopened', () => {
    expect(startClock(ALWAYS, 'HIGH', 'CLOSED', at(0))).toBeNull();
    expect(moveClock(ALWAYS, null, 'HIGH', 'SHIPPED', at(5))).toBeNull();
    expect(moveClock(ALWAYS, null, 'HIGH', 'PENDING', at(10))).toMatchObject({ cycle: 1, dueAt: at(82) });
  });
});

describe('reopening', () => {
  it('goes on with the same cycle: the time since counts as paused', () => {
    const met = moved(ALWAYS, opened(ALWAYS), 'CLOSED', 20);
    const reopened = moved(ALWAYS, met, 'PENDING', 50);
    expect(reopened).toMatchObject({ cycle: 1, metAt: null, ranMs: 20 * HOUR, pausedMs: 30 * HOUR, dueAt: at(54) });
    expect(reopened).toMatchObject({ mediumRiskAt: at(12), highRiskAt: at(18), breachedAt: null });
    expect(moved(ALWAYS, met, 'DEFERRED', 50)).toMatchObject({ pausedAt: at(50), metAt: null, pausedMs: 30 * HOUR });
  });

  it('keeps a breach', () => {
    const reopened = moved(ALWAYS, moved(ALWAYS, opened(ALWAYS), 'CLOSED', 30), 'PENDING', 50);
    expect(reopened).toMatchObject({ breachedAt: at(24), missedAt: null, dueAt: at(24) });
    expect(slaStateAt(reopened, at(50), open)).toBe('BREACHED');
  });

  it('starts a new cycle where the policy says so', () => {
    const rules = { ...ALWAYS, restartOnReopen: true };
    const missed = moved(rules, opened(rules), 'CLOSED', 30);
    const anew = moveClock(rules, missed, 'HIGH', 'IN_PROGRESS', at(50));
    expect(anew).toEqual({ ...opened(rules, 'HIGH', 50), cycle: 2 });
    const paused = moved(rules, opened(rules), 'DEFERRED', 5);
    expect(moved(rules, paused, 'PENDING', 9).cycle, 'a pause is no end').toBe(1);
  });
});

describe('another severity', () => {
  it('moves the dates; what has run stays', () => {
    const longer = changeSeverity(ALWAYS, opened(ALWAYS), 'HIGH', at(13));
    expect(longer).toMatchObject({ targetMs: 72 * HOUR, ranMs: 13 * HOUR, runningSince: at(13), startedAt: at(0) });
    expect(longer).toMatchObject({ mediumRiskAt: at(36), highRiskAt: at(54), dueAt: at(72) });
    expect(slaStateAt(longer, at(13), open)).toBe('ON_TRACK');
    const back = changeSeverity(ALWAYS, longer, 'CRITICAL', at(20));
    expect(back).toMatchObject({ mediumRiskAt: at(20), highRiskAt: at(20), dueAt: at(24), breachedAt: null });
  });

  it('of the same target changes nothing', () => {
    const clock = opened(ALWAYS);
    expect(changeSeverity(ALWAYS, clock, 'CRITICAL', at(13))).toBe(clock);
  });

  it('that makes a bug overdue breaches it then, not in the past', () => {
    const overdue = changeSeverity(ALWAYS, opened(ALWAYS, 'HIGH'), 'CRITICAL', at(50));
    expect(overdue).toMatchObject({ breachedAt: at(50), dueAt: at(50), highRiskAt: at(50), mediumRiskAt: at(36) });
    expect(slaStateAt(overdue, at(50), open)).toBe('BREACHED');
    expect(moved(ALWAYS, overdue, 'CLOSED', 50), 'in the same moment').toMatchObject({ missedAt: at(50), metAt: null });
    const exact = changeSeverity(ALWAYS, opened(ALWAYS, 'HIGH'), 'CRITICAL', at(24));
    expect(exact, 'at the target itself it is not late yet').toMatchObject({ breachedAt: null, dueAt: at(24) });
  });

  it('does not take back a breach, but a bug resolved within the new target met it', () => {
    const longer = changeSeverity(ALWAYS, opened(ALWAYS), 'HIGH', at(30));
    expect(longer).toMatchObject({ breachedAt: at(24), dueAt: at(72) });
    expect(slaStateAt(longer, at(31), open)).toBe('BREACHED');
    expect(moved(ALWAYS, longer, 'CLOSED', 40)).toMatchObject({ metAt: at(40), breachedAt: at(24) });
  });

  it('in a pause changes what remains', () => {
    const paused = moved(ALWAYS, opened(ALWAYS, 'HIGH'), 'DEFERRED', 40);
    const shorter = changeSeverity(ALWAYS, paused, 'CRITICAL', at(60));
    expect(shorter).toMatchObject({ breachedAt: at(60), pausedAt: at(40), pausedMs: 0, dueAt: null });
    expect(slaStateAt(shorter, at(61), open)).toBe('PAUSED');
    const longer = changeSeverity(ALWAYS, paused, 'LOW', at(60));
    expect(longer).toMatchObject({ breachedAt: null, mediumRiskAt: null, pausedAt: at(40) });
    expect(moved(ALWAYS, longer, 'PENDING', 100)).toMatchObject({ dueAt: at(100 + 680), pausedMs: 60 * HOUR });
  });

  it('of a resolved bug leaves how it ended, and counts when it is reopened', () => {
    const met = moved(ALWAYS, opened(ALWAYS, 'HIGH'), 'CLOSED', 50);
    const changed = changeSeverity(ALWAYS, met, 'CRITICAL', at(60));
    expect(changed).toEqual({ ...met, targetMs: 24 * HOUR });
    expect(moved(ALWAYS, changed, 'PENDING', 70)).toMatchObject({ breachedAt: at(70), dueAt: at(70) });
  });
});

describe('clocks of servers that differ', () => {
  it('a change is not before the one before it', () => {
    const paused = moved(ALWAYS, opened(ALWAYS), 'DEFERRED', 10);
    const resumed = moved(ALWAYS, paused, 'PENDING', 9);
    expect(resumed).toMatchObject({ runningSince: at(10), pausedMs: 0, ranMs: 10 * HOUR });
    expect(changeSeverity(ALWAYS, resumed, 'HIGH', at(8))).toMatchObject({ runningSince: at(10), dueAt: at(72) });
  });
});

describe('thresholds', () => {
  it('are told in order, each once, and not again when time goes back', () => {
    const clock = opened(ALWAYS);
    expect(passedThresholds(clock, 0, at(11))).toEqual([]);
    expect(passedThresholds(clock, 0, at(12))).toEqual(['MEDIUM_RISK']);
    expect(passedThresholds(clock, 0, at(25))).toEqual(['MEDIUM_RISK', 'HIGH_RISK', 'BREACHED']);
    expect(passedThresholds(clock, 1, at(25))).toEqual(['HIGH_RISK', 'BREACHED']);
    expect(passedThresholds(clock, 2, at(5))).toEqual([]);
    expect(passedThresholds(clock, 3, at(99))).toEqual([]);
  });

  it('say when to look next', () => {
    const clock = opened(ALWAYS);
    expect([0, 1, 2, 3].map((fired) => nextThresholdAt(clock, fired))).toEqual([at(12), at(18), plus(at(24), 1), null]);
    const paused = moved(ALWAYS, clock, 'DEFERRED', 13);
    expect(
      [0, 1].map((fired) => nextThresholdAt(paused, fired)),
      'untold before the pause',
    ).toEqual([at(12), null]);
  });

  it('of a resolved bug are those it had reached', () => {
    expect(passedThresholds(moved(ALWAYS, opened(ALWAYS), 'CLOSED', 13), 0, at(99))).toEqual(['MEDIUM_RISK']);
    const missed = moved(ALWAYS, opened(ALWAYS), 'CLOSED', 25);
    expect(passedThresholds(missed, 1, at(99))).toEqual(['HIGH_RISK', 'BREACHED']);
  });

  it('a breach that was not told is, though a longer target moved the risks ahead', () => {
    const longer = changeSeverity(ALWAYS, opened(ALWAYS), 'LOW', at(30));
    expect(nextThresholdAt(longer, 0)).toEqual(at(24));
    expect(passedThresholds(longer, 0, at(31))).toEqual(['MEDIUM_RISK', 'HIGH_RISK', 'BREACHED']);
  });
});
