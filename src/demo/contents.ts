import type { IngestItem } from '../modules/intel/content.ingest.ts';
import { CHAT_EN } from './material/chat-en.ts';
import { CHAT_DE, CHAT_ES, CHAT_FR, CHAT_RU } from './material/chat-other.ts';
import { CREWS, type Crew, NAME_ENDS, NAME_STARTS } from './material/crews.ts';
import { FORUM_DE, FORUM_EN } from './material/forum.ts';
import { MARKET_EN, NOTE_EN, REPORT_EN } from './material/listings.ts';
import { CITIES, DAYS, FOODS, type Language, PEOPLE } from './material/slots.ts';
import { type DemoSource, SOURCES } from './material/sources.ts';
import { type Texts, TIERS, type Tier } from './material/texts.ts';
import { Random } from './random.ts';
import * as synthetic from './synthetic.ts';

/** A content as the demo knows it: by the references that it will have, not by ids. */
export interface DemoContent extends Omit<IngestItem, 'sourceId' | 'receivedAt'> {
  externalId: string;
  sourceRef: string;
  tier: Tier;
  /** the group that the text names or that wrote it */
  crew: string | null;
  postedAt: Date;
  receivedAt: Date;
}

export interface DemoAccount {
  platformUserId: string;
  username: string;
  displayName: string;
  crew: string | null;
}

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
export const DEMO_DAYS = 60;

const CHATS: Readonly<Record<Language, Texts>> = { en: CHAT_EN, de: CHAT_DE, es: CHAT_ES, fr: CHAT_FR, ru: CHAT_RU };

function textsOf(style: DemoSource['style'], language: Language): Texts {
  if (style === 'forum') return language === 'de' ? FORUM_DE : language === 'en' ? FORUM_EN : CHATS[language];
  if (style === 'market') return MARKET_EN;
  if (style === 'report') return REPORT_EN;
  return style === 'note' ? NOTE_EN : CHATS[language];
}

/** Accounts of every source by its reference: the groups that write there first, then everybody else. */
export function makeAccounts(random: Random): Map<string, DemoAccount[]> {
  let number = 1000;
  return new Map(
    SOURCES.map((source) => {
      const here = CREWS.filter((crew) => crew.sources.includes(source.externalRef));
      const accounts = Array.from({ length: source.accounts }, (_, index): DemoAccount => {
        number += random.int(1, 40);
        const crew = here[index];
        if (crew) {
          return { platformUserId: `u${number}`, username: crew.handle, displayName: crew.name, crew: crew.key };
        }
        const [start, end] = [random.pick(NAME_STARTS), random.pick(NAME_ENDS)];
        const username = `${start}_${end}_${number}`;
        return { platformUserId: `u${number}`, username, displayName: `${start} ${end}`, crew: null };
      });
      return [source.externalRef, accounts];
    }),
  );
}

const FRAUD =
  /fullz|passport|papiers|ausweise|falsos|документ|cvv|cloned|phishing|accounts|fraud|mule|sim swap|combo list/i;
const MALWARE =
  /greyheron|paperlantern|loader|stealer|initial access|botnet|command and control|ransom|backdoor|keylogger/i;

/** The group that a text would come from or speak of. */
function crewFor(template: string, source: DemoSource, random: Random): Crew {
  const trade = FRAUD.test(template) ? 'fraud' : MALWARE.test(template) ? 'malware' : 'substances';
  const here = CREWS.filter((crew) => crew.sources.includes(source.externalRef));
  const fitting = here.filter((crew) => crew.trade === trade);
  return random.pick(fitting.length > 0 ? fitting : here);
}

