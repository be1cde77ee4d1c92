import { serverAudits } from 'graphql-http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { serveHttp } from '../../../src/server/http.ts';
import { createTestApp, type TestApp } from '../../support/app.ts';

const WAYS = ['the short path', 'Yoga'] as const;

let t: TestApp;
let key = '';
const servers = new Map<string, Awaited<ReturnType<typeof serveHttp>>>();
beforeAll(async () => {
  t = await createTestApp();
  ({ key } = await t.tenant('audits'));
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
  const url = () => `http://127.0.0.1:${servers.get(way)?.port}/graphql`;
  // Some ask for the schema, which is shown to those who sign in.
  const fetchFn: typeof fetch = (input, init) => {
    const headers = new Headers(init?.headers);
    headers.set('authorization', `Bearer ${key}`);
    return fetch(input, { ...init, headers });
  };
  for (const audit of serverAudits({ url, fetchFn })) {
    test(audit.name, async () => {
      const result = await audit.fn();
      // What is only a notice is up to the server.
      expect(result.status, 'reason' in result ? result.reason : '').toMatch(/^(ok|notice)$/);
    });
  }
});
