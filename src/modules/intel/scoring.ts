/** Risk of a content from its detections (Argus's own formula, version 1). Pure: no clock, no input but the hits. */

export const RISK_LEVELS = ['NONE', 'LOW', 'MEDIUM', 'HIGH', 'CRITICAL'] as const;
export type RiskLevel = (typeof RISK_LEVELS)[number];

/** Reliability of a source, A best (the Admiralty scale). */
export const RELIABILITIES = ['A', 'B', 'C', 'D', 'E', 'F'] as const;
export type Reliability = (typeof RELIABILITIES)[number];

export const SCORING_VERSION = 1;

export interface ScoringHit {
  readonly detectionId?: string;
  readonly keywordId: string;
  /** Synonyms share a concept, which counts once. */
  readonly conceptId: string;
  readonly term: string;
  /** 0 to 1. */
  readonly weight: number;
  readonly status: 'NEW' | 'CONFIRMED' | 'DISMISSED';
  readonly excluded?: boolean;
}

export interface RiskPart {
  readonly detectionId?: string;
  readonly conceptId: string;
  readonly keywordId: string;
  readonly term: string;
  readonly weight: number;
  /** Share of the score, 0 when not counted; the shares add up to the score at four decimals. */
  readonly contribution: number;
  readonly counted: boolean;
  /** Why it was not counted. */
  readonly reason: string | null;
}

export interface Risk {
  /** 0 to 1, four decimals. */
  readonly score: number;
  readonly level: RiskLevel;
  readonly version: 1;
  readonly breakdown: { readonly sourceFactor: number; readonly parts: readonly RiskPart[] };
}

const DECIMALS = 10_000;
const FACTORS: Readonly<Record<Reliability, number>> = { A: 1, B: 0.9, C: 0.8, D: 0.7, E: 0.6, F: 0.5 };

/** How much a hit counts for a source: linear from A 1.0 to F 0.5. @throws RangeError for another letter. */
export function sourceFactor(reliability: Reliability): number {
  const factor = Object.hasOwn(FACTORS, reliability) ? FACTORS[reliability] : undefined;
  if (factor === undefined) throw new RangeError(`reliability must be one of A to F, not ${String(reliability)}`);
  return factor;
}

/** The level of a score: CRITICAL above 0.8, HIGH from 0.6, MEDIUM from 0.3, LOW above 0. @throws RangeError */
export function levelOf(score: number): RiskLevel {
  if (!(score >= 0 && score <= 1)) throw new RangeError(`score must be from 0 to 1, not ${score}`);
  if (score > 0.8) return 'CRITICAL';
  if (score >= 0.6) return 'HIGH';
  if (score >= 0.3) return 'MEDIUM';
  return score > 0 ? 'LOW' : 'NONE';
}

function checkWeight({ keywordId, weight }: ScoringHit): void {
  if (!(weight >= 0 && weight <= 1)) {
    throw new RangeError(`weight of keyword ${keywordId} must be from 0 to 1, not ${weight}`);
  }
}

/** Highest weight first; equal weights in an order that does not depend on how the hits came. */
function byWeight(a: ScoringHit, b: ScoringHit): number {
  return b.weight - a.weight || compare(a.conceptId, b.conceptId) || compareHits(a, b);
}

function compareHits(a: ScoringHit, b: ScoringHit): number {
  return (
    compare(a.keywordId, b.keywordId) ||
    compare(a.detectionId ?? '', b.detectionId ?? '') ||
    compare(a.term, b.term) ||
    compare(a.status, b.status) ||
    Number(a.excluded ?? false) - Number(b.excluded ?? false)
  );
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function partOf(hit: ScoringHit, contribution: number, reason: string | null): RiskPart {
  const { detectionId, conceptId, keywordId, term, weight } = hit;
  const id = detectionId === undefined ? {} : { detectionId };
  return { ...id, conceptId, keywordId, term, weight, contribution, counted: reason === null, reason };
}

/** Shares of the counted hits, in whole steps of 0.0001 but for the last: the float sum, in order, is the score. */
function sharesOf(weights: readonly number[], factor: number): { shares: number[]; score: number } {
  let remaining = 1;
  let given = 0;
  const steps = weights.map((weight) => {
    remaining *= 1 - weight * factor;
    const before = given;
    given = Math.round((1 - remaining) * DECIMALS);
    return given - before;
  });
  const score = given / DECIMALS;
  const shares = steps.map((step) => step / DECIMALS);
  const last = steps.findLastIndex((step) => step > 0);
  if (last >= 0) shares[last] = score - shares.slice(0, last).reduce((sum, share) => sum + share, 0);
  return { shares, score };
}

/**
 * Risk of one content: `1 - product over distinct concepts(1 - weight * sourceFactor)`, with the highest weight of a
 * concept; dismissed and excluded hits do not count. Contributions are given in order of weight, each takes its part
 * of what the ones before left, and the last one takes the rounding. The level is that of the rounded score.
 *
 * @throws RangeError for a weight outside 0..1 or an unknown reliability.
 */
export function riskOf(input: { reliability: Reliability; hits: readonly ScoringHit[] }): Risk {
  const factor = sourceFactor(input.reliability);
  input.hits.forEach(checkWeight);
  const counted = new Map<string, ScoringHit>();
  const left: RiskPart[] = [];
  for (const hit of input.hits.toSorted(byWeight)) {
    const best = counted.get(hit.conceptId);
    if (hit.status === 'DISMISSED') left.push(partOf(hit, 0, 'dismissed'));
    else if (hit.excluded === true) left.push(partOf(hit, 0, 'excluded'));
    else if (best !== undefined) left.push(partOf(hit, 0, `same concept as ${best.term}`));
    else counted.set(hit.conceptId, hit);
  }
  const hits = [...counted.values()];
  const { shares, score } = sharesOf(
    hits.map((hit) => hit.weight),
    factor,
  );
  const parts = hits.map((hit, index) => partOf(hit, shares[index] ?? 0, null));
  return {
    score,
    level: levelOf(score),
    version: SCORING_VERSION,
    breakdown: { sourceFactor: factor, parts: [...parts, ...left] },
  };
}