/** What each slot of a text can hold. */
const SLOTS: Readonly<Record<string, (random: Random, language: Language, crew: Crew) => string>> = {
  city: (random) => random.pick(CITIES),
  person: (random) => random.pick(PEOPLE),
  day: (random, language) => random.pick(DAYS[language]),
  food: (random, language) => random.pick(FOODS[language]),
  time: (random) => `${random.int(8, 23)}:${random.pick(['00', '15', '30', '45'])}`,
  n: (random) => String(random.int(2, 48)),
  price: (random, language) =>
    language === 'en' && random.chance(0.6) ? `$${random.int(2, 90)}0` : `${random.int(2, 90)}0 EUR`,
  cve: (random) => String(random.int(90_000, 99_999)),
  name: (_, _language, crew) => crew.name,
  handle: (_, _language, crew) => crew.handle,
  handle_link: (_, _language, crew) => `t.me/${crew.handle}`,
  email: (_, _language, crew) => crew.email,
  phone: (_, _language, crew) => crew.phone,
  url: (_, _language, crew) => crew.url,
  btc: (_, _language, crew) => synthetic.bitcoin(crew.key),
  legacy: (_, _language, crew) => synthetic.legacyBitcoin(crew.key),
  eth: (_, _language, crew) => synthetic.ethereum(crew.key),
  xmr: (_, _language, crew) => synthetic.monero(crew.key),
  onion: (_, _language, crew) => synthetic.onion(crew.key),
  iban: (_, _language, crew) => synthetic.iban(crew.key),
  pgp: (_, _language, crew) => synthetic.pgp(crew.key),
  ip: (random, _, crew) => documentationIp(random, crew),
  ip_defanged: (random, _, crew) => documentationIp(random, crew).replaceAll('.', '[.]'),
  ip6: (random) => `2001:db8::${random.int(16, 99)}:${random.int(1, 9)}`,
  domain: (random) => `mail${random.int(1, 9)}.example.net`,
  defanged: (random, _, crew) => `${crew.key}-${random.int(1, 4)}[.]example[.]com`,
  sha256: (random, _, crew) => synthetic.hash('sha256', `${crew.key} ${random.int(1, 6)}`),
  sha1: (random, _, crew) => synthetic.hash('sha1', `${crew.key} ${random.int(1, 6)}`),
  md5: (random, _, crew) => synthetic.hash('md5', `${crew.key} ${random.int(1, 6)}`),
  geo: (random) => `47.${random.int(1000, 9999)}, -21.${random.int(1000, 9999)}`,
};
const CREW_SLOT = /\{(name|handle|handle_link|email|phone|url|btc|legacy|eth|xmr|onion|iban|pgp|defanged)\}/;

/** A few addresses for each group, so that the same one turns up again. */
function documentationIp(random: Random, crew: Crew): string {
  const network = random.pick(['192.0.2', '198.51.100', '203.0.113']);
  return `${network}.${20 * CREWS.indexOf(crew) + random.int(1, 4)}`;
}

function fill(template: string, random: Random, language: Language, crew: Crew): string {
  return template.replace(/\{(\w+)\}/g, (_, name: string) => {
    const slot = SLOTS[name];
    if (!slot) throw new Error(`no slot {${name}}`);
    return slot(random, language, crew);
  });
}

/** Chats are busy in the evening and at weekends, reports come in office hours. */
const HOURS: Readonly<Record<DemoSource['style'], readonly number[]>> = {
  chat: [8, 6, 4, 2, 1, 1, 1, 2, 3, 3, 3, 4, 5, 5, 5, 5, 6, 8, 10, 12, 14, 14, 13, 11],
  forum: [4, 2, 1, 1, 1, 1, 2, 3, 5, 6, 6, 6, 7, 6, 6, 6, 7, 8, 9, 10, 11, 11, 9, 6],
  market: [6, 6, 5, 5, 4, 4, 4, 5, 5, 6, 6, 7, 7, 7, 7, 7, 7, 7, 8, 8, 8, 8, 7, 7],
  report: [0, 0, 0, 0, 0, 0, 1, 4, 9, 12, 12, 10, 7, 9, 11, 10, 8, 4, 1, 0, 0, 0, 0, 0],
  note: [0, 0, 0, 0, 0, 0, 0, 2, 8, 10, 10, 8, 4, 8, 10, 9, 7, 3, 0, 0, 0, 0, 0, 0],
};
const WEEKDAYS: Readonly<Record<DemoSource['style'], readonly number[]>> = {
  chat: [1.2, 0.8, 0.8, 0.9, 1, 1.4, 1.5],
  forum: [1.2, 1, 1, 1, 1, 0.9, 1.1],
  market: [1, 1, 1, 1.1, 1.2, 1, 0.9],
  report: [0.1, 1.2, 1.2, 1.2, 1.1, 1, 0.1],
  note: [0.05, 1.2, 1.2, 1.2, 1.2, 1, 0.05],
};

