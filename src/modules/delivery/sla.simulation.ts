import { type FilterInput, parseFilter } from '../../data/filter.ts';
import { filterPredicate } from '../../data/filter-memory.ts';
import { type Row, selectList } from '../../data/models.ts';
import type { ReadScope } from '../../data/read-scope.ts';
import { InvalidInput } from '../../errors.ts';
import { timelineOf } from './bug.timeline.ts';
import { bugList } from './lists.ts';
import type { SlaRules } from './sla/clock.ts';
import { replay } from './sla/replay.ts';
import { BUG_SEVERITIES, type BugSeverity, type SlaState } from './values.ts';

/** What became of the bugs of one severity. */
export interface Tally {
  severity: BugSeverity;
  bugs: number;
  met: number;
  missed: number;
  /** open, and late */
  breached: number;
  /** open, and in time so far, or paused */
  open: number;
}

/** A bug that the draft would have breached. */
export interface SimulatedBreach {
  bug: Row<'Bug'>;
  breachedAt: Date;
  state: SlaState;
}

export interface Simulation {
  /** bugs that the draft's filter fits, reported in the time asked about */
  considered: number;
  /** resolved at a time that nobody knows: left out */
  unknown: number;
  draft: Tally[];
  /** the same bugs as they stand now, under the policies that they are under */
  actual: Tally[];
  breaches: number;
  /** the first of them, by the time of the breach */
  firstBreaches: SimulatedBreach[];
  /** open bugs that would change hands if the draft counted for open bugs too */
  openBugs: number;
}

const PAGE = 1_000;
const MAX_BUGS = 100_000;
const SHOWN = 100;

type History = Pick<Row<'BugHistory'>, 'bugId' | 'field' | 'oldValue' | 'newValue' | 'status' | 'at' | 'eventSeq'>;

/**
 * Runs the life of every bug reported in [from, to) again under a draft of rules, from its recorded history, and counts
 * how that would have ended by `now`. Reads 1,000 bugs at a time. InvalidInput for more than 100,000 bugs.
 */
export async function simulatePolicy(
  scope: ReadScope,
  draft: { rules: SlaRules; filter: FilterInput },
  time: { from: Date; to: Date; now: Date },
): Promise<Simulation> {
  const fits = filterPredicate(parseFilter(bugList, draft.filter, time.now));
  const tallies = { draft: new Tallies(), actual: new Tallies() };
  const breaches: SimulatedBreach[] = [];
  let considered = 0;
  let unknown = 0;
  let read = 0;
  for await (const { bug, history } of livesOf(scope, time.from, time.to)) {
    if (++read > MAX_BUGS)
      throw new InvalidInput(`more than ${MAX_BUGS} bugs were reported in that time: choose a shorter one`, ['from']);
    if (!fits(bug)) continue;
    considered++;
    const timeline = timelineOf(bug, history);
    const result = timeline && replay(draft.rules, timeline, time.now);
    if (!result) {
      unknown++;
      continue;
    }
    tallies.draft.add(bug, result.state);
    tallies.actual.add(bug, bug.slaState as SlaState);
    const breach = result.thresholds.find(({ kind }) => kind === 'BREACHED');
    if (breach) breaches.push({ bug, breachedAt: breach.at, state: result.state });
  }
  breaches.sort((a, b) => a.breachedAt.getTime() - b.breachedAt.getTime());
  return {
    considered,
    unknown,
    draft: tallies.draft.all(),
    actual: tallies.actual.all(),
    breaches: breaches.length,
    firstBreaches: breaches.slice(0, SHOWN),
    openBugs: tallies.draft.all().reduce((sum, tally) => sum + tally.open + tally.breached, 0),
  };
}

class Tallies {
  readonly #bySeverity = new Map<string, Tally>();

  add(bug: Row<'Bug'>, state: SlaState): void {
    const severity = bug.severity as BugSeverity;
    const tally = this.#bySeverity.get(severity) ?? { severity, bugs: 0, met: 0, missed: 0, breached: 0, open: 0 };
    tally.bugs++;
    if (state === 'MET') tally.met++;
    else if (state === 'MISSED') tally.missed++;
    else if (state === 'BREACHED') tally.breached++;
    else if (state !== 'NONE') tally.open++;
    this.#bySeverity.set(severity, tally);
  }

  all(): Tally[] {
    return BUG_SEVERITIES.map((severity) => this.#bySeverity.get(severity)).filter((tally) => tally !== undefined);
  }
}

/** Bugs with what their history tells of status and severity, in the order of their report. */
async function* livesOf(
  scope: ReadScope,
  from: Date,
  to: Date,
): AsyncGenerator<{ bug: Row<'Bug'>; history: History[] }> {
  const { tenantId } = scope.viewer;
  let after = { createdAt: from, id: '00000000-0000-0000-0000-000000000000' };
  while (true) {
    const bugs = await scope.query<Row<'Bug'>>({
      name: 'delivery_simulated_bugs',
      text: `/* Bug.simulated */ SELECT ${selectList('Bug', 't', new Set(['description', 'details']))} FROM bugs t
        WHERE t.tenant_id = $1::uuid AND (t.created_at, t.id) > ($2::timestamptz, $3::uuid) AND t.created_at < $4::timestamptz
        ORDER BY t.created_at, t.id LIMIT ${PAGE}`,
      values: [tenantId, after.createdAt, after.id, to],
    });
    const histories = await scope.query<History>({
      name: 'delivery_simulated_history',
      text: `/* BugHistory.simulated */ SELECT bug_id AS "bugId", field, old_value AS "oldValue", new_value AS "newValue", status, at,
          event_seq AS "eventSeq" FROM bug_history WHERE tenant_id = $1::uuid AND bug_id = ANY($2::uuid[]) AND (status IS NOT NULL OR field = 'severity')`,
      values: [tenantId, bugs.map(({ id }) => id)],
    });
    const byBug = Map.groupBy(histories, ({ bugId }) => bugId);
    for (const bug of bugs) yield { bug, history: byBug.get(bug.id) ?? [] };
    const last = bugs.at(-1);
    if (!last || bugs.length < PAGE) return;
    after = { createdAt: last.createdAt, id: last.id };
  }
}
