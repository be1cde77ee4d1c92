import { describe, expect, it } from 'vitest';
import { argusWith, CONTENDERS } from '../../../bench/contender.ts';
import { type Plan, readOptions, secondsOf } from '../../../bench/options.ts';
import { READS, SCENARIOS } from '../../../bench/scenarios/all.ts';

const names = (list: readonly { name: string }[]) => list.map(({ name }) => name);

describe('the time of a run', () => {
  it.each([
    ['everything', [], 15],
    ['everything, and Argus with two workers', ['--workers', '2'], 15],
    ['a quick run', ['--quick'], 3],
    ['a quick run, and Argus with two workers', ['--quick', '--workers', '2'], 3],
    ['two sizes', ['--sizes'], 5],
  ])('%s: it stays within its limit, and loads for most of it', (_, args, minutes) => {
    const plan = readOptions(args);
    expect(secondsOf(plan)).toBeLessThan(60 * minutes);
    expect(secondsOf(plan)).toBeGreaterThan(20 * minutes);
    expect(loadSeconds(plan)).toBeGreaterThan(0.7 * secondsOf(plan));
  });

  /** The time under load, counted load by load. */
  function loadSeconds({ sizes, contenders, scenarios, connections, rounds, settleMs, warmMs, runMs }: Plan): number {
    let total = 0;
    for (const _ of sizes.flatMap(() =>
      contenders.flatMap(({ only }) => scenarios.filter(({ name }) => only?.includes(name) ?? true)),
    )) {
      total += settleMs;
      for (let load = 0; load < connections.length * rounds; load++) total += warmMs + runMs;
    }
    return total / 1000;
  }
});

describe('options', () => {
  it('take everything when nothing is said', () => {
    const plan = readOptions([]);
    expect(plan).toMatchObject({ kind: 'contenders', contenders: CONTENDERS, scenarios: SCENARIOS, profile: null });
    expect(names(plan.sizes)).toEqual(['small']);
    expect(names(readOptions(['--large']).sizes)).toEqual(['large']);
  });

  it('choose contenders and scenarios, in the order of the report', () => {
    const plan = readOptions(['--only', 'floor,argus', '--scenarios', 'mixed,flat', '--connections', '4,2']);
    expect([names(plan.contenders), names(plan.scenarios), plan.connections]).toEqual([
      ['argus', 'floor'],
      ['flat', 'mixed'],
      [4, 2],
    ]);
  });

  it('--workers puts Argus in several processes after Argus in one, with the pool divided', () => {
    expect(names(readOptions(['--workers', '3']).contenders).slice(0, 3)).toEqual([
      'argus',
      'argus-3-workers',
      'postgraphile-rls',
    ]);
    expect(argusWith(3)).toMatchObject({ processes: 3, role: 'app', dialect: 'argus' });
    expect(argusWith(3).command.slice(0, -2)).toEqual(CONTENDERS[0]?.command);
    expect(argusWith(3).command.slice(-2)).toEqual(['--workers', '3']);
    expect(names(readOptions(['--workers', '2', '--only', 'argus-2-workers']).contenders)).toEqual(['argus-2-workers']);
  });

  it('--sizes takes the reads at both sizes, --memory one mixed load of so many minutes', () => {
    const sizes = readOptions(['--sizes']);
    expect([names(sizes.sizes), sizes.scenarios, names(sizes.contenders)]).toEqual([
      ['small', 'large'],
      READS,
      ['argus', 'postgraphile-rls'],
    ]);
    const memory = readOptions(['--memory', '1.5']);
    expect(memory).toMatchObject({ kind: 'memory', runMs: 90_000, connections: [16], rounds: 1 });
    expect([names(memory.scenarios), names(memory.contenders)]).toEqual([['mixed'], ['argus']]);
    expect(readOptions(['--memory']).runMs).toBe(20 * 60_000);
  });

  it.each([
    ['an unknown contender', ['--only', 'argus,hasura'], 'no contender hasura: there are argus, postgraphile-rls'],
    ['a contender that was not added', ['--only', 'argus-2-workers'], 'no contender argus-2-workers'],
    ['an unknown scenario', ['--scenarios', 'wide'], 'no scenario wide: there are flat'],
    ['a write at two sizes', ['--sizes', '--scenarios', 'create'], 'no scenario create'],
    ['no connections', ['--connections', '1,0'], '"0" is not a number above 0'],
    ['half a connection', ['--connections', '1.5'], '"1.5" is not a whole number'],
    ['half a worker', ['--workers', '0.5'], '"0.5" is not a whole number'],
    ['a word for a number', ['--seconds', 'one'], '"one" is not a number above 0'],
    ['minutes without a memory run', ['5'], '"5" is not an option'],
    ['too many minutes', ['--memory', '5', '6'], '"6" is not an option'],
    ['a memory run of several', ['--memory', '--only', 'argus,floor'], 'one contender in one scenario'],
    ['memory at two sizes', ['--memory', '--sizes'], '--sizes stands alone'],
    ['an unknown option', ['--fast'], "Unknown option '--fast'"],
  ])('refuse %s', (_, args, message) => {
    expect(() => readOptions(args)).toThrow(message);
  });
});
