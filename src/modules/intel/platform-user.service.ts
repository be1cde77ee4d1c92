import type { WriteTx } from '../../data/write.ts';
import { InvalidInput } from '../../errors.ts';
import { newId } from '../../graphql/ids.ts';
import { platformUserGlobalId } from './global-ids.ts';

export interface AuthorInput {
  platformUserId: string;
  username: string;
  displayName?: string | null;
}

/** Rule for flagging without a person: this many HIGH contents in the window, or one of at least this risk. */
export const FLAG_HIGH_COUNT = 3;
export const FLAG_WINDOW_DAYS = 30;
export const FLAG_RISK = 0.8;
/** How long the rule leaves alone whom a person has unflagged. */
export const UNFLAG_DAYS = 30;
const DAY_MS = 86_400_000;

/** Ids of authors by `sourceId/platformUserId`, those that are new being created. */
export async function storeAuthors(
  tx: WriteTx,
  wanted: readonly { sourceId: string; author: AuthorInput | null }[],
): Promise<Map<string, string>> {
  const rows = new Map(
    wanted.flatMap(({ sourceId, author }) =>
      author
        ? [
            [
              `${sourceId}/${author.platformUserId}`,
              { tenantId: tx.tenantId, id: newId(), sourceId, ...author, createdAt: tx.now, updatedAt: tx.now },
            ] as const,
          ]
        : [],
    ),
  );
  if (rows.size === 0) return new Map();
  await tx.db.platformUser.createMany({ data: [...rows.values()], skipDuplicates: true });
  const ids = new Map<string, string>();
  for (const [sourceId, group] of Map.groupBy(rows.values(), (row) => row.sourceId)) {
    const found = await tx.db.platformUser.findMany({
      where: { tenantId: tx.tenantId, sourceId, platformUserId: { in: group.map((row) => row.platformUserId) } },
      select: { id: true, platformUserId: true },
    });
    for (const { id, platformUserId } of found) ids.set(`${sourceId}/${platformUserId}`, id);
  }
  return ids;
}

/** Brings the risk of authors up to that of their content, and flags those whom the rule meets. */
export async function updateAuthorRisk(tx: WriteTx, authorIds: readonly string[]): Promise<void> {
  const ids = [...new Set(authorIds)];
  if (ids.length === 0) return;
  const since = new Date(tx.now.getTime() - FLAG_WINDOW_DAYS * DAY_MS);
  const rows = await tx.db.$queryRawUnsafe<
    { id: string; risk: number; high: number; version: number; flagged: boolean; until: Date | null; old: number }[]
  >(
    `/* intel.authorRisk */ SELECT u.id, u.version, u.is_flagged AS flagged, u.unflagged_until AS until, u.risk_score AS old,
       coalesce(max(c.risk_score), 0)::float8 AS risk,
       (count(*) FILTER (WHERE c.risk_score >= 0.6 AND c.posted_at >= $3::timestamptz))::int AS high
     FROM platform_users u LEFT JOIN content c ON c.tenant_id = u.tenant_id AND c.author_id = u.id
     WHERE u.tenant_id = $1::uuid AND u.id = ANY($2::uuid[]) GROUP BY u.tenant_id, u.id`,
    tx.tenantId,
    ids,
    since,
  );
  for (const row of rows) {
    const reason =
      row.risk >= FLAG_RISK
        ? `a content of risk ${row.risk}`
        : row.high >= FLAG_HIGH_COUNT
          ? `${row.high} contents of high risk in ${FLAG_WINDOW_DAYS} days`
          : null;
    const flag = reason !== null && !row.flagged && !(row.until && row.until > tx.now);
    if (row.risk === row.old && !flag) continue;
    await tx.db.platformUser.update({
      where: { tenantId_id: { tenantId: tx.tenantId, id: row.id } },
      data: {
        riskScore: row.risk,
        ...(flag
          ? { isFlagged: true, flaggedAt: tx.now, flagReason: reason, flaggedBy: 'RULE', version: { increment: 1 } }
          : {}),
      },
    });
    if (flag) emitFlag(tx, 'PLATFORM_USER_FLAGGED', row.id, row.version + 1, reason);
  }
}

function emitFlag(tx: WriteTx, type: string, id: string, version: number, reason: string): void {
  tx.emit({
    type,
    aggregateType: 'PlatformUser',
    aggregateId: id,
    aggregateVersion: version,
    payload: { id: platformUserGlobalId(id), reason },
  });
}

/** A person flags an account, or takes the flag off: then the rule leaves it alone for 30 days. */
export async function setFlag(
  tx: WriteTx,
  input: { id: string; flagged: boolean; reason: string; expectedVersion?: number | null },
) {
  if (input.reason.trim() === '') throw new InvalidInput('say why', ['reason']);
  const version = (await tx.lock('PlatformUser', input.id, input.expectedVersion)) + 1;
  const row = await tx.db.platformUser.update({
    where: { tenantId_id: { tenantId: tx.tenantId, id: input.id } },
    data: input.flagged
      ? {
          isFlagged: true,
          flaggedAt: tx.now,
          flagReason: input.reason,
          flaggedBy: 'HUMAN',
          unflaggedUntil: null,
          version,
        }
      : {
          isFlagged: false,
          flaggedAt: null,
          flagReason: input.reason,
          flaggedBy: null,
          unflaggedUntil: new Date(tx.now.getTime() + UNFLAG_DAYS * DAY_MS),
          version,
        },
  });
  emitFlag(tx, input.flagged ? 'PLATFORM_USER_FLAGGED' : 'PLATFORM_USER_UNFLAGGED', row.id, version, input.reason);
  tx.audit({
    action: input.flagged ? 'platformUser.flag' : 'platformUser.unflag',
    resource: 'PlatformUser',
    resourceId: row.id,
    metadata: { reason: input.reason },
  });
  return row;
}
