import type { Command } from 'commander';
import { effectivePermissions, isPermission, PERMISSIONS } from '../access/permissions.ts';
import { systemViewer, type Viewer } from '../access/viewer.ts';
import { withReadScope } from '../data/read-scope.ts';
import { withWrite } from '../data/write.ts';
import { InvalidInput } from '../errors.ts';
import { createApiKey, revokeApiKey } from '../modules/platform/api-key.service.ts';
import { apiKeyEntity } from '../modules/platform/entities.ts';
import { tenantBySlug } from '../modules/platform/tenant.service.ts';
import type { Services } from '../services.ts';
import { withServices } from './runtime.ts';

interface KeyOptions {
  tenant: string;
  name: string;
  member?: string;
  permissions?: string;
  days?: string;
}

export function addKey(program: Command): void {
  const key = program.command('key').description('API keys of a tenant.');
  key
    .command('create')
    .description('create a key; it is shown once')
    .requiredOption('--tenant <slug>', 'whose data it opens')
    .requiredOption('--name <name>', 'what it is for')
    .option('--member <e-mail>', 'whom it acts for; the first owner when left out')
    .option(
      '--permissions <list>',
      `what it may do, with commas; all that the member may when left out. There are: ${Object.keys(PERMISSIONS).join(', ')}`,
    )
    .option('--days <n>', 'when it ends; never when left out')
    .action((options: KeyOptions) => withServices((services) => create(services, options)));
  key
    .command('list')
    .description('list keys, without their secrets')
    .requiredOption('--tenant <slug>', 'whose')
    .action(({ tenant }: { tenant: string }) => withServices((services) => list(services, tenant)));
  key
    .command('revoke <id>')
    .description('end a key at once; ids as "key list" shows them')
    .requiredOption('--tenant <slug>', 'whose')
    .action((id: string, { tenant }: { tenant: string }) =>
      withServices(async (services) => {
        const viewer = systemViewer(await tenantBySlug(services, tenant), 'key');
        const { value } = await withWrite(services.write, viewer, 'apiKey.revoke', (tx) =>
          revokeApiKey(tx, { id: apiKeyEntity.decode(id) }),
        );
        console.log(`The key "${value.name}" no longer works.`);
      }),
    );
}

async function create(services: Services, options: KeyOptions): Promise<void> {
  const system = systemViewer(await tenantBySlug(services, options.tenant), 'key');
  const permissions = options.permissions?.split(',').map((part) => part.trim());
  const unknown = permissions?.find((permission) => !isPermission(permission));
  if (unknown)
    throw new InvalidInput(`there is no permission ${unknown}; there are ${Object.keys(PERMISSIONS).join(', ')}`);
  const days = options.days === undefined ? null : Number(options.days);
  if (days !== null && !(days > 0 && days <= 3_650))
    throw new InvalidInput(`--days ${options.days}: a number from 1 to 3650`);
  const member = await findMember(services, system, options.member ?? null);
  const expiresAt = days === null ? null : new Date(Date.now() + days * 86_400_000);
  const acting: Viewer = {
    ...system,
    memberId: member.id,
    permissions: effectivePermissions({ role: member.role, extra: member.permissions }),
  };
  const { value } = await withWrite(services.write, acting, 'apiKey.create', (tx) =>
    createApiKey(tx, { name: options.name, permissions, expiresAt }),
  );
  console.log(`Keep it now, it is not shown again:\n\n  ${value.secret}\n`);
}

async function findMember(
  services: Services,
  viewer: Viewer,
  email: string | null,
): Promise<{ id: string; role: string; permissions: string[] }> {
  const [row] = await withReadScope(services.read, viewer, (scope) =>
    scope.query<{ id: string; role: string; permissions: string[] }>({
      text: `SELECT m.id, m.role, m.permissions FROM members m JOIN users u ON u.id = m.user_id
        WHERE m.tenant_id = $1::uuid AND m.is_active AND ($2::text IS NULL OR u.email = lower($2::text))
        ORDER BY m.role <> 'OWNER', m.created_at, m.id LIMIT 1`,
      values: [viewer.tenantId, email],
    }),
  );
  if (!row) throw new InvalidInput(email ? `nobody here has the address ${email}` : 'this tenant has no member');
  return row;
}

interface KeyRow {
  id: string;
  name: string;
  permissions: string[];
  lastUsedAt: Date | null;
  expiresAt: Date | null;
  revokedAt: Date | null;
}

async function list(services: Services, tenant: string): Promise<void> {
  const viewer = systemViewer(await tenantBySlug(services, tenant), 'key');
  const rows = await withReadScope(services.read, viewer, (scope) =>
    scope.query<KeyRow>({
      text: `SELECT id, name, permissions, last_used_at AS "lastUsedAt", expires_at AS "expiresAt", revoked_at AS "revokedAt"
        FROM api_keys WHERE tenant_id = $1::uuid ORDER BY created_at DESC`,
      values: [viewer.tenantId],
    }),
  );
  for (const row of rows) {
    const state = row.revokedAt ? 'revoked' : row.expiresAt && row.expiresAt < new Date() ? 'expired' : 'active';
    const used = row.lastUsedAt ? `used ${row.lastUsedAt.toISOString().slice(0, 16)}` : 'never used';
    console.log(
      `${apiKeyEntity.encode(row.id)}  ${state.padEnd(7)}  ${used.padEnd(21)}  ${row.permissions.length} permissions  ${row.name}`,
    );
  }
  if (rows.length === 0) console.log('there are none');
}
