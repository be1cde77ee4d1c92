import { describe, expect, it } from 'vitest';
import { InvalidInput } from '../../../src/errors.ts';
import { compileCalendar } from '../../../src/modules/delivery/sla/calendar.ts';
import type { SlaRules } from '../../../src/modules/delivery/sla/clock.ts';
import { replay, type SlaChange } from '../../../src/modules/delivery/sla/replay.ts';

const HOUR = 3_600_000;
const ALWAYS: SlaRules = {
  targetHours: { CRITICAL: 24, HIGH: 72, MEDIUM: 168, LOW: 720 },
  warnAt: 0.5,
  highRiskAt: 0.75,
  pauseOn: ['DEFERRED'],
  restartOnReopen: false,
  calendar: compileCalendar(null),
};

const at = (hours: number) => new Date(Date.UTC(2026, 0, 5) + hours * HOUR);

describe('replay', () => {
  const history: SlaChange[] = [
    { at: at(0), status: 'PENDING', severity: 'HIGH' },
    { at: at(10), severity: 'CRITICAL' },
    { at: at(13), status: 'DEFERRED' },
    { at: at(20), status: 'IN_PROGRESS' },
    { at: at(35), status: 'CLOSED' },
    { at: at(50), status: 'PENDING' },
  ];

  it('gives clock, state, thresholds, runs and pauses', () => {
    expect(replay(ALWAYS, history, at(60))).toEqual({
      clock: {
        cycle: 1,
        startedAt: at(0),
        targetMs: 24 * HOUR,
        ranMs: 28 * HOUR,
        runningSince: at(50),
        pausedAt: null,
        pausedMs: 22 * HOUR,
        mediumRiskAt: at(12),
        highRiskAt: at(25),
        dueAt: at(31),
        breachedAt: at(31),
        metAt: null,
        missedAt: null,
      },
      state: 'BREACHED',
      thresholds: [
        { cycle: 1, kind: 'MEDIUM_RISK', at: at(12) },
        { cycle: 1, kind: 'HIGH_RISK', at: at(25) },
        { cycle: 1, kind: 'BREACHED', at: at(31) },
      ],
      runs: [
        { cycle: 1, from: at(0), to: at(13) },
        { cycle: 1, from: at(20), to: at(35) },
        { cycle: 1, from: at(50), to: at(60) },
      ],
      pauses: [
        { cycle: 1, from: at(13), to: at(20) },
        { cycle: 1, from: at(35), to: at(50) },
      ],
    });
  });

  it('tells the thresholds of each cycle', () => {
    const { clock, state, thresholds, pauses } = replay({ ...ALWAYS, restartOnReopen: true }, history, at(65));
    expect(thresholds.map(({ cycle, kind }) => [cycle, kind])).toEqual([
      [1, 'MEDIUM_RISK'],
      [1, 'HIGH_RISK'],
      [1, 'BREACHED'],
      [2, 'MEDIUM_RISK'],
    ]);
    expect([clock?.cycle, clock?.breachedAt, state]).toEqual([2, null, 'MEDIUM_RISK']);
    expect(pauses).toEqual([{ cycle: 1, from: at(13), to: at(20) }]);
  });

  it('takes changes in any order and leaves out what comes after its end', () => {
    expect(replay(ALWAYS, history.toReversed(), at(60))).toEqual(replay(ALWAYS, history, at(60)));
    const early = replay(ALWAYS, history, at(15));
    expect([early.state, early.clock?.ranMs]).toEqual(['PAUSED', 13 * HOUR]);
    expect(early.pauses).toEqual([{ cycle: 1, from: at(13), to: at(15) }]);
    expect(replay(ALWAYS, history, at(40)).state).toBe('MISSED');
    expect(replay(ALWAYS, history, at(-1))).toMatchObject({ clock: null, state: 'NONE' });
  });

  it('of a bug that was imported as resolved has no clock', () => {
    const closed: SlaChange = { at: at(0), status: 'CLOSED', severity: 'LOW' };
    expect(replay(ALWAYS, [closed], at(9))).toMatchObject({ clock: null, state: 'NONE', runs: [], thresholds: [] });
    const reopened = replay(ALWAYS, [closed, { at: at(5), status: 'PENDING', severity: 'HIGH' }], at(9));
    expect(reopened).toMatchObject({ clock: { dueAt: at(77) }, runs: [{ from: at(5), to: at(9) }] });
  });

  it('needs status and severity at the start', () => {
    expect(() => replay(ALWAYS, [], at(0))).toThrow(InvalidInput);
    expect(() => replay(ALWAYS, [{ at: at(0), status: 'PENDING' }], at(0))).toThrow('both status and severity');
    expect(() => replay(ALWAYS, [...history, { at: at(-1), severity: 'LOW' }], at(0))).toThrow(InvalidInput);
  });
});
