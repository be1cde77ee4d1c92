import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DUMP, type Manifest } from '../../../src/backup/manifest.ts';
import { backupName, findBackup, listBackups, removeOld, storeBackup } from '../../../src/backup/store.ts';

const NOW = new Date('2026-11-21T12:00:00Z');
let dir = '';

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'argus-store-'));
});
afterEach(() => rm(dir, { recursive: true }));

function daysAgo(days: number): Date {
  return new Date(NOW.getTime() - days * 86_400_000);
}

function manifest(takenAt: Date, wal?: { system: string; segment: string }): Manifest {
  const at = takenAt.toISOString();
  const common = { format: 1, version: '0.1.0', postgres: '18.4', startedAt: at, takenAt: at, bytes: 0 } as const;
  const empty = { files: {}, tables: {} };
  if (!wal) return { ...common, ...empty, kind: 'dump', searchFunctions: [] };
  const { system: systemIdentifier, segment: startSegment } = wal;
  const lsn = { startLsn: '0/1', stopLsn: '0/2', restorePoint: 'x', folders: [] };
  return { ...common, ...empty, ...lsn, kind: 'folder', systemIdentifier, startSegment };
}

async function put(days: number, wal?: { system: string; segment: string }): Promise<string> {
  const name = backupName(daysAgo(days));
  await mkdir(join(dir, name));
  await writeFile(join(dir, name, 'manifest.json'), JSON.stringify(manifest(daysAgo(days), wal)));
  return name;
}

async function names(folder = dir): Promise<string[]> {
  return (await readdir(folder)).filter((name) => name !== 'backup.lock' && name !== 'wal').sort();
}

describe('removing old backups', () => {
  it('takes those older than the days, and leaves what else is there', async () => {
    const [, recent, old] = [await put(1), await put(29), await put(31)];
    await mkdir(join(dir, 'argus-backup-notes'));
    expect((await removeOld(dir, 30, NOW)).backups).toEqual([old]);
    expect(await names()).toEqual([recent, backupName(daysAgo(1)), 'argus-backup-notes'].sort());
  });

  it('never takes the newest', async () => {
    const [newest, older] = [await put(100), await put(200)];
    expect((await removeOld(dir, 30, NOW)).backups).toEqual([older]);
    expect(await names()).toEqual([newest]);
  });

  it('takes the WAL that no kept backup of its system needs, on every timeline', async () => {
    await put(1, { system: '11', segment: '000000020000000000000009' });
    await put(2, { system: '11', segment: '000000010000000000000005' });
    await put(40, { system: '11', segment: '000000010000000000000002' });
    const kept = [
      '000000010000000000000005',
      '00000002.history',
      '000000020000000000000006',
      '000000010000000100000000',
    ];
    const gone = ['000000010000000000000002', '000000020000000000000004', '000000010000000000000004.partial'];
    const label = '000000010000000000000002.00000028.backup';
    for (const system of ['11', '22']) {
      await mkdir(join(dir, 'wal', system), { recursive: true });
      for (const name of [...kept, ...gone, label]) await writeFile(join(dir, 'wal', system, name), '');
    }
    expect((await removeOld(dir, 30, NOW)).wal).toBe(4);
    expect(await names(join(dir, 'wal', '11'))).toEqual([...kept].sort());
    expect(await names(join(dir, 'wal', '22'))).toHaveLength(8);
  });
});

describe('a backup', () => {
  it('has its name only when it is complete', async () => {
    const filled = storeBackup(dir, async (target) => {
      await writeFile(join(target, DUMP), 'half');
      expect((await names())[0]).toMatch(/\.part$/);
      throw new Error('the disk is gone');
    });
    await expect(filled).rejects.toThrow('the disk is gone');
    expect(await names()).toEqual([]);
  });

  it('is made by one process at a time, which clears away what a killed one left', async () => {
    await mkdir(join(dir, `${backupName(daysAgo(1))}.part`));
    const { name, path } = await storeBackup(dir, async () => {
      await expect(storeBackup(dir, async () => manifest(NOW))).rejects.toThrow('Another process makes a backup');
      return manifest(NOW);
    });
    expect(await names()).toEqual([name]);
    expect((await listBackups(dir)).backups).toEqual([{ name, path, manifest: manifest(NOW) }]);
  });

  it('is found by name, by path, as the latest and as the latest before a time', async () => {
    const [newest, older] = [await put(1), await put(5)];
    expect((await findBackup(dir, older)).name).toBe(older);
    expect((await findBackup('/nowhere', join(dir, older))).name).toBe(older);
    expect((await findBackup(dir, 'latest')).name).toBe(newest);
    expect((await findBackup(dir, 'latest', daysAgo(2))).name).toBe(older);
    await expect(findBackup(dir, 'latest', daysAgo(6))).rejects.toThrow('no backup from before');
    await expect(findBackup(dir, 'argus-backup-20200101T000000Z')).rejects.toThrow(
      `There is no backup argus-backup-20200101T000000Z: "argus backup list" shows those of ${dir}`,
    );
  });

  it('whose manifest leads out of its folder is none', async () => {
    const name = await put(1);
    const files = { 'data/../../x': { bytes: 1, sha256: '' } };
    await writeFile(join(dir, name, 'manifest.json'), JSON.stringify({ ...manifest(NOW), files }));
    await expect(findBackup(dir, name)).rejects.toThrow('is damaged: files.data/../../x');
  });

  it('that cannot be read is listed as broken', async () => {
    const name = await put(1);
    await writeFile(join(dir, name, 'manifest.json'), '{"format": 2}');
    expect(await listBackups(dir)).toEqual({ backups: [], broken: [expect.stringContaining('is damaged: kind')] });
  });
});
