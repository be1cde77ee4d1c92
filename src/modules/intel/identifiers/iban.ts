import { accept, type Normalised, refuse } from './types.ts';

// Total length per country, from the SWIFT IBAN registry (ISO 13616).
const LENGTHS =
  'AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 ' +
  'FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 ' +
  'LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 ' +
  'RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30';

const LENGTH_BY_COUNTRY = new Map(LENGTHS.split(' ').map((entry) => [entry.slice(0, 2), Number(entry.slice(2))]));

/** Total number of characters of an IBAN of this upper-case country code; undefined for a country without IBAN. */
export function ibanLength(country: string): number | undefined {
  return LENGTH_BY_COUNTRY.get(country);
}

/** ISO 7064 mod 97-10 over the rearranged number, digit by digit so that no big integer is needed. */
function remainder97(iban: string): number {
  let remainder = 0;
  for (const character of iban.slice(4) + iban.slice(0, 4)) {
    const value = Number.parseInt(character, 36);
    remainder = (remainder * (value > 9 ? 100 : 10) + value) % 97;
  }
  return remainder;
}

/** IBAN without separators, upper case; country length and mod 97 checked. */
export function normaliseIban(text: string): Normalised {
  const compact = text
    .replace(/^IBAN\b[ \t:]*/i, '')
    .replace(/[\s-]/g, '')
    .toUpperCase();
  if (!/^[A-Z]{2}[0-9]{2}[0-9A-Z]{8,30}$/.test(compact)) return refuse('not the shape of an IBAN');
  const country = compact.slice(0, 2);
  const expected = ibanLength(country);
  if (expected === undefined) return refuse(`${country} has no IBAN`);
  if (compact.length !== expected) return refuse(`an IBAN of ${country} has ${expected} characters`);
  return remainder97(compact) === 1 ? accept(compact) : refuse('the IBAN check digits are wrong');
}
