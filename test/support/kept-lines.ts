import type { Answer } from './app.ts';

/** A log's lines, kept instead of written. */
export class KeptLines {
  text = '';

  write(line: string): void {
    this.text += line;
  }

  /** The entries with a message, as they were logged. */
  entries(msg: string): Answer[] {
    return this.text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line))
      .filter((entry) => entry.msg === msg);
  }

  /** Which of these texts stand in the log, each shortened. */
  showing(secrets: Iterable<string>): string[] {
    return [...secrets].filter((secret) => secret !== '' && this.text.includes(secret)).map((one) => one.slice(0, 40));
  }
}
