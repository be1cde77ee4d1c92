import type { CaseStatus } from '../modules/intel/case.service.ts';
import type { LookupInput } from '../modules/intel/osint.service.ts';
import type { DemoContent } from './contents.ts';
import { CASES, type DemoCase } from './material/cases.ts';
import { CREWS } from './material/crews.ts';
import type { DemoMember } from './material/members.ts';
import type { Random } from './random.ts';
import * as synthetic from './synthetic.ts';

export type Who = DemoMember['key'];

/** Something that a person of the demo does at some time. Rows are named by what they are known by, not by ids. */
export type Action = { at: Date; by: Who } & (
  | { kind: 'decide'; decisions: { externalId: string; status: 'CONFIRMED' | 'DISMISSED'; reason: string }[] }
  | { kind: 'archive'; externalIds: string[] }
  | { kind: 'openCase'; case: DemoCase; dueDate: Date | null }
  | { kind: 'assignCase'; title: string; to: Who; impact: DemoCase['impact'] }
  | { kind: 'linkCase'; title: string; crew: string; role: DemoCase['role']; externalIds: string[] }
  | {
      kind: 'moveCase';
      title: string;
      status: CaseStatus;
      reason?: string;
      resolution?: DemoCase['moves'][number]['resolution'];
    }
  | { kind: 'flag'; username: string; flagged: boolean; reason: string }
  | { kind: 'lookup'; lookup: DemoLookup }
  | { kind: 'addKeywords' }
);

export interface DemoLookup {
  query: string;
  queryType: LookupInput['queryType'];
  /** the query of the lookup that led to this one */
  parent?: string;
  /** how it ends when it is not simply run */
  end?: 'FAILED' | 'CANCELLED';
}

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
/** Contents are loaded in batches: what is older than this when somebody works with it is there already. */
const SETTLED_MS = 3 * DAY_MS;

/** Reasons are drawn from these. */
const CONFIRMED = ['offer with price and contact', 'known group, same wallet', 'matches the listing', 'clear intent'];
const DISMISSED = ['talk about the weather', 'everyday word', 'quoted from the news', 'joke among friends'];
const SESSIONS = 14;
const SESSION_DAYS = 4;
const PER_SESSION = 3;

/** Three decisions every few days, by the analysts in turn; now and then something is filed away. */
function reviews(random: Random, contents: readonly DemoContent[], now: Date): Action[] {
  const analysts = ['ada', 'bruno', 'chiara'] as const;
  return Array.from({ length: SESSIONS }, (_, index): Action[] => {
    const day = now.getTime() - (1 + SESSION_DAYS * (SESSIONS - 1 - index)) * DAY_MS;
    const at = new Date(day + random.int(1, 6) * HOUR_MS);
    const by = analysts[index % analysts.length] ?? 'ada';
    // Each session has days of its own, so that nothing is decided on twice.
    const until = day - SETTLED_MS;
    const recent = contents.filter(
      ({ receivedAt }) => receivedAt.getTime() <= until && receivedAt.getTime() > until - SESSION_DAYS * DAY_MS,
    );
    const take = (wanted: (content: DemoContent) => boolean, count: number) => recent.filter(wanted).slice(0, count);
    const telling = take(({ tier }) => tier === 'critical' || tier === 'high', PER_SESSION - 1);
    const weak = take(({ tier }) => tier === 'low', PER_SESSION - telling.length);
    const decisions = [
      ...telling.map(({ externalId }) => ({
        externalId,
        status: 'CONFIRMED' as const,
        reason: random.pick(CONFIRMED),
      })),
      ...weak.map(({ externalId }) => ({ externalId, status: 'DISMISSED' as const, reason: random.pick(DISMISSED) })),
    ];
    const filed = take(({ tier, externalId }) => tier === 'none' && externalId.endsWith('7'), 4);
    return [
      { kind: 'decide', at, by, decisions },
      { kind: 'archive', at, by, externalIds: filed.map(({ externalId }) => externalId) },
    ];
  }).flat();
}

/** The newest contents of a group that are there at a time, the graver ones first. */
function contentsOf(contents: readonly DemoContent[], crew: string, at: number, count: number): string[] {
  const grave = new Set(['critical', 'high', 'medium']);
  return contents
    .filter((content) => content.crew === crew && grave.has(content.tier) && content.receivedAt.getTime() <= at)
    .slice(-3 * count)
    .sort((a, b) => Number(b.tier === 'critical') - Number(a.tier === 'critical'))
    .slice(0, count)
    .map(({ externalId }) => externalId);
}

