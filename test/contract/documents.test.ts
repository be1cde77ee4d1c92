import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readExamples } from '../../src/server/graphiql/examples.ts';

const PAGES = globSync('**/*.md', { exclude: (path) => /(^|\/)(node_modules|\.[a-z]+)(\/|$)/.test(path) });
const FENCE = /^(```|~~~)[\s\S]*?^\1/gm;

/** What GitHub makes of a page's headings. */
function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading = ''] of text.replaceAll(FENCE, '').matchAll(/^#{1,6} +(.+)$/gm)) {
    const shown = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
    const slug = shown.replaceAll(/[^\p{L}\p{N}\s_-]/gu, '').replaceAll(/\s/g, '-');
    let anchor = slug;
    for (let n = 1; anchors.has(anchor); n++) anchor = `${slug}-${n}`;
    anchors.add(anchor);
  }
  return anchors;
}

/** Links of a page that lead to no file or no heading. */
function brokenLinks(page: string, text: string): string[] {
  const links = [...text.replaceAll(FENCE, '').matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link);
  return links
    .filter((link) => !/^[a-z]+:/.test(link))
    .filter((link) => {
      const [path = '', anchor] = link.split('#');
      const file = path === '' ? page : normalize(join(dirname(page), path));
      if (!existsSync(file)) return true;
      const target = file === page ? text : anchor === undefined ? '' : readFileSync(file, 'utf8');
      return anchor !== undefined && !anchorsOf(target).has(anchor);
    })
    .map((link) => `${page}: ${link}`);
}

describe('links of the documents', () => {
  it.each(PAGES)('%s: lead somewhere', (page) => {
    expect(brokenLinks(page, readFileSync(page, 'utf8'))).toEqual([]);
  });

  it('are seen to be broken', () => {
    const text =
      '# The `A`: b\n[1](#the-a-b) [2](#nowhere) [3](none.md) [4](api.md#paging) [5](api.md#pages) [6](https://x)';
    expect(PAGES).toContain('docs/api.md');
    expect(brokenLinks('docs/limits.md', text)).toEqual(
      ['#nowhere', 'none.md', 'api.md#pages'].map((l) => `docs/limits.md: ${l}`),
    );
  });
});

it('examples are numbered one by one, and README names the last', () => {
  const numbers = readExamples('examples/queries').map(({ number }) => Number(number));
  expect(numbers).toEqual([...numbers.keys()].map((index) => index + 1));
  expect(readFileSync('README.md', 'utf8')).toContain(`, ${numbers.length} |`);
});

describe('codes of errors', () => {
  const sources = globSync(['src/errors.ts', 'src/{server,graphql}/**/*.ts']).map((path) => readFileSync(path, 'utf8'));
  const codes = sources.flatMap((text) =>
    [...text.matchAll(/\bcode(?::| =) '([A-Z_]+)'|\brefuse\([^)]*'([A-Z_]+)'\)/g)].map(([, a, b]) => a ?? b ?? ''),
  );
  const documented = ['docs/api.md', 'docs/subscriptions.md'].map((page) => readFileSync(page, 'utf8')).join('\n');

  it('are many', () => {
    expect(new Set(codes).size).toBeGreaterThan(25);
  });

  it.each([...new Set(codes)].sort())('%s stands in the documentation of the API', (code) => {
    expect(documented).toContain(`\`${code}\``);
  });
});
