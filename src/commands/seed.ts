import type { Command } from 'commander';
import { demoKey } from '../demo/key.ts';
import { loadDemo } from '../demo/load.ts';
import { MEMBERS } from '../demo/material/members.ts';
import { progressBar } from './progress.ts';
import { withServices } from './runtime.ts';

const ROLE_WIDTH = Math.max(...MEMBERS.map(({ role }) => role.length));
const EMAIL_WIDTH = Math.max(...MEMBERS.map(({ email }) => email.length));

export function addSeed(program: Command): void {
  program
    .command('seed')
    .description('Load the demo data into the tenant "demo". Running it again changes nothing.')
    .action(() =>
      withServices(async (services, { env }) => {
        if (env.NODE_ENV === 'production') throw new Error('demo people have well-known passwords: not in production');
        const bar = progressBar('demo data');
        const { tenantId, created } = await loadDemo(services, {
          onProgress: (done, total) => bar.update(done, total),
        });
        bar.stop();
        console.log(created ? 'The tenant demo is filled.' : 'The tenant demo was complete: nothing to do.');
        console.log(`Key: ${await demoKey(services, tenantId)}`);
        console.log('People, who sign in with the mutation signIn:');
        for (const { role, email, password } of MEMBERS)
          console.log(`  ${role.padEnd(ROLE_WIDTH)}  ${email.padEnd(EMAIL_WIDTH)}  ${password}`);
      }),
    );
}
