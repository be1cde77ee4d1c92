import type { Keyword, Prisma } from '../../../generated/prisma/client.ts';
import { cutText } from '../../data/storable-text.ts';
import type { WriteTx } from '../../data/write.ts';
import { Conflict, InvalidInput } from '../../errors.ts';
import { newId } from '../../graphql/ids.ts';
import { nextDictionaryVersion } from './dictionary.service.ts';
import { keywordGlobalId } from './global-ids.ts';
import { MAX_GAP, type MatchType, termKey, validateTerm } from './matching/dictionary.ts';
import { givingWay } from './matching/give-way.ts';
import type { KEYWORD_CATEGORIES } from './values.ts';

export const MAX_KEYWORD_BATCH = 500;
/** Active regular expressions of a dictionary: each is searched by itself, in every text. */
export const MAX_REGEXES = 200;

export interface KeywordInput {
  term: string;
  matchType: MatchType;
  category: (typeof KEYWORD_CATEGORIES)[number];
  /** 0..1 */
  weight: number;
  language?: string | null;
  /** synonyms share it; the normalised term when left out */
  conceptId?: string | null;
  gap?: number | null;
}

export interface KeywordChange {
  id: string;
  expectedVersion?: number | null;
  category?: KeywordInput['category'] | null;
  weight?: number | null;
  conceptId?: string | null;
  gap?: number | null;
  isActive?: boolean | null;
}

const LANGUAGE = /^([a-z]{2}|und)$/;
const MAX_CONCEPT = 200;
const MAX_NORMALISED = 600;

function checkKeyword(input: KeywordInput, path: readonly string[]): { normalisedTerm: string; language: string } {
  const problem = validateTerm(input.term, input.matchType);
  if (problem) throw new InvalidInput(problem, [...path, 'term']);
  if (input.term.includes('\0')) throw new InvalidInput('text cannot hold the character U+0000', [...path, 'term']);
  checkWeight(input.weight, path);
  checkGap(input.gap ?? 0, path);
  checkConcept(input.conceptId, path);
  const language = input.language ?? 'und';
  if (!LANGUAGE.test(language))
    throw new InvalidInput(`${JSON.stringify(language)} is not a language code like en`, [...path, 'language']);
  const normalisedTerm = termKey(input.term, input.matchType);
  if (normalisedTerm.length > MAX_NORMALISED)
    throw new InvalidInput(`term longer than ${MAX_NORMALISED} characters after normalisation`, [...path, 'term']);
  // An emoji is all that normalisation takes away: it is its own key.
  return { normalisedTerm: normalisedTerm === '' ? input.term : normalisedTerm, language };
}

function checkWeight(weight: number, path: readonly string[]): void {
  if (!(weight >= 0 && weight <= 1))
    throw new InvalidInput(`${weight} is out of range: a weight is from 0 to 1`, [...path, 'weight']);
}

function checkGap(gap: number, path: readonly string[]): void {
  if (!(gap >= 0 && gap <= MAX_GAP))
    throw new InvalidInput(`${gap} is out of range: a gap is from 0 to ${MAX_GAP}`, [...path, 'gap']);
}

function checkConcept(conceptId: string | null | undefined, path: readonly string[]): void {
  if (typeof conceptId !== 'string') return;
  if (conceptId.trim() === '' || conceptId.length > MAX_CONCEPT || conceptId.includes('\0'))
    throw new InvalidInput(`a concept has 1 to ${MAX_CONCEPT} characters`, [...path, 'conceptId']);
}

/**
 * Creates keywords; those that exist already (language, normalised term and match type) are left as they are. Gives one
 * entry for each input, in order. Older content is matched by the sweep, not here.
 *
 * @param pathOf where an input stands in what the caller gave, for error messages
 */
