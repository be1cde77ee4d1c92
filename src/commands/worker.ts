import { createApp } from '../app.ts';
import { env as readEnv } from '../env.ts';
import { flushStatements } from '../jobs.ts';
import { createLog } from '../log.ts';
import { serveHttp } from '../server/http.ts';
import { endWithin, stopSignal } from './stop-signal.ts';
import { tellMetrics } from './worker-metrics.ts';
import { STOP } from './workers.ts';

const FLUSH_MS = 10_000;

/**
 * A worker of `argus serve --workers`: answers requests until the first process or a signal tells it to stop. The
 * database server, migrations, demo and jobs are the first process's; when that one is gone, Node ends this one.
 */
export async function serveAsWorker(examplesDir: string): Promise<void> {
  // Both may come, as at Ctrl-C: the second changes nothing.
  const stopAsked = Promise.race([stopSignal(), stopMessage()]);
  try {
    const env = readEnv();
    if (env.DATABASE_URL === null) throw new Error('a worker is started by "argus serve", which tells it the database');
    const log = createLog({ level: env.LOG_LEVEL, pretty: env.NODE_ENV === 'development' }).child({
      worker: process.pid,
    });
    const app = await createApp({ databaseUrl: env.DATABASE_URL, env, log, jobs: false });
    tellMetrics(app.services);
    let inTime = () => {};
    const flusher = setInterval(() => void flushStatements(app.services), FLUSH_MS);
    try {
      const http = await serveHttp(app, { host: env.HOST, port: env.PORT, examplesDir });
      await stopAsked;
      inTime = endWithin(env.STOP_TIMEOUT_S, log);
      await http.stop();
    } finally {
      clearInterval(flusher);
      await flushStatements(app.services);
      await app.close();
      inTime();
    }
  } finally {
    // An open channel to the first process would keep this one from ending.
    process.channel?.unref();
  }
}

function stopMessage(): Promise<void> {
  return new Promise((resolve) => {
    process.on('message', (message) => {
      if (message === STOP) resolve();
    });
  });
}
