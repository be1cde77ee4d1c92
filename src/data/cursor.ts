import { InvalidInput } from '../errors.ts';
import type { ListSpec, PagePlan } from './list.ts';
import { columnOf } from './models.ts';

/** Opaque place of a row in a list: the list and order it belongs to, the sort value and the key. */
export function encodeCursor(plan: PagePlan, row: Readonly<Record<string, unknown>>): string {
  const value = row[plan.order.field];
  const stored = value instanceof Date ? value.toISOString() : typeof value === 'bigint' ? value.toString() : value;
  return Buffer.from(
    JSON.stringify([plan.spec.name, plan.order.name, plan.order.direction, stored, String(row[plan.spec.key])]),
  ).toString('base64url');
}

/** What a cursor of the list in this order holds. @throws InvalidInput naming the argument, also for a forged one */
export function decodeCursor(
  spec: ListSpec,
  order: PagePlan['order'],
  cursor: string,
  argument: string,
): { value: unknown; key: string } {
  const wrong = (why: string) => new InvalidInput(`${why}: use a cursor of the same list, or leave it out`, [argument]);
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    throw wrong('not a cursor');
  }
  if (!Array.isArray(parts) || parts.length !== 5) throw wrong('not a cursor');
  const [list, name, direction, value, key] = parts as unknown[];
  if (list !== spec.name) throw wrong('a cursor of another list');
  if (name !== order.name || direction !== order.direction) throw wrong('a cursor of another order');
  if (!fits(columnOf(spec.model, order.field).pgType, value) || !fits(columnOf(spec.model, spec.key).pgType, key)) {
    throw wrong('a damaged cursor');
  }
  return { value, key: String(key) };
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** As Date writes it, and of a year that PostgreSQL reads the same: it has no year 0. */
function isInstant(text: string): boolean {
  const at = new Date(text);
  return /^(?!0000)\d{4}-/.test(text) && !Number.isNaN(at.getTime()) && at.toISOString() === text;
}

/** Whether a cursor's value can be sent as that type: a forged one must not reach the database as a cast error. */
function fits(pgType: string, value: unknown): boolean {
  switch (pgType) {
    case 'uuid':
      return typeof value === 'string' && UUID.test(value);
    case 'timestamptz':
    case 'date':
      return typeof value === 'string' && isInstant(value);
    case 'int4':
      return Number.isInteger(value) && Math.abs(Number(value)) < 2 ** 31;
    case 'int8':
      return typeof value === 'string' && /^-?\d{1,18}$/.test(value);
    case 'float8':
      return typeof value === 'number';
    case 'bool':
      return typeof value === 'boolean';
    default:
      return typeof value === 'string' && !value.includes('\0');
  }
}
