import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { elapsedMs, modeOf, moveClock, remainingMs, slaStateAt } from '../../../src/modules/delivery/sla/clock.ts';
import { replay } from '../../../src/modules/delivery/sla/replay.ts';
import {
  always,
  anyRules,
  gap,
  HOUR,
  histories,
  movesOnly,
  RUNS,
  rulesWith,
  runsByStatus,
  step,
  sum,
  wall,
} from './sla-histories.ts';

describe('what has run', () => {
  it('is the open time of the running intervals, and no paused time (2000 runs)', () => {
    let counted = 0;
    fc.assert(
      fc.property(anyRules, histories, (rules, history) => {
        const { clock, runs } = replay(rules, history.changes, history.until);
        const open = (spans: readonly { from: Date; to: Date }[]) =>
          sum(spans.map(({ from, to }) => rules.calendar.elapsed(from, to)));
        const byStatus = runsByStatus(rules, history);
        expect(clock === null ? 0 : elapsedMs(rules, clock, history.until)).toBe(open(byStatus));
        const last = runs.filter(({ cycle }) => cycle === clock?.cycle);
        expect(open(last)).toBe(open(byStatus));
        expect(wall(last)).toBe(wall(byStatus));
        counted += Number(open(last) > 0);
      }),
      RUNS,
    );
    expect(counted).toBeGreaterThan(RUNS.numRuns / 4);
  });

  it('and what remains are the target, at any time (2000 runs)', () => {
    fc.assert(
      fc.property(anyRules, histories, fc.array(gap), (rules, history, gaps) => {
        for (const clock of step(rules, history).clocks) {
          if (clock === null) continue;
          for (const ms of gaps) {
            const at = new Date(clock.startedAt.getTime() + ms);
            expect(elapsedMs(rules, clock, at) + remainingMs(rules, clock, at)).toBe(clock.targetMs);
          }
        }
      }),
      RUNS,
    );
  });

  it('runs and pauses do not overlap, and finished pauses are those that are stored (2000 runs)', () => {
    fc.assert(
      fc.property(anyRules, histories, (rules, history) => {
        const { clock, runs, pauses } = replay(rules, history.changes, history.until);
        const spans = [...runs, ...pauses].toSorted((a, b) => a.from.getTime() - b.from.getTime());
        for (const [index, { from, to }] of spans.entries()) {
          expect(from < to).toBe(true);
          expect(from >= (spans[index - 1]?.to ?? from)).toBe(true);
        }
        if (clock === null) return;
        const last = pauses.filter(({ cycle }) => cycle === clock.cycle);
        const going = clock.pausedAt === null ? 0 : history.until.getTime() - clock.pausedAt.getTime();
        expect(wall(last)).toBe(clock.pausedMs + going);
      }),
      RUNS,
    );
  });

  it('a longer pause changes nothing but the dates after it (2000 runs)', () => {
    const rules = rulesWith(fc.constant(always));
    fc.assert(
      fc.property(
        rules,
        movesOnly,
        fc.nat(),
        fc.integer({ min: 1, max: 500 * HOUR }),
        (policy, history, pick, more) => {
          const { clocks } = step(policy, history);
          const standing = clocks.flatMap((clock, index) =>
            clock !== null && modeOf(clock) !== 'RUNNING' ? [index] : [],
          );
          const index = standing[pick % standing.length];
          if (index === undefined) return;
          const later = (date: Date) => new Date(date.getTime() + more);
          const changes = history.changes.map((one, place) => (place > index ? { ...one, at: later(one.at) } : one));
          const short = replay(policy, history.changes, history.until);
          const long = replay(policy, changes, later(history.until));
          expect(long.state).toBe(short.state);
          expect(long.clock?.ranMs).toBe(short.clock?.ranMs);
          expect(long.thresholds.map(({ kind }) => kind)).toEqual(short.thresholds.map(({ kind }) => kind));
          if (short.clock?.runningSince != null && short.clock.dueAt !== null && short.clock.breachedAt === null) {
            expect(long.clock?.dueAt).toEqual(later(short.clock.dueAt));
          }
        },
      ),
      RUNS,
    );
  });
});

describe('the due date', () => {
  it('is when the target has run if nothing else happens, and the last moment in time (2000 runs)', () => {
    let seen = 0;
    fc.assert(
      fc.property(anyRules, histories, (rules, history) => {
        for (const clock of step(rules, history).clocks) {
          if (clock?.runningSince == null || clock.dueAt === null || clock.breachedAt !== null) continue;
          const { dueAt, runningSince, ranMs, targetMs } = clock;
          const late = new Date(dueAt.getTime() + 1);
          expect(rules.calendar.elapsed(runningSince, dueAt) + ranMs).toBe(targetMs);
          if (dueAt > runningSince) expect(remainingMs(rules, clock, new Date(dueAt.getTime() - 1))).toBe(1);
          expect(slaStateAt(clock, dueAt, { resolved: false })).not.toBe('BREACHED');
          expect(slaStateAt(clock, late, { resolved: false })).toBe('BREACHED');
          expect(moveClock(rules, clock, 'LOW', 'CLOSED', dueAt)).toMatchObject({ metAt: dueAt, breachedAt: null });
          expect(moveClock(rules, clock, 'LOW', 'CLOSED', late)).toMatchObject({ missedAt: late, breachedAt: dueAt });
          seen += 1;
        }
      }),
      RUNS,
    );
    expect(seen).toBeGreaterThan(RUNS.numRuns);
  });

  it('while the severity stays, a bug that is resolved is late if and only if it was breached (2000 runs)', () => {
    const outcomes = { MET: 0, MISSED: 0 };
    fc.assert(
      fc.property(anyRules, movesOnly, (rules, history) => {
        const { clock } = replay(rules, history.changes, history.until);
        if (clock === null || modeOf(clock) === 'RESOLVED') return;
        const closed = moveClock(rules, clock, 'LOW', 'CLOSED', history.until);
        const state = slaStateAt(closed, history.until, { resolved: true });
        expect(state).toBe(clock.breachedAt === null ? 'MET' : 'MISSED');
        if (state === 'MET' || state === 'MISSED') outcomes[state] += 1;
      }),
      RUNS,
    );
    expect(Math.min(outcomes.MET, outcomes.MISSED)).toBeGreaterThan(50);
  });

  it('a breach stays for its cycle, and a clock does one thing at a time (2000 runs)', () => {
    fc.assert(
      fc.property(anyRules, histories, (rules, history) => {
        const { clocks } = step(rules, history);
        for (const [index, clock] of clocks.entries()) {
          if (clock === null) continue;
          const { runningSince, pausedAt, metAt, missedAt } = clock;
          expect([runningSince, pausedAt, metAt, missedAt].filter((date) => date !== null)).toHaveLength(1);
          const before = clocks[index - 1];
          if (before?.breachedAt == null || before.cycle !== clock.cycle) continue;
          expect(clock.breachedAt).toEqual(before.breachedAt);
        }
      }),
      RUNS,
    );
  });
});
