import pg from 'pg';
import type { Project } from '../../../generated/prisma/client.ts';
import { type WriteTx, withWrite } from '../../../src/data/write.ts';
import { BUG_MOVES, createBugs, moveBug, type NewBug, updateBug } from '../../../src/modules/delivery/bug.service.ts';
import { createProject } from '../../../src/modules/delivery/project.service.ts';
import { BUG_SEVERITIES, type BugStatus } from '../../../src/modules/delivery/values.ts';
import { addMember } from '../../../src/modules/platform/tenant.service.ts';
import type { Answer, Tenant, TestApp } from '../../support/app.ts';
import { randomOf } from '../../support/random.ts';

/** Runs one change of a tenant, as a member if one is given; `tx.now` may be set within. */
export async function write<R>(
  t: TestApp,
  tenant: Tenant,
  change: (tx: WriteTx) => Promise<R>,
  memberId: string | null = null,
): Promise<R> {
  const viewer = { ...tenant.system, memberId };
  return (await withWrite(t.app.services.write, viewer, 'test', change, { timeout: 30_000 })).value;
}

/** Rows of a table as its owner sees them: numbers with decimals are texts, days are texts. */
export async function rowsOf(t: TestApp, tenant: Tenant, table: string): Promise<Answer[]> {
  const client = new pg.Client({ connectionString: t.database.ownerUrl });
  client.setTypeParser(pg.types.builtins.DATE, (text) => text);
  await client.connect();
  try {
    return (await client.query(`SELECT * FROM "${table}" WHERE tenant_id = $1`, [tenant.tenantId])).rows;
  } finally {
    await client.end();
  }
}

/** Runs SQL as the owner of the tables. */
export async function asOwner(t: TestApp, text: string, values: unknown[]): Promise<Answer[]> {
  const client = new pg.Client({ connectionString: t.database.ownerUrl });
  await client.connect();
  try {
    return (await client.query(text, values)).rows;
  } finally {
    await client.end();
  }
}

export async function addProject(t: TestApp, tenant: Tenant, key: string, over: object = {}): Promise<Project> {
  return write(t, tenant, (tx) => createProject(tx, { key, name: `Project ${key}`, ...over }));
}

/** One new bug, reported at a time. */
export async function addBug(t: TestApp, tenant: Tenant, at: string, bug: NewBug, moves: [string, BugStatus][] = []) {
  return write(t, tenant, async (tx) => {
    tx.now = new Date(at);
    const [made] = await createBugs(tx, [bug]);
    if (!made) throw new Error('no bug was made');
    for (const [time, status] of moves) {
      tx.now = new Date(time);
      await moveBug(tx, { id: made.id, status, reason: 'it came back' });
    }
    return made;
  });
}

export interface Company {
  tenant: Tenant;
  projects: Project[];
  members: string[];
}

export const DAY = 86_400_000;
const START = Date.parse('2024-01-03T00:00:00Z');
const DAYS = 300;

/** A tenant with four projects in two currencies, three engineers, and bugs that had a life from January to October. */
export async function company(t: TestApp, slug: string, seed: number, bugs: number): Promise<Company> {
  const random = randomOf(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const tenant = await t.tenant(slug);
  const members: string[] = [];
  for (const name of ['ann', 'bob', 'cyd']) {
    const person = {
      email: `${name}@${slug}.example`,
      displayName: name,
      role: 'ENGINEER' as const,
      passwordHash: null,
    };
    members.push((await write(t, tenant, (tx) => addMember(tx, person))).memberId);
  }
  const projects: Project[] = [];
  for (const [i, currency] of ['USD', 'EUR', 'EUR', 'USD'].entries()) {
    const money = {
      arr: `${1_000_000 * (i + 1)}.25`,
      infrastructureCost: `${100 * i}.1`,
      hourlyRate: `${50 + i}.3333`,
    };
    const cashFlows = ['1000.5', '2000.25'].slice(0, i);
    projects.push(await addProject(t, tenant, `P${i}`, { currency, ...money, cashFlows }));
  }
  for (let i = 0; i < bugs; i++) {
    const born = START + random() * DAYS * DAY;
    const bug = {
      projectId: pick(projects.slice(0, 3)).id,
      title: `bug ${i}`,
      severity: pick(BUG_SEVERITIES),
      isBlocker: random() < 0.2,
      affectedShare: (Math.floor(random() * 100) / 100).toString(),
      assigneeId: pick([...members, null]),
      hoursSpent: (Math.floor(random() * 4_000) / 100).toString(),
      dueAt: random() < 0.3 ? new Date(born + random() * 200 * DAY) : null,
    };
    await write(t, tenant, (tx) => live(tx, bug, born, random), pick(members));
  }
  return { tenant, projects, members };
}

/** A bug's life: it goes where its status allows, at random times, until its luck runs out. */
async function live(tx: WriteTx, bug: NewBug, born: number, random: () => number): Promise<void> {
  tx.now = new Date(Math.floor(born));
  const [made] = await createBugs(tx, [bug]);
  if (!made) throw new Error('no bug was made');
  let status = made.status as BugStatus;
  while (random() < 0.75) {
    tx.now = new Date(tx.now.getTime() + Math.floor(random() * 20 * DAY));
    const moves = BUG_MOVES[status];
    status = moves[Math.floor(random() * moves.length)] as BugStatus;
    await moveBug(tx, { id: made.id, status, reason: 'it came back' });
    if (random() < 0.2) await updateBug(tx, { id: made.id, title: `bug of ${tx.now.toISOString()}` });
  }
}

export const OPEN = ['PENDING', 'IN_PROGRESS', 'VERIFIED', 'DEFERRED'];

/** As PostgreSQL's percentile_cont: between two values in proportion. Null: there is none. */
export function percentile(values: readonly number[], share: number): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  const place = share * (sorted.length - 1);
  const [low, high] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]];
  return low === undefined || high === undefined ? null : low + (high - low) * (place - Math.floor(place));
}

/** A decimal text as a whole number of 1/10^6, so that sums are exact. */
export function micros(text: string): bigint {
  const [whole = '0', part = ''] = text.replace('-', '').split('.');
  const size = BigInt(whole) * 1_000_000n + BigInt(part.padEnd(6, '0').slice(0, 6));
  return text.startsWith('-') ? -size : size;
}

export function fromMicros(value: bigint): string {
  const part = (value % 1_000_000n).toString().padStart(6, '0').replace(/0+$/, '');
  return `${value / 1_000_000n}${part && `.${part}`}`;
}

export const sum = (values: readonly bigint[]): bigint => values.reduce((a, b) => a + b, 0n);
export const hoursBetween = (from: Date, to: Date): number => Math.max(0, to.getTime() - from.getTime()) / 3_600_000;

/** What the hours of bugs cost, by currency. */
export function costOf(bugs: Answer[], projects: readonly Project[]): { currency: string; amount: string }[] {
  const rates = new Map(projects.map((project) => [project.id, project]));
  const parts = bugs.map((bug) => ({
    currency: rates.get(bug.project_id)?.currency ?? '',
    // 2 and 4 decimals: 6 together.
    amount: (micros(bug.hours_spent) / 10_000n) * (micros(String(rates.get(bug.project_id)?.hourlyRate)) / 100n),
  }));
  return [...Map.groupBy(parts, (part) => part.currency)]
    .map(([currency, group]) => ({ currency, amount: fromMicros(sum(group.map((part) => part.amount))) }))
    .filter(({ amount }) => amount !== '0')
    .sort((a, b) => (a.currency < b.currency ? -1 : 1));
}
