import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

/** Milliseconds of a clock tick, in which the kernel counts CPU time. */
const TICK_MS = 1000 / Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

const read = (path: string): string | null => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // A process may end between being listed and being read.
    return null;
  }
};

/** CPU milliseconds (user and system, all threads) that a process has used; 0 when there is none. */
export function cpuOf(pid: number): number {
  const stat = read(`/proc/${pid}/stat`);
  if (stat === null) return 0;
  // The second field is a name in parentheses, which may hold spaces. Fields 14 and 15 are utime and stime (proc(5)).
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

/** A process and all that descend from it. */
export function treeOf(root: number): number[] {
  const parents = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    const stat = /^\d+$/.test(name) ? read(`/proc/${name}/stat`) : null;
    if (stat === null) continue;
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    parents.set(parent, [...(parents.get(parent) ?? []), Number(name)]);
  }
  const tree = [root];
  for (const pid of tree) tree.push(...(parents.get(pid) ?? []));
  return tree;
}

/**
 * Measures of memory in /proc/<pid>/status (proc(5)): resident now, the most that was resident since `forgetPeaks` where
 * the kernel allows that, and of what is resident the part that no file and no shared memory stands behind.
 */
export type MemoryMeasure = 'VmRSS' | 'VmHWM' | 'RssAnon';

/** Bytes of memory of the processes, added up; what they share counts for each of them, except in `RssAnon`. */
export function memoryOf(pids: readonly number[], measure: MemoryMeasure): number {
  const line = new RegExp(`^${measure}:\\s+(\\d+) kB$`, 'm');
  const kilobytes = pids.map((pid) => Number(line.exec(read(`/proc/${pid}/status`) ?? '')?.[1] ?? 0));
  return kilobytes.reduce((sum, own) => sum + own * 1024, 0);
}

/** Sets the peaks back to what is held now. */
export function forgetPeaks(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      // 5 resets the peak resident set size (proc(5)).
      writeFileSync(`/proc/${pid}/clear_refs`, '5');
    } catch {
      // Not allowed or gone: the peak is then that of the whole life.
    }
  }
}
