import { addressKey } from '../access/address.ts';
import type { Viewer } from '../access/viewer.ts';

/** Operations at a time on one WebSocket, or on one event stream in single connection mode. */
export const MAX_OPERATIONS = 100;
/**
 * Open connections of streams in one process: of one key or session, of one tenant; of those who have not signed in,
 * from one address, and all of them.
 */
export const MAX_CONNECTIONS = { credential: 200, tenant: 5_000, address: 20, nobody: 1_000 };

/** How long things may take on a connection of streams, in milliseconds. */
export interface StreamTiming {
  /** between signs of life */
  pingMs: number;
  /** without anything being taken while something waits */
  stallMs: number;
  /** from the opening of a WebSocket to `connection_init` */
  initMs: number;
  /** from the reservation of an event stream to its opening */
  reservationMs: number;
}

export const STREAM_TIMING: StreamTiming = { pingMs: 12_000, stallMs: 30_000, initMs: 3_000, reservationMs: 60_000 };

/** Who opens a connection, and from where. */
export interface Caller {
  viewer: Viewer | null;
  request: Pick<Viewer['request'], 'ip'>;
}

/** Counts the open connections of streams. */
export class Connections {
  readonly #counts = new Map<string, number>();

  /** Counts one more, and gives how to count it out; or says why there may not be one more. */
  open({ viewer, request }: Caller): (() => void) | string {
    const bounds: [string, number, string][] = viewer
      ? [
          [`credential ${viewer.credentialId}`, MAX_CONNECTIONS.credential, 'of this key or session'],
          [`tenant ${viewer.tenantId}`, MAX_CONNECTIONS.tenant, 'of this organisation'],
        ]
      : [
          [`address ${addressKey(request.ip ?? '')}`, MAX_CONNECTIONS.address, 'of your address without signing in'],
          ['nobody', MAX_CONNECTIONS.nobody, 'of callers who have not signed in'],
        ];
    const full = bounds.find(([key, most]) => (this.#counts.get(key) ?? 0) >= most);
    if (full)
      return `there are ${full[1]} open streams ${full[2]} already: close one, or use one connection for several`;
    const keys = bounds.map(([key]) => key);
    for (const key of keys) this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
    let open = true;
    return () => {
      if (!open) return;
      open = false;
      for (const key of keys) {
        const left = (this.#counts.get(key) ?? 0) - 1;
        if (left > 0) this.#counts.set(key, left);
        else this.#counts.delete(key);
      }
    };
  }
}
