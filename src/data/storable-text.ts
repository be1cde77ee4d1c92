/** Text that PostgreSQL can hold: without U+0000 and lone surrogates, each of which becomes U+FFFD. */
export function storableText(text: string): string {
  return text.replaceAll('\0', '\u{fffd}').toWellFormed();
}

/**
 * The beginning of a text, of so many UTF-16 units at most. It does not end within a character, as `slice` may: half of a
 * surrogate pair is nothing that PostgreSQL holds as JSON.
 */
export function cutText(text: string, most: number): string {
  const last = text.charCodeAt(most - 1);
  const isHalf = text.length > most && last >= 0xd800 && last <= 0xdbff;
  return text.slice(0, isHalf ? most - 1 : most);
}
