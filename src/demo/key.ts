import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Authenticator } from '../access/authenticate.ts';
import { PERMISSIONS } from '../access/permissions.ts';
import { systemViewer } from '../access/viewer.ts';
import { type WriteTx, withWrite } from '../data/write.ts';
import type { Env } from '../env.ts';
import { NotFound, Unauthenticated } from '../errors.ts';
import { newId } from '../graphql/ids.ts';
import { createApiKey } from '../modules/platform/api-key.service.ts';
import type { Services } from '../services.ts';

const KEY_NAME = 'demo key';

/**
 * A key of the demo's owner that works and may do everything: the one kept in `<ARGUS_DIR>/demo-key`, or, when that is
 * missing, revoked, of another database or of a version with fewer permissions, a new one. Keys that were given before stay good.
 */
export async function demoKey(services: Services, tenantId: string): Promise<string> {
  const kept = await readFile(fileOf(services.env), 'utf8').catch(() => null);
  if (kept && (await works(services, tenantId, kept.trim()))) return kept.trim();
  const viewer = systemViewer(tenantId, 'demo');
  const { value: secret } = await withWrite(services.write, viewer, 'demo.key', newKey);
  await saveDemoKey(services.env, secret);
  return secret;
}

function fileOf(env: Pick<Env, 'ARGUS_DIR'>): string {
  return join(env.ARGUS_DIR, 'demo-key');
}

async function works(services: Services, tenantId: string, key: string): Promise<boolean> {
  const authenticator = new Authenticator(services);
  try {
    const viewer = await authenticator.viewer(key, { id: newId(), ip: null, userAgent: 'argus/demo' });
    return viewer.tenantId === tenantId && viewer.permissions.size === Object.keys(PERMISSIONS).length;
  } catch (error) {
    if (error instanceof Unauthenticated) return false;
    throw error;
  } finally {
    authenticator.close();
  }
}

async function newKey(tx: WriteTx): Promise<string> {
  const { tenantId } = tx;
  const owner = await tx.db.member.findFirst({
    where: { tenantId, role: 'OWNER', isActive: true },
    orderBy: { createdAt: 'asc' },
  });
  if (!owner) throw new NotFound('the demo has no owner any more, whose key could be given');
  const { secret } = await createApiKey(tx, { name: KEY_NAME, memberId: owner.id });
  return secret;
}

/** Keeps a key where only this user can read it. */
export async function saveDemoKey(env: Pick<Env, 'ARGUS_DIR'>, key: string): Promise<void> {
  const file = fileOf(env);
  await mkdir(env.ARGUS_DIR, { recursive: true, mode: 0o700 });
  // Whole or not at all, also when two processes write it at once.
  const draft = `${file}.${process.pid}.${newId()}`;
  await writeFile(draft, `${key}\n`, { mode: 0o600 });
  await chmod(draft, 0o600);
  await rename(draft, file);
}
