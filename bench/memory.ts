import { backendsOf, type LoadGenerator } from './measure.ts';
import { memoryOf, treeOf } from './process-usage.ts';
import type { Part } from './rounds.ts';
import type { Scenario } from './scenario.ts';
import { median, type Trend, trend } from './statistics.ts';

/** What was seen about once a second. */
export interface MemorySample {
  /** seconds since the load began */
  at: number;
  /** requests a second since the sample before */
  rate: number;
  /** bytes resident in the contender's processes, added up */
  server: number;
  /** bytes of the private memory of its database backends, added up; the server's shared buffers are not in it */
  backends: number;
}

/** Memory of one contender under one long load. */
export interface MemoryRun {
  contender: string;
  scenario: string;
  connections: number;
  /** seconds */
  length: number;
  /** seconds at the beginning that the figures leave out */
  warmUp: number;
  requests: number;
  errors: number;
  firstError: string | null;
  samples: readonly MemorySample[];
}

const WARM_UP_S = 300;

/** A quarter of the run is warm-up, but at most five minutes. `seconds` → seconds. */
export const warmUpOf = (seconds: number) => Math.min(WARM_UP_S, seconds / 4);

/** Loads a contender for long and samples its memory each second. */
export async function measureMemory(
  { running, requests }: Part,
  scenario: Scenario,
  { connections, runMs }: { connections: number; runMs: number },
  load: LoadGenerator,
): Promise<MemoryRun> {
  const { pid, port, headers, contender } = running;
  const samples: MemorySample[] = [];
  let [start, before, counted] = [0, 0, 0];
  let backends = await backendsOf(running);
  const sample = (ended: number) => {
    const at = (performance.now() - start) / 1000;
    const server = memoryOf(treeOf(pid), 'VmRSS');
    samples.push({ at, rate: (ended - counted) / (at - before), server, backends: memoryOf(backends, 'RssAnon') });
    [before, counted] = [at, ended];
    // For the next sample: pools replace their connections from time to time.
    backendsOf(running).then(
      (now) => {
        backends = now;
      },
      () => {},
    );
    if (samples.length % 60 === 0) console.error(`${at.toFixed(0)} s: ${(server / 2 ** 20).toFixed(0)} MB`);
  };
  const measured = await load.run(
    { port, headers, bodies: requests.map((request) => JSON.stringify(request)), connections, warmMs: 0, runMs },
    {
      onBegin: () => {
        start = performance.now();
      },
      onProgress: sample,
    },
  );
  const { requests: answered, errors, firstError } = measured;
  const length = runMs / 1000;
  return {
    contender: contender.name,
    scenario: scenario.name,
    connections,
    length,
    warmUp: warmUpOf(length),
    requests: answered,
    errors,
    firstError,
    samples,
  };
}

/** How a memory develops after the warm-up, in bytes and seconds. */
export interface Development {
  /** median of the first tenth of the time after the warm-up, and of the last */
  first: number;
  last: number;
  /** least squares over all samples after the warm-up; null when they are too few */
  trend: Trend | null;
}

/** How one of the memories develops after the warm-up. NaN of a run without samples. */
export function development({ samples, warmUp }: MemoryRun, of: 'server' | 'backends'): Development {
  const warm = samples.filter(({ at }) => at >= warmUp);
  const tenth = Math.ceil(warm.length / 10);
  return {
    first: median(warm.slice(0, tenth).map((sample) => sample[of])),
    last: median(warm.slice(-tenth).map((sample) => sample[of])),
    trend: trend(warm.map((sample) => [sample.at, sample[of]])),
  };
}
