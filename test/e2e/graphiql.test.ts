import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';

const ADDRESS = process.env.ARGUS_E2E_URL ?? '';
const CHROMIUM = process.env.ARGUS_E2E_CHROMIUM ?? '/usr/bin/chromium';
const RESULTS = fileURLToPath(new URL('../../test-results/', import.meta.url));
const LOOPBACK = new Set(['127.0.0.1', 'localhost', '[::1]']);
const CHROMIUM_FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

let browser: Browser;
let context: BrowserContext;
let page: Page;
const outside: string[] = [];
const complaints: string[] = [];

before(async () => {
  assert.ok(
    ADDRESS.includes('#key='),
    'ARGUS_E2E_URL must be the GraphiQL address the server prints, with its #key=…; "node test/e2e/run.ts" sets it',
  );
  await mkdir(RESULTS, { recursive: true });
  browser = await chromium.launch({ executablePath: CHROMIUM, args: CHROMIUM_FLAGS });
  context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  watch(context);
  page = await context.newPage();
  await page.goto(ADDRESS);
  await page.locator('.graphiql-execute-button').waitFor();
});

after(async () => {
  await browser?.close();
});

/** Records each request that leaves this machine and each complaint of the browser, content security policy included. */
function watch(target: BrowserContext): void {
  target.on('request', (request) => {
    const { protocol, hostname } = new URL(request.url());
    if (protocol !== 'data:' && protocol !== 'blob:' && !LOOPBACK.has(hostname)) outside.push(request.url());
  });
  target.on('console', (message) => {
    if (message.type() === 'error' || /content security policy/i.test(message.text())) complaints.push(message.text());
  });
  target.on('weberror', (error) => complaints.push(String(error.error())));
}

async function runOperation(): Promise<void> {
  await page.locator('.graphiql-execute-button').click();
  const choice = page.locator('.graphiql-dropdown-content [role=menuitem]').first();
  // A tab with more than one operation asks which one to run.
  if (await choice.isVisible()) await choice.click();
}

/** Reads a whole editor; the page itself draws only the lines in view. */
function readEditor(name: string): Promise<string> {
  return page.evaluate((suffix) => {
    interface Model {
      uri: { path: string };
      getValue(): string;
    }
    const { monaco } = globalThis as unknown as { monaco: { editor: { getModels(): Model[] } } };
    const model = monaco.editor.getModels().find((each) => each.uri.path.endsWith(suffix));
    return model?.getValue() ?? '';
  }, name);
}

/** Tells whether a value holds a non-empty list of "edges" or "nodes" with an id in it. */
function hasRows(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(([name, inner]) => {
    const isList = (name === 'edges' || name === 'nodes') && Array.isArray(inner);
    return (isList && /"id":"?[^",}]+/.test(JSON.stringify(inner))) || hasRows(inner);
  });
}

test('the key leaves the address bar and stays in the field', async () => {
  assert.equal(await page.title(), 'Argus');
  assert.equal(new URL(page.url()).hash, '');
  assert.equal(await page.locator('#key').getAttribute('type'), 'password');
  assert.notEqual(await page.locator('#key').inputValue(), '');
});

test('the first example shows rows', async () => {
  const tabs = await page.locator('.graphiql-tab').count();
  const groups = await page.locator('#examples optgroup').count();
  assert.ok(groups > 1 && groups === tabs, 'the first example of each group has a tab');
  const entries = await page.locator('#examples optgroup option').allInnerTexts();
  const numbers = entries.map((entry) => Number.parseInt(entry, 10)).sort((a, b) => a - b);
  assert.deepEqual(
    numbers,
    [...numbers.keys()].map((index) => index + 1),
  );

  await runOperation();
  await page.locator('.graphiql-response .view-lines').getByText('"data"').waitFor();
  const response = await readEditor('response.json');
  assert.ok(hasRows(JSON.parse(response)), `the response holds no rows: ${response.slice(0, 500)}`);
  await page.locator('#key-state[data-state=accepted]').waitFor();
});

test('the docs explorer shows the types', async () => {
  await page.getByRole('button', { name: 'Show Documentation Explorer' }).click();
  const types = page.locator('.graphiql-doc-explorer-content .graphiql-doc-explorer-type-name');
  await types.first().waitFor();
  assert.ok((await types.allInnerTexts()).includes('Query'));
  await page.screenshot({ path: `${RESULTS}graphiql.png` });
});

test('an example opens from the menu in a new tab', async () => {
  const tabs = page.locator('.graphiql-tab');
  const count = await tabs.count();
  await page.locator('#examples').selectOption({ index: 1 });
  await tabs.nth(count).waitFor();
  const name = await page.locator('#examples option').nth(1).getAttribute('title');
  await page.locator('.graphiql-tab-active').getByText(String(name)).waitFor();
});

test('a visit without a key says where to get one, also at phone width', async () => {
  const phone = await browser.newContext({ viewport: { width: 390, height: 800 } });
  watch(phone);
  const visit = await phone.newPage();
  await visit.goto(ADDRESS.replace(/#.*$/, ''));
  await visit.locator('.graphiql-execute-button').waitFor();
  await visit.locator('#notice').getByText('npx argus key create').waitFor();
  const overflow = await visit.evaluate<number>('document.documentElement.scrollWidth - window.innerWidth');
  assert.ok(overflow <= 0, `the page is ${overflow} px wider than the phone`);
  await visit.screenshot({ path: `${RESULTS}graphiql-phone.png` });
  await phone.close();
});

test('nothing was loaded from outside and the browser did not complain', () => {
  assert.deepEqual(outside, []);
  assert.deepEqual(complaints, []);
});
