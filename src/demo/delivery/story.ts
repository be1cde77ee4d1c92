import type { BugSeverity, BugStatus } from '../../modules/delivery/values.ts';
import type { Who } from '../actions.ts';
import type { Random } from '../random.ts';
import { CLOSE_REASONS, COMMENTS, DEFER_REASONS, FAULTS, type Fault, REOPEN_REASONS } from './faults.ts';
import { NAMED_BUGS, type NamedBug, type NamedStep } from './named-bugs.ts';
import { type DemoProject, PROJECTS } from './projects.ts';

/** A bug as somebody reports it. It is known by project and title, which together name it in every database. */
export interface DemoBug {
  project: string;
  title: string;
  description: string;
  severity: BugSeverity;
  labels: readonly string[];
  isBlocker: boolean;
  affectedShare: string;
  assignee: Who | null;
}

/** Something that somebody does with a bug. */
export type BugAction = { at: Date; by: Who; bug: string } & (
  | { kind: 'report'; report: DemoBug }
  | { kind: 'assign'; to: Who }
  | { kind: 'move'; status: BugStatus; reason?: string }
  | { kind: 'comment'; body: string }
  | { kind: 'change'; severity?: BugSeverity; hoursSpent?: string }
);
type Doing = BugAction extends infer A ? (A extends BugAction ? Omit<A, 'bug'> : never) : never;

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

const TARGET_HOURS: Readonly<Record<BugSeverity, number>> = { CRITICAL: 24, HIGH: 72, MEDIUM: 168, LOW: 720 };
const SEVERITIES = [
  ['CRITICAL', 6],
  ['HIGH', 24],
  ['MEDIUM', 42],
  ['LOW', 28],
] as const;
const FATES = [
  ['mended', 64],
  ['closed', 8],
  ['neglected', 9],
  ['deferred', 10],
  ['reopened', 9],
] as const;
const REPORTERS = [
  ['quinn', 50],
  ['marta', 15],
  ['sven', 12],
  ['erin', 12],
  ['enzo', 11],
] as const;
const BLOCKERS: Readonly<Record<BugSeverity, number>> = { CRITICAL: 0.35, HIGH: 0.12, MEDIUM: 0.03, LOW: 0 };
/** Who mends what; the first one most of it. */
const ENGINEERS: Readonly<Record<string, readonly [Who, Who]>> = {
  HARBOR: ['erin', 'sven'],
  LEDGER: ['erin', 'enzo'],
  ATLAS: ['sven', 'enzo'],
  PULSE: ['enzo', 'erin'],
  BEACON: ['enzo', 'sven'],
  QUILL: ['erin', 'enzo'],
  NIMBUS: ['erin', 'sven'],
  OTTER: ['sven', 'enzo'],
};

/** What a bug is called wherever the demo speaks of it. */
export function bugRef(project: string, title: string): string {
  return `${project} ${title}`;
}

/** Everything that people do with bugs, in the order of time, up to `now`. */
export function makeBugActions(random: Random, now: Date): BugAction[] {
  const invented = PROJECTS.flatMap((project) => {
    const untold = faultsOf(project, random);
    return Array.from({ length: project.bugs }, () => life(random, project, untold, now)).flat();
  });
  return [...invented, ...NAMED_BUGS.flatMap((bug) => namedLife(bug, now))]
    .filter(({ at }) => at <= now)
    .sort((a, b) => a.at.getTime() - b.at.getTime());
}

type Untold = Fault & { title: string };

/** Every part of a project with everything that can be wrong with it, shuffled. */
function faultsOf({ components }: DemoProject, random: Random): Untold[] {
  const all = components.flatMap((part) => FAULTS.map((fault) => ({ ...fault, title: `${part} ${fault.text}` })));
  return all
    .map((fault) => ({ fault, place: random.next() }))
    .sort((a, b) => a.place - b.place)
    .map(({ fault }) => fault);
}

function take(untold: Untold[], severity: BugSeverity): Untold {
  const [found] = untold.splice(
    untold.findIndex((fault) => fault.severity === severity),
    1,
  );
  if (!found) throw new RangeError(`there is nothing more that could be wrong`);
  return found;
}

/** What is not urgent waits for working hours: Monday to Friday, 7 to 17 o'clock UTC. */
function workingTime(at: number, severity: BugSeverity, minutes: number): number {
  if (severity === 'CRITICAL') return at;
  const day = Math.floor(at / DAY_MS) * DAY_MS;
  const hour = (at - day) / HOUR_MS;
  const opened = day + 7 * HOUR_MS + minutes * MINUTE_MS;
  const from = hour < 7 ? opened : hour >= 17 ? opened + DAY_MS : at;
  const weekday = new Date(from).getUTCDay();
  return from + (weekday === 6 ? 2 : weekday === 0 ? 1 : 0) * DAY_MS;
}

