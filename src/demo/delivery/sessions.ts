import type { Who } from '../actions.ts';
import type { BugAction } from './story.ts';

/** What one person does without anybody coming between: one transaction. */
export interface Session {
  by: Who;
  /** when it ends */
  at: Date;
  actions: BugAction[];
}

interface Open extends Session {
  bugs: Set<string>;
}

/**
 * Puts actions, given in the order of time, together: a person's actions of one day (UTC) as long as nobody else touches
 * the same bugs meanwhile. In the order of the sessions each bug sees its actions in the order of time, and sessions end
 * in the order of time.
 */
export function sessionsOf(actions: readonly BugAction[]): Session[] {
  const done: Session[] = [];
  let open: Open[] = [];
  let today = '';
  for (const action of actions) {
    const day = action.at.toISOString().slice(0, 10);
    if (day !== today) {
      done.push(...open);
      open = [];
      today = day;
    }
    const index = open.findLastIndex(({ by }) => by === action.by);
    const own = open[index];
    const later = open.slice(index + 1);
    const touched = [action.bug, ...(own?.bugs ?? [])];
    if (own && !later.some(({ bugs }) => touched.some((bug) => bugs.has(bug)))) {
      own.actions.push(action);
      own.bugs.add(action.bug);
      own.at = action.at;
      open = [...open.slice(0, index), ...later, own];
    } else open.push({ by: action.by, at: action.at, actions: [action], bugs: new Set([action.bug]) });
  }
  return [...done, ...open].map(({ by, at, actions: own }) => ({ by, at, actions: own }));
}
