import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestApp, type TestApp } from '../../support/app.ts';
import { issue, startImport } from './import-files.ts';

const TOKEN = 'ghp_ofTheOperator';
let t: TestApp;
let server: Server;
const seen: { repository: string; token: string | undefined }[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    const [, , owner, name] = (request.url ?? '').split('/');
    seen.push({ repository: `${owner}/${name}`, token: request.headers.authorization });
    response.setHeader('content-type', 'application/json').end(JSON.stringify([issue(1)]));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  t = await createTestApp({
    env: {
      GITHUB_API_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      GITHUB_TOKEN: TOKEN,
      GITHUB_REPOSITORIES: 'trusted:acme/private, trusted:acme/other',
    },
  });
});
afterAll(async () => {
  await t?.close();
  await new Promise((done) => server.close(done));
});

test('the token is for the tenants and repositories that the operator names, and no other', async () => {
  const [trusted, other] = [await t.tenant('trusted'), await t.tenant('other')];
  for (const [tenant, repository] of [
    [trusted, 'acme/private'],
    [trusted, 'acme/third'],
    [other, 'acme/private'],
  ] as const) {
    await startImport(t, tenant.key, { kind: 'GITHUB_ISSUES', repository });
    await Promise.all(t.app.services.background);
  }
  expect(seen).toEqual([
    { repository: 'acme/private', token: `Bearer ${TOKEN}` },
    { repository: 'acme/third', token: undefined },
    { repository: 'acme/private', token: undefined },
  ]);
  const { importRuns } = await t.runOk(trusted.key, '{ importRuns { nodes { status created errors } } }');
  expect(JSON.stringify(importRuns)).not.toContain(TOKEN);
  expect(importRuns.nodes).toMatchObject([{ status: 'COMPLETED' }, { status: 'COMPLETED', created: 1 }]);
});
