/** The clock of a bug's service-level agreement. Pure: every function returns a new clock. Times are instants. */
import { type BugSeverity, type BugStatus, RESOLVED_STATUSES, type SlaState } from '../values.ts';
import type { Calendar } from './calendar.ts';

export interface SlaRules {
  /** Open hours of the calendar until a bug is due. */
  readonly targetHours: Readonly<Record<BugSeverity, number>>;
  /** Shares of the target, 0 to 1, `warnAt` not above `highRiskAt`. */
  readonly warnAt: number;
  readonly highRiskAt: number;
  /** A resolved status resolves, also if it is listed here. */
  readonly pauseOn: readonly BugStatus[];
  readonly restartOnReopen: boolean;
  readonly calendar: Calendar;
}

/**
 * What a bug stores of its SLA. At any time one of `runningSince`, `pausedAt`, `metAt` and `missedAt` is set: it says
 * what the clock does, and since when. Durations are milliseconds.
 */
export interface SlaClock {
  /** from 1; each cycle is measured by itself */
  readonly cycle: number;
  readonly startedAt: Date;
  readonly targetMs: number;
  /** open time that had run when the clock last stopped, or when its dates were last reckoned */
  readonly ranMs: number;
  readonly runningSince: Date | null;
  readonly pausedAt: Date | null;
  /** wall time of the cycle's finished pauses, and between resolving and reopening */
  readonly pausedMs: number;
  /** when the risk is reached if nothing else happens; while the clock stands: when it was, null if it was not */
  readonly mediumRiskAt: Date | null;
  readonly highRiskAt: Date | null;
  /** last moment in time; null in a pause, and when resolved from one; for an overdue clock that went on: `breachedAt` */
  readonly dueAt: Date | null;
  /** a breach is a fact: neither a longer target nor reopening takes it back */
  readonly breachedAt: Date | null;
  /** resolved in time */
  readonly metAt: Date | null;
  /** resolved late */
  readonly missedAt: Date | null;
}

export const SLA_THRESHOLDS = ['MEDIUM_RISK', 'HIGH_RISK', 'BREACHED'] as const;
export type SlaThreshold = (typeof SLA_THRESHOLDS)[number];

export type SlaMode = 'RUNNING' | 'PAUSED' | 'RESOLVED';

function modeIn(rules: SlaRules, status: BugStatus): SlaMode {
  if (RESOLVED_STATUSES.includes(status)) return 'RESOLVED';
  return rules.pauseOn.includes(status) ? 'PAUSED' : 'RUNNING';
}

/** What a clock does at present. */
export function modeOf(clock: SlaClock): SlaMode {
  if (clock.runningSince !== null) return 'RUNNING';
  return clock.pausedAt !== null ? 'PAUSED' : 'RESOLVED';
}

/** Since when the clock does what it does. */
export function modeSince(clock: SlaClock): Date {
  return clock.runningSince ?? clock.pausedAt ?? clock.metAt ?? clock.missedAt ?? clock.startedAt;
}

/** A change is never before the one before it, also when the clocks of two servers differ. */
function notBefore(at: Date, clock: SlaClock): Date {
  const since = modeSince(clock);
  return at < since ? since : at;
}

/** Open milliseconds that have run in this cycle. */
export function elapsedMs(rules: SlaRules, clock: SlaClock, at: Date): number {
  return clock.ranMs + (clock.runningSince === null ? 0 : rules.calendar.elapsed(clock.runningSince, at));
}

/** Open milliseconds left of the target; negative when late. */
export function remainingMs(rules: SlaRules, clock: SlaClock, at: Date): number {
  return clock.targetMs - elapsedMs(rules, clock, at);
}

/** Sets `breachedAt` to the due date when that has passed. Done by every change too, so a late sweep changes nothing. */
export function noteBreach(clock: SlaClock, at: Date): SlaClock {
  const { breachedAt, runningSince, dueAt } = clock;
  const breached = breachedAt === null && runningSince !== null && dueAt !== null && at > dueAt;
  return breached ? { ...clock, breachedAt: dueAt } : clock;
}

