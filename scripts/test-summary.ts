import { existsSync, readdirSync, readFileSync } from 'node:fs';

/**
 * Adds up the runners' JUnit reports in test-results/ and closes with "N passed, N failed". A step that broke off
 * before its report, or whose report holds no test, counts as one failure.
 *
 * Arguments: for each step its report and its exit code, as `vitest.xml:0 browser.xml:1 check:0` (no report: `check`).
 */
const DIR = 'test-results';
let passed = 0;
let failed = 0;

for (const step of process.argv.slice(2)) {
  const [report = '', code = '1'] = step.split(':');
  const path = `${DIR}/${report}`;
  if (!report.endsWith('.xml')) {
    if (code === '0') passed++;
    else failed++;
    continue;
  }
  const xml = existsSync(path) ? readFileSync(path, 'utf8') : '';
  const tests = xml.match(/<testcase\b/g)?.length ?? 0;
  const broken = xml.match(/<(?:failure|error)\b/g)?.length ?? 0;
  const skipped = xml.match(/<skipped\b/g)?.length ?? 0;
  passed += tests - broken - skipped;
  failed += broken;
  if (tests === 0 || (broken === 0 && code !== '0')) failed++;
}

if (process.argv.length === 2)
  console.error(`no step given; ${DIR} holds ${existsSync(DIR) ? readdirSync(DIR).join(', ') : 'nothing'}`);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
