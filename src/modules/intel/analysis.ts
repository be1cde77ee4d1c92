import { enumValue } from '../../data/enum-value.ts';
import { extractSteps } from './identifiers/extract.ts';
import type { IdentifierType } from './identifiers/types.ts';
import type { CompiledKeywords } from './matcher-cache.ts';
import type { Span } from './matching/dictionary.ts';
import { RELIABILITIES, type Risk, riskOf, type ScoringHit, sourceFactor } from './scoring.ts';

/** Where a match stands, in UTF-16 units of that field as it was given. */
export interface FieldSpan extends Span {
  field: 'TITLE' | 'TEXT';
}

export interface FoundKeyword {
  keywordId: string;
  keywordVersion: number;
  spans: FieldSpan[];
  matchCount: number;
  snippet: string;
  /** weight times the source's factor */
  score: number;
}

export interface FoundIdentifier {
  type: IdentifierType;
  value: string;
  raw: string;
  spans: FieldSpan[];
}

interface Text {
  title: string | null;
  text: string;
}

const MAX_SPANS = 100;
const SNIPPET_BEFORE = 40;
const SNIPPET_AFTER = 80;
/** A pattern can match a whole text: only so much of the match is shown. */
const MAX_SNIPPET = 400;

/** The dictionary's keywords in a title and a text, step by step. */
export function* findKeywords(
  content: Text,
  reliability: string,
  { matcher, keywords }: CompiledKeywords,
): Generator<void, FoundKeyword[]> {
  const factor = sourceFactor(enumValue(RELIABILITIES, reliability));
  const found = new Map<string, FoundKeyword>();
  for (const [field, text] of fieldsOf(content)) {
    const { matches } = yield* matcher.steps(text);
    for (const match of matches) {
      const spans = match.spans.map(({ start, end }) => ({ field, start, end }));
      const known = found.get(match.keywordId);
      if (known) {
        known.matchCount += match.matchCount;
        known.spans = [...known.spans, ...spans].slice(0, MAX_SPANS);
        continue;
      }
      const weight = keywords.get(match.keywordId)?.weight ?? 0;
      found.set(match.keywordId, {
        keywordId: match.keywordId,
        keywordVersion: match.version,
        spans,
        matchCount: match.matchCount,
        snippet: snippetOf(text, spans[0]),
        score: Math.round(weight * factor * 10_000) / 10_000,
      });
    }
  }
  return [...found.values()];
}

/** Characters times regular expressions that matching takes some 50 ms for, and characters alone. */
const LONG_WORK = { regexes: 1_000_000, alone: 100_000 };

/** Whether matching texts of so many characters in all takes long for a transaction to wait for it. */
export function isLongWork(characters: number, { matcher }: CompiledKeywords): boolean {
  return characters > LONG_WORK.alone || characters * matcher.regexCount > LONG_WORK.regexes;
}

/** Identifiers in a title and a text, each once with all its places. `country`: ISO 3166 hint for phone numbers. */
export function* findIdentifiers(content: Text, country: string | null): Generator<void, FoundIdentifier[]> {
  const found = new Map<string, FoundIdentifier>();
  for (const [field, text] of fieldsOf(content)) {
    for (const { type, normalised, raw, start, end } of yield* extractSteps(text, country ? { country } : {})) {
      const key = `${type}:${normalised}`;
      const known = found.get(key);
      if (!known) found.set(key, { type, value: normalised, raw, spans: [{ field, start, end }] });
      else if (known.spans.length < MAX_SPANS) known.spans.push({ field, start, end });
    }
  }
  return [...found.values()];
}

function fieldsOf({ title, text }: Text): [FieldSpan['field'], string][] {
  return title
    ? [
        ['TITLE', title],
        ['TEXT', text],
      ]
    : [['TEXT', text]];
}

/** A stretch of the text around a span, cut between characters, never inside a surrogate pair. */
export function snippetOf(text: string, span: Span | undefined): string {
  if (!span) return '';
  let from = Math.max(0, span.start - SNIPPET_BEFORE);
  let to = Math.min(text.length, Math.min(span.end, span.start + MAX_SNIPPET) + SNIPPET_AFTER);
  if (isLowSurrogate(text, from)) from--;
  if (isLowSurrogate(text, to)) to++;
  // Hostile text can hold what PostgreSQL cannot: lone surrogates become U+FFFD.
  return `${from > 0 ? '…' : ''}${text.slice(from, to).toWellFormed()}${to < text.length ? '…' : ''}`;
}

function isLowSurrogate(text: string, index: number): boolean {
  const unit = text.charCodeAt(index);
  return unit >= 0xdc00 && unit <= 0xdfff;
}

/** A content's risk, and what of it is stored. */
export function scoreContent(
  reliability: string,
  hits: readonly ScoringHit[],
): { risk: Risk; analysisData: object; keywords: string[] } {
  const risk = riskOf({ reliability: enumValue(RELIABILITIES, reliability), hits });
  const counted = risk.breakdown.parts.filter((part) => part.counted);
  return {
    risk,
    analysisData: {
      risk_score: risk.score,
      version: risk.version,
      ...risk.breakdown,
      parts: risk.breakdown.parts.slice(0, MAX_SPANS),
    },
    keywords: [...new Set(counted.map((part) => part.term))].slice(0, MAX_SPANS),
  };
}