/** What happens to one case, from its opening on. */
function caseActions(one: DemoCase, contents: readonly DemoContent[], now: Date): Action[] {
  const opened = now.getTime() - one.opened * DAY_MS;
  const { title, crew, role, openedBy, assignee } = one;
  const dueDate = one.due === null ? null : new Date(opened + one.due * DAY_MS);
  const link = (at: number, count: number): Action => ({
    kind: 'linkCase',
    at: new Date(at),
    by: assignee ?? openedBy,
    title,
    crew,
    role,
    externalIds: contentsOf(contents, crew, at - SETTLED_MS, count),
  });
  const actions: Action[] = [
    { kind: 'openCase', at: new Date(opened), by: openedBy, case: one, dueDate },
    link(opened + HOUR_MS / 2, 4),
  ];
  if (assignee) {
    const at = new Date(opened + HOUR_MS);
    actions.push({ kind: 'assignCase', at, by: 'manager', title, to: assignee, impact: one.impact });
  }
  one.moves.forEach(({ day, ...move }, index) => {
    const at = new Date(now.getTime() - day * DAY_MS + (2 + index) * HOUR_MS);
    actions.push({ kind: 'moveCase', at, by: assignee ?? openedBy, title, ...move });
    if (move.status !== 'CLOSED') actions.push(link(at.getTime() + HOUR_MS / 2, 6));
  });
  return actions;
}

function crewOf(key: string) {
  const crew = CREWS.find((one) => one.key === key);
  if (!crew) throw new Error(`no group ${key}`);
  return crew;
}

function flags(now: Date): Action[] {
  const ago = (days: number) => new Date(now.getTime() - days * DAY_MS);
  return [
    {
      kind: 'flag',
      at: ago(24),
      by: 'ada',
      username: crewOf('barrio').handle,
      flagged: true,
      reason: 'named by a courier',
    },
    {
      kind: 'flag',
      at: ago(12),
      by: 'bruno',
      username: crewOf('comptoir').handle,
      flagged: true,
      reason: 'same telephone number as in an older case',
    },
    {
      kind: 'flag',
      at: ago(7),
      by: 'chiara',
      username: crewOf('petal').handle,
      flagged: false,
      reason: 'the florist herself: her account was misused for a day',
    },
  ];
}

const LOOKUPS: readonly (DemoLookup & { hoursAgo: number; by: Who })[] = [
  { hoursAgo: 70, by: 'ada', query: '203.0.113.250', queryType: 'IPV4', end: 'FAILED' },
  { hoursAgo: 60, by: 'bruno', query: 'nobody@example.com', queryType: 'EMAIL', end: 'CANCELLED' },
  { hoursAgo: 48, by: 'ada', query: synthetic.monero('snowline'), queryType: 'XMR' },
  { hoursAgo: 40, by: 'bruno', query: 'GreyHeron', queryType: 'TEXT' },
  { hoursAgo: 30, by: 'chiara', query: crewOf('finch').email, queryType: 'EMAIL' },
  { hoursAgo: 20, by: 'ada', query: `t.me/${crewOf('snowline').handle}`, queryType: 'HANDLE' },
  {
    hoursAgo: 19,
    by: 'ada',
    query: crewOf('snowline').phone,
    queryType: 'PHONE',
    parent: `t.me/${crewOf('snowline').handle}`,
  },
  { hoursAgo: 9, by: 'bruno', query: synthetic.onion('lantern'), queryType: 'ONION' },
  { hoursAgo: 6, by: 'chiara', query: synthetic.bitcoin('finch'), queryType: 'BTC', parent: crewOf('finch').email },
  { hoursAgo: 3, by: 'bruno', query: crewOf('heron').url, queryType: 'URL' },
];

/** Everything that people do with the contents, in the order of time. */
export function makeActions(random: Random, contents: readonly DemoContent[], now: Date): Action[] {
  const lookups = LOOKUPS.map(({ hoursAgo, by, ...lookup }): Action => {
    return { kind: 'lookup', at: new Date(now.getTime() - hoursAgo * HOUR_MS), by, lookup };
  });
  return [
    ...reviews(random, contents, now),
    ...CASES.flatMap((one) => caseActions(one, contents, now)),
    ...flags(now),
    ...lookups,
    { kind: 'addKeywords' as const, at: new Date(now.getTime() - 2 * DAY_MS), by: 'ada' as const },
  ].sort((a, b) => a.at.getTime() - b.at.getTime());
}
