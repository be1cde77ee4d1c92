/** A stored text as the value of its enumeration: the column's CHECK constraint guarantees that it is one. */
export function enumValue<V extends readonly string[]>(_values: V, stored: string): V[number] {
  return stored as V[number];
}
