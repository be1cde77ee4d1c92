/**
 * Two tenants with the same data ask and change at random over HTTP, with each other's ids, cursors, texts and idempotency
 * keys, export, and listen over WebSocket and server-sent events: nothing that comes may hold anything of the other one.
 * The result cache is on, and what one asked is asked again by both.
 * Half of it in a world where numbers tell whose they are, half where places of the one log are places of the other.
 * `npm run prove -- isolation [operations] [seed]`. Takes DATABASE_URL's server, or one of its own.
 */
import { serveHttp } from '../../src/server/http.ts';
import { testAppOn } from '../support/app.ts';
import { makeWorld, SAME_PLACES, STARTS } from '../support/isolation.ts';
import { IsolationOverHttp, nothingShown } from '../support/isolation-http.ts';
import { proveDatabase } from '../support/prove-database.ts';

const operations = Number(process.argv[2] ?? 10_000);
const seed = Number(process.argv[3] ?? 1);

const shown = nothingShown();
const begun = performance.now();
for (const starts of [STARTS, SAME_PLACES]) {
  const app = await testAppOn(await proveDatabase(), { env: { DB_POOL_SIZE: '16', RESULT_CACHE_MB: '64' } });
  const world = await makeWorld(undefined, app, starts);
  const server = await serveHttp(app.app, { host: '127.0.0.1', port: 0, examplesDir: 'examples/queries' });
  await new IsolationOverHttp(world, server.port, seed, shown).run(Math.ceil(operations / 2)).finally(async () => {
    await server.stop();
    await world.close();
  });
}
const seconds = (performance.now() - begun) / 1_000;

const rows: [string, number][] = [
  ['operations', shown.operations],
  ...Object.entries(shown.kinds).map(([name, count]): [string, number] => [`  ${name}`, count]),
  ['from a cursor on', shown.cursors],
  ['given by the result cache', shown.cached],
  ['replayed by their key', shown.replayed],
  ['keys first used by the other', shown.othersKeys],
  ['answers with something own', shown.own],
  ['answers with errors', shown.refused],
  ['messages of streams', shown.messages],
  ['messages with something own', shown.ownMessages],
  ['seconds', Math.round(seconds)],
  ['leaks', shown.leaks.length],
];
for (const [name, value] of rows) process.stdout.write(`${name.padEnd(30)}${String(value).padStart(8)}\n`);
for (const { kind, query, variables, told } of shown.leaks.slice(0, 20))
  process.stdout.write(
    `${kind}: ${told.slice(0, 5).join(', ')}\n  ${query.slice(0, 500)}\n  ${JSON.stringify(variables)}\n`,
  );
// Who is told nothing of himself shows nothing.
const { cached, replayed, othersKeys, own, ownMessages } = shown;
const isEmpty = [cached, replayed, othersKeys, ownMessages].includes(0) || own < operations / 4;
if (isEmpty) process.stdout.write('too little was answered for this to be a proof\n');
process.exitCode = shown.leaks.length > 0 || isEmpty ? 1 : 0;
