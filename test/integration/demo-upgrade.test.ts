import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemViewer } from '../../src/access/viewer.ts';
import { withWrite } from '../../src/data/write.ts';
import { PROJECTS } from '../../src/demo/delivery/projects.ts';
import { demoKey } from '../../src/demo/key.ts';
import { loadDemo } from '../../src/demo/load.ts';
import { createTenant } from '../../src/modules/platform/tenant.service.ts';
import { createTestApp } from '../support/app.ts';
import { asOwner } from '../support/demo-story.ts';

const NOW = new Date(Date.now() - 60_000);

test('a demo that an earlier version loaded gets the stories that it lacks', async () => {
  const other = await createTestApp({ env: { ARGUS_DIR: '.argus/test-demo-3' } });
  try {
    const { services } = other.app;
    const { tenantId: id } = await createTenant(services, {
      ...{ slug: 'demo', name: 'Argus Demo', email: 'owner@demo.example', displayName: 'Olga Owner' },
    });
    const settings = { demo: { now: NOW.toISOString(), steps: 144, complete: true } };
    await withWrite(services.write, systemViewer(id, 'test'), 'test', (tx) =>
      tx.db.tenant.update({ where: { id }, data: { settings } }),
    );
    expect((await loadDemo(services, { now: NOW })).created).toBe(true);
    const [row] = await asOwner<object>(
      other,
      'SELECT (SELECT count(*)::int FROM projects) AS projects, (SELECT count(*)::int FROM content) AS content',
    );
    expect(row).toEqual({ projects: PROJECTS.length, content: 0 });
    expect((await loadDemo(services, { now: NOW })).created).toBe(false);
    // The file is missing where a backup was restored into another folder: who was given the key keeps it.
    const file = join(services.env.ARGUS_DIR, 'demo-key');
    rmSync(file, { force: true });
    const given = await demoKey(services, id);
    rmSync(file);
    const another = await demoKey(services, id);
    expect(another).not.toBe(given);
    for (const good of [given, another]) await other.runOk(good, '{ viewer { kind } }');
  } finally {
    await other.close();
  }
}, 60_000);
