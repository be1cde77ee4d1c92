import { AsyncLocalStorage } from 'node:async_hooks';
import type { Span } from '@opentelemetry/api';
import type { RequestNote } from './request-note.ts';

/** What the work that runs now was asked by. */
export interface Place {
  /** null: a job */
  request: RequestNote | null;
  /** what the next span is a part of; null when nothing is traced */
  span: Span | null;
}

/** Of work that is done for several, or for nobody. */
export const NOBODY: Place = { request: null, span: null };

/**
 * The place goes along with promises and timers. It does not with what a database connection calls back, since that is
 * shared: there it has to be taken before and handed on.
 */
export const places = new AsyncLocalStorage<Place>();

/** The request that is being answered; null for a job. */
export function requestNow(): RequestNote | null {
  return places.getStore()?.request ?? null;
}
