/**
 * Sends operations and bodies made at random, valid and not, over HTTP, and looks for errors of the server, crashes and
 * messages of the inside: `npm run prove -- fuzz [requests] [seed]`. Takes DATABASE_URL's server, or one of its own.
 */
import { fuzz } from '../support/fuzz-http.ts';
import { serveForProof } from '../support/proving.ts';

const requests = Number(process.argv[2] ?? 10_000);
const seed = Number(process.argv[3] ?? 1);

const proof = await serveForProof({
  DB_POOL_SIZE: '8',
  BUDGET_PER_KEY: '0',
  BUDGET_PER_TENANT: '0',
  BUDGET_PER_ADDRESS: '0',
});
const { byStatus, answered, findings } = await fuzz(proof.url, proof.tenant, requests, seed);
await proof.stop();
for (const { body, status, text } of findings.slice(0, 20)) process.stdout.write(`${status} ${text}\n  ${body}\n`);
const statuses = Object.entries(byStatus).map(([status, count]) => `${status}: ${count}`);
process.stdout.write(
  `${requests} requests, ${answered} with data; ${statuses.join(', ')}; findings: ${findings.length}\n`,
);
process.exitCode = findings.length === 0 ? 0 : 1;
