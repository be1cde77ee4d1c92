import type { Output, PlanField } from './plan.ts';
import { RowView } from './rows.ts';
import { checked, type Level, type Result, readProperty } from './run.ts';

/** A field that must not be null is: where the error goes is worked out by the standard execution. */
export class UnexpectedNull extends Error {
  constructor({ label }: Pick<PlanField, 'label'>) {
    super(`${label} null`);
    this.name = 'UnexpectedNull';
  }
}

/** The response of a run: its JSON, assembled as it stands, without an object in between. */
export function writeResponse(root: Level): string {
  return `{"data":${writeObject(root, 0)}}`;
}

function writeObject(level: Level, at: number): string {
  const known = level.texts?.[at];
  if (known !== undefined) return known;
  const { fields } = level.node;
  const parent = level.parents[at];
  let text = '{';
  for (let i = 0; i < fields.length; i++) {
    const field = fields[i];
    if (!field) continue;
    const result = level.results[i];
    text += i === 0 ? field.label : `,${field.label}`;
    text += result
      ? writeValue(field, field.output, result, result.values[at], cursorOf(result, at))
      : writeProperty(field, parent);
  }
  text += '}';
  if (level.texts) level.texts[at] = text;
  return text;
}

/** The place of the next object among those of a field: the values of one parent are walked in the order of gathering. */
interface Cursor {
  at: number;
}

function cursorOf(result: Result, at: number): Cursor {
  return { at: result.starts[at] ?? 0 };
}

function writeValue(field: PlanField, output: Output, result: Result, value: unknown, cursor: Cursor): string {
  if (value === null || value === undefined) {
    if (output.nonNull) throw new UnexpectedNull(field);
    return 'null';
  }
  if (output.kind === 'leaf') return output.write(checked(value));
  if (output.kind === 'list') return writeList(field, output.item, result, value, cursor);
  const index = cursor.at++;
  const place = result.places?.[index];
  if (place) return writeObject(place.level, place.at);
  if (!result.level) throw new Error(`${field.label} has no objects`);
  return writeObject(result.level, index);
}

function writeList(field: PlanField, item: Output, result: Result, values: unknown, cursor: Cursor): string {
  if (!Array.isArray(values)) throw new TypeError(`${field.label} is not a list`);
  let text = '[';
  for (let i = 0; i < values.length; i++) {
    if (i > 0) text += ',';
    text += writeValue(field, item, result, values[i], cursor);
  }
  return `${text}]`;
}

/** A leaf that is a property of its object: of a row, straight from the text that the database sent. */
function writeProperty(field: PlanField, parent: unknown): string {
  const { label, property, output, columns } = field;
  if (output.kind !== 'leaf') throw new Error(`${label} has no value`);
  if (property === undefined) return output.write(null);
  if (columns && parent instanceof RowView && !parent.layout.learning) {
    const column = columns.of(parent.layout);
    const text = column ? parent.cells[column.at] : undefined;
    if (text === null) {
      if (output.nonNull) throw new UnexpectedNull(field);
      return 'null';
    }
    const written = text === undefined ? undefined : column?.write?.(text);
    if (written !== undefined) return written;
  }
  const value = readProperty(parent, property);
  if (value === null || value === undefined) {
    if (output.nonNull) throw new UnexpectedNull(field);
    return 'null';
  }
  return output.write(checked(value));
}