export async function createKeywords(
  tx: WriteTx,
  inputs: readonly KeywordInput[],
  pathOf: (index: number) => readonly string[] = (index) => ['items', String(index)],
): Promise<{ id: string; created: boolean }[]> {
  if (inputs.length > MAX_KEYWORD_BATCH)
    throw new InvalidInput(`${inputs.length} keywords: at most ${MAX_KEYWORD_BATCH}`, ['items']);
  const excess = inputs.flatMap(({ matchType }, i) => (matchType === 'REGEX' ? [i] : []))[MAX_REGEXES];
  if (excess !== undefined) throw tooManyRegexes(await countRegexes(tx), pathOf(excess));
  const keyed = await givingWay(checkEach(inputs, pathOf));
  const ids = await idsByKey(tx, keyed);
  const fresh = new Map(
    keyed
      .filter((k) => !ids.has(keyOf(k, k.input.matchType)))
      .map((k) => [keyOf(k, k.input.matchType), { ...k, id: newId() }]),
  );
  const made = new Set<string>();
  if (fresh.size > 0) {
    const dictionaryVersion = await nextDictionaryVersion(tx);
    await checkRegexes(tx, keyed, fresh, pathOf);
    const rows = await tx.db.keyword.createManyAndReturn({
      data: [...fresh.values()].map((k) => keywordRow(tx, k, dictionaryVersion)),
      skipDuplicates: true,
      select: { id: true },
    });
    for (const { id } of rows) made.add(id);
    for (const k of fresh.values()) if (made.has(k.id)) emitKeyword(tx, 'KEYWORD_CREATED', k.id, 1, k.input);
    // What another transaction created in between is there already.
    for (const [key, k] of fresh) ids.set(key, k.id);
    if (made.size < fresh.size) for (const [key, id] of await idsByKey(tx, [...fresh.values()])) ids.set(key, id);
    if (made.size > 0) tx.audit({ action: 'keyword.create', resource: 'Keyword', metadata: { created: made.size } });
  }
  const seen = new Set<string>();
  return keyed.map((k) => {
    const id = ids.get(keyOf(k, k.input.matchType)) ?? '';
    const created = made.has(id) && !seen.has(id);
    seen.add(id);
    return { id, created };
  });
}

interface Keyed {
  input: KeywordInput;
  normalisedTerm: string;
  language: string;
}

function* checkEach(
  inputs: readonly KeywordInput[],
  pathOf: (index: number) => readonly string[],
): Generator<void, Keyed[]> {
  const keyed: Keyed[] = [];
  for (const [i, input] of inputs.entries()) {
    keyed.push({ input, ...checkKeyword(input, pathOf(i)) });
    yield;
  }
  return keyed;
}

/** The dictionary is locked: nobody else adds any meanwhile. */
async function checkRegexes(
  tx: WriteTx,
  keyed: readonly Keyed[],
  fresh: ReadonlyMap<string, unknown>,
  pathOf: (index: number) => readonly string[],
): Promise<void> {
  const added = new Map<string, number>();
  for (const [i, one] of keyed.entries()) {
    const key = keyOf(one, one.input.matchType);
    if (one.input.matchType === 'REGEX' && fresh.has(key) && !added.has(key)) added.set(key, i);
  }
  if (added.size === 0) return;
  const count = await countRegexes(tx);
  const excess = [...added.values()][Math.max(0, MAX_REGEXES - count)];
  if (excess !== undefined) throw tooManyRegexes(count, pathOf(excess));
}

function countRegexes(tx: WriteTx): Promise<number> {
  return tx.db.keyword.count({ where: { tenantId: tx.tenantId, matchType: 'REGEX', isActive: true } });
}

function tooManyRegexes(count: number, path: readonly string[]): InvalidInput {
  const message = `a dictionary has ${MAX_REGEXES} active regular expressions at most (there are ${count}): switch one off, or use WILDCARD, PHRASE or LITERAL`;
  return new InvalidInput(message, [...path, 'matchType']);
}

/** What a keyword is unique by, as one text. */
function keyOf(k: { language: string; normalisedTerm: string }, matchType: string): string {
  return `${k.language}\0${k.normalisedTerm}\0${matchType}`;
}

