import { InvalidInput } from '../../../errors.ts';
import { type BugSeverity, type BugStatus, RESOLVED_STATUSES, type SlaState } from '../values.ts';
import {
  changeSeverity,
  modeOf,
  modeSince,
  moveClock,
  noteBreach,
  passedThresholds,
  type SlaClock,
  type SlaRules,
  type SlaThreshold,
  slaStateAt,
  startClock,
} from './clock.ts';

export interface SlaChange {
  readonly at: Date;
  readonly status?: BugStatus;
  readonly severity?: BugSeverity;
}

/** Wall time from `from` to before `to`; never empty. */
export interface SlaSpan {
  readonly cycle: number;
  readonly from: Date;
  readonly to: Date;
}

export interface SlaReplay {
  /** As it is stored at the end; null when the bug was never open. */
  readonly clock: SlaClock | null;
  readonly state: SlaState;
  /** What was reached, each once a cycle; `at` of a breach is the due date that passed. */
  readonly thresholds: readonly { readonly cycle: number; readonly kind: SlaThreshold; readonly at: Date }[];
  readonly runs: readonly SlaSpan[];
  /** With the time between resolving and reopening when the cycle went on. */
  readonly pauses: readonly SlaSpan[];
}

/** Collects what a clock reaches and where it ran or stood, while a history passes over it. */
class Recorder {
  readonly thresholds: { cycle: number; kind: SlaThreshold; at: Date }[] = [];
  readonly runs: SlaSpan[] = [];
  readonly pauses: SlaSpan[] = [];
  #told = 0;
  #spanFrom: Date | null = null;

  /** Notes what was reached by `at`. */
  tell(clock: SlaClock, at: Date): void {
    const { cycle, mediumRiskAt, highRiskAt } = clock;
    const dates = { MEDIUM_RISK: mediumRiskAt, HIGH_RISK: highRiskAt, BREACHED: noteBreach(clock, at).breachedAt };
    for (const kind of passedThresholds(clock, this.#told, at)) {
      this.thresholds.push({ cycle, kind, at: dates[kind] ?? at });
      this.#told += 1;
    }
  }

  /** Ends a span where the clock starts to do something else; `next` is null at the end of the history. */
  turn(clock: SlaClock, next: SlaClock | null, at: Date): void {
    const from = this.#spanFrom ?? modeSince(clock);
    const sameCycle = clock.cycle === next?.cycle;
    if (sameCycle && modeOf(clock) === modeOf(next)) {
      this.#spanFrom = from;
      return;
    }
    this.#spanFrom = null;
    if (!sameCycle) this.#told = 0;
    if (from >= at) return;
    const span = { cycle: clock.cycle, from, to: at };
    if (modeOf(clock) === 'RUNNING') this.runs.push(span);
    else if (modeOf(clock) === 'PAUSED' || sameCycle) this.pauses.push(span);
  }
}

/**
 * Runs the clock over a bug's history up to `until`; what comes later is left out. Changes may come in any order, those
 * of one moment stay in theirs; in one change the severity goes before the status. For imports of resolved bugs and to
 * try out a policy.
 *
 * @throws InvalidInput when the earliest change lacks status or severity.
 */
export function replay(rules: SlaRules, changes: readonly SlaChange[], until: Date): SlaReplay {
  const [first, ...rest] = changes.toSorted((a, b) => a.at.getTime() - b.at.getTime());
  if (first?.status === undefined || first.severity === undefined) {
    throw new InvalidInput('the earliest change of a history must give both status and severity', ['changes']);
  }
  const recorder = new Recorder();
  let { status, severity } = first;
  if (first.at > until) return { clock: null, state: 'NONE', thresholds: [], runs: [], pauses: [] };
  let clock = startClock(rules, severity, status, first.at);
  for (const change of rest) {
    if (change.at > until) break;
    const before = clock;
    if (before !== null) recorder.tell(before, change.at);
    if (change.severity !== undefined) {
      severity = change.severity;
      if (clock !== null) clock = changeSeverity(rules, clock, severity, change.at);
    }
    if (change.status !== undefined) {
      status = change.status;
      clock = moveClock(rules, clock, severity, status, change.at);
    }
    if (before !== null) recorder.turn(before, clock, change.at);
  }
  if (clock !== null) {
    clock = noteBreach(clock, until);
    recorder.tell(clock, until);
    recorder.turn(clock, null, until);
  }
  const { thresholds, runs, pauses } = recorder;
  const state = slaStateAt(clock, until, { resolved: RESOLVED_STATUSES.includes(status) });
  return { clock, state, thresholds, runs, pauses };
}
