import pg from 'pg';

/** A statement came after the flight that was expected to be the last. */
export class ScopeFinished extends Error {
  constructor() {
    super('this read scope is finished: no statement may follow');
    this.name = 'ScopeFinished';
  }
}

/** What PostgreSQL says to statements after one that failed, without asking it. */
export function aborted(): pg.DatabaseError {
  const message = 'current transaction is aborted, commands ignored until end of transaction block';
  const error = new pg.DatabaseError(message, message.length, 'error');
  error.severity = 'ERROR';
  error.code = '25P02';
  return error;
}
