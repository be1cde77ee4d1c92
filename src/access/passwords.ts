import { hash, parseOptions, verify } from '@node-rs/argon2';

/**
 * Passwords: argon2id with the parameters OWASP recommends (19 MiB, 2 passes, 1 lane),
 * https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html
 */

const PARAMETERS = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;
const SHORTEST = 10;
const LONGEST = 200;

/**
 * The hash of 32 random bytes that were thrown away, made with `PARAMETERS`: what a password is compared with when
 * there is no account, so that the answer takes as long. Replace it whenever the parameters change (a test insists).
 */
export const DUMMY_HASH =
  '$argon2id$v=19$m=19456,t=2,p=1$pz29wLCwZAZgxigQjrV8Bg$e2dTr7u70NGNA2dk7g4lg64BMsqr8BGdH2BBJeTfmjU';

/**
 * Hashes a password for storing.
 *
 * @returns a PHC string (`$argon2id$v=19$m=19456,t=2,p=1$…`); a new salt each time
 */
export function hashPassword(password: string): Promise<string> {
  return hash(canonical(password), PARAMETERS);
}

/**
 * Whether the password is the one that was hashed.
 *
 * @param stored the PHC string, or null when there is no such account: the answer is then false after the same time,
 *   so the time does not tell which accounts exist. A malformed PHC string counts as no account.
 */
export async function verifyPassword(stored: string | null, password: string): Promise<boolean> {
  const usable = stored !== null && parametersOf(stored) !== null;
  const matches = await verify(usable ? stored : DUMMY_HASH, canonical(password));
  return usable && matches;
}

/** Whether a stored hash was made with other parameters than today's; then hash again at the next sign-in. */
export function needsRehash(stored: string): boolean {
  const made = parametersOf(stored);
  return (
    made === null ||
    !stored.startsWith('$argon2id$v=19$') ||
    made.memoryCost !== PARAMETERS.memoryCost ||
    made.timeCost !== PARAMETERS.timeCost ||
    made.parallelism !== PARAMETERS.parallelism
  );
}

/**
 * What makes a password unacceptable, as a sentence for its owner, or null.
 *
 * Length rather than character classes, after NIST SP 800-63B section 5.1.1.2; the upper bound keeps hashing cheap.
 *
 * @param email the owner's address; neither it nor its part before the @ may be the password
 */
export function passwordProblem(password: string, email?: string): string | null {
  const characters = [...canonical(password)];
  if (characters.length < SHORTEST) return `The password must have at least ${SHORTEST} characters.`;
  if (characters.length > LONGEST) return `The password must have at most ${LONGEST} characters.`;
  if (new Set(characters).size === 1) return 'The password must not be one character repeated.';
  const folded = canonical(password).toLowerCase();
  const address = canonical(email ?? '').toLowerCase();
  if (address !== '' && (folded === address || folded === address.split('@')[0])) {
    return 'The password must not be the e-mail address.';
  }
  return null;
}

/** The same text typed on different keyboards must hash the same (NIST SP 800-63B asks for NFKC or NFKD). */
function canonical(password: string): string {
  return password.normalize('NFKC');
}

function parametersOf(stored: string): ReturnType<typeof parseOptions> | null {
  try {
    return parseOptions(stored);
  } catch {
    return null;
  }
}
