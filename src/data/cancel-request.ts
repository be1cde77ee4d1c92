import pg from 'pg';

/** What is used of a connection of node-postgres that its types do not tell. */
interface Cancelling {
  on(event: 'connect' | 'sslconnect' | 'error' | 'end', listener: () => void): void;
  connect(port: number | string, host?: string): void;
  requestSsl(): void;
  cancel(processId: number, secretKey: number): void;
  end(): void;
}

interface Target {
  host: string;
  port: number;
  ssl: unknown;
  processID: number;
  secretKey: number;
}

/**
 * Asks PostgreSQL to cancel what a connection runs, over a connection of its own that needs no place in a pool
 * (https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-CANCELING-REQUESTS). Whether it worked is
 * seen by the statement's error, 57014. The request may come late: the connection must not serve anybody else after it.
 */
export function requestCancel(client: pg.ClientBase): void {
  const { host, port, ssl, processID, secretKey } = client as unknown as Target;
  const connection = new pg.Connection({ ssl } as never) as unknown as Cancelling;
  const cancel = () => connection.cancel(processID, secretKey);
  connection.on('connect', () => (ssl ? connection.requestSsl() : cancel()));
  connection.on('sslconnect', cancel);
  // The server closes it without an answer.
  connection.on('error', () => {});
  if (host.startsWith('/')) connection.connect(`${host}/.s.PGSQL.${port}`);
  else connection.connect(port, host);
}
