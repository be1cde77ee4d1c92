import { isIP } from 'node:net';
import { z } from 'zod';
import { parseKeyRing } from './access/encryption.ts';
import { databaseUrlProblem } from './data/connection.ts';

/** Kinds of settings: how each is checked, and the words that tell of it. */

/** Description, default and example, in words for the reader. */
type Words = [description: string, fallback: string, example: string];
/** What error messages may show of the value. */
export type Shown = 'all' | 'url' | 'nothing';

function row<S extends z.ZodType>(words: Words, allowed: string, schema: S, shown: Shown = 'all') {
  const [description, fallback, example] = words;
  return { description, fallback, example, allowed, schema, shown };
}

/** A whole number from `min` to `max`. */
export function wholeNumber<D extends number | null>(min: number, max: number, value: D, words: Words) {
  const allowed = `a whole number from ${min} to ${max}`;
  const inRange = (given: string) => /^\d{1,10}$/.test(given) && Number(given) >= min && Number(given) <= max;
  const schema = z.string().refine(inRange, `is not ${allowed}`).transform(Number).optional();
  return row(
    words,
    allowed,
    schema.transform((given): number | D => given ?? value),
  );
}

/** One of some words. */
export function choice<const C extends readonly [string, ...string[]]>(choices: C, value: C[number], words: Words) {
  const schema = z.enum(choices, 'is not one of the allowed values').optional();
  return row(
    words,
    choices.join(', '),
    schema.transform((given): C[number] => given ?? value),
  );
}

/** A truth value; null when unset. */
export function flag(words: Words) {
  const { schema, ...rest } = text(flagProblem, words, 'true, false');
  return { ...rest, schema: schema.transform((given) => (given === null ? null : given === 'true' || given === '1')) };
}

/** Any text in which `problemOf` finds no problem; null when unset. */
export function text(problemOf: (given: string) => string | null, words: Words, allowed: string, shown: Shown = 'all') {
  const schema = z.string().superRefine((given, context) => {
    const problem = problemOf(given);
    if (problem !== null) context.addIssue({ code: 'custom', message: problem });
  });
  return row(
    words,
    allowed,
    schema.optional().transform((given) => given ?? null),
    shown,
  );
}

/** A database's URL, shown without its password. */
export function databaseUrl(description: string, fallback: string) {
  const words: Words = [description, fallback, 'postgresql://argus_app:…@db.example.org/argus?sslmode=verify-full'];
  return text(databaseUrlProblem, words, 'postgresql://user:password@host:5432/database?sslmode=…', 'url');
}

/** Keys as parseKeyRing takes them; never shown. */
export function encryptionKeys(description: string, fallback: string) {
  const words: Words = [description, fallback, '2025a:<base64 of 32 bytes>'];
  return text(keysProblem, words, '<id>:<base64 of 32 bytes>, several with commas, the current one first', 'nothing');
}

function keysProblem(given: string): string | null {
  try {
    parseKeyRing(given);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** What is wrong with an address of the web. */
export function httpProblem(given: string): string | null {
  return /^https?:$/.test(URL.parse(given)?.protocol ?? '') ? null : 'is not an http:// or https:// URL';
}

/** What is wrong with a list of origins. */
export function originsProblem(given: string): string | null {
  const bad = listOf(given).find((origin) => httpProblem(origin) !== null || URL.parse(origin)?.origin !== origin);
  return bad === undefined ? null : `"${bad}" is not an origin`;
}

/** What is wrong with a list of repositories of tenants. */
export function repositoriesProblem(given: string): string | null {
  const bad = listOf(given).find((one) => !/^[a-z0-9-]+:[\w.-]+\/[\w.-]+$/i.test(one));
  return bad === undefined ? null : `"${bad}" is not tenant:owner/name`;
}

/** What is wrong with a list of networks in CIDR notation. */
export function networksProblem(given: string): string | null {
  const bad = listOf(given).find((one) => {
    const [address = '', bits = '', ...more] = one.split('/');
    const most = isIP(address) === 6 ? 128 : 32;
    return isIP(address) === 0 || !/^\d{1,3}$/.test(bits) || Number(bits) > most || more.length > 0;
  });
  return bad === undefined ? null : `"${bad}" is not a network`;
}

/** The parts between commas. */
export function listOf(given: string): string[] {
  return given
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

/** What is wrong with a truth value. */
export const flagProblem = (given: string) => (/^(true|false|1|0)$/.test(given) ? null : 'is neither true nor false');
/** Any text will do. */
export const noProblem = () => null;
