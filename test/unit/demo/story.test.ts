import { describe, expect, test } from 'vitest';
import { sessionsOf } from '../../../src/demo/delivery/sessions.ts';
import { type BugAction, makeBugActions } from '../../../src/demo/delivery/story.ts';
import { splitAt } from '../../../src/demo/delivery/tracker.ts';
import { generateDemo } from '../../../src/demo/generate.ts';
import { CASES } from '../../../src/demo/material/cases.ts';
import { Random } from '../../../src/demo/random.ts';
import { BUG_MOVES } from '../../../src/modules/delivery/bug.service.ts';

const DAY_MS = 86_400_000;

/** Actions of one bug that its state machine or the clock would refuse. */
function brokenRules(actions: readonly BugAction[]): BugAction[] {
  let status: keyof typeof BUG_MOVES = 'PENDING';
  return actions.filter((action, i) => {
    const isEarly = i > 0 && action.at < (actions[i - 1]?.at ?? action.at);
    if (action.kind !== 'move') return isEarly || (action.kind === 'report') !== (i === 0);
    const isReopened = ['SHIPPED', 'CLOSED'].includes(status) && !['SHIPPED', 'CLOSED'].includes(action.status);
    const isAllowed = BUG_MOVES[status].includes(action.status) && (!isReopened || Boolean(action.reason));
    status = action.status;
    return isEarly || !isAllowed;
  });
}

describe('the demo, whenever it is made,', () => {
  test('has something in every case and enough decisions', () => {
    for (let hours = 0; hours < 24 * 14; hours += 31) {
      const now = new Date(Date.UTC(2026, 0, 1, hours, 7));
      const { contents, actions } = generateDemo(now);
      const linked = new Set(
        actions.flatMap((a) => (a.kind === 'linkCase' && a.externalIds.length > 0 ? [a.title] : [])),
      );
      expect(linked.size, now.toISOString()).toBe(CASES.length);
      const decided = actions.flatMap((a) => (a.kind === 'decide' ? a.decisions.map((one) => one.externalId) : []));
      expect(decided.length).toBeGreaterThanOrEqual(40);
      const reviewed = [...decided, ...actions.flatMap((a) => (a.kind === 'archive' ? a.externalIds : []))];
      expect(new Set(reviewed).size, 'nothing is reviewed twice').toBe(reviewed.length);
      for (const flag of actions.filter((a) => a.kind === 'flag')) {
        const known = contents.filter((c) => c.receivedAt.getTime() < flag.at.getTime() - 3 * 86_400_000);
        expect(
          known.some((c) => c.author?.username === flag.username),
          flag.username,
        ).toBe(true);
      }
      expect([...contents.map((c) => c.receivedAt), ...actions.map((a) => a.at)].filter((at) => at > now)).toEqual([]);
    }
  });

  test('tells of bugs only what the rules allow', () => {
    for (let hours = 0; hours < 24 * 10; hours += 17) {
      const now = new Date(Date.UTC(2026, 1, 20, hours, 7));
      const all = makeBugActions(new Random(5), now);
      expect(all.filter(({ at }) => at > now)).toEqual([]);
      for (const [bug, life] of Map.groupBy(all, (action) => action.bug))
        expect(brokenRules(life), `${now.toISOString()} ${bug}`).toEqual([]);
    }
  });

  test('loses nothing when a part of the story becomes files of a tracker, and the rest transactions', () => {
    for (let hours = 0; hours < 24 * 10; hours += 17) {
      const now = new Date(Date.UTC(2026, 1, 20, hours, 7));
      const cut = new Date(now.getTime() - 45 * DAY_MS);
      const all = makeBugActions(new Random(5), now);
      const { files, actions, keys } = splitAt(all, cut);
      expect(files.bugs.length).toBe(keys.size);
      expect(keys.size + actions.filter(({ kind }) => kind === 'report').length).toBe(
        new Set(all.map(({ bug }) => bug)).size,
      );
      expect(files.history.length).toBe(all.filter(({ kind, at }) => kind === 'move' && at < cut).length);
      const sessions = sessionsOf(actions);
      expect(sessions.length).toBeLessThan(320);
      expect(sessions.toSorted((a, b) => a.at.getTime() - b.at.getTime())).toEqual(sessions);
      const done = sessions.flatMap((session) => session.actions);
      const byBug = (some: readonly BugAction[]) => new Map([...Map.groupBy(some, ({ bug }) => bug)].sort());
      expect(byBug(done)).toEqual(byBug(actions));
    }
  });
});

test('a session ends where somebody else touches its bugs, and with the day', () => {
  const action = (by: BugAction['by'], bug: string, time: string): BugAction => {
    return { kind: 'comment', by, bug, at: new Date(`2026-03-02T${time}:00Z`), body: '' };
  };
  const told = [
    action('erin', 'A', '09:00'),
    action('enzo', 'B', '10:00'),
    action('erin', 'C', '11:00'),
    action('enzo', 'A', '12:00'),
    action('erin', 'D', '13:00'),
    { ...action('erin', 'D', '13:00'), at: new Date('2026-03-03T09:00:00Z') },
  ];
  const shown = sessionsOf(told).map(({ by, actions }) => `${by} ${actions.map(({ bug }) => bug).join('')}`);
  expect(shown).toEqual(['enzo B', 'erin AC', 'enzo A', 'erin D', 'erin D']);
});
