import { createHash } from 'node:crypto';
import { storableText } from '../../data/storable-text.ts';
import { InvalidInput } from '../../errors.ts';
import { normaliseForMatching } from './matching/normalise.ts';
import type { AuthorInput } from './platform-user.service.ts';
import type { Tlp } from './values.ts';

export const MAX_TEXT = 1_000_000;
export const MAX_TITLE = 500;
export const MAX_BATCH = 500;
/** Longest values of the other fields, as the database has them too. */
const MAX_LENGTHS = { externalId: 500, url: 4_000, origin: 500 } as const;
const MAX_NAME = 200;
const LANGUAGE = /^([a-z]{2}|und)$/;

/** One content as it comes in. */
export interface IngestItem {
  sourceId: string;
  externalId?: string | null;
  author?: AuthorInput | null;
  title?: string | null;
  text: string;
  language?: string | null;
  url?: string | null;
  postedAt?: Date | null;
  /** when it was taken in, if not now: for what was collected before Argus held it */
  receivedAt?: Date | null;
  tlp?: Tlp | null;
  metaData?: Record<string, unknown> | null;
  /** what reported it: each origin counts once as a sighting */
  origin: string;
}

/** An item that was checked and can be stored. */
export interface Prepared {
  item: IngestItem;
  /** source and what tells the content within it */
  key: string;
  textHash: string;
}

/** Checks an item; `path` is where it stands in the input. */
export function prepare(given: IngestItem, path: readonly string[]): Prepared {
  check(given, path);
  const item = storable(given);
  const hash = (text: string) => createHash('sha256').update(text).digest('hex');
  const own = item.externalId
    ? `x:${item.externalId}`
    : `h:${hash(normaliseForMatching(item.text).text)}:${item.postedAt?.toISOString() ?? ''}`;
  return { item, key: `${item.sourceId}/${own}`, textHash: hash(`${item.title ?? ''}\n${item.text}`) };
}

function check(item: IngestItem, path: readonly string[]): void {
  const refuse = (field: string[], message: string) => {
    throw new InvalidInput(message, [...path, ...field]);
  };
  if (item.text.trim() === '') refuse(['text'], 'the text is empty');
  if (item.text.length > MAX_TEXT) refuse(['text'], `the text has ${item.text.length} characters: ${MAX_TEXT} at most`);
  if ((item.title?.length ?? 0) > MAX_TITLE) refuse(['title'], `the title is longer than ${MAX_TITLE} characters`);
  for (const field of ['externalId', 'url', 'origin'] as const) {
    if ((item[field]?.length ?? 0) > MAX_LENGTHS[field])
      refuse([field], `${item[field]?.length} characters: ${MAX_LENGTHS[field]} at most`);
  }
  if (item.origin === '') refuse(['origin'], `an origin has 1 to ${MAX_LENGTHS.origin} characters`);
  if (item.language && !LANGUAGE.test(item.language))
    refuse(['language'], `${JSON.stringify(item.language.slice(0, 60))} is not a language code like en`);
  for (const field of ['platformUserId', 'username', 'displayName'] as const) {
    const value = item.author?.[field];
    if (typeof value !== 'string' || (value === '' && field === 'displayName')) continue;
    if (value === '' || value.length > MAX_NAME) refuse(['author', field], `1 to ${MAX_NAME} characters, please`);
  }
}

/** PostgreSQL holds neither U+0000 nor lone surrogates, which collected text can have anywhere. */
function storable(item: IngestItem): IngestItem {
  const { author, metaData } = item;
  const optional = (text: string | null | undefined) => (text ? storableText(text) : null);
  return {
    ...item,
    text: storableText(item.text),
    title: optional(item.title),
    externalId: optional(item.externalId),
    url: optional(item.url),
    origin: storableText(item.origin),
    language: item.language || null,
    author: author && {
      platformUserId: storableText(author.platformUserId),
      username: storableText(author.username),
      displayName: optional(author.displayName),
    },
    metaData: metaData && (cleanJson(metaData) as Record<string, unknown>),
  };
}

function cleanJson(value: unknown): unknown {
  if (typeof value === 'string') return storableText(value);
  if (Array.isArray(value)) return value.map(cleanJson);
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [storableText(name), cleanJson(field)]));
}

const UUID_LENGTH = 36;

/** What tells a content within its source. */
export function dedupeKeyOf(key: string): string {
  return key.slice(UUID_LENGTH + 1);
}
