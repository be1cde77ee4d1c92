import type { PortfolioMetric } from '../../../generated/prisma/client.ts';
import { dayOf } from '../../data/instant.ts';
import type { WriteTx } from '../../data/write.ts';
import { encodeId, newId } from '../../graphql/ids.ts';
import { PREFIX } from './global-ids.ts';
import { portfolioFigures } from './portfolio.ts';

/**
 * Keeps the portfolio's figures of now as those of a day (UTC), in place of what was kept of the day before. The same
 * figures again change nothing.
 */
export async function takeSnapshot(tx: WriteTx, day: Date = dayOf(tx.now)): Promise<PortfolioMetric> {
  const { projects, bugs, money } = await portfolioFigures((_, text) => tx.db.$queryRawUnsafe(text, tx.tenantId));
  const date = day.toISOString().slice(0, 10);
  const [written] = await tx.db.$queryRawUnsafe<{ id: string }[]>(
    `/* Portfolio.snapshot */ INSERT INTO portfolio_metrics AS m (tenant_id, id, date, projects, bugs, money, created_at)
     VALUES ($1::uuid, $2::uuid, $3::text::date, $4::text::jsonb, $5::text::jsonb, $6::text::jsonb, $7::timestamptz)
     ON CONFLICT (tenant_id, date) DO UPDATE SET projects = excluded.projects, bugs = excluded.bugs, money = excluded.money
     WHERE (m.projects, m.bugs, m.money) IS DISTINCT FROM (excluded.projects, excluded.bugs, excluded.money)
     RETURNING m.id`,
    tx.tenantId,
    newId(),
    date,
    JSON.stringify(projects),
    JSON.stringify(bugs),
    JSON.stringify(money),
    tx.now,
  );
  if (written) {
    tx.emit({
      type: 'PORTFOLIO_SNAPSHOT_TAKEN',
      aggregateType: 'PortfolioMetric',
      aggregateId: written.id,
      aggregateVersion: 1,
      payload: { id: encodeId(PREFIX.PortfolioMetric, written.id), date, projects, bugs },
    });
    tx.audit({ action: 'portfolio.snapshot', resource: 'PortfolioMetric', resourceId: written.id, metadata: { date } });
  }
  return tx.db.portfolioMetric.findUniqueOrThrow({
    where: { tenantId_date: { tenantId: tx.tenantId, date: new Date(date) } },
  });
}