async function idsByKey(tx: WriteTx, wanted: readonly { normalisedTerm: string }[]): Promise<Map<string, string>> {
  const rows = await tx.db.keyword.findMany({
    where: { tenantId: tx.tenantId, normalisedTerm: { in: wanted.map((k) => k.normalisedTerm) } },
    select: { id: true, language: true, normalisedTerm: true, matchType: true },
  });
  return new Map(rows.map((row) => [keyOf(row, row.matchType), row.id]));
}

function keywordRow(
  tx: WriteTx,
  k: { input: KeywordInput; normalisedTerm: string; language: string; id: string },
  dictionaryVersion: number,
): Prisma.KeywordCreateManyInput {
  return {
    tenantId: tx.tenantId,
    id: k.id,
    term: k.input.term.trim(),
    normalisedTerm: k.normalisedTerm,
    language: k.language,
    category: k.input.category,
    conceptId: k.input.conceptId ?? cutText(k.normalisedTerm, MAX_CONCEPT),
    weight: k.input.weight,
    matchType: k.input.matchType,
    gap: k.input.gap ?? 0,
    dictionaryVersion,
    createdAt: tx.now,
    updatedAt: tx.now,
  };
}

function emitKeyword(
  tx: WriteTx,
  type: string,
  id: string,
  version: number,
  keyword: { term: string; category: string; weight: number },
): void {
  const { term, category, weight } = keyword;
  tx.emit({
    type,
    aggregateType: 'Keyword',
    aggregateId: id,
    aggregateVersion: version,
    payload: { id: keywordGlobalId(id), term, category, weight },
  });
}

/** Creates one keyword; Conflict when there is one with the same language, normalised term and match type. */
export async function createKeyword(tx: WriteTx, input: KeywordInput): Promise<Keyword> {
  const [made] = await createKeywords(tx, [input], () => []);
  if (!made?.created) throw new Conflict('there is a keyword with this term, language and match type', ['term']);
  return tx.db.keyword.findUniqueOrThrow({ where: { tenantId_id: { tenantId: tx.tenantId, id: made.id } } });
}

async function checkSwitchOn(tx: WriteTx, id: string): Promise<void> {
  const where = { tenantId_id: { tenantId: tx.tenantId, id } };
  const before = await tx.db.keyword.findUniqueOrThrow({ where, select: { matchType: true, isActive: true } });
  if (before.isActive || before.matchType !== 'REGEX') return;
  const count = await countRegexes(tx);
  if (count >= MAX_REGEXES) throw new InvalidInput(tooManyRegexes(count, []).message, ['isActive']);
}

/** Changes a keyword. A new weight, concept or activity is carried into the scores of older content by the sweep. */
export async function updateKeyword(tx: WriteTx, change: KeywordChange): Promise<Keyword> {
  if (change.weight !== undefined && change.weight !== null) checkWeight(change.weight, []);
  if (change.gap !== undefined && change.gap !== null) checkGap(change.gap, []);
  checkConcept(change.conceptId, []);
  const dictionaryVersion = await nextDictionaryVersion(tx);
  const version = (await tx.lock('Keyword', change.id, change.expectedVersion)) + 1;
  if (change.isActive) await checkSwitchOn(tx, change.id);
  const row = await tx.db.keyword.update({
    where: { tenantId_id: { tenantId: tx.tenantId, id: change.id } },
    data: {
      category: change.category ?? undefined,
      weight: change.weight ?? undefined,
      conceptId: change.conceptId ?? undefined,
      gap: change.gap ?? undefined,
      isActive: change.isActive ?? undefined,
      dictionaryVersion,
      version,
    },
  });
  emitKeyword(tx, 'KEYWORD_UPDATED', row.id, version, row);
  tx.audit({ action: 'keyword.update', resource: 'Keyword', resourceId: row.id });
  return row;
}