/** Late by what has run; at exactly the target, if the due date had passed before it stopped in closed hours. */
function isLate({ ranMs, targetMs, breachedAt }: SlaClock): boolean {
  return ranMs > targetMs || (ranMs === targetMs && breachedAt !== null);
}

/** Books what has run, or how long it stood, up to `at`; the clock then does nothing until it is told what. */
function halt(rules: SlaRules, clock: SlaClock, at: Date): SlaClock {
  const stood = clock.runningSince === null ? at.getTime() - modeSince(clock).getTime() : 0;
  return {
    ...noteBreach(clock, at),
    ranMs: elapsedMs(rules, clock, at),
    pausedMs: clock.pausedMs + stood,
    runningSince: null,
    pausedAt: null,
    metAt: null,
    missedAt: null,
  };
}

/**
 * Reckons the dates of a clock that was booked up to `at`. What was reached keeps its date; what a shorter target made
 * reached is so at `at`, not in the past; what is ahead has a date only if the clock runs.
 */
function withDates(rules: SlaRules, booked: SlaClock, at: Date): SlaClock {
  const { ranMs, targetMs, runningSince } = booked;
  const clock = { ...booked, breachedAt: booked.breachedAt ?? (ranMs > targetMs ? at : null) };
  const ahead = (ms: number): Date | null => (runningSince === null ? null : rules.calendar.add(at, ms - ranMs));
  const risk = (share: number, known: Date | null): Date | null => {
    const ms = Math.round(targetMs * share);
    if (ms > ranMs) return ahead(ms);
    return known !== null && known <= at ? known : at;
  };
  const due = () => (isLate(clock) ? clock.breachedAt : ahead(targetMs));
  return {
    ...clock,
    mediumRiskAt: risk(rules.warnAt, clock.mediumRiskAt),
    highRiskAt: risk(rules.highRiskAt, clock.highRiskAt),
    dueAt: runningSince === null ? null : due(),
  };
}

function resolve(rules: SlaRules, clock: SlaClock, at: Date): SlaClock {
  const halted = halt(rules, clock, at);
  const outcome = isLate(halted) ? { missedAt: at } : { metAt: at };
  return { ...withDates(rules, halted, at), dueAt: clock.dueAt, ...outcome };
}

function begin(rules: SlaRules, severity: BugSeverity, mode: SlaMode, cycle: number, at: Date): SlaClock {
  const targetMs = Math.round(rules.targetHours[severity] * 3_600_000);
  const standing = { ranMs: 0, pausedMs: 0, breachedAt: null, metAt: null, missedAt: null };
  const dates = { mediumRiskAt: null, highRiskAt: null, dueAt: null };
  const clock = { cycle, startedAt: at, targetMs, ...standing, ...dates, runningSince: null, pausedAt: null };
  return withDates(rules, { ...clock, ...(mode === 'PAUSED' ? { pausedAt: at } : { runningSince: at }) }, at);
}

/**
 * The clock of a new bug, or of one that comes under an SLA at `at`. A status of `pauseOn` starts it paused; a bug that
 * is resolved already has none: null. @throws InvalidInput when the calendar does not get to the due date.
 */
export function startClock(rules: SlaRules, severity: BugSeverity, status: BugStatus, at: Date): SlaClock | null {
  const mode = modeIn(rules, status);
  return mode === 'RESOLVED' ? null : begin(rules, severity, mode, 1, at);
}

/**
 * Moves a bug to a status. A pause freezes what remains, leaving it shifts the dates. Resolving is in time up to the
 * due date, in a pause while no more than the target has run. Reopening starts a new cycle of the severity's target, or
 * goes on with the same, in which the time since counts as paused. Which status the bug comes from, the clock knows;
 * null is the clock of a bug that was resolved when it was created.
 */
