import { setTimeout as sleep } from 'node:timers/promises';
import { asOwner } from '../integration/intel/records.ts';
import { type Aftermath, faultsOf } from './crash-checks.ts';
import { type Attempt, CrashClient } from './crash-load.ts';
import { CrashServer, VICTIMS, type Victim } from './crash-server.ts';
import { addWebhook, webhooksSettled } from './crash-webhook.ts';
import { randomOf } from './random.ts';
import { Receiver } from './webhook-receiver.ts';

const CLIENTS = 6;
/** Between two kills at least so much was acknowledged, and then so many milliseconds at most. */
const ACKNOWLEDGED = 12;
const LONGEST_MS = 800;
/** How long a server may take until it acknowledges again. */
const BACK_MS = 60_000;

export interface CrashResult {
  kills: Record<Victim, number>;
  attempts: Record<Attempt['outcome'], number>;
  /** milliseconds from a kill to the next acknowledged change, in order of size */
  recoveries: number[];
  /** what came to a webhook: different messages, and all with those that came again */
  webhook: { messages: number; posts: number };
  faults: string[];
}

/** Kills so many times while clients write, starts again, and looks at what is left. */
export async function crash(
  kills: number,
  seed: number,
  tell: (line: string) => void = () => {},
): Promise<CrashResult> {
  const server = await CrashServer.start();
  const receiver = new Receiver();
  try {
    await receiver.open();
    const { clients, tenantId, random } = await prepare(server, seed, receiver.url);
    const stopping = new AbortController();
    const running = clients.map((client) => client.run(stopping.signal));
    const result: CrashResult = {
      kills: { server: 0, postmaster: 0, backend: 0, both: 0 },
      attempts: { acknowledged: 0, refused: 0, unknown: 0 },
      recoveries: [],
      webhook: { messages: 0, posts: 0 },
      faults: [],
    };
    try {
      for (let n = 0; n < kills; n++) {
        // Each kind first, so that a short run has them all.
        const victim = VICTIMS[n < VICTIMS.length ? n : Math.floor(random() * VICTIMS.length)] ?? 'server';
        await acknowledgedMore(clients, ACKNOWLEDGED);
        await sleep(random() * LONGEST_MS);
        const begun = performance.now();
        await server.kill(victim);
        await acknowledgedMore(clients, 1);
        result.kills[victim]++;
        result.recoveries.push(performance.now() - begun);
        tell(`${n + 1} of ${kills}: ${victim}, back after ${Math.round(performance.now() - begun)} ms`);
      }
      await acknowledgedMore(clients, ACKNOWLEDGED);
    } finally {
      stopping.abort();
      await Promise.all(running);
    }
    const replayed = (await Promise.all(clients.map((client) => client.replay()))).flat();
    await webhooksSettled(server);
    await server.stopServing();
    const attempts = clients.flatMap((client) => client.attempts);
    for (const { outcome } of attempts) result.attempts[outcome]++;
    const { received } = receiver;
    const messages = new Set(received.map(({ headers }) => headers['x-argus-delivery'])).size;
    result.webhook = { messages, posts: received.length };
    const after: Aftermath = { attempts, tenantId, ownerUrl: server.ownerUrl, received };
    result.faults = [...replayed, ...(await faultsOf(after))];
    result.recoveries.sort((a, b) => a - b);
    return result;
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : error}\n${server.printed}`, { cause: error });
  } finally {
    await receiver.close();
    await server.remove();
  }
}

const PROJECT = `mutation { createProject(input: { key: "CRASH", name: "Crash", arr: "1000000" }) { project { id } } }`;

async function prepare(server: CrashServer, seed: number, hook: string) {
  const key = await server.tenant('crash');
  await addWebhook({ url: server.url, key }, hook);
  const response = await fetch(server.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body: JSON.stringify({ query: PROJECT }),
  });
  const { data } = (await response.json()) as { data: { createProject: { project: { id: string } } } };
  const target = { url: server.url, key, projectId: data.createProject.project.id, projectKey: 'CRASH' };
  const [{ id }] = await asOwner({ database: server }, `SELECT id FROM tenants WHERE slug = 'crash'`);
  const clients = Array.from({ length: CLIENTS }, (_, i) => new CrashClient(`c${i}`, target, randomOf(seed * 100 + i)));
  return { clients, tenantId: String(id), random: randomOf(seed) };
}

/** Waits until the clients were told of so many more changes that they were made. */
async function acknowledgedMore(clients: readonly CrashClient[], count: number): Promise<void> {
  const now = () => clients.flatMap((one) => one.attempts).filter(({ outcome }) => outcome === 'acknowledged').length;
  const wanted = now() + count;
  const deadline = performance.now() + BACK_MS;
  while (now() < wanted) {
    if (performance.now() > deadline) throw new Error(`nothing was acknowledged for ${BACK_MS / 1_000} s`);
    await sleep(5);
  }
}
