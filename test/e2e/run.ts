/**
 * Starts the server of a folder the way a user does, runs the browser test against it and stops it:
 * `node test/e2e/run.ts [folder]`.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';

const START_LIMIT_MS = 10 * 60_000; // A first start may install and prepare the database.
const STOP_LIMIT_MS = 30_000;
const ADDRESS = /GraphiQL\s+(http:\S+)/;
const TEST_FILE = fileURLToPath(new URL('graphiql.test.ts', import.meta.url));

const REPORTERS = [
  '--test-reporter=spec',
  '--test-reporter-destination=stdout',
  '--test-reporter=junit',
  '--test-reporter-destination=test-results/browser.xml',
];

async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  assert.ok(typeof address === 'object' && address !== null);
  return address.port;
}

/** Waits for the line with the GraphiQL address and returns the address. Passes on all output. */
function waitForAddress(server: ChildProcess): Promise<string> {
  return new Promise((found, failed) => {
    let output = '';
    const limit = setTimeout(() => failed(new Error('The server did not print its GraphiQL address')), START_LIMIT_MS);
    const settle = (action: () => void) => {
      clearTimeout(limit);
      action();
    };
    server.once('error', (error) => settle(() => failed(error)));
    server.once('exit', (code) => settle(() => failed(new Error(`The server ended early with exit code ${code}`))));
    server.stderr?.pipe(process.stderr);
    server.stdout?.on('data', (chunk: Buffer) => {
      process.stdout.write(chunk);
      output += chunk.toString();
      // Only whole lines: half of an address would match as well.
      const lines = stripVTControlCharacters(output.slice(0, output.lastIndexOf('\n') + 1));
      const address = ADDRESS.exec(lines)?.[1];
      if (address) settle(() => found(address));
    });
  });
}

async function stop(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) throw new Error('The server ended during the test');
  const exit = once(server, 'exit', { signal: AbortSignal.timeout(STOP_LIMIT_MS) });
  server.kill('SIGTERM');
  try {
    const [code, signal] = await exit;
    assert.equal(code, 0, `The server must end with exit code 0 after SIGTERM (code ${code}, signal ${signal})`);
  } catch (error) {
    server.kill('SIGKILL');
    throw error;
  }
}

async function run(folder: string): Promise<boolean> {
  const port = await findFreePort();
  const server = spawn('npm', ['start'], {
    cwd: folder,
    // Signals must reach the server: npm passes them on to its shell, and bash, unlike some shells named sh,
    // lets a single command take its own place.
    env: { ...process.env, PORT: String(port), npm_config_script_shell: 'bash' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let passed = false;
  try {
    const address = await waitForAddress(server);
    const tests = spawn(process.execPath, ['--test', ...REPORTERS, TEST_FILE], {
      env: { ...process.env, ARGUS_E2E_URL: address },
      stdio: 'inherit',
    });
    const [code] = await once(tests, 'exit');
    passed = code === 0;
  } catch (error) {
    server.kill('SIGTERM');
    throw error;
  }
  await stop(server);
  return passed;
}

const passed = await run(resolve(process.argv[2] ?? '.'));
process.exitCode = passed ? 0 : 1;
