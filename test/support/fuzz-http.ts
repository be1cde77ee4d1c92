import {
  type GraphQLInputType,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isLeafType,
  isListType,
  isNonNullType,
} from 'graphql';
import { randomOf } from './random.ts';
import { type AnyField, operation, type Root, rootFields, selection, selectionAs, typesOf } from './schema-walk.ts';

/** What became of the requests, and those that must not have been answered as they were. */
export interface Fuzzed {
  byStatus: Record<string, number>;
  answered: number;
  findings: { body: string; status: number; text: string }[];
}

type Random = () => number;

const TEXTS = [
  '',
  'x',
  '\0',
  '\ud800',
  '\u202e',
  "'; DROP TABLE cases; --",
  '%',
  '\\',
  '💥'.repeat(50),
  'a'.repeat(5_000),
  '-P7D',
  '2026-02-30',
  'NaN',
  '{"a":',
  '__proto__',
  '${x',
  '<script>',
];
const NUMBERS = [0, -0, 1, -1, 50, 101, 2 ** 31 - 1, 2 ** 31, -(2 ** 31) - 1, 2 ** 53, 1e308, 0.1, -0.5];
const ODD: unknown[] = [null, true, [], {}, [[]], [null], { a: 1 }, '', 0];
/** These end credentials, or start work that outlives the run. */
const LEFT_OUT = ['signOut', 'revokeApiKey', 'startImport'];
const MAX_DEPTH = 6;

/** What no answer may hold: places in the code, statements, what lies below. */
const INSIDE =
  /node_modules|\.ts:\d|\bat \S+ \(|SELECT [a-z"]|relation "|prisma|duplicate key|violates|syntax error at/i;

function pick<T>(random: Random, from: readonly T[]): T {
  return from[Math.floor(random() * from.length)] as T;
}

/** Sends operations and bodies made at random, valid and not, in turn as somebody and as nobody. */
export async function fuzz(
  url: string,
  { key }: { key: string },
  runs: number,
  seed: number,
  atOnce = 8,
): Promise<Fuzzed> {
  const random = randomOf(seed);
  const fuzzed: Fuzzed = { byStatus: {}, answered: 0, findings: [] };
  let left = runs;
  const one = async () => {
    while (left-- > 0) {
      const body = bodyOf(random);
      const accept = random() < 0.3 ? 'application/graphql-response+json' : 'application/json';
      const headers = {
        'content-type': 'application/json',
        accept,
        ...(random() < 0.8 ? { authorization: `Bearer ${key}` } : {}),
      };
      const response = await fetch(url, { method: 'POST', headers, body });
      const text = await response.text();
      const { status } = response;
      fuzzed.byStatus[status] = (fuzzed.byStatus[status] ?? 0) + 1;
      if (isFinding(status, text, body))
        fuzzed.findings.push({ body: body.slice(0, 2_000), status, text: text.slice(0, 2_000) });
      else if (/^\{"data":\{/.test(text)) fuzzed.answered++;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, one));
  return fuzzed;
}

function isFinding(status: number, text: string, body: string): boolean {
  if (status >= 500 && status !== 503 && status !== 504) return true;
  const { errors } = JSON.parse(text) as { errors?: { message: string; extensions?: { code?: string } }[] };
  const told = JSON.stringify(errors ?? []);
  return errors?.some(({ extensions }) => extensions?.code === 'INTERNAL') || (INSIDE.test(told) && !INSIDE.test(body));
}

function bodyOf(random: Random): string {
  const asked = question(random);
  const whole = JSON.stringify(asked);
  if (random() < 0.6) return whole;
  if (random() < 0.4) return JSON.stringify({ ...asked, query: mangled(random, asked.query) });
  if (random() < 0.4)
    return JSON.stringify({
      ...asked,
      [pick(random, ['variables', 'operationName', 'extensions', 'query', 'documentId', 'more'])]: pick(random, [
        ...ODD,
        ...TEXTS,
      ]),
    });
  return mangled(random, whole);
}

/** A text with pieces left out, doubled or replaced. */
function mangled(random: Random, text: string): string {
  let made = text;
  for (let i = 0; i < 1 + Math.floor(random() * 3); i++) {
    const from = Math.floor(random() * made.length);
    const to = from + Math.floor(random() * 12);
    const put = pick(random, [
      '',
      made.slice(from, to).repeat(2),
      '{',
      '}',
      '"',
      '...',
      '@include(if: $x)',
      '$',
      '!',
      ' # ',
      '__typename',
      '\u0000',
    ]);
    made = made.slice(0, from) + put + made.slice(to);
  }
  return made;
}

function question(random: Random) {
  const root: Root = random() < 0.3 ? 'Mutation' : 'Query';
  const field = pick(
    random,
    rootFields(root).filter(({ name }) => !LEFT_OUT.includes(name)),
  );
  const wild = random() < 0.5;
  const variables: Record<string, unknown> = {};
  for (const { name, type } of field.args)
    if (isNonNullType(type) || random() < 0.4) variables[name] = valueFor(random, type, wild, 0);
  return { query: operation(root, field, variables, selected(random, field)), variables };
}

function selected(random: Random, field: AnyField): string {
  if (isLeafType(getNamedType(field.type))) return '';
  const types = typesOf(field);
  return types.length > 1 ? `__typename ${selectionAs(pick(random, types), 1)}` : selection(field.type, 1);
}

function valueFor(random: Random, type: GraphQLInputType, wild: boolean, depth: number): unknown {
  if (wild && random() < 0.05) return pick(random, ODD);
  if (isNonNullType(type)) return valueFor(random, type.ofType, wild, depth);
  if (isListType(type)) {
    const { ofType } = type;
    // Long lists of objects would hold long lists themselves.
    const length = wild && isLeafType(getNamedType(ofType)) && random() < 0.05 ? 1_200 : Math.floor(random() * 4);
    return Array.from({ length }, () => valueFor(random, ofType, wild, depth));
  }
  if (isEnumType(type)) return pick(random, type.getValues()).name;
  if (isInputObjectType(type)) {
    const fields = Object.values(type.getFields()).filter(
      (one) => isNonNullType(one.type) || (depth < MAX_DEPTH && random() < 1.5 / Object.keys(type.getFields()).length),
    );
    return Object.fromEntries(fields.map((one) => [one.name, valueFor(random, one.type, wild, depth + 1)]));
  }
  return scalar(random, type.name, wild);
}

function scalar(random: Random, type: string, wild: boolean): unknown {
  if (wild && random() < 0.6) return pick(random, [...TEXTS, ...NUMBERS]);
  const made: Record<string, () => unknown> = {
    ID: () =>
      pick(random, [
        'src_01h455vb4pex5vsknk084sn02q',
        'case_01h455vb4pex5vsknk084sn02q',
        'prj_01h455vb4pex5vsknk084sn02q',
        'x',
      ]),
    Int: () => pick(random, [0, 1, 5, 100]),
    Float: () => random(),
    Boolean: () => random() < 0.5,
    BigInt: () => pick(random, [0, '9223372036854775807']),
    DateTime: () => '2026-01-02T10:00:00Z',
    Date: () => '2026-01-02',
    Decimal: () => pick(random, ['0', '1299.90']),
    Instant: () => pick(random, ['-P1D', '2030-01-01']),
    JSON: () => pick(random, ODD),
  };
  return made[type]?.() ?? pick(random, TEXTS);
}
