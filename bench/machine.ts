import { readFile } from 'node:fs/promises';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { CONTENDERS } from './contender.ts';
import type { Machine } from './results.ts';

/** What this machine is, and which versions of the contenders it has. */
export async function machineOf(postgres: string): Promise<Machine> {
  const versions: Record<string, string> = {};
  for (const name of new Set(CONTENDERS.map((contender) => contender.package))) {
    if (name !== null) versions[name] = await versionOf(name);
  }
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    platform: `${process.platform} ${process.arch}`,
    node: process.version,
    postgres,
    versions,
  };
}

/** The version installed for the benchmark, or for Argus, whose packages the stock stack shares. */
async function versionOf(name: string): Promise<string> {
  for (const folder of ['./node_modules/', '../node_modules/']) {
    const manifest = await readFile(new URL(`${folder}${name}/package.json`, import.meta.url), 'utf8').catch(
      () => null,
    );
    if (manifest !== null) return String((JSON.parse(manifest) as { version: unknown }).version);
  }
  return 'not installed';
}
