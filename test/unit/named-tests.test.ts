import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const NAMED = /`((?:unit|integration|contract|prove)\/[\w./-]+\.ts)`/g;

test('the tests that the security page names are there', () => {
  const named = [...readFileSync('docs/security.md', 'utf8').matchAll(NAMED)].map(([, path]) => `test/${path}`);
  expect(named.length).toBeGreaterThan(40);
  expect(named.filter((path) => !existsSync(path))).toEqual([]);
});
