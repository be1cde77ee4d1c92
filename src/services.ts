import type pg from 'pg';
import type { Logger } from 'pino';
import type { PrismaClient } from '../generated/prisma/client.ts';
import type { KeyRing } from './access/encryption.ts';
import type { Rights } from './access/rights.ts';
import type { SignInThrottle } from './access/sign-in-throttle.ts';
import type { ReadPool } from './data/read-scope.ts';
import type { Turns } from './data/turns.ts';
import type { WriteDeps } from './data/write.ts';
import type { Env } from './env.ts';
import type { EventBus } from './events/bus.ts';
import type { LogTails } from './events/tail.ts';
import type { MatcherCache } from './modules/intel/matcher-cache.ts';
import type { OsintProvider } from './modules/intel/osint.provider.ts';
import type { Counts } from './observe/counts.ts';
import type { Observer } from './observe/observer.ts';

/** What a running server is made of: made once by `app.ts`, given to every operation and job. */
export interface Services {
  env: Env;
  /** what the pools connect to, for connections of another kind */
  databaseUrl: string;
  log: Logger;
  prisma: PrismaClient;
  pool: pg.Pool;
  read: ReadPool;
  write: WriteDeps;
  /** of calls with the same idempotency key */
  turns: Turns;
  bus: EventBus;
  /** what the viewers of streams may do now */
  rights: Rights;
  /** the ends of the logs that are followed here */
  tails: LogTails;
  keyRing: KeyRing;
  signIns: SignInThrottle;
  matchers: MatcherCache;
  osintProvider: OsintProvider;
  /** log, metrics and traces of requests */
  observer: Observer;
  counts: Counts;
  /** aborted when the server stops: ends subscriptions */
  streams: AbortController;
  /** work that goes on after its caller was answered: waited for when the server stops */
  background: Set<Promise<unknown>>;
  startedAt: Date;
}
