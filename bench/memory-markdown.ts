import { development, type MemoryRun } from './memory.ts';
import { figure, type Machine, setting, tableOf } from './results.ts';
import { median, type Trend } from './statistics.ts';

const MEGABYTE = 2 ** 20;
const HOUR_S = 3600;

/** The report of a memory run as a Markdown document. */
export function memoryMarkdown(run: MemoryRun, machine: Machine, started: Date): string {
  const { contender, scenario, connections, length, warmUp, requests, errors, samples } = run;
  const rate = median(samples.filter(({ at }) => at >= warmUp).map((sample) => sample.rate));
  const rows = (
    [
      ['server, resident', 'server'],
      ['its database backends, private', 'backends'],
    ] as const
  ).map(([title, of]) => {
    const { first, last, trend } = development(run, of);
    return [title, figure(first / MEGABYTE, 1), figure(last / MEGABYTE, 1), slope(trend), noise(trend)];
  });
  const lines = [
    `# Memory of ${contender} over ${figure(length / 60, 1)} minutes`,
    '',
    setting(machine, started),
    `Scenario ${scenario}, ${connections} connections, ${figure(requests, 0)} requests (${figure(rate, 0)} a second), ${errors} errors; sampled each second. The first ${figure(warmUp, 0)} s are warm-up and not in the figures.`,
    '',
    ...tableOf([['MB', 'after warm-up', 'at the end', 'MB an hour', 'noise'], ...rows]),
    '',
    'After warm-up and at the end: medians of the first and the last tenth. MB an hour: slope by least squares ± two standard errors, which allow for each sample being like the one before. Noise: standard deviation about the line.',
  ];
  return `${lines.join('\n')}\n`;
}

function slope(trend: Trend | null): string {
  if (trend === null || !Number.isFinite(trend.standardError)) return 'too short to tell';
  const hourly = (perSecond: number) => (perSecond * HOUR_S) / MEGABYTE;
  return `${figure(hourly(trend.slope), 1)} ± ${figure(hourly(2 * trend.standardError), 1)}`;
}

const noise = (trend: Trend | null) => (trend === null ? '–' : figure(trend.noise / MEGABYTE, 1));
