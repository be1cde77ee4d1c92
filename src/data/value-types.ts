import pg from 'pg';

const parseAnyInstant = pg.types.getTypeParser(1184);
// Date.UTC takes the years 0 to 99 for 1900 to 1999.
const IN_UTC = /^(?!00)\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,3})?\+00$/;

/** timestamptz: in UTC, as sessions for reads write it, several times as fast as the driver's own way. */
function parseInstant(text: string): unknown {
  if (!IN_UTC.test(text)) return parseAnyInstant(text);
  const part = (from: number, to: number) => Number(text.slice(from, to));
  const milliseconds = text.length > 22 ? Number(text.slice(20, -3).padEnd(3, '0')) : 0;
  return new Date(
    Date.UTC(part(0, 4), part(5, 7) - 1, part(8, 10), part(11, 13), part(14, 16), part(17, 19), milliseconds),
  );
}

const TEXT_ARRAY = 1009;
/** By type oid. */
const PARSERS: Readonly<Record<number, (text: string) => unknown>> = {
  // int8: a bigint as a JavaScript number would lose digits.
  20: BigInt,
  1184: parseInstant,
  // date: midnight in UTC, as Prisma reads it; the driver would take this machine's time zone.
  1082: (text) => new Date(`${text}T00:00:00Z`),
  // numeric[]: as texts, like a single numeric; the driver would make floats of them.
  1231: pg.types.getTypeParser(TEXT_ARRAY as never),
};
/** How columns are read: rows are what Prisma's types say, but that a decimal is its text. */
export const TYPES: pg.CustomTypesConfig = {
  getTypeParser: (oid, format) =>
    ((format !== 'binary' && PARSERS[oid]) || pg.types.getTypeParser(oid, format)) as never,
};
