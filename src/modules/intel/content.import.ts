import { type ColumnMap, guessColumns } from '../../data/columns.ts';
import { cutText } from '../../data/storable-text.ts';
import { InvalidInput } from '../../errors.ts';
import type { IngestItem } from './content.ingest.ts';
import { MAX_TEXT, MAX_TITLE } from './content.prepare.ts';

/** Fields of a content and the column names that are taken for them, best first. */
export const CONTENT_COLUMNS = {
  externalId: ['id', 'externalId', 'guid', 'messageId', 'postId'],
  source: ['source', 'channel', 'forum', 'feed', 'site'],
  title: ['title', 'subject', 'headline', 'name'],
  text: ['text', 'body', 'content', 'message', 'description'],
  language: ['language', 'lang'],
  url: ['url', 'link', 'permalink'],
  postedAt: ['postedAt', 'published', 'publishedAt', 'date', 'timestamp', 'createdAt'],
  authorId: ['authorId', 'userId', 'senderId'],
  author: ['author', 'username', 'user', 'sender'],
} as const;
export type ContentColumn = keyof typeof CONTENT_COLUMNS;

/** A content that a file's row gives, its source still by name. */
export interface ContentRecord extends Omit<IngestItem, 'sourceId'> {
  source: string | null;
  /** columns whose value is neither a date nor a language as wanted: they stand in metaData */
  unread: string[];
}

/** Guesses which columns hold what. Throws InvalidInput when there is none for the text. */
export function contentColumns(
  record: Readonly<Record<string, unknown>>,
  given: ColumnMap<ContentColumn>,
): ColumnMap<ContentColumn> {
  const map = guessColumns(CONTENT_COLUMNS, Object.keys(record), given);
  if (map.text === undefined) {
    throw new InvalidInput(
      `no text: the row has ${Object.keys(record).join(', ')}. If one of them is the text: --map text=<column>`,
    );
  }
  return map;
}

const MAX_EXTERNAL_ID = 500;

/**
 * A row as a content; columns without a field go to metaData, so that nothing is lost. A date that is not ISO 8601
 * stays there too. Throws InvalidInput naming the column.
 */
export function toContent(
  record: Readonly<Record<string, unknown>>,
  map: ColumnMap<ContentColumn>,
  origin: string,
): ContentRecord {
  const field = (name: ContentColumn): string | null => {
    const column = map[name];
    return column === undefined ? null : textOf(record[column], column);
  };
  const text = field('text');
  if (text === null) throw new InvalidInput('is empty', [map.text ?? 'text']);
  if (text.length > MAX_TEXT)
    throw new InvalidInput(`has ${text.length} characters: ${MAX_TEXT} at most`, [map.text ?? 'text']);
  const title = field('title');
  if (title && title.length > MAX_TITLE)
    throw new InvalidInput(`has ${title.length} characters: ${MAX_TITLE} at most`, [map.title ?? 'title']);
  const externalId = field('externalId');
  if (externalId && externalId.length > MAX_EXTERNAL_ID)
    throw new InvalidInput(`is longer than ${MAX_EXTERNAL_ID} characters`, [map.externalId ?? 'id']);
  const given = field('language');
  const language = given && /^[a-z]{2}$/i.test(given) ? given.toLowerCase() : null;
  const posted = field('postedAt');
  const postedAt = posted === null ? null : isoDate(posted);
  const username = field('author');
  const used = new Set(Object.values(map));
  const rest = Object.entries(record).filter(([column, value]) => value !== null && value !== '' && !used.has(column));
  // What was not understood stays to be read, and is told at the end.
  const unread = [
    ...(posted !== null && postedAt === null ? [[map.postedAt ?? 'postedAt', posted] as [string, unknown]] : []),
    ...(given !== null && language === null ? [[map.language ?? 'language', given] as [string, unknown]] : []),
  ];
  return {
    source: field('source'),
    externalId,
    title,
    text,
    language,
    url: field('url'),
    postedAt,
    author: username ? { username: cutText(username, 200), platformUserId: field('authorId') ?? username } : null,
    metaData: Object.fromEntries([...rest, ...unread]),
    unread: unread.map(([column]) => column),
    origin,
  };
}

function textOf(value: unknown, column: string): string | null {
  if (value === null || value === undefined || value === '') return null;
  if (typeof value === 'object') throw new InvalidInput('is a list or an object where a text is expected', [column]);
  return String(value);
}

function isoDate(text: string): Date | null {
  if (!/^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?$/.test(text)) return null;
  const at = new Date(/[T ]/.test(text) && !/(?:Z|[+-]\d{2}:?\d{2})$/.test(text) ? `${text.replace(' ', 'T')}Z` : text);
  return Number.isNaN(at.getTime()) ? null : at;
}
