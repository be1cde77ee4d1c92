import { type Bindings, type ChildLoggerOptions, type DestinationStream, type Logger, pino } from 'pino';
import type { Env } from './env.ts';
import { requestNow } from './observe/place.ts';

export type Log = Logger;

/** Fields whose value never reaches the log, at any depth and in any case. */
const SECRET_FIELDS: ReadonlySet<string> = new Set([
  'authorization',
  'cookie',
  'set-cookie',
  'password',
  'token',
  'key',
  'secret',
  'variables',
]);
const REDACTED = '[redacted]';
/** As deep as pino itself writes objects. */
const DEEPEST = 5;

/**
 * A copy of a logged value without secrets. Done here instead of with pino's `redact` paths, which need one pattern
 * for each depth and spelling and cost ten times as much per line.
 */
function withoutSecrets(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Error) return withoutSecrets(withoutValues(pino.stdSerializers.err(value)), depth);
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if ('toJSON' in value && typeof value.toJSON === 'function') return value;
  if (depth > DEEPEST) return '[deeper]';
  if (Array.isArray(value)) return value.map((item) => withoutSecrets(item, depth + 1));
  return fieldsWithoutSecrets(value, depth);
}

/** What PostgreSQL and Prisma add to an error that may show rows. */
const FIELDS_OF_ROWS = ['detail', 'where', 'internalQuery', 'meta'];
/** PostgreSQL ends a message with the value that it means; Prisma quotes that message. */
const VALUE_IN_MESSAGE = /: "[\s\S]*"(?=`?$)/;

/** An error without what it tells of rows: PostgreSQL's errors show values of those that they are about. */
function withoutValues({ type, message, stack, ...fields }: ReturnType<typeof pino.stdSerializers.err>): object {
  if (!/^[0-9A-Z]{5}$/.test(String(fields.code)) && !/^(PrismaClient|DriverAdapter)/.test(type))
    return { type, message, stack, ...fields };
  for (const name of FIELDS_OF_ROWS) delete fields[name];
  const shown = message.replace(VALUE_IN_MESSAGE, ': "…"');
  return { type, message: shown, stack: stack.replace(message, () => shown), ...fields };
}

function fieldsWithoutSecrets(fields: object, depth: number): Record<string, unknown> {
  const copy: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    copy[name] = SECRET_FIELDS.has(name.toLowerCase()) ? REDACTED : withoutSecrets(value, depth + 1);
  }
  return copy;
}

const WRITTEN_APART: ReadonlySet<string> = new Set(['level', 'time', 'msg', 'err']);

/** One JSON line of the log as a line for people: `12:34:56.789 INFO  message name=value`, then the stack. */
export function readableLine(line: string): string {
  // pino has just made the line from an object, and the level and time formats are set below.
  const entry = JSON.parse(line) as Record<string, unknown> & { err?: { stack?: unknown } };
  const fields = Object.entries(entry)
    .filter(([name]) => !WRITTEN_APART.has(name))
    .map(([name, value]) => ` ${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  const time = String(entry.time).slice(11, 23);
  const level = String(entry.level).toUpperCase().padEnd(5);
  const stack = entry.err === undefined ? '' : `\n${String(entry.err.stack ?? JSON.stringify(entry.err))}`;
  return `${time} ${level} ${String(entry.msg ?? '')}${fields.join('')}${stack}\n`;
}

/**
 * Makes a logger. Lines are JSON with `level` by name and `time` in ISO 8601; fields named like a secret are
 * replaced at any depth, also in child loggers and errors. A line that is written for a request has its id as
 * `requestId`. Message texts are written as they are: never put a secret
 * into one.
 *
 * @param level least serious level that is written
 * @param pretty lines for people instead of JSON, for development
 * @param destination where lines go; standard output unless given
 */
export function createLog({
  level,
  pretty,
  destination = process.stdout,
}: {
  level: Env['LOG_LEVEL'];
  pretty: boolean;
  destination?: DestinationStream;
}): Log {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    mixin: () => {
      const request = requestNow();
      return request ? { requestId: request.id } : {};
    },
    formatters: {
      level: (label: string) => ({ level: label }),
      log: (fields: object) => fieldsWithoutSecrets(fields, 0),
    },
    // Errors are serialized above, where their fields are looked at; doing it twice would lose their type.
    serializers: { err: (err: unknown) => err },
  };
  if (pretty) return redactChildren(pino(options, { write: (line) => destination.write(readableLine(line)) }));
  // Without a destination pino writes to standard output by itself, which is faster than through the stream.
  return redactChildren(destination === process.stdout ? pino(options) : pino(options, destination));
}

/** pino applies formatters to the fields of each line but not to those of child loggers. */
function redactChildren(log: Log): Log {
  const child: (this: Log, bindings: Bindings, options?: ChildLoggerOptions) => Log = log.child;
  // Children inherit the method from their parent, so `this` is the logger that is asked.
  function redactedChild(this: Log, bindings: Bindings, options?: ChildLoggerOptions): Log {
    return child.call(this, fieldsWithoutSecrets(bindings, 0), options);
  }
  Object.assign(log, { child: redactedChild });
  return log;
}
