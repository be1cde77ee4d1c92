import { type ColumnMap, guessColumns } from '../../data/columns.ts';
import { cutText } from '../../data/storable-text.ts';
import { InvalidInput } from '../../errors.ts';
import type { KeywordInput } from './keyword.service.ts';
import { MATCH_TYPES, type MatchType, validateTerm } from './matching/dictionary.ts';
import { normaliseTerm } from './matching/normalise.ts';
import { KEYWORD_CATEGORIES } from './values.ts';

/** Fields of a keyword and the column names that are taken for them, best first. */
export const KEYWORD_COLUMNS = {
  term: ['term', 'keyword', 'slang', 'synonym', 'alias', 'word', 'name'],
  concept: ['conceptId', 'concept', 'substance'],
  category: ['category', 'class'],
  weight: ['weight', 'score'],
  matchType: ['matchType', 'match'],
  language: ['language', 'lang'],
  aliases: ['aliases', 'synonyms'],
} as const;
export type KeywordColumn = keyof typeof KEYWORD_COLUMNS;

export interface KeywordDefaults {
  category: KeywordInput['category'];
  weight: number;
}

/** Guesses which columns hold what. Throws InvalidInput when there is none for the term. */
export function keywordColumns(
  record: Readonly<Record<string, unknown>>,
  given: ColumnMap<KeywordColumn>,
): ColumnMap<KeywordColumn> {
  const map = guessColumns(KEYWORD_COLUMNS, Object.keys(record), given);
  if (map.term === undefined) {
    throw new InvalidInput(
      `no term: the row has ${Object.keys(record).join(', ')}. If one of them is the term: --map term=<column>`,
    );
  }
  return map;
}

/**
 * The keywords of a row: its term, and one for each alias, which share its concept. A category that is none of ours is
 * taken for the concept, where no column gives that, and the default stands in. Throws InvalidInput naming the column.
 */
export function toKeywords(
  record: Readonly<Record<string, unknown>>,
  map: ColumnMap<KeywordColumn>,
  defaults: KeywordDefaults,
): KeywordInput[] {
  const field = (name: KeywordColumn): string | null => {
    const value = map[name] === undefined ? undefined : record[map[name]];
    if (value === undefined || value === null || value === '') return null;
    if (typeof value === 'object')
      throw new InvalidInput('is a list or an object where a text is expected', [map[name] ?? name]);
    return String(value).trim();
  };
  const term = field('term');
  if (term === null || term === '') throw new InvalidInput('is empty', [map.term ?? 'term']);
  const category = field('category');
  const known = KEYWORD_CATEGORIES.find((name) => name === category?.toUpperCase());
  const weight = field('weight');
  if (weight !== null && !(Number(weight) >= 0 && Number(weight) <= 1))
    throw new InvalidInput(`${JSON.stringify(weight)} is not a number from 0 to 1`, [map.weight ?? 'weight']);
  const conceptId = cutText((field('concept') ?? (known ? null : category) ?? term).toLowerCase(), 200);
  const given = field('matchType')?.toUpperCase();
  const type = MATCH_TYPES.find((name) => name === given);
  if (given && !type)
    throw new InvalidInput(`${JSON.stringify(given)} is none of ${MATCH_TYPES.join(', ')}`, [
      map.matchType ?? 'matchType',
    ]);
  const base = {
    category: known ?? defaults.category,
    weight: weight === null ? defaults.weight : Number(weight),
    language: field('language')?.toLowerCase() ?? null,
    conceptId,
  };
  return [term, ...aliasesOf(record, map)]
    .map((one) => ({ ...base, term: one, matchType: type ?? typeOf(one) }))
    .map((keyword, i) => checked(keyword, i === 0 ? (map.term ?? 'term') : (map.aliases ?? 'aliases')));
}

function aliasesOf(record: Readonly<Record<string, unknown>>, map: ColumnMap<KeywordColumn>): string[] {
  const value = map.aliases === undefined ? undefined : record[map.aliases];
  if (value === undefined || value === null || value === '') return [];
  const list: unknown[] = Array.isArray(value) ? value : String(value).split(/[;|]/);
  return [...new Set(list.map((one) => String(one).trim()).filter((one) => one !== ''))];
}

/** An emoji is matched as one; everything else word by word. */
function typeOf(term: string): MatchType {
  return validateTerm(term, 'EMOJI') === null && !/[\p{L}\p{N}]/u.test(term) ? 'EMOJI' : 'LITERAL';
}

function checked(keyword: KeywordInput, column: string): KeywordInput {
  const problem = validateTerm(keyword.term, keyword.matchType);
  if (problem) throw new InvalidInput(problem, [column]);
  // "a" as a slang word stands in every English text: alone it says nothing.
  if (keyword.matchType === 'LITERAL' && /^[\p{Script=Latin}\p{N}]$/u.test(normaliseTerm(keyword.term))) {
    throw new InvalidInput(`${JSON.stringify(keyword.term)} is a single letter or digit, which stands in every text`, [
      column,
    ]);
  }
  return keyword;
}