export function moveClock(
  rules: SlaRules,
  clock: SlaClock | null,
  severity: BugSeverity,
  to: BugStatus,
  at: Date,
): SlaClock | null {
  if (clock === null) return startClock(rules, severity, to, at);
  const from = modeOf(clock);
  const mode = modeIn(rules, to);
  if (mode === from) return clock;
  const when = notBefore(at, clock);
  if (mode === 'RESOLVED') return resolve(rules, clock, when);
  if (from === 'RESOLVED' && rules.restartOnReopen) return begin(rules, severity, mode, clock.cycle + 1, when);
  const since = mode === 'PAUSED' ? { pausedAt: when } : { runningSince: when };
  return withDates(rules, { ...halt(rules, clock, when), ...since }, when);
}

/**
 * Gives the clock the target of another severity, from the same start. One that is overdue by it is breached at `at`.
 * How a resolved bug ended stays; the new target then counts if it is reopened.
 */
export function changeSeverity(rules: SlaRules, clock: SlaClock, severity: BugSeverity, at: Date): SlaClock {
  const targetMs = Math.round(rules.targetHours[severity] * 3_600_000);
  if (targetMs === clock.targetMs) return clock;
  const mode = modeOf(clock);
  if (mode === 'RESOLVED') return { ...clock, targetMs };
  const when = notBefore(at, clock);
  if (mode === 'PAUSED') return withDates(rules, { ...clock, targetMs }, when);
  return withDates(rules, { ...halt(rules, clock, when), targetMs, runningSince: when }, when);
}

/** When a threshold is reached, null if nothing leads there. A breach is the first moment after the due date. */
function reachedAt(clock: SlaClock, threshold: SlaThreshold): Date | null {
  if (threshold === 'MEDIUM_RISK') return clock.mediumRiskAt;
  if (threshold === 'HIGH_RISK') return clock.highRiskAt;
  if (clock.breachedAt !== null) return clock.breachedAt;
  if (clock.runningSince === null || clock.dueAt === null) return null;
  return new Date(clock.dueAt.getTime() + 1);
}

function isReached(clock: SlaClock, threshold: SlaThreshold, at: Date): boolean {
  const reached = reachedAt(clock, threshold);
  return reached !== null && reached <= at;
}

/** The state by the stored dates; `resolved` is whether the bug's status is. Null is a bug without an SLA. */
export function slaStateAt(clock: SlaClock | null, at: Date, { resolved }: { resolved: boolean }): SlaState {
  if (clock === null) return 'NONE';
  if (resolved) return clock.metAt !== null ? 'MET' : 'MISSED';
  if (clock.pausedAt !== null) return 'PAUSED';
  return SLA_THRESHOLDS.findLast((threshold) => isReached(clock, threshold, at)) ?? 'ON_TRACK';
}

/**
 * What has been reached by `at` and was not told yet, in order. `fired` is how many of `SLA_THRESHOLDS` were told in
 * this cycle, 0 to 3; the caller adds the length of the answer. Ask before each change too: a longer target moves risk
 * dates that were reached into the future. Whoever is breached has passed the risks.
 */
export function passedThresholds(clock: SlaClock, fired: number, at: Date): SlaThreshold[] {
  const last = SLA_THRESHOLDS.findLastIndex((threshold) => isReached(clock, threshold, at));
  return SLA_THRESHOLDS.slice(fired, last + 1);
}

/** When `passedThresholds` next has an answer if nothing else happens; null for never. It may be in the past. */
export function nextThresholdAt(clock: SlaClock, fired: number): Date | null {
  const dates = SLA_THRESHOLDS.slice(fired).map((threshold) => reachedAt(clock, threshold));
  return dates.filter((date) => date !== null).toSorted((a, b) => a.getTime() - b.getTime())[0] ?? null;
}
