/**
 * Asks a server for a minute for about twice of what it can do, and judges every answer: those that are served are
 * right, the rest is refused with 503 or 429, and afterwards all is as before:
 * `npm run prove -- overload [seconds] [clients]`. Takes DATABASE_URL's server, or one of its own.
 */
import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { serveForProof } from '../support/proving.ts';

const seconds = Number(process.argv[2] ?? 60);
const clients = Number(process.argv[3] ?? 256);
/** Half of the clients find room: a client asks again as soon as it has its answer. */
const room = Math.max(1, Math.floor(clients / 4));

const proof = await serveForProof({
  DB_POOL_SIZE: '8',
  RESULT_CACHE_MB: '0',
  MAX_CONCURRENT: String(room),
  MAX_QUEUED: String(room),
  BUDGET_PER_KEY: '0',
  BUDGET_PER_TENANT: '0',
});
const agent = new Agent({ keepAlive: true });
const QUERY = '{ cases(first: 50) { nodes { id number title createdBy { displayName } } } }';

/** Status, body and milliseconds of one request. */
function ask(query = QUERY): Promise<{ status: number; text: string; ms: number }> {
  const begun = performance.now();
  const body = JSON.stringify({ query });
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${proof.tenant.key}` };
  return new Promise((resolve, reject) => {
    const req = request(proof.url, { method: 'POST', agent, headers }, (res) => {
      let text = '';
      res.setEncoding('utf8').on('data', (piece) => (text += piece));
      res.on('end', () => resolve({ status: res.statusCode ?? 0, text, ms: performance.now() - begun }));
    });
    req.on('error', reject).end(body);
  });
}

const open = Array.from({ length: 20 }, (_, i) => `m${i}: openCase(input: { title: "x" }) { case { id } }`).join(' ');
for (let i = 0; i < 3; i++) await ask(`mutation { ${open} }`);
const right = (await ask()).text;
const times = new Map<number, number[]>();
let wrong = 0;
let broken = 0;
const until = performance.now() + seconds * 1_000;
const client = async () => {
  while (performance.now() < until) {
    const answer = await ask().catch(() => null);
    if (answer === null) {
      broken++;
      continue;
    }
    if (answer.status === 200 && answer.text !== right) wrong++;
    const known = times.get(answer.status);
    if (known) known.push(answer.ms);
    else times.set(answer.status, [answer.ms]);
    // Who is refused comes again, though not at once.
    if (answer.status !== 200) await sleep(20);
  }
};
await Promise.all(Array.from({ length: clients }, client));
const ended = performance.now();
let recovered = await ask();
while (recovered.status !== 200) recovered = await ask();
const recoveryMs = performance.now() - ended;

for (const [status, all] of [...times].sort(([a], [b]) => a - b)) {
  const sorted = all.sort((a, b) => a - b);
  const at = (part: number) => (sorted[Math.floor(sorted.length * part)] ?? 0).toFixed(1);
  process.stdout.write(`${status}: ${sorted.length}, p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, p99 ${at(0.99)} ms\n`);
}
process.stdout.write(`wrong: ${wrong}, broken off: ${broken}, served again after ${recoveryMs.toFixed(0)} ms\n`);
agent.destroy();
await proof.stop();
const others = [...times.keys()].filter((status) => status !== 200 && status !== 503 && status !== 429);
process.exitCode = wrong + broken + others.length === 0 && recovered.text === right ? 0 : 1;
