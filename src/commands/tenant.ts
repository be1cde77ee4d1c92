import type { Command } from 'commander';
import { Conflict } from '../errors.ts';
import { createTenant } from '../modules/platform/tenant.service.ts';
import { withServices } from './runtime.ts';

interface TenantOptions {
  name?: string;
  email: string;
  person?: string;
}

export function addTenant(program: Command): void {
  program
    .command('tenant')
    .description('Tenants: the organisations that share a server and see nothing of each other.')
    .command('create <slug>')
    .description('create a tenant with its owner and a first key')
    .requiredOption('--email <address>', 'e-mail address of the owner')
    .option('--name <name>', 'full name of the organisation')
    .option('--person <name>', 'name of the owner')
    .action((slug: string, options: TenantOptions) =>
      withServices(async (services) => {
        const displayName = options.person ?? options.email.split('@', 1)[0] ?? options.email;
        const { key } = await createTenant(services, {
          slug,
          name: options.name ?? slug,
          email: options.email,
          displayName,
        }).catch((error: unknown) => {
          throw error instanceof Conflict ? new Conflict(`there is a tenant ${slug} already`) : error;
        });
        console.log(`The tenant ${slug} is there. Its owner's key, shown only now:\n\n  ${key}\n`);
        console.log('Its dictionary is empty: "argus import keywords" fills it, and content is scored by it.');
      }),
    );
}
