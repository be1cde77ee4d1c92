import { type NormaliseOptions, normaliseIdentifier } from './normalise.ts';
import { IDENTIFIER_TYPES, type IdentifierType } from './types.ts';

/**
 * What a value on its own can be: every type whose rules it meets, with its normal form. A text can be several things:
 * 40 hex digits are a SHA-1 and a PGP fingerprint.
 */
export function detectIdentifier(
  value: string,
  options: NormaliseOptions = {},
): { type: IdentifierType; value: string }[] {
  return IDENTIFIER_TYPES.flatMap((type) => {
    const normal = normaliseIdentifier(type, value, options);
    return normal.ok ? [{ type, value: normal.value }] : [];
  });
}
