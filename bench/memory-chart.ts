import { development, type MemoryRun, type MemorySample } from './memory.ts';
import { figure } from './results.ts';
import { box, curve, FAINT, INK, label, line, picture, RULE, ticks } from './svg.ts';

const [WIDTH, LEFT, RIGHT, TOP] = [900, 64, 24, 72];
const [TALL, LOW, BETWEEN, BELOW] = [260, 110, 52, 44];
const INNER = WIDTH - LEFT - RIGHT;
const [SERVER, BACKENDS, RATE, SHADE] = ['#0969da', '#bc4c00', '#1a7f37', '#f0f2f5'];
const MEGABYTE = 2 ** 20;

interface Curve {
  name: string;
  colour: string;
  of: (sample: MemorySample) => number;
}

const MEMORIES: readonly Curve[] = [
  { name: 'server, resident', colour: SERVER, of: ({ server }) => server / MEGABYTE },
  { name: 'its database backends, private', colour: BACKENDS, of: ({ backends }) => backends / MEGABYTE },
];
const RATES: readonly Curve[] = [{ name: 'requests a second', colour: RATE, of: ({ rate }) => rate }];

/** Memory over time with its trend after the warm-up, and below it requests a second; both from 0. */
export function memoryChart(run: MemoryRun): string {
  const { contender, scenario, connections, length } = run;
  const heading = `Memory of ${contender} over ${figure(length / 60, 1)} minutes: ${scenario}, ${connections} connections`;
  const lower = TOP + TALL + BETWEEN;
  const { trend } = development(run, 'server');
  const x = (seconds: number) => LEFT + (seconds / length) * INNER;
  const upper = panel(run, MEMORIES, 'MB', TOP, TALL);
  const fitted =
    trend === null || !Number.isFinite(trend.standardError)
      ? []
      : [line(x(run.warmUp), upper.y(trend.from / MEGABYTE), x(length), upper.y(trend.to / MEGABYTE), INK, '5 3')];
  return picture(WIDTH, lower + LOW + BELOW, heading, [
    label(16, 26, heading, { weight: 'bold', size: 16 }),
    ...upper.parts,
    ...fitted,
    ...panel(run, RATES, 'req/s', lower, LOW).parts,
    ...ticks(length / 60).flatMap((minutes) => {
      const at = x(minutes * 60);
      return at > WIDTH - RIGHT + 1
        ? []
        : [label(at, lower + LOW + 18, `${Number(minutes.toPrecision(3))}`, { anchor: 'middle' })];
    }),
    label(LEFT + INNER / 2, lower + LOW + 36, 'minutes', { anchor: 'middle', fill: FAINT }),
  ]);
}

function panel(run: MemoryRun, curves: readonly Curve[], unit: string, top: number, height: number) {
  const { samples, length, warmUp } = run;
  const scale = ticks(Math.max(0, ...curves.flatMap(({ of }) => samples.map(of))));
  const most = scale.at(-1) ?? 1;
  const x = (seconds: number) => LEFT + (seconds / length) * INNER;
  const y = (value: number) => top + height - (value / most) * height;
  const parts = [
    box(LEFT, top, x(warmUp) - LEFT, height, SHADE),
    label(LEFT + 6, top + 14, 'warm-up', { fill: FAINT, size: 11 }),
    ...scale.flatMap((value) => [
      line(LEFT, y(value), WIDTH - RIGHT, y(value), RULE),
      label(LEFT - 8, y(value) + 4, figure(value, 0), { anchor: 'end' }),
    ]),
    label(LEFT - 8, top - 12, unit, { anchor: 'end', fill: FAINT }),
    ...curves.map(({ of, colour }) =>
      curve(
        samples.map((sample) => [x(sample.at), y(of(sample))]),
        colour,
      ),
    ),
    ...curves.flatMap(({ name, colour }, i) => [
      box(LEFT + i * 160, top - 18, 14, 4, colour),
      label(LEFT + i * 160 + 20, top - 12, name),
    ]),
  ];
  return { parts, y };
}
