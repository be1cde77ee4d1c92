/** The statement that counts a counter of a tenant up: tenant, name, by how much. `more`: what it gives beside the value. */
export function countUp(tag: string, more = ''): string {
  return `/* ${tag} */ INSERT INTO counters AS c (tenant_id, name, value) VALUES ($1::uuid, $2::text, $3::int8)
    ON CONFLICT (tenant_id, name) DO UPDATE SET value = c.value + excluded.value RETURNING value${more}`;
}