function moment(random: Random, style: DemoSource['style'], now: Date): Date {
  const midnight = Math.floor(now.getTime() / DAY_MS) * DAY_MS;
  const days = Array.from({ length: DEMO_DAYS }, (_, ago) => {
    const at = midnight - ago * DAY_MS;
    // A little more each week.
    const trend = 1 + (DEMO_DAYS - ago) / (2 * DEMO_DAYS);
    return [at, (WEEKDAYS[style][new Date(at).getUTCDay()] ?? 1) * trend] as const;
  });
  const hours = HOURS[style].map((weight, hour) => [hour, weight] as const);
  for (;;) {
    const day = random.weighted(days);
    const at = day + random.weighted(hours) * HOUR_MS + random.int(0, 3_599) * 1_000;
    if (at < now.getTime() - 10 * MINUTE_MS) return new Date(at);
  }
}

const MAX_DELAY = { chat: 8, forum: 90, market: 360, report: 20, note: 1 } as const;

function tlpOf(random: Random, style: DemoSource['style']): DemoContent['tlp'] {
  if (style === 'note') return random.pick(['AMBER', 'AMBER_STRICT', 'RED']);
  if (style === 'report') return random.pick(['CLEAR', 'CLEAR', 'GREEN', 'GREEN', 'AMBER']);
  return random.chance(0.93) ? 'GREEN' : 'AMBER';
}

function metaDataOf(random: Random, style: DemoSource['style']): Record<string, unknown> {
  if (style === 'chat') return { views: random.int(3, 400), replies: random.int(0, 12) };
  if (style === 'forum') return { section: random.pick(['general', 'trading', 'tech']), replies: random.int(0, 60) };
  if (style === 'market') return { sales: random.int(0, 300), rating: random.int(30, 50) / 10 };
  return { reports: random.int(1, 40) };
}

interface Cast {
  random: Random;
  now: Date;
  accounts: ReadonlyMap<string, readonly DemoAccount[]>;
}

function makeContent({ random, now, accounts }: Cast, source: DemoSource, number: number): DemoContent {
  const { style, externalRef } = source;
  const language = random.weighted(source.languages);
  const tier = random.weighted(TIERS.map((name, index) => [name, source.tiers[index] ?? 0] as const));
  const template = random.pick(textsOf(style, language)[tier]);
  const crew = crewFor(template, source, random);
  const [title, text] = fill(template, random, language, crew).split(' | ') as [string, string | undefined];
  const here = accounts.get(externalRef) ?? [];
  const offers = tier === 'high' || tier === 'critical';
  const writers = here.filter((account) => account.crew === (offers ? crew.key : null));
  const author = here.length > 0 ? random.pick(writers.length > 0 ? writers : here) : null;
  // A clock of its own: how often it is asked depends on the time of day, and must not change the next texts.
  const postedAt = moment(new Random(random.int(0, 2 ** 31)), style, now);
  const delay = random.int(1, MAX_DELAY[style]) * MINUTE_MS;
  const externalId = `${source.kind.toLowerCase()}-${number}`;
  const hasPage = style !== 'chat' && style !== 'note';
  return {
    externalId,
    sourceRef: externalRef,
    tier,
    crew: CREW_SLOT.test(template) || author?.crew ? crew.key : null,
    author: author && {
      platformUserId: author.platformUserId,
      username: author.username,
      displayName: author.displayName,
    },
    title: text === undefined ? null : title,
    text: text ?? title,
    language,
    url: hasPage ? `https://${externalRef.replace(/\.example$/, '')}.example/${number}` : null,
    postedAt,
    receivedAt: new Date(Math.min(postedAt.getTime() + delay, now.getTime() - MINUTE_MS)),
    tlp: tlpOf(random, style),
    metaData: metaDataOf(random, style),
    origin: `collector:${source.kind.toLowerCase()}`,
  };
}

/** The demo's contents, in the order in which they came in. */
export function makeContents(cast: Cast, total: number): DemoContent[] {
  const shares = SOURCES.map((source) => [source, source.share] as const);
  const contents = Array.from({ length: total }, (_, index) =>
    makeContent(cast, cast.random.weighted(shares), 10_000 + index),
  );
  return contents.sort(
    (a, b) => a.receivedAt.getTime() - b.receivedAt.getTime() || (a.externalId < b.externalId ? -1 : 1),
  );
}
