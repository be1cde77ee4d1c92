import { EVENT_COUNTER } from '../events/event.ts';
import { prepared, type Statement } from './statement.ts';

/** The statement that counts a counter of a tenant up: tenant, name, by how much. `more`: what it gives beside the value. */
export function countUp(tag: string, more = ''): string {
  return `/* ${tag} */ INSERT INTO counters AS c (tenant_id, name, value) VALUES ($1::uuid, $2::text, $3::int8)
    ON CONFLICT (tenant_id, name) DO UPDATE SET value = c.value + excluded.value RETURNING value${more}`;
}

/**
 * Has writers of a tenant's log queue up, before each of them counts its counter up. The counter's row is locked too, but
 * all who wait for a row wake up each time that it is free, to find that one of them was first.
 */
export function queueForLog(tenantId: string): Statement {
  return prepared(
    `/* Event.queue */ SELECT pg_advisory_xact_lock(hashtextextended($1::text, 0))`,
    `${EVENT_COUNTER} ${tenantId}`,
  );
}
