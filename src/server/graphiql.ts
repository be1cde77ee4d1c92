import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Asset, loadAssets } from './graphiql/assets.ts';
import { type Example, readExamples } from './graphiql/examples.ts';
import { renderPage } from './graphiql/page.ts';

const PAGE_PATH = '/graphiql';
const ASSETS_PATH = `${PAGE_PATH}/assets`;

/**
 * Everything comes from this server. Styles alone need 'unsafe-inline': the code editor measures text and
 * positions its lines with style attributes and adds <style> elements for its themes. Fonts and small
 * icons are data addresses inside the style sheet.
 */
const CONTENT_SECURITY_POLICY = [
  "default-src 'self'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self' data:",
  "connect-src 'self'",
  "worker-src 'self'",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const SECURITY_HEADERS = {
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

export interface GraphiqlOptions {
  /** Path of the GraphQL endpoint on this server. */
  endpoint: string;
  /** Folder of `*.graphql` files; each becomes an entry of the menu, in name order. */
  examplesDir: string;
}

export interface Graphiql {
  /** Answers the request and returns true when it is for the GraphiQL page; otherwise does nothing and returns false. */
  handle(req: IncomingMessage, res: ServerResponse): boolean;
}

/** Creates the handler of the GraphiQL page. Throws when an example file is malformed. */
export function createGraphiql(options: GraphiqlOptions): Graphiql {
  const examples = readExamples(options.examplesDir);
  // The editor is several megabytes of text, so it is loaded by the first visit, not by every start.
  let site: Promise<Site> | undefined;
  const getSite = () => {
    site ??= loadSite(options.endpoint, examples).catch((error: unknown) => {
      site = undefined; // The next request tries again.
      throw error;
    });
    return site;
  };

  return {
    handle(req, res) {
      const path = (req.url ?? '').split(/[?#]/, 1)[0] ?? '';
      if (req.method !== 'GET' && req.method !== 'HEAD') return false;
      if (path === '/') {
        res.writeHead(302, { ...SECURITY_HEADERS, location: PAGE_PATH }).end();
        return true;
      }
      if (path !== PAGE_PATH && path !== `${PAGE_PATH}/` && !path.startsWith(`${ASSETS_PATH}/`)) return false;
      getSite()
        .then((loaded) => answer(req, res, path, loaded))
        .catch((error: unknown) => fail(res, error));
      return true;
    },
  };
}

interface Site {
  page: Asset;
  assets: Map<string, Asset>;
}

async function loadSite(endpoint: string, examples: Example[]): Promise<Site> {
  const { version, files } = await loadAssets();
  const base = `${ASSETS_PATH}/${version}`;
  const assets = new Map([...files].map(([name, asset]) => [`${base}/${name}`, asset]));
  return { page: renderPage({ base, endpoint, examples }), assets };
}

async function answer(req: IncomingMessage, res: ServerResponse, path: string, site: Site): Promise<void> {
  const isPage = !path.startsWith(ASSETS_PATH);
  const asset = isPage ? site.page : site.assets.get(path);
  if (!asset) {
    res.writeHead(404, { ...SECURITY_HEADERS, 'content-type': 'text/plain; charset=utf-8' }).end('Not found\n');
    return;
  }
  const headers = {
    ...SECURITY_HEADERS,
    'content-type': asset.type,
    // The name of an asset holds a hash of all of them, so it never changes; the page itself is asked for each time.
    'cache-control': isPage ? 'no-cache' : 'public, max-age=31536000, immutable',
    etag: asset.etag,
    vary: 'accept-encoding',
  };
  if (req.headers['if-none-match'] === asset.etag) {
    res.writeHead(304, headers).end();
    return;
  }
  const gzip = /\bgzip\b/.test(String(req.headers['accept-encoding'] ?? ''));
  const body = gzip ? await asset.gzip() : asset.body;
  res.writeHead(200, {
    ...headers,
    ...(gzip ? { 'content-encoding': 'gzip' } : {}),
    'content-length': body.byteLength,
  });
  res.end(req.method === 'HEAD' ? undefined : body);
}

function fail(res: ServerResponse, error: unknown): void {
  if (res.headersSent) {
    res.destroy();
    return;
  }
  const reason = error instanceof Error ? error.message : String(error);
  process.emitWarning(`GraphiQL cannot be served: ${reason}`);
  res.writeHead(500, { ...SECURITY_HEADERS, 'content-type': 'text/plain; charset=utf-8' });
  res.end('GraphiQL cannot be served. The GraphQL endpoint itself is not affected.\n');
}
