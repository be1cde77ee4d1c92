import type { Env } from '../../env.ts';
import { InvalidInput } from '../../errors.ts';
import { AddressGuard, ForbiddenAddress } from './address-guard.ts';

/** Where webhooks may go, as the operator has set it. */
export interface UrlRules {
  guard: AddressGuard;
  allowHttp: boolean;
}

type Settings = Pick<Env, 'WEBHOOK_ALLOW_PRIVATE' | 'WEBHOOK_ALLOWED_NETWORKS' | 'WEBHOOK_ALLOW_HTTP'>;

export function urlRules(env: Settings): UrlRules {
  return {
    guard: new AddressGuard({ allowPrivate: env.WEBHOOK_ALLOW_PRIVATE, networks: env.WEBHOOK_ALLOWED_NETWORKS }),
    allowHttp: env.WEBHOOK_ALLOW_HTTP,
  };
}

const MAX_URL = 2_000;

/**
 * The URL of a webhook as it is kept. Names are looked up at each delivery, not here.
 * @throws InvalidInput saying what is wrong with it
 */
export function checkUrl(text: string, { guard, allowHttp }: UrlRules): string {
  const url = URL.parse(text);
  const path = ['url'];
  if (!url || !/^https?:$/.test(url.protocol)) throw new InvalidInput('is not an http:// or https:// URL', path);
  if (url.protocol === 'http:' && !allowHttp) throw new InvalidInput('only https:// is allowed here', path);
  if (url.username !== '' || url.password !== '')
    throw new InvalidInput('a URL must not hold credentials: the signature tells who sends', path);
  if (url.href.length > MAX_URL) throw new InvalidInput(`a URL has at most ${MAX_URL} characters`, path);
  try {
    guard.checkUrl(url);
  } catch (error) {
    throw error instanceof ForbiddenAddress ? new InvalidInput(error.message, path) : error;
  }
  return url.href;
}
