import { join } from 'node:path';
import type { z } from 'zod';
import { databaseUrl, flagProblem, noProblem, text, wholeNumber } from './env-variables.ts';

/** Settings of backups: rows of the table in env.ts. */
export const BACKUP_VARIABLES = {
  BACKUP_DIR: text(
    noProblem,
    ['Where backups and archived WAL are kept: best on another disk', 'backups in ARGUS_DIR', '/var/backups/argus'],
    'a path',
  ),
  BACKUP_RETENTION_DAYS: wholeNumber(1, 36_500, 30, [
    'Days after which a backup is removed, with the WAL that only it needs; never the newest',
    '30',
    '90',
  ]),
  BACKUP_WAL: text(
    flagProblem,
    ['Whether the embedded database archives its WAL, for restores to a point in time', 'false', 'true'],
    'true, false',
  ),
  BACKUP_DATABASE_URL: databaseUrl(
    'The database as a role that may read past row-level security, for backups',
    'DATABASE_OWNER_URL',
  ),
  PG_BIN: text(
    noProblem,
    [
      'Folder of pg_dump and pg_restore, for databases that are not embedded',
      'PATH, then those of Debian’s packages',
      '/usr/lib/postgresql/18/bin',
    ],
    'a path',
  ),
} as const;

type Raw = { [N in keyof typeof BACKUP_VARIABLES]: z.output<(typeof BACKUP_VARIABLES)[N]['schema']> };

/** The settings of backups, with their defaults. */
export interface BackupEnv {
  BACKUP_DIR: string;
  BACKUP_RETENTION_DAYS: number;
  BACKUP_WAL: boolean;
  /** Null means DATABASE_OWNER_URL, and without it DATABASE_URL. */
  BACKUP_DATABASE_URL: string | null;
  PG_BIN: string | null;
}

/** Fills in the defaults that depend on other settings. */
export function backupEnv(raw: Raw, argusDir: string): BackupEnv {
  return {
    BACKUP_DIR: raw.BACKUP_DIR ?? join(argusDir, 'backups'),
    BACKUP_RETENTION_DAYS: raw.BACKUP_RETENTION_DAYS,
    BACKUP_WAL: raw.BACKUP_WAL === 'true' || raw.BACKUP_WAL === '1',
    BACKUP_DATABASE_URL: raw.BACKUP_DATABASE_URL,
    PG_BIN: raw.PG_BIN,
  };
}
