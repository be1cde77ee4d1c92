import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { serveHttp } from '../../../src/server/http.ts';
import { createTestApp, type Tenant, type TestApp } from '../../support/app.ts';
import { emitMany } from './emitting.ts';
import { anotherApp, type Served, serve } from './serving.ts';

/** The program of docs/subscriptions.md, as a reader would run it. */
const [, PROGRAM = ''] =
  /## graphql-ws\n[\s\S]*?```js\n([\s\S]*?)```/.exec(readFileSync('docs/subscriptions.md', 'utf8')) ?? [];

let t: TestApp;
let server: Served;
let a: Tenant;
beforeAll(async () => {
  t = await createTestApp();
  server = await serve(t.app);
  a = await t.tenant('readers');
});
afterAll(async () => {
  await server?.stop();
  await t?.close();
});

/** Runs the program; it is ended once it has printed `until`, if it does not end by itself. Gives what it printed. */
async function run(
  env: Record<string, string>,
  until?: string,
  onOutput?: () => void,
): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', PROGRAM], {
    env: { PATH: process.env.PATH, ARGUS_URL: server.wsUrl, ARGUS_KEY: a.key, ...env },
  });
  let output = '';
  const take = (data: Buffer) => {
    output += data;
    if (until && output.includes(until)) child.kill();
    onOutput?.();
  };
  child.stdout.on('data', take);
  child.stderr.on('data', take);
  const code = await new Promise<number | null>((done) => child.once('close', done));
  return { code, output };
}

test('gives what happened after an event', async () => {
  const last = await emitMany(t, a, 3);
  const { output } = await run({ AFTER_SEQ: String(last - 2) }, `${last} MANY`);
  expect(output).toBe(`${last - 1} MANY\n${last} MANY\n`);
});

test.for([
  ['an event that is none of this log', { AFTER_SEQ: '99999999' }, /EVENT_SEQ_UNKNOWN/],
  ['a key that nobody knows', { ARGUS_KEY: 'argus_nonsense' }, /^closed with 4403: /],
  ['what is no place', { AFTER_SEQ: 'nonsense' }, /BAD_USER_INPUT/],
] as const)('ends at once with %s', async ([, env, says]) => {
  const { code, output } = await run(env);
  expect(output).toMatch(says);
  expect(code).toBe(1);
});

test('goes on where it was when the server is away for a while', async () => {
  const last = await emitMany(t, a, 1);
  const { port } = server;
  const restart = async () => {
    await server.stop();
    await emitMany(t, a, 1);
    const app = await anotherApp(t);
    const again = await serveHttp(app, { host: '127.0.0.1', port, examplesDir: 'examples/queries' });
    server = { ...server, stop: () => again.stop().then(() => app.close()) };
  };
  let restarted: Promise<void> | undefined;
  const { output } = await run({ AFTER_SEQ: String(last - 1) }, `${last + 1} MANY`, () => {
    restarted ??= restart();
  });
  await restarted;
  expect(output).toBe(`${last} MANY\n${last + 1} MANY\n`);
}, 20_000);
