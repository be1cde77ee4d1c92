import { Presets, SingleBar } from 'cli-progress';

export interface Progress {
  update(done: number, total: number, note?: string): void;
  stop(): void;
}

const LINE_EVERY_MS = 5_000;

/** A bar with rate and time left on a terminal; elsewhere (a log, a pipe) a line every five seconds. */
export function progressBar(what: string): Progress {
  const start = performance.now();
  let last = start;
  if (!process.stderr.isTTY) {
    return {
      update: (done, total, note) => {
        if (performance.now() - last < LINE_EVERY_MS || total === 0) return;
        last = performance.now();
        const seconds = (last - start) / 1_000;
        const left = done > 0 ? Math.round((seconds * (total - done)) / done) : '?';
        process.stderr.write(
          `${what}: ${Math.floor((done / total) * 100)} % after ${seconds.toFixed(0)} s, about ${left} s left${note ? `, ${note}` : ''}\n`,
        );
      },
      stop: () => {},
    };
  }
  const bar = new SingleBar(
    { format: `${what} [{bar}] {percentage} % | {eta_formatted} left {note}`, stopOnComplete: false, hideCursor: true },
    Presets.shades_classic,
  );
  let started = false;
  return {
    update: (done, total, note = '') => {
      if (!started) bar.start(total, 0, { note });
      started = true;
      bar.setTotal(total);
      bar.update(done, { note: note && `| ${note}` });
    },
    stop: () => started && bar.stop(),
  };
}
