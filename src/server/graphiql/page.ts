import { type Asset, createAsset } from './assets.ts';
import type { Example } from './examples.ts';

interface PageOptions {
  /** Address prefix of the assets. */
  base: string;
  endpoint: string;
  examples: Example[];
}

/** Renders the page. It holds no script of its own: the settings are a block of data that the client reads. */
export function renderPage({ base, endpoint, examples }: PageOptions): Asset {
  // "<" could end the data block early when it stands inside an example.
  const config = JSON.stringify({ endpoint, examples }).replaceAll('<', '\\u003c');
  return createAsset(
    'text/html; charset=utf-8',
    `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Argus</title>
<link rel="icon" type="image/svg+xml" href="${base}/favicon.svg">
<link rel="stylesheet" href="${base}/graphiql.css">
<link rel="stylesheet" href="${base}/page.css">
<script id="config" type="application/json">${config}</script>
<script defer src="${base}/environment.js"></script>
<script defer src="${base}/graphiql.js"></script>
<script type="module" src="${base}/main.js"></script>
</head>
<body>
<header class="argus-bar">
  <a class="argus-brand" href="/graphiql"><img src="${base}/favicon.svg" alt="" width="24" height="24">Argus</a>
  <select id="examples" class="argus-control" aria-label="Open an example in a new tab">
    <option value="">Examples</option>
  </select>
  <form id="key-form" class="argus-key" autocomplete="off">
    <label for="key">Key or session token</label>
    <span class="argus-field">
      <input id="key" class="argus-control" type="password" autocomplete="off" autocapitalize="off" spellcheck="false"
        placeholder="Paste it here" aria-describedby="key-state">
      <button id="key-show" type="button" aria-pressed="false">Show</button>
    </span>
    <label class="argus-remember"><input id="key-remember" type="checkbox">Remember</label>
    <span id="key-state" class="argus-state" role="status"></span>
  </form>
</header>
<p id="notice" class="argus-notice" role="status" hidden></p>
<main id="graphiql"><p class="argus-loading">Loading&hellip;</p></main>
<noscript><p class="argus-loading">This page needs JavaScript.</p></noscript>
</body>
</html>
`,
  );
}
