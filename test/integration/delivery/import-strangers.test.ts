import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestApp, type TestApp } from '../../support/app.ts';
import { csv, importCommand, importText } from './import-files.ts';

let t: TestApp;
let command: ReturnType<typeof importCommand>;
beforeAll(async () => {
  t = await createTestApp();
  command = importCommand(t);
});
afterAll(async () => {
  command?.remove();
  await t?.close();
});

test('who is no member is told alike when the same file comes again', async () => {
  await t.tenant('again');
  const header = ['id', 'project', 'title', 'assignee'];
  const file = (title: string) =>
    command.file(
      'again.csv',
      csv([header, ['1', 'X', 'one', 'Owner'], ['2', 'X', 'two', 'Erin'], ['3', 'X', title, 'Erin']]),
    );
  const told = async (title: string) =>
    /assignees who are no members: (.*)/.exec((await command.run('bugs', file(title), '--tenant', 'again')).text)?.[1];
  expect([await told('three'), await told('three'), await told('four')]).toEqual(['Erin (2)', 'Erin (2)', 'Erin (2)']);
});

test.for([
  [{}, { status: 'PARTIAL', created: 1, rejected: 1, errors: [{ line: 3, code: 'INVALID_INPUT' }] }],
  [{ atomic: true }, { status: 'FAILED', created: 0 }],
] as const)('a dry run meets what the database refuses, as the real one does: %o', async ([how, expected]) => {
  const tenant = await t.tenant(`refused-${Object.keys(how).length}`);
  const rows = [
    ['Issue key', 'Project', 'Summary', 'Hours'],
    ['A-1', 'A', 'x', '1'],
    ['A-2', 'A', 'y', '99999999.999'],
  ];
  const file = { kind: 'BUGS', content: csv(rows), ...how };
  expect(await importText(t, tenant, { ...file, dryRun: true })).toMatchObject(expected);
  expect(await importText(t, tenant, file)).toMatchObject(expected);
});
