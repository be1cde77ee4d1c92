/** Which column of a file goes into which field. */
export type ColumnMap<F extends string> = Partial<Record<F, string>>;

/**
 * Guesses columns by their names: for each field the first of its known names that the record has, compared without
 * case and punctuation. What the caller gives wins. Throws for a column that the record does not have.
 */
export function guessColumns<F extends string>(
  known: Readonly<Record<F, readonly string[]>>,
  columns: readonly string[],
  given: ColumnMap<F>,
): ColumnMap<F> {
  const plain = (name: string) => name.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, '');
  const byPlain = new Map(columns.map((column) => [plain(column), column]));
  const result: ColumnMap<F> = {};
  const taken = new Set<string>();
  const fields = Object.keys(known) as F[];
  for (const field of fields) {
    const wanted = given[field];
    if (wanted === undefined) continue;
    if (!columns.includes(wanted))
      throw new Error(`there is no column ${wanted} for ${field}; the file has ${columns.join(', ')}`);
    result[field] = wanted;
    taken.add(wanted);
  }
  for (const field of fields) {
    if (result[field] !== undefined) continue;
    const column = known[field]
      .map((name) => byPlain.get(plain(name)))
      .find((found) => found !== undefined && !taken.has(found));
    if (column === undefined) continue;
    result[field] = column;
    taken.add(column);
  }
  return result;
}

/** A `field=column,field=column` text as a map. Throws for an unknown field. */
export function parseColumnMap<F extends string>(
  known: Readonly<Record<F, readonly string[]>>,
  text: string,
): ColumnMap<F> {
  const entries = text.split(',').map((part) => part.split('=', 2).map((side) => side.trim()));
  for (const [field = '', column = ''] of entries) {
    if (!Object.hasOwn(known, field) || column === '') {
      throw new Error(
        `--map ${text}: write field=column, with commas between; fields are ${Object.keys(known).join(', ')}`,
      );
    }
  }
  return Object.fromEntries(entries) as ColumnMap<F>;
}
