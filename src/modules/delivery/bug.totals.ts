import type { Bug, Project } from '../../../generated/prisma/client.ts';
import { prepared } from '../../data/statement.ts';
import { HOUR_MS } from '../../data/time-buckets.ts';
import type { WriteTx } from '../../data/write.ts';
import { Decimal } from './money.ts';
import { BUG_SEVERITIES } from './values.ts';

/** What of a bug the totals go by. */
type Counted = Pick<
  Bug,
  'projectId' | 'severity' | 'status' | 'slaState' | 'isBlocker' | 'revenueImpact' | 'createdAt' | 'resolvedAt'
>;
type CountedProject = Pick<Project, 'currency' | 'status' | 'arr' | 'dcfValuation' | 'infrastructureCost'>;

interface Change {
  count: number;
  amounts: Decimal[];
}

/** Columns of bug_hour_totals that count one severity each. */
export const SEVERITY_COLUMNS = BUG_SEVERITIES.map((severity) => severity.toLowerCase());

/** Changes of one transaction, summed up by key: written once, at its end. */
class Totals {
  readonly bugs = new Map<string, Change>();
  readonly projectBugs = new Map<string, Change>();
  readonly projects = new Map<string, Change>();
  readonly hours = new Map<string, Change>();

  static add(into: Map<string, Change>, key: readonly unknown[], sign: 1 | -1, amounts: readonly unknown[]): void {
    const name = JSON.stringify(key);
    const before = into.get(name) ?? { count: 0, amounts: amounts.map(() => new Decimal(0)) };
    into.set(name, {
      count: before.count + sign,
      amounts: before.amounts.map((sum, i) => sum.add(new Decimal(String(amounts[i])).mul(sign))),
    });
  }
}

const pending = new WeakMap<WriteTx, Totals>();

/** The totals are rows that all writers of a tenant share, so they are changed at the end, one writer after another. */
function totalsOf(tx: WriteTx): Totals {
  let totals = pending.get(tx);
  if (!totals) {
    const fresh = new Totals();
    totals = fresh;
    pending.set(tx, fresh);
    tx.atEnd(() => {
      write(
        tx,
        'bug_totals',
        ['currency', 'severity', 'status', 'sla_state', 'is_blocker'],
        ['revenue_impact'],
        fresh.bugs,
      );
      write(
        tx,
        'project_bug_totals',
        ['project_id', 'severity', 'status', 'sla_state', 'is_blocker'],
        ['revenue_impact'],
        fresh.projectBugs,
      );
      write(
        tx,
        'project_totals',
        ['currency', 'status'],
        ['arr', 'dcf_valuation', 'infrastructure_cost'],
        fresh.projects,
      );
      write(tx, 'bug_hour_totals', ['measure', 'hour'], SEVERITY_COLUMNS, fresh.hours);
    });
  }
  return totals;
}

/** Takes a bug into the totals (1) or out of them (-1). A change is one of each. */
export function countBug(tx: WriteTx, bug: Counted, currency: string, sign: 1 | -1): void {
  const totals = totalsOf(tx);
  const kind = [bug.severity, bug.status, bug.slaState, bug.isBlocker];
  Totals.add(totals.bugs, [currency, ...kind], sign, [bug.revenueImpact]);
  Totals.add(totals.projectBugs, [bug.projectId, ...kind], sign, [bug.revenueImpact]);
  const severities = BUG_SEVERITIES.map((severity) => (severity === bug.severity ? 1 : 0));
  Totals.add(totals.hours, ['CREATED', hourOf(bug.createdAt)], sign, severities);
  if (bug.resolvedAt) Totals.add(totals.hours, ['RESOLVED', hourOf(bug.resolvedAt)], sign, severities);
}

/** The hour in UTC that a time falls into. */
function hourOf(at: Date): Date {
  return new Date(Math.floor(at.getTime() / HOUR_MS) * HOUR_MS);
}

/** Takes a project into the totals (1) or out of them (-1). */
export function countProject(tx: WriteTx, project: CountedProject, sign: 1 | -1): void {
  const { arr, dcfValuation, infrastructureCost } = project;
  Totals.add(totalsOf(tx).projects, [project.currency, project.status], sign, [arr, dcfValuation, infrastructureCost]);
}

const CASTS: Readonly<Record<string, string>> = { project_id: '::uuid', is_blocker: '::bool', hour: '::timestamptz' };
const ROWS = 200;

function write(
  tx: WriteTx,
  table: string,
  keys: readonly string[],
  sums: readonly string[],
  changes: Map<string, Change>,
): void {
  const rows = [...changes]
    .filter(([, { count, amounts }]) => count !== 0 || amounts.some((amount) => !amount.isZero()))
    .map(([key, { count, amounts }]) => [
      ...(JSON.parse(key) as unknown[]),
      count,
      ...amounts.map((sum) => sum.toFixed()),
    ]);
  const casts = [...keys.map((key) => CASTS[key] ?? '::text'), '::int', ...sums.map(() => '::numeric')];
  const updates = ['count', ...sums].map((column) => `${column} = ${table}.${column} + excluded.${column}`);
  for (let at = 0; at < rows.length; at += ROWS) {
    const part = rows.slice(at, at + ROWS);
    const places = part.map(
      (_, row) => `($1::uuid, ${casts.map((cast, i) => `$${2 + row * casts.length + i}${cast}`).join(', ')})`,
    );
    tx.later(
      prepared(
        `/* delivery.totals */ INSERT INTO ${table} (tenant_id, ${[...keys, 'count', ...sums].join(', ')})
       VALUES ${places.join(', ')}
       ON CONFLICT (tenant_id, ${keys.join(', ')}) DO UPDATE SET ${updates.join(', ')}`,
        tx.tenantId,
        ...part.flat(),
      ),
    );
  }
}
