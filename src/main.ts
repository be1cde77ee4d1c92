#!/usr/bin/env node
import { Command } from 'commander';
import { addBackup } from './commands/backup.ts';
import { addDoctor } from './commands/doctor.ts';
import { addExport } from './commands/export.ts';
import { addImport } from './commands/import.ts';
import { addKey } from './commands/key.ts';
import { addMigrate } from './commands/migrate.ts';
import { addRestore } from './commands/restore.ts';
import { explain } from './commands/runtime.ts';
import { addSeed } from './commands/seed.ts';
import { addServe } from './commands/serve.ts';
import { addTenant } from './commands/tenant.ts';
import { describeEnv } from './env.ts';
import { VERSION } from './version.ts';

const program = new Command('argus')
  .description('A multi-tenant GraphQL server over PostgreSQL for intelligence and delivery teams.')
  .version(VERSION)
  .showHelpAfterError('(--help tells what is possible)')
  .addHelpText('after', () => `\nSettings come from the environment:\n${settings()}\n`);

function settings(): string {
  return describeEnv()
    .map(({ name, description, default: fallback }) => `  ${name.padEnd(24)} ${description} [${fallback}]`)
    .join('\n');
}

for (const add of [
  addServe,
  addMigrate,
  addSeed,
  addImport,
  addExport,
  addBackup,
  addRestore,
  addTenant,
  addKey,
  addDoctor,
])
  add(program);

try {
  await program.parseAsync();
} catch (error) {
  console.error(explain(error));
  process.exitCode = 1;
}
