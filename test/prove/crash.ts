/**
 * Kills the server process, its database's main process and single backends (SIGKILL) at random points of a mixed write
 * load, starts again, and checks that no acknowledged change is lost, none is there twice or in part, and that every event
 * has reached a webhook:
 * `npm run prove -- crash [kills] [seed]`. 100 kills take five minutes on two cores, much longer on busy ones.
 */
import { crash } from '../support/crash.ts';

const kills = Number(process.argv[2] ?? 100);
const seed = Number(process.argv[3] ?? 1);

const begun = performance.now();
const result = await crash(kills, seed, (line) => process.stdout.write(`${line}\n`));
const { recoveries, attempts, faults } = result;
const seconds = (milliseconds: number | undefined) => ((milliseconds ?? 0) / 1_000).toFixed(1);
const share = (part: number) =>
  seconds(recoveries[Math.min(recoveries.length - 1, Math.floor(recoveries.length * part))]);
process.stdout.write(`kills: ${JSON.stringify(result.kills)} in ${seconds(performance.now() - begun)} s\n`);
process.stdout.write(`changes asked for: ${JSON.stringify(attempts)}\n`);
process.stdout.write(
  `seconds until the next acknowledged change: median ${share(0.5)}, p95 ${share(0.95)}, at most ${share(1)}\n`,
);
const { messages, posts } = result.webhook;
process.stdout.write(`events sent to a webhook: ${messages} by ${posts} requests\n`);
for (const fault of faults.slice(0, 20)) process.stdout.write(`${fault}\n`);
process.stdout.write(`${faults.length} faults\n`);
process.exitCode = faults.length > 0 ? 1 : 0;
