import { serverAudits } from 'graphql-http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { serveHttp } from '../../../src/server/http.ts';
import { createTestApp, type TestApp } from '../../support/app.ts';

const WAYS = ['the short path', 'Yoga'] as const;

let t: TestApp;
const servers = new Map<string, Awaited<ReturnType<typeof serveHttp>>>();
beforeAll(async () => {
  t = await createTestApp();
  for (const way of WAYS) {
    const shortPath = way === 'the short path';
    servers.set(
      way,
      await serveHttp(t.app, { host: '127.0.0.1', port: 0, examplesDir: 'examples/queries', shortPath }),
    );
  }
});
afterAll(async () => {
  for (const server of servers.values()) await server.stop();
  await t?.close();
});

describe.for(WAYS)('GraphQL over HTTP by %s, as its specification has it:', (way) => {
  for (const audit of serverAudits({ url: () => `http://127.0.0.1:${servers.get(way)?.port}/graphql` })) {
    test(audit.name, async () => {
      const result = await audit.fn();
      // What is only a notice is up to the server.
      expect(result.status, 'reason' in result ? result.reason : '').toMatch(/^(ok|notice)$/);
    });
  }
});
