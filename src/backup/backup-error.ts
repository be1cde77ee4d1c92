/** A backup or a restore that cannot be made; the message says what is wrong and what to do. */
export class BackupError extends Error {
  override name = 'BackupError';
}
