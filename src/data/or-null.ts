import type { Log } from '../log.ts';

/** A figure that cannot be found out is null, so that the others are still answered. */
export async function orNull<T>(log: Log, figure: Promise<T>): Promise<T | null> {
  try {
    return await figure;
  } catch (error) {
    log.warn({ err: error }, 'a figure cannot be found out');
    return null;
  }
}
