import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { decodeId } from '../../src/graphql/ids.ts';
import { asOwner } from '../integration/intel/records.ts';
import type { Answer } from './app.ts';
import type { Received } from './webhook-receiver.ts';

/** A second attempt comes after a minute and up to a tenth. */
const SETTLED_MS = 150_000;

const CREATE = `mutation ($input: CreateWebhookInput!) {
  createWebhook(input: $input) { created { webhook { id } } userErrors { message } } }`;

/** Sets up a webhook that gets the whole log. */
export async function addWebhook(api: { url: string; key: string }, receiver: string): Promise<void> {
  const response = await fetch(api.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${api.key}` },
    body: JSON.stringify({ query: CREATE, variables: { input: { url: receiver, fromSeq: 1 } } }),
  });
  const answer = (await response.json()) as Answer;
  if (!answer.data?.createWebhook.created) throw new Error(`no webhook: ${JSON.stringify(answer)}`);
}

/** Waits until the log has been read to its end for every webhook, and nothing is left to be sent; not for ever. */
export async function webhooksSettled(database: { ownerUrl: string }): Promise<void> {
  const sql = `SELECT (SELECT count(*)::int FROM webhook_endpoints w JOIN counters c USING (tenant_id)
      WHERE c.name = 'event' AND w.last_seq < c.value)
    + (SELECT count(*)::int FROM webhook_deliveries WHERE status = 'PENDING') AS open`;
  for (const end = performance.now() + SETTLED_MS; performance.now() < end; await sleep(100)) {
    const [row] = await asOwner({ database }, sql);
    if (row?.open === 0) return;
  }
}

/**
 * The log, its deliveries and what arrived: each event has one delivery, which has arrived; what arrived again is the
 * same message under the same id; nothing arrived that is not in the log.
 */
export async function faultsOfWebhook(
  received: readonly Received[],
  read: (sql: string) => Promise<Answer[]>,
): Promise<string[]> {
  const log = await read('SELECT id, seq::text, type, payload FROM event_store WHERE tenant_id = $1');
  const rows = await read('SELECT id, seq::text, status FROM webhook_deliveries WHERE tenant_id = $1');
  const arrived = Map.groupBy(received, ({ headers }) => decodeId(headers['x-argus-delivery'] ?? '')?.uuid ?? 'none');
  const bySeq = Map.groupBy(rows, ({ seq }) => String(seq));
  const events = new Map(log.map((event) => [String(event.seq), event]));
  const unsent = log.flatMap(({ seq, type }) => {
    const own = bySeq.get(seq) ?? [];
    const told = own.map(({ id, status }) => `${id} ${status}`).join(', ');
    if (own.length !== 1 || own[0]?.status !== 'DELIVERED') return [`event ${seq} ${type} has deliveries: ${told}`];
    return arrived.has(own[0].id) ? [] : [`event ${seq} ${type} did not arrive as ${told}`];
  });
  const known = new Map(rows.map(({ id, seq }) => [id, String(seq)]));
  const wrong = [...arrived].flatMap(([id, [first, ...again]]) => {
    if (!first) return [];
    const { body, raw } = first;
    const event = events.get(String(body.seq));
    if (known.get(id) !== String(body.seq) || !event) return [`${id} arrived: ${raw}, which is no event's delivery`];
    const isTrue = decodeId(body.id)?.uuid === event.id && body.type === event.type;
    if (!isTrue || !isDeepStrictEqual(body.payload, event.payload)) return [`${id} is not event ${event.seq}: ${raw}`];
    return again.some((other) => other.raw !== raw) ? [`${id} arrived again as another message: ${raw}`] : [];
  });
  const stray = rows.filter(({ seq }) => !events.has(String(seq))).map(({ id }) => `${id} is of no event`);
  return [...unsent, ...wrong, ...stray];
}
