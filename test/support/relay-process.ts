/**
 * A process that does nothing but send to webhooks, with short waits, until it is killed: for tests that kill it.
 * Takes the settings of a server, and RELAY_OPTIONS as JSON.
 */
import { createServices } from '../../src/app.ts';
import { loadEnv } from '../../src/env.ts';
import { createLog } from '../../src/log.ts';
import { WebhookRelay } from '../../src/modules/webhooks/relay.ts';
// Global ids of every module's rows.
import '../../src/schema.ts';

const env = loadEnv();
const log = createLog({ level: env.LOG_LEVEL, pretty: true });
const services = await createServices({ databaseUrl: env.DATABASE_URL ?? '', env, log });
new WebhookRelay(services, JSON.parse(process.env.RELAY_OPTIONS ?? '{}')).start();
process.stdout.write('relaying\n');
