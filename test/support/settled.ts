import { setTimeout as sleep } from 'node:timers/promises';

/** A count once it has stopped growing: what it counts is told of a moment later. */
export async function settled(count: () => number): Promise<number> {
  let told = -1;
  while (told !== count()) {
    told = count();
    await sleep(60);
  }
  return told;
}
