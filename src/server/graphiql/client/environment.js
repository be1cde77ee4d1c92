// Runs before the editor: tells it where its workers are, and to publish its API, which the Examples menu uses.
(() => {
  const workers = { json: 'json.worker.js', graphql: 'graphql.worker.js' };
  const base = document.currentScript.src;
  globalThis.MonacoEnvironment = {
    globalAPI: true,
    getWorkerUrl: (_module, label) => new URL(workers[label] ?? 'editor.worker.js', base).href,
  };
})();
