import { readFile } from 'node:fs/promises';
import { getPriority, setPriority } from 'node:os';
import type pg from 'pg';

/** How far sessions stand back: less is hardly felt. See docs/decisions/0031. */
const NICE = 10;

/**
 * Has a connection's session stand back for this process, which feeds it: on few cores sessions would keep it from the
 * work that they then wait for. Where PostgreSQL is on this machine and this process may do so (it is the same account, or
 * root); elsewhere nothing happens. What keeps the data safe (checkpointer, WAL writer) has processes of its own.
 */
export async function standBack(client: pg.ClientBase): Promise<void> {
  const pid: unknown = Reflect.get(client, 'processID');
  const port: unknown = Reflect.get(
    Object(Reflect.get(Object(Reflect.get(client, 'connection')), 'stream')),
    'localPort',
  );
  if (typeof pid !== 'number' || typeof port !== 'number') return;
  try {
    // A session tells in its title whom it serves: a process of this number may be another machine's, and here another.
    const title = await readFile(`/proc/${pid}/cmdline`, 'latin1');
    if (title.startsWith('postgres: ') && title.includes(`(${port})`) && getPriority(pid) < NICE)
      setPriority(pid, NICE);
  } catch {
    // Not of this machine, not ours, or already over.
  }
}
