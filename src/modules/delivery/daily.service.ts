import type { Viewer } from '../../access/viewer.ts';
import { withWrite } from '../../data/write.ts';
import type { Services } from '../../services.ts';
import { computeMonthlyMetrics } from './monthly.service.ts';
import { takeSnapshot } from './portfolio.service.ts';

/** A month of a large tenant is reckoned from all of its bugs. */
const TIMEOUT_MS = 5 * 60_000;

/**
 * What is kept of every day: the months that it belongs to and that has just ended, and then the portfolio's snapshot,
 * whose presence tells that the day's work is done. Done twice, it changes nothing.
 */
export async function keepDay(services: Pick<Services, 'write'>, viewer: Viewer): Promise<void> {
  await withWrite(
    services.write,
    viewer,
    'delivery.months',
    (tx) => {
      const before = new Date(Date.UTC(tx.now.getUTCFullYear(), tx.now.getUTCMonth() - 1));
      return computeMonthlyMetrics(tx, { from: before, to: tx.now, projectId: null });
    },
    { timeout: TIMEOUT_MS },
  );
  await withWrite(services.write, viewer, 'delivery.day', (tx) => takeSnapshot(tx));
}
