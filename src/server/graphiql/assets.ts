import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

const compress = promisify(gzip);

/** One answer kept in memory. */
export interface Asset {
  type: string;
  etag: string;
  body: Buffer;
  /** The compressed body, made on first use and kept. */
  gzip(): Promise<Buffer>;
}

const JAVASCRIPT = 'text/javascript; charset=utf-8';
const CSS = 'text/css; charset=utf-8';

/** Our own part of the page: name under `client/` and media type. */
const CLIENT_FILES: [name: string, type: string][] = [
  ['environment.js', JAVASCRIPT],
  ['fetcher.js', JAVASCRIPT],
  ['key.js', JAVASCRIPT],
  ['main.js', JAVASCRIPT],
  ['page.css', CSS],
  ['favicon.svg', 'image/svg+xml'],
];

/** Wraps a text as an answer. */
export function createAsset(type: string, text: string): Asset {
  const body = Buffer.from(text);
  let compressed: Promise<Buffer> | undefined;
  return {
    type,
    body,
    etag: `"${digest([body])}"`,
    gzip() {
      compressed ??= compress(body);
      return compressed;
    },
  };
}

/**
 * Loads the editor from its package and our own client files. `version` is a hash over all of them: it
 * is part of every address, so that addresses inside the files stay relative and answers cacheable forever.
 */
export async function loadAssets(): Promise<{ version: string; files: Map<string, Asset> }> {
  const editor = await import('@graphql-yoga/render-graphiql/graphiql');
  const files = new Map<string, Asset>([
    ['graphiql.js', createAsset(JAVASCRIPT, editor.js)],
    ['graphiql.css', createAsset(CSS, editor.css)],
    ['editor.worker.js', createAsset(JAVASCRIPT, editor.editorWorkerService)],
    ['json.worker.js', createAsset(JAVASCRIPT, editor.jsonWorker)],
    ['graphql.worker.js', createAsset(JAVASCRIPT, editor.graphqlWorker)],
  ]);
  for (const [name, type] of CLIENT_FILES) {
    const text = await readFile(new URL(`./client/${name}`, import.meta.url), 'utf8');
    files.set(name, createAsset(type, text));
  }
  return { version: digest([...files.values()].map((file) => file.body)), files };
}

function digest(parts: Buffer[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex').slice(0, 16);
}
