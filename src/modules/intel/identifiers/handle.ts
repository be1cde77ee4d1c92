import { accept, type Normalised, refuse } from './types.ts';

interface Platform {
  name: string;
  hosts: string[];
  /** Words that stand for the platform before a handle, as in "IG: @name". */
  words: string[];
  handle: RegExp;
  /** Path segment that stands before the handle in a profile link. */
  prefix?: RegExp;
  /** First path segments that are pages of the platform itself. */
  reserved: string[];
}

const PLATFORMS: Platform[] = [
  {
    name: 'telegram',
    hosts: ['t.me', 'telegram.me', 'telegram.dog'],
    words: ['telegram', 'tg'],
    handle: /^[a-z][a-z0-9_]{3,31}$/,
    prefix: /^s$/,
    reserved: 'joinchat addstickers addemoji addlist addtheme share proxy socks setlanguage login iv boost'.split(' '),
  },
  {
    name: 'instagram',
    hosts: ['instagram.com', 'instagr.am'],
    words: ['instagram', 'insta', 'ig'],
    handle: /^[a-z0-9_](?:[a-z0-9_.]{0,28}[a-z0-9_])?$/,
    reserved: 'p reel reels tv explore stories accounts direct about legal'.split(' '),
  },
  {
    name: 'x',
    hosts: ['x.com', 'twitter.com', 'mobile.twitter.com'],
    words: ['twitter'],
    handle: /^[a-z0-9_]{1,15}$/,
    reserved: 'home i search intent share hashtag explore login settings messages notifications tos'.split(' '),
  },
  {
    name: 'facebook',
    hosts: ['facebook.com', 'm.facebook.com', 'fb.com'],
    words: ['facebook', 'fb'],
    handle: /^[a-z0-9](?:[a-z0-9.]{3,48}[a-z0-9])$/,
    reserved: 'groups watch sharer pages events marketplace profile.php sharer.php login photo.php help'.split(' '),
  },
  {
    name: 'tiktok',
    hosts: ['tiktok.com'],
    words: ['tiktok'],
    handle: /^[a-z0-9_](?:[a-z0-9_.]{0,22}[a-z0-9_])$/,
    reserved: 'tag discover explore foryou music live upload login t'.split(' '),
  },
  {
    name: 'snapchat',
    hosts: ['snapchat.com'],
    words: ['snapchat', 'snap'],
    handle: /^[a-z][a-z0-9_.-]{1,13}[a-z0-9]$/,
    prefix: /^add$/,
    reserved: 'discover explore spotlight lens download'.split(' '),
  },
  {
    name: 'reddit',
    hosts: ['reddit.com', 'old.reddit.com'],
    words: ['reddit'],
    handle: /^[a-z0-9_-]{3,20}$/,
    prefix: /^(?:u|user)$/,
    reserved: 'r u user search login wiki settings submit'.split(' '),
  },
  {
    name: 'github',
    hosts: ['github.com'],
    words: ['github'],
    handle: /^[a-z0-9](?:[a-z0-9-]{0,37}[a-z0-9])?$/,
    reserved: 'about features topics login join search pricing explore settings orgs sponsors marketplace'.split(' '),
  },
];

const BY_HOST = new Map(PLATFORMS.flatMap((platform) => platform.hosts.map((host) => [host, platform] as const)));
const BY_WORD = new Map(
  PLATFORMS.flatMap((platform) => [platform.name, ...platform.words].map((word) => [word, platform] as const)),
);

/** Words that may introduce a handle in prose, longest first, for use in an alternation. */
export const PLATFORM_WORDS = PLATFORMS.flatMap((platform) => platform.words).sort((a, b) => b.length - a.length);

/** Whether this lower-case host (an optional `www.` included) belongs to a platform with profile links. */
export function isPlatformHost(host: string): boolean {
  return BY_HOST.has(host.replace(/^www\./, ''));
}

function named(platform: Platform, name: string): Normalised {
  const lower = name.toLowerCase();
  if (!platform.handle.test(lower) || platform.reserved.includes(lower)) {
    return refuse(`not a ${platform.name} account name`);
  }
  return accept(`${platform.name}:${lower}`);
}

function fromLink(platform: Platform, path: string): Normalised {
  const segments = path.split('/').filter((segment) => segment !== '');
  const first = segments[0] ?? '';
  const handles = platform.prefix?.test(first.toLowerCase()) === true ? segments.slice(1) : segments;
  if (handles.length !== 1) return refuse(`not a ${platform.name} profile link`);
  // Reddit and Snapchat names live below /user/ and /add/; a bare first segment there is some other page.
  if (platform.prefix !== undefined && platform.name !== 'telegram' && handles.length === segments.length) {
    return refuse(`not a ${platform.name} profile link`);
  }
  return named(platform, (handles[0] ?? '').replace(/^@/, ''));
}

/**
 * `platform:name` in lower case when the platform is known (a profile link with or without scheme, `tg: @name`,
 * `telegram:name`), else `@name` in lower case (3 to 64 of letters, digits, `_`, `.`, `-`, with a letter).
 */
export function normaliseHandle(text: string): Normalised {
  const link = /^(?:https?:\/\/)?([a-z0-9.-]+)\/([^\s?#]*)(?:[?#]\S*)?$/i.exec(text);
  if (link !== null) {
    const platform = BY_HOST.get((link[1] ?? '').toLowerCase().replace(/^www\./, ''));
    return platform === undefined ? refuse('the link is not to a known platform') : fromLink(platform, link[2] ?? '');
  }
  const introduced = /^([a-z]+)[ \t]?[:=-]?[ \t]?@(\S+)$/i.exec(text) ?? /^([a-z]+):(\S+)$/i.exec(text);
  if (introduced !== null) {
    const platform = BY_WORD.get((introduced[1] ?? '').toLowerCase());
    return platform === undefined ? refuse('the platform is not known') : named(platform, introduced[2] ?? '');
  }
  const name = text.replace(/^@/, '').toLowerCase();
  if (!/^[a-z0-9_](?:[a-z0-9_.-]{1,62}[a-z0-9_])$/.test(name) || !/[a-z]/.test(name)) {
    return refuse('not an account name');
  }
  return accept(`@${name}`);
}
