import { Prisma } from '../../generated/prisma/client.ts';
import { type ModelName, tableOf } from '../data/models.ts';
import { FUNCTIONS } from '../events/changes.ts';

/** What a statement's answer is made of, as far as its text tells. */
export interface Reading {
  /** null: it calls a function of the database of which that is not known */
  tables: ReadonlySet<string> | null;
  /** the one table that it reads, by keys alone: the last value is the list of them */
  byKey: string | null;
  /** the present moment, chance, or the state of the server besides its tables */
  moment: boolean;
}

const TABLES: ReadonlySet<string> = new Set(
  Object.keys(Prisma.ModelName).map((model) => tableOf(model as ModelName).table),
);

/** As `byIdStatements` end. */
const BY_KEY = / where t\.tenant_id = \$1::uuid and t\.id = any\(\$2::uuid\[\]\)$/;
/** What a function of the migrations is called; a contract test holds them to it. */
export const OWN_FUNCTION = /^(argus|search|filter)_/;
const CALL = /\b([a-z_][a-z0-9_]*)\s*\(/g;
const MOMENT =
  /\b(?:(?:now|clock_timestamp|statement_timestamp|transaction_timestamp|timeofday|random|gen_random_uuid|uuidv4|uuidv7|current_setting|version)\s*\(|(?:current_(?:date|time|timestamp)|localtime|localtimestamp)\b)/;
/** PostgreSQL's own tables, and functions that tell of files and connections. Its schema's name is no such thing. */
const SERVER_STATE = /\bpg_(?!catalog\b|typeof\b|trgm\b)/;

/** Texts hold no values, so there are few; past this many they are read anew. */
const MAX_KNOWN = 5_000;
const known = new Map<string, Reading>();

/** Reads a statement's text. Every word that is the name of a table counts as one: too many are found, never too few. */
export function readingOf(text: string): Reading {
  const before = known.get(text);
  if (before) return before;
  if (known.size >= MAX_KNOWN) known.clear();
  const reading = read(text.toLowerCase());
  known.set(text, reading);
  return reading;
}

function read(text: string): Reading {
  const words = new Set(text.match(/[a-z_][a-z0-9_]*/g));
  const calls = new Set([...text.matchAll(CALL)].map(([, name]) => name ?? ''));
  const own = [...calls].filter((name) => OWN_FUNCTION.test(name) && !TABLES.has(name));
  const named = [...words].filter((word) => TABLES.has(word));
  const tables = new Set([...named, ...own.flatMap((name) => FUNCTIONS[name] ?? [])]);
  const [first] = tables;
  return {
    tables: own.every((name) => name in FUNCTIONS) ? tables : null,
    byKey: first && tables.size === 1 && own.length === 0 && BY_KEY.test(text) ? first : null,
    moment: MOMENT.test(text) || SERVER_STATE.test(text),
  };
}