/** One bug from its report on. Chance is asked as often whatever the day is, so that another day tells the same story. */
function life(random: Random, project: DemoProject, untold: Untold[], now: Date): BugAction[] {
  const severity = random.weighted(SEVERITIES);
  const fault = take(untold, severity);
  const recent = random.chance(0.28) && project.until < 5;
  const { from, until } = { ...project, ...(recent ? { from: 22 } : {}) };
  const daysAgo = until + random.next() * (from - until);
  const isLate = random.chance(0.24);
  const share = isLate ? 1.05 + random.next() * 1.1 : 0.1 + random.next() * 0.6;
  const span = TARGET_HOURS[severity] * share * HOUR_MS;
  const start = workingTime(now.getTime() - daysAgo * DAY_MS, severity, random.int(0, 150));
  const when = (part: number) => new Date(workingTime(start + span * part, severity, random.int(0, 150)));
  const [first, second] = ENGINEERS[project.key] ?? ['sven', 'erin'];
  const engineer = random.chance(0.75) ? first : second;
  const report: DemoBug = {
    project: project.key,
    title: fault.title,
    description: fault.detail,
    severity,
    labels: fault.labels,
    isBlocker: random.chance(BLOCKERS[severity]),
    affectedShare: random.chance(0.45) ? (random.int(10, 400) / 1000).toString() : '0',
    assignee: random.chance(0.6) ? engineer : null,
  };
  const reporter = random.weighted(REPORTERS);
  const told = [
    { kind: 'report' as const, at: new Date(start), by: reporter, report },
    ...tell(random, report, engineer, reporter, when),
  ];
  const bug = bugRef(project.key, fault.title);
  return inOrder(told).map((one) => ({ ...one, bug }));
}

/** Two things that wait for the same morning keep their order. */
function inOrder(told: readonly Doing[]): Doing[] {
  let last = 0;
  return told.map((one) => {
    last = Math.max(one.at.getTime(), last + 4 * MINUTE_MS);
    return { ...one, at: new Date(last) };
  });
}

type When = (part: number) => Date;

/** What becomes of a bug. `when` gives the time at which a share of its mending has passed: 1 is the end. */
function tell(random: Random, bug: DemoBug, engineer: Who, reporter: Who, when: When): Doing[] {
  const wanted = random.weighted(FATES);
  const isGrave = bug.severity === 'CRITICAL' || bug.severity === 'HIGH';
  const cannotWait = wanted === 'neglected' ? isGrave : wanted === 'deferred' && bug.severity === 'CRITICAL';
  const fate = cannotWait ? 'mended' : wanted;
  const assigned: Doing[] = bug.assignee ? [] : [{ kind: 'assign', at: when(0.08), by: 'marta', to: engineer }];
  const [said, isSaid] = [random.pick(COMMENTS), random.chance(0.28)];
  const comment: Doing[] = isSaid
    ? [{ kind: 'comment', at: when(0.5), by: random.pick([engineer, reporter]), body: said }]
    : [];
  const begun: Doing[] = [...assigned, move('IN_PROGRESS', when(0.25), engineer), ...comment];
  const reason = random.pick(
    { closed: CLOSE_REASONS, deferred: DEFER_REASONS, reopened: REOPEN_REASONS, mended: [''], neglected: [''] }[fate],
  );
  const mended = mend(random, bug.severity, engineer, when);
  if (fate === 'closed') return [move('CLOSED', when(0.3), 'marta', reason)];
  if (fate === 'neglected') return [...assigned, ...comment];
  if (fate === 'mended') return [...begun, ...mended(0.85, 1)];
  if (fate === 'deferred') {
    const back = random.chance(0.55) ? [move('IN_PROGRESS', when(3), engineer), ...mended(3.4, 3.6)] : [];
    return [...begun, move('DEFERRED', when(0.6), engineer, reason), ...back];
  }
  const again = [move('IN_PROGRESS', when(2.2), 'quinn', reason), ...mended(2.6, 2.8)];
  return [...begun, ...mended(0.8, 0.9).filter((one) => one.kind !== 'move' || one.status !== 'CLOSED'), ...again];
}

function move(status: BugStatus, at: Date, by: Who, reason?: string): Doing {
  return { kind: 'move', at, by, status, ...(reason ? { reason } : {}) };
}

const HOURS: Readonly<Record<BugSeverity, number>> = { CRITICAL: 14, HIGH: 9, MEDIUM: 5, LOW: 2 };

/** Verified by quality assurance, shipped by who mended it, and closed some days later. */
function mend(random: Random, severity: BugSeverity, engineer: Who, when: When) {
  const hours = ((HOURS[severity] * (1 + 3 * random.next())) / 2).toFixed(2);
  const [isCounted, isClosed, days] = [random.chance(0.75), random.chance(0.5), random.int(2, 6)];
  return (verified: number, shipped: number): Doing[] => {
    const out = when(shipped);
    const closing = new Date(out.getTime() + days * DAY_MS);
    return [
      move('VERIFIED', when(verified), 'quinn'),
      ...(isCounted ? [{ kind: 'change' as const, at: out, by: engineer, hoursSpent: hours }] : []),
      move('SHIPPED', out, engineer),
      ...(isClosed ? [move('CLOSED', closing, 'quinn')] : []),
    ];
  };
}

function namedLife(bug: NamedBug, now: Date): BugAction[] {
  const ago = (hours: number) => new Date(now.getTime() - hours * HOUR_MS);
  const { project, title, description, severity, labels, reporter, assignee = null, isBlocker = false } = bug;
  const report = {
    project,
    title,
    description,
    severity,
    labels,
    isBlocker,
    assignee,
    affectedShare: bug.affectedShare ?? '0',
  };
  const told: Doing[] = [
    { kind: 'report', at: ago(bug.hours), by: reporter, report },
    ...bug.steps.map((step): Doing => ({ at: ago(step.hours), by: step.by, ...doing(step) })),
  ];
  return told.map((one) => ({ ...one, bug: bugRef(project, title) }));
}

function doing(step: NamedStep) {
  if ('move' in step) return { kind: 'move' as const, status: step.move, reason: step.reason };
  if ('assign' in step) return { kind: 'assign' as const, to: step.assign };
  if ('say' in step) return { kind: 'comment' as const, body: step.say };
  if ('severity' in step) return { kind: 'change' as const, severity: step.severity };
  return { kind: 'change' as const, hoursSpent: step.spent };
}
