import { type Command, InvalidArgumentError } from 'commander';
import { migrateDown, migrateUp, migrationStatus } from '../data/migrate.ts';
import { newMigration } from '../data/migration-new.ts';
import { openDatabaseServer } from '../database-server.ts';
import { env } from '../env.ts';

export function addMigrate(program: Command): void {
  const migrate = program
    .command('migrate')
    .description(
      'Bring the database up to date, back, or tell how it stands. As the owner: DATABASE_OWNER_URL, else DATABASE_URL.',
    );
  migrate
    .command('up')
    .description('apply what is pending')
    .action(() =>
      withOwner(async (ownerUrl) => {
        const applied = await migrateUp({ ownerUrl, log: console.log });
        if (applied.length === 0) console.log('nothing is pending');
      }),
    );
  migrate
    .command('down')
    .description('undo the last migrations; the data in what they made is gone')
    .option('--steps <n>', 'how many', positive, 1)
    .action(({ steps }: { steps: number }) =>
      withOwner(async (ownerUrl) => void (await migrateDown({ ownerUrl, steps, log: console.log }))),
    );
  migrate
    .command('status')
    .description('show every migration and its state')
    .action(() =>
      withOwner(async (ownerUrl) => {
        for (const { name, state, appliedAt } of await migrationStatus({ ownerUrl })) {
          console.log(`${state.padEnd(8)} ${name}${appliedAt ? `  ${appliedAt.toISOString()}` : ''}`);
        }
      }),
    );
  migrate
    .command('new <name>')
    .description('write a migration from the changes of prisma/models since the last commit')
    .action((name: string) =>
      withOwner(async (ownerUrl) => console.log(`wrote ${await newMigration({ ownerUrl, name })}`)),
    );
}

/** An argument that is a whole number from 1. */
export function positive(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('a whole number from 1');
  return value;
}

async function withOwner(work: (ownerUrl: string) => Promise<void>): Promise<void> {
  const server = await openDatabaseServer(env(), console.log);
  try {
    await work(server.ownerUrl);
  } finally {
    await server.stop();
  }
}
