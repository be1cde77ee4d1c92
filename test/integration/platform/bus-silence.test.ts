import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sessionConfig } from '../../../src/data/connection.ts';
import { EventBus } from '../../../src/events/bus.ts';
import { createTestApp, type Tenant, type TestApp } from '../../support/app.ts';
import { mutate } from '../intel/records.ts';

let t: TestApp;
let a: Tenant;
beforeAll(async () => {
  t = await createTestApp();
  a = await t.tenant('silence');
});
afterAll(() => t?.close());

/** Passes connections on to PostgreSQL, and can forget them as a network does: nothing comes, and nothing tells so. */
async function forgetfulNetwork({ hostname, port }: URL) {
  const pairs: [Socket, Socket][] = [];
  const server = createServer((near) => {
    const far = connect(Number(port), hostname);
    pairs.push([near, far]);
    near.pipe(far).pipe(near);
    for (const socket of [near, far]) socket.on('error', () => {});
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    count: () => pairs.length,
    forget: () => pairs.forEach(([near, far]) => void [near.unpipe(far), far.unpipe(near), far.pause()]),
    close: () => {
      for (const [near, far] of pairs) void [near.destroy(), far.destroy()];
      server.close();
    },
  };
}

test('a connection that a network has forgotten is noticed and made anew', async () => {
  const url = new URL(t.database.appUrl);
  const network = await forgetfulNetwork(url);
  url.port = String(network.port);
  const bus = new EventBus(
    sessionConfig(url.href, t.app.services.env),
    t.app.services.log.child({}, { level: 'silent' }),
    100,
  );
  const heard: unknown[] = [];
  let breaks = 0;
  bus.onChange((change) => heard.push(change?.tenantId ?? 'anything'));
  bus.onBreak(() => breaks++);
  await bus.start();
  try {
    // Asked again and again, one that is alive stays.
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect([breaks, network.count(), bus.connected]).toEqual([0, 1, true]);
    expect(performance.now() - bus.heardAt).toBeLessThan(300);
    network.forget();
    await mutate(t, a.key, 'openCase { userErrors { code } }', { title: 'unheard of' });
    await expect.poll(() => heard, { timeout: 5_000 }).toEqual(['anything']);
    expect([breaks, network.count(), bus.connected]).toEqual([1, 2, true]);
    await mutate(t, a.key, 'openCase { userErrors { code } }', { title: 'heard of' });
    await expect.poll(() => heard).toEqual(['anything', a.tenantId]);
  } finally {
    await bus.close();
    network.close();
  }
});
