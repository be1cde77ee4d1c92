import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  elapsedMs,
  nextThresholdAt,
  noteBreach,
  passedThresholds,
  type SlaClock,
  type SlaThreshold,
  slaStateAt,
} from '../../../src/modules/delivery/sla/clock.ts';
import { replay } from '../../../src/modules/delivery/sla/replay.ts';
import { RESOLVED_STATUSES } from '../../../src/modules/delivery/values.ts';
import { anyRules, HOUR, histories, RUNS, step } from './sla-histories.ts';

describe('thresholds', () => {
  const ALL: readonly SlaThreshold[] = ['MEDIUM_RISK', 'HIGH_RISK', 'BREACHED'];

  it('are told once each and in order, however time jumps (2000 runs)', () => {
    const jumps = fc.array(fc.integer({ min: -500 * HOUR, max: 2_000 * HOUR }), { maxLength: 20 });
    fc.assert(
      fc.property(anyRules, histories, jumps, (rules, history, times) => {
        const clock = step(rules, history).clocks.at(-1);
        if (clock == null) return;
        const told: SlaThreshold[] = [];
        const end = new Date('2100-01-01');
        for (const at of [...times.map((ms) => new Date(history.until.getTime() + ms)), end]) {
          told.push(...passedThresholds(clock, told.length, at));
        }
        expect(told).toEqual(passedThresholds(clock, 0, end));
        expect(told).toEqual(ALL.slice(0, told.length));
        if (clock.runningSince !== null) expect(told).toEqual(ALL);
      }),
      RUNS,
    );
  });

  it('nextThresholdAt is the first moment with something to tell (2000 runs)', () => {
    fc.assert(
      fc.property(anyRules, histories, fc.integer({ min: 0, max: 3 }), (rules, history, fired) => {
        for (const clock of step(rules, history).clocks) {
          if (clock === null) continue;
          const next = nextThresholdAt(clock, fired);
          const before = next === null ? new Date('2100-01-01') : new Date(next.getTime() - 1);
          expect(passedThresholds(clock, fired, before)).toEqual([]);
          if (next !== null) expect(passedThresholds(clock, fired, next)).not.toEqual([]);
        }
      }),
      RUNS,
    );
  });

  it('a sweeper at jumping times tells in each cycle what a replay tells (2000 runs)', () => {
    const sweeps = fc.infiniteStream(fc.integer({ min: -50 * HOUR, max: 0 }));
    fc.assert(
      fc.property(anyRules, histories, sweeps, (rules, history, stream) => {
        const told: { cycle: number; kind: SlaThreshold }[] = [];
        const sweep = (clock: SlaClock, before: Date): SlaClock => {
          let swept = clock;
          for (const ms of [stream.next().value ?? 0, stream.next().value ?? 0, 0]) {
            const at = new Date(before.getTime() + ms);
            const fired = told.filter(({ cycle }) => cycle === clock.cycle).length;
            told.push(...passedThresholds(swept, fired, at).map((kind) => ({ cycle: clock.cycle, kind })));
            swept = noteBreach(swept, at);
          }
          return swept;
        };
        const last = step(rules, history, sweep).clocks.at(-1);
        if (last != null) sweep(last, history.until);
        const replayed = replay(rules, history.changes, history.until).thresholds;
        expect(told).toEqual(replayed.map(({ cycle, kind }) => ({ cycle, kind })));
        const keys = told.map(({ cycle, kind }) => `${cycle} ${kind}`);
        expect(new Set(keys).size).toBe(keys.length);
      }),
      RUNS,
    );
  });
});

describe('replay', () => {
  it('at once is replay step by step, whether or not breaches were noted on the way (2000 runs)', () => {
    const states = new Set<string>();
    fc.assert(
      fc.property(anyRules, histories, fc.boolean(), (rules, history, noting) => {
        const { clocks, status: current } = step(rules, history, noting ? noteBreach : undefined);
        const last = clocks.at(-1) ?? null;
        const clock = last === null ? null : noteBreach(last, history.until);
        const replayed = replay(rules, history.changes, history.until);
        expect(replayed.clock === null).toBe(clock === null);
        const booked = (one: SlaClock | null) =>
          one === null ? null : { ...one, runningSince: null, ranMs: elapsedMs(rules, one, history.until) };
        expect(booked(replayed.clock)).toEqual(booked(clock));
        const resolved = RESOLVED_STATUSES.includes(current);
        expect(replayed.state).toBe(slaStateAt(clock, history.until, { resolved }));
        states.add(replayed.state);
      }),
      RUNS,
    );
    expect(states.size, 'every state is met').toBe(8);
  });

  it('up to a moment does not depend on what comes later (2000 runs)', () => {
    fc.assert(
      fc.property(anyRules, histories, fc.nat(), (rules, { changes }, pick) => {
        const index = pick % changes.length;
        const until = changes[index]?.at ?? new Date(0);
        const known = changes.filter(({ at }) => at <= until);
        expect(replay(rules, changes, until)).toEqual(replay(rules, known, until));
      }),
      RUNS,
    );
  });
});
