import pg from 'pg';

/** SQLSTATE of a database error, wherever Prisma or its adapter put it. */
export function sqlState(error: unknown): string | undefined {
  if (error instanceof pg.DatabaseError) return error.code;
  const cause =
    Reflect.get(Object(error), 'cause') ??
    Reflect.get(Object(Reflect.get(Object(error), 'meta')), 'driverAdapterError');
  const inner = Reflect.get(Object(cause), 'cause') ?? cause;
  const code: unknown = Reflect.get(Object(inner), 'originalCode') ?? Reflect.get(Object(inner), 'code');
  return typeof code === 'string' ? code : undefined;
}
