import { EMBEDDED_DATABASE } from '../database-server.ts';
import { baseBackup, copyWal } from './base-backup.ts';
import type { Work } from './files.ts';
import type { FolderManifest } from './manifest.ts';
import { connect, takeMoment } from './moment.ts';
import { tableSums } from './table-sums.ts';

/** What is known of a backup but for what all kinds have. */
export type FolderPart = Omit<FolderManifest, 'format' | 'version' | 'bytes'>;

/**
 * Copies the running embedded server to `target`: its data folder, the WAL to a moment after that, and the sums of the
 * tables at this moment. Reading and writing go on meanwhile.
 *
 * @param url the server as its owner, the database of Argus
 * @param name of the backup, and of its moment in the WAL
 */
export async function backUpFolder(url: string, target: string, name: string, work: Work): Promise<FolderPart> {
  const startedAt = new Date().toISOString();
  const client = await connect(url);
  try {
    const { rows } = await client.query<{ id: string; version: string }>(
      `SELECT system_identifier::text AS id, current_setting('server_version') AS version FROM pg_control_system()`,
    );
    const [server = { id: '', version: '' }] = rows;
    const { files, startLsn, startSegment, folders } = await baseBackup(client, target, name, work);
    const moment = await takeMoment(url, name);
    try {
      const wal = await copyWal(client, target, { first: startSegment, last: moment.lastSegment }, work);
      return {
        kind: 'folder',
        postgres: server.version,
        systemIdentifier: server.id,
        startedAt,
        takenAt: moment.takenAt,
        startLsn,
        stopLsn: moment.stopLsn,
        startSegment,
        restorePoint: name,
        folders,
        files: { ...files, ...wal },
        tables: await tableSums(moment.session),
      };
    } finally {
      await moment.session.end();
    }
  } finally {
    await client.end();
  }
}

/** The owner's address of the database of Argus, given that of any database of the server. */
export function argusDatabase(adminUrl: string): string {
  const url = new URL(adminUrl);
  url.pathname = `/${EMBEDDED_DATABASE}`;
  return url.href;
}
