import type { Viewer } from '../../access/viewer.ts';
import type { FilterInput } from '../../data/filter.ts';
import { selectList } from '../../data/models.ts';
import { type ReadScope, withReadScope } from '../../data/read-scope.ts';
import { type WriteTx, withWrite } from '../../data/write.ts';
import { type EventBatch, eventCondition, readLog } from '../../events/log.ts';
import type { Services } from '../../services.ts';
import { activeMembers, deliver, type Recipient } from './notification.service.ts';

/** What the job reads of a rule. */
interface Rule {
  id: string;
  name: string;
  filter: FilterInput;
  memberIds: string[];
  roles: string[];
  lastSeq: bigint;
  version: number;
}

/** Events of one rule that are put into inboxes at once. */
const BATCH = 200;

/**
 * Puts the events that fit notification rules into inboxes, until every rule has seen the end of the log. A rule's place
 * moves in the transaction that fills the inboxes: each event is told once, whoever does it.
 */
export async function fillInboxes(
  services: Pick<Services, 'read' | 'write'>,
  viewer: Viewer,
  signal: AbortSignal,
): Promise<void> {
  for (let more = true; more && !signal.aborted; ) {
    const found = await withReadScope(services.read, viewer, findNews);
    if (found.length === 0) return;
    await withWrite(services.write, viewer, 'notification.fill', (tx) => tellNews(tx, found));
    more = found.some(({ page }) => page.more);
  }
}

interface News {
  rule: Rule;
  page: EventBatch;
}

/** What the log holds for each rule, after its place. */
async function findNews(scope: ReadScope): Promise<News[]> {
  const rules = await scope.query<Rule>({
    text: `/* NotificationRule.enabled */ SELECT ${selectList('NotificationRule', 't')} FROM notification_rules t
      WHERE t.tenant_id = $1::uuid AND t.is_enabled`,
    values: [scope.viewer.tenantId],
  });
  const found = await Promise.all(
    rules.map(async (rule) => {
      const condition = eventCondition(rule.filter, new Date());
      return { rule, page: await readLog(scope, { after: rule.lastSeq, condition, size: BATCH }) };
    }),
  );
  return found.filter(({ rule, page }) => page.upTo > rule.lastSeq);
}

async function tellNews(tx: WriteTx, found: readonly News[]): Promise<void> {
  const members = found.some(({ page }) => page.events.length > 0) ? await activeMembers(tx) : [];
  for (const { rule, page } of found) {
    // In SQL: Prisma would set the time of the last change, which is for changes that people make.
    const moved = await tx.db.$executeRawUnsafe(
      `/* NotificationRule.read */ UPDATE notification_rules SET last_seq = $3::int8
       WHERE tenant_id = $1::uuid AND id = $2::uuid AND last_seq = $4::int8 AND version = $5::int AND is_enabled`,
      tx.tenantId,
      rule.id,
      String(page.upTo),
      String(rule.lastSeq),
      rule.version,
    );
    // Changed meanwhile, or another process was faster.
    if (moved === 0) continue;
    const told = members.filter((member) => isTold(rule, member));
    const notices = page.events.flatMap((event) => {
      const notice = { event, title: rule.name, ruleId: rule.id };
      return told.map((recipient) => ({ recipient, notice }));
    });
    await deliver(tx, notices);
  }
}

function isTold({ memberIds, roles }: Rule, { id, role }: Recipient): boolean {
  return memberIds.includes(id) || roles.includes(role);
}
