/**
 * Subscribers over WebSocket and server-sent events on two server processes, a writer, and kills of clients, sockets and
 * servers: each subscriber has to get the log, in order, without a gap or a double.
 * `npm run prove -- exactly-once [subscribers] [kills] [server kills] [events] [seed]`.
 * Takes DATABASE_URL's server, or one of its own.
 */
import { exactlyOnce } from '../support/exactly-once.ts';
import { logOf, proveWorld } from '../support/prove-world.ts';

const [subscribers = 200, kills = 1_000, serverKills = 20, events = 5_000, seed = 1] = process.argv
  .slice(2)
  .map(Number);
/** A key may have so many streams open in a process. */
const STREAMS_OF_A_KEY = 50;

const world = await proveWorld();
try {
  const tenant = await world.tenant('prove');
  const keys = [tenant.key];
  while (keys.length * STREAMS_OF_A_KEY < subscribers) keys.push(await anotherKey(tenant.key));
  const result = await exactlyOnce({
    urls: world.urls,
    keys,
    subscribers,
    kills,
    serverKills,
    events,
    seed,
    everyMs: 200,
    readLog: () => logOf(world.app, tenant.system),
  });
  const { clients, sockets, servers } = result.kills;
  const rows: [string, string | number][] = [
    ['subscribers', subscribers],
    ['events in the log', result.events],
    ['deliveries', result.deliveries],
    ['clients killed', clients],
    ['sockets killed', sockets],
    ['servers killed', servers],
    ['seconds', result.seconds.toFixed(0)],
    ['faults', result.faults.length],
  ];
  for (const [name, value] of rows) process.stdout.write(`${name.padEnd(20)}${String(value).padStart(10)}\n`);
  for (const fault of result.faults.slice(0, 20)) process.stdout.write(`${fault}\n`);
  if (result.faults.length > 0) process.exitCode = 1;
} finally {
  await world.close();
}

async function anotherKey(key: string): Promise<string> {
  const query = 'mutation { createApiKey(input: { name: "prove", permissions: ["event:read"] }) { key { secret } } }';
  const response = await world.app.endpoint.yoga.fetch('http://localhost/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body: JSON.stringify({ query }),
  });
  const { data } = (await response.json()) as { data: { createApiKey: { key: { secret: string } } } };
  return data.createApiKey.key.secret;
}
