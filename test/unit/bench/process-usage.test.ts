import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { cpuOf, forgetPeaks, memoryOf, treeOf } from '../../../bench/process-usage.ts';

const MEGABYTE = 2 ** 20;
const children: ChildProcess[] = [];

/** A Node process that has run the code and then lives on; gives what it has written too. */
async function node(code: string): Promise<{ pid: number; child: ChildProcess; said: string }> {
  const child = spawn(process.execPath, ['--expose-gc', '-e', `${code}; setInterval(() => {}, 1000)`], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  children.push(child);
  const [said] = await once(child.stdout, 'data');
  return { pid: child.pid ?? 0, child, said: String(said) };
}

afterEach(async () => {
  for (const child of children.splice(0)) {
    const ended = once(child, 'exit');
    if (child.kill('SIGKILL')) await ended;
  }
});

const SPIN = `const used = () => { const { user, system } = process.cpuUsage(); return (user + system) / 1000; };
  const busy = (ms) => { for (const end = used() + ms; used() < end; ); }`;

describe.runIf(process.platform === 'linux')('on Linux', () => {
  it('a busy process has used the CPU time that it says, and an idle one less', async () => {
    const idle = await node(`console.log('up')`);
    const busy = await node(`${SPIN}; busy(400); console.log(used())`);
    const used = cpuOf(busy.pid);
    expect(used).toBeGreaterThanOrEqual(380);
    // It goes on to write its line and to wait; clock ticks are 10 ms.
    expect(used - Number(busy.said)).toBeGreaterThanOrEqual(-20);
    expect(used - Number(busy.said)).toBeLessThan(200);
    expect(cpuOf(idle.pid)).toBeLessThan(used);
  });

  it('the CPU time of all threads counts', async () => {
    const { pid } = await node(`const { Worker } = require('node:worker_threads');
      new Worker(\`${SPIN}; busy(400)\`, { eval: true }).on('exit', () => console.log('done'))`);
    expect(cpuOf(pid)).toBeGreaterThanOrEqual(380);
  });

  it('a tree holds children and grandchildren, and nobody else', async () => {
    const sleeper = `setInterval(() => {}, 1000)`;
    const parent = await node(`const { spawn } = require('node:child_process');
      const inner = "const c = require('node:child_process').spawn(process.execPath, ['--expose-gc', '-e', '${sleeper}']); console.log(process.pid, c.pid); ${sleeper}";
      const child = spawn(process.execPath, ['--expose-gc', '-e', inner], { stdio: ['pipe', 'inherit', 'inherit'] });
      process.on('exit', () => child.kill())`);
    const [child, grandchild] = parent.said.trim().split(' ').map(Number);
    const other = await node(`console.log('up')`);
    try {
      expect(treeOf(parent.pid).toSorted()).toEqual([parent.pid, child, grandchild].toSorted());
      expect(treeOf(process.pid)).toEqual(expect.arrayContaining([parent.pid, child, grandchild, other.pid]));
    } finally {
      for (const pid of [grandchild, child]) if (pid) process.kill(pid, 'SIGKILL');
    }
  });

  it('memory that is filled is resident and private, and its peak stays until it is forgotten', async () => {
    const { pid, child } = await node(`let held = Buffer.alloc(200 * ${MEGABYTE}, 1); console.log('full');
      process.stdin.once('data', () => { held = null; gc(); })`);
    const full = { resident: memoryOf([pid], 'VmRSS'), private: memoryOf([pid], 'RssAnon') };
    expect(full.resident).toBeGreaterThan(200 * MEGABYTE);
    expect(full.private).toBeGreaterThan(200 * MEGABYTE);
    expect(full.private).toBeLessThan(full.resident);
    child.stdin?.write('x');
    await expect.poll(() => memoryOf([pid], 'VmRSS'), { timeout: 10_000 }).toBeLessThan(full.resident - 150 * MEGABYTE);
    // The kernel counts pages of each thread in batches, so readings are off by some.
    expect(memoryOf([pid], 'VmHWM')).toBeGreaterThan(full.resident - 10 * MEGABYTE);
    forgetPeaks([pid]);
    expect(memoryOf([pid], 'VmHWM')).toBeLessThan(full.resident - 150 * MEGABYTE);
    const idle = await node(`console.log('up')`);
    const [one, other] = [pid, idle.pid].map((each) => memoryOf([each], 'VmHWM'));
    // The one that has just begun may grow from reading to reading.
    const together = memoryOf([pid, idle.pid], 'VmHWM');
    expect(other).toBeGreaterThan(20 * MEGABYTE);
    expect(Math.abs(together - (one ?? 0) - (other ?? 0))).toBeLessThan(10 * MEGABYTE);
  });

  it('a process that is gone has used nothing, and forgetting its peak is no error', async () => {
    const { pid, child } = await node(`console.log('up')`);
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
    children.splice(0);
    expect(cpuOf(pid)).toBe(0);
    expect(memoryOf([pid], 'VmHWM')).toBe(0);
    expect(treeOf(pid)).toEqual([pid]);
    expect(() => forgetPeaks([pid])).not.toThrow();
  });
});
