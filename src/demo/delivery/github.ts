import type { Random } from '../random.ts';
import { FAULTS } from './faults.ts';
import { ORGANISATION } from './projects.ts';

export const REPOSITORY = `${ORGANISATION}/atlas-routes`;
/** One that is renamed, and cannot be read any more. */
export const LOST_REPOSITORY = `${ORGANISATION}/pulse-gateway`;

/** An issue as GitHub's REST API gives it, as far as it is read. */
export type Issue = Record<string, unknown> & { number: number; updated_at: string };

const DAY_MS = 86_400_000;
const PARTS = ['Public API', 'Route export', 'Python client', 'Web component'];
const LABELS = { CRITICAL: 'severity: critical', HIGH: 'severity: high', MEDIUM: 'bug', LOW: 'severity: low' } as const;
const LOGINS = ['mapfan-demo', 'vanlines-demo', 'tourbuilder-demo', 'invented-user-4'];
const ISSUES = 26;

interface Fate {
  number: number;
  title: string;
  body: string;
  label: string;
  topics: readonly string[];
  user: string;
  created: number;
  closed: number | null;
  reason: string;
}

/** Issues of a repository that customers write to. */
export function makeIssues(random: Random): Fate[] {
  return Array.from({ length: ISSUES }, (_, index) => {
    const fault = FAULTS[5 + ((index * 7) % (FAULTS.length - 5))] ?? FAULTS[0];
    if (!fault) throw new RangeError('there are no faults');
    const created = 88 - index * 3.3 - random.next();
    const closed = created - (1 + 24 * random.next());
    return {
      number: 40 + index * 3 + random.int(0, 2),
      title: `${PARTS[index % PARTS.length]} ${fault.text}`,
      body: fault.detail,
      label: LABELS[fault.severity],
      topics: fault.labels,
      user: random.pick(LOGINS),
      created,
      closed: random.chance(0.7) && closed > 0.5 ? closed : null,
      reason: random.chance(0.8) ? 'completed' : 'not_planned',
    };
  });
}

/** What the API answers at a time to who asks for changes since another; days before now. */
export function issuesAt(fates: readonly Fate[], now: Date, asked: number, since: number): Issue[] {
  const at = (day: number) => new Date(now.getTime() - day * DAY_MS).toISOString();
  return fates.flatMap((one): Issue[] => {
    const isClosed = one.closed !== null && one.closed >= asked;
    const updated = isClosed ? (one.closed ?? 0) : one.created;
    if (one.created < asked || updated > since) return [];
    return [
      {
        number: one.number,
        title: one.title,
        body: one.body,
        state: isClosed ? 'closed' : 'open',
        state_reason: isClosed ? one.reason : null,
        labels: [{ name: one.label }, ...one.topics.map((name) => ({ name }))],
        user: { login: one.user },
        comments: one.number % 5,
        html_url: `https://github.example/${REPOSITORY}/issues/${one.number}`,
        created_at: at(one.created),
        updated_at: at(updated),
        closed_at: isClosed ? at(updated) : null,
      },
    ];
  });
}
