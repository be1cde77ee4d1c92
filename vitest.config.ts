import { defineConfig } from 'vitest/config';

export default defineConfig({
  // graphql ships twice, and Vite would give our files the copy that Node does not give our dependencies.
  resolve: { alias: [{ find: /^graphql$/, replacement: 'graphql/index.js' }] },
  test: {
    include: ['test/{unit,integration,contract}/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    reporters: ['default', ['junit', { outputFile: 'test-results/vitest.xml' }]],
  },
});
