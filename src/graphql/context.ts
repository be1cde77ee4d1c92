import type { Viewer } from '../access/viewer.ts';
import { Unauthenticated } from '../errors.ts';
import type { Services } from '../services.ts';
import type { EntityContext } from './entity.ts';

/**
 * What a resolver gets. A plain object: Yoga copies it. `scope` and `loaders` belong to one operation and are replaced
 * after each write, so that a mutation's payload is read from what was just committed.
 */
export interface Context extends EntityContext {
  viewer: Viewer | null;
  /** why there is no viewer, when credentials were given and refused */
  refused: Unauthenticated | null;
  services: Services;
  request: Viewer['request'];
  /** closes the scope and starts a new one with empty loaders */
  refresh(): void;
  /** ends the scope and all that follow: nobody waits for what is read any more */
  abandon(reason: Error): void;
}

/** The viewer of a field that asks for a permission: there is one, or the field would not have been reached. */
export function viewerOf(ctx: Context): Viewer {
  if (ctx.viewer === null) throw new Unauthenticated('sign in first');
  return ctx.viewer;
}
