import { type CountryCode, isSupportedCountry, parsePhoneNumberFromString } from 'libphonenumber-js/max';
import { accept, type Normalised, refuse } from './types.ts';

/** The hint as a country libphonenumber knows, or undefined. */
export function asCountry(hint: string | undefined): CountryCode | undefined {
  const upper = hint?.toUpperCase();
  return upper !== undefined && isSupportedCountry(upper) ? upper : undefined;
}

/**
 * E.164 (`+` and digits, an extension dropped), valid by the numbering plan of its country. A number without `+` or
 * `00` needs the ISO 3166 alpha-2 hint `country`. A `wa.me` link counts as the number in it.
 */
export function normalisePhone(text: string, country: string | undefined): Normalised {
  const link = /^(?:https?:\/\/)?wa\.me\/\+?(\d{7,15})\/?(?:\?\S*)?$/i.exec(text);
  const bare = link === null ? text.replace(/^tel:/i, '') : `+${link[1]}`;
  const hint = asCountry(country);
  const international = hint === undefined ? bare.replace(/^\(?00(?=[1-9])/, '+') : bare;
  if (hint === undefined && !/^\(?[+\uff0b]/.test(international)) {
    return refuse('a number without + needs the country it belongs to');
  }
  const parsed = parsePhoneNumberFromString(international, { defaultCountry: hint, extract: false });
  if (parsed === undefined || !parsed.isValid()) return refuse('not a valid telephone number');
  return accept(parsed.number);
}
