import type { Viewer } from '../access/viewer.ts';
import { Unauthenticated } from '../errors.ts';
import type { Services } from '../services.ts';
import type { EntityContext } from './entity.ts';
import type { Idempotency } from './idempotency-key.ts';

/** What a subscription and what it is sent over tell each other. One object for all copies of a context. */
export interface StreamState {
  /** more than one answer can be sent */
  open: boolean;
  /** the header `Last-Event-ID`: go on after this event; null: as the arguments say */
  after: bigint | null;
  /** place of the event that the last answer was made of; null: of none */
  seq: bigint | null;
}

/**
 * What a resolver gets. A plain object: Yoga copies it. `scope` and `loaders` belong to one operation and are replaced
 * after each write, so that a mutation's payload is read from what was just committed.
 */
export interface Context extends EntityContext {
  stream: StreamState;
  viewer: Viewer | null;
  /** why there is no viewer, when credentials were given and refused */
  refused: Unauthenticated | null;
  services: Services;
  request: Viewer['request'];
  idempotency: Idempotency;
  /** closes the scope and starts a new one with empty loaders */
  refresh(): void;
  /** ends the scope and all that follow: nobody waits for what is read any more */
  abandon(reason: Error): void;
}

/** The viewer of a field that asks for a permission: there is one, or the field would not have been reached. */
export function viewerOf(ctx: Context): Viewer {
  if (ctx.viewer === null) throw new Unauthenticated();
  return ctx.viewer;
}
