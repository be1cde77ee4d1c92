import { withWrite } from '../../src/data/write.ts';
import type { Tenant, TestApp } from './app.ts';

/** Ids of what was made, in the order of making, as GraphQL gives them. */
export interface DeliverySeed {
  /** who made it all, and has most of the bugs */
  memberId: string;
  calendars: string[];
  policies: string[];
  projects: string[];
  bugs: string[];
  comments: string[];
}

const OLD_DAYS = 5;
const DAY_MS = 86_400_000;

/**
 * Projects with bugs in several states, SLA policies and metrics: keys, numbers and amounts are the same in every
 * tenant, and only the marker in every text tells them apart. Made through the API, but for what has no mutation.
 */
export async function seedDelivery(t: TestApp, tenant: Tenant, marker: string): Promise<DeliverySeed> {
  const seeder = new Seeder(t, tenant, marker);
  const memberId = (await t.runOk(tenant.key, '{ viewer { member { id } } }')).viewer.member.id;
  const calendars = [await seeder.calendar()];
  const policies = [await seeder.policy(calendars[0] ?? '')];
  const projects = [await seeder.project('CAMEL', 'USD'), await seeder.project('LLAMA', 'EUR')];
  const [first = '', second = ''] = projects;
  const bugs = [await seeder.bug(1, first, memberId, 'CRITICAL'), await seeder.bug(2, first, memberId, 'HIGH')];
  for (const number of [3, 4, 5]) bugs.push(await seeder.bug(number, second, memberId, 'MEDIUM'));
  const comments = [await seeder.comment(bugs[0] ?? ''), await seeder.comment(bugs[1] ?? '')];
  await seeder.change(bugs);
  bugs.push(await seeder.imported());
  await seeder.metrics(projects);
  return { memberId, calendars, policies, projects, bugs, comments };
}

const EVERY_DAY = [1, 2, 3, 4, 5, 6, 7].map((day) => ({ day, from: '00:00', to: '24:00' }));

class Seeder {
  readonly #t: TestApp;
  readonly #tenant: Tenant;
  readonly #marker: string;

  constructor(t: TestApp, tenant: Tenant, marker: string) {
    this.#t = t;
    this.#tenant = tenant;
    this.#marker = marker;
  }

  /** Runs a mutation that must not be refused and gives the id of what its payload's field holds. */
  async #run(name: string, field: string, input?: Record<string, unknown>, select = 'id'): Promise<string> {
    const type = `${name.charAt(0).toUpperCase()}${name.slice(1)}Input`;
    const head = input ? [`($input: ${type}!)`, '(input: $input)'] : ['', ''];
    const query = `mutation ${head[0]} { ${name}${head[1]} { ${field} { ${select} } userErrors { code message path } } }`;
    const { [name]: payload } = await this.#t.runOk(this.#tenant.key, query, input ? { input } : {});
    if (payload.userErrors.length > 0) throw new Error(`${name} was refused: ${JSON.stringify(payload.userErrors)}`);
    return payload[field].id;
  }

  calendar(): Promise<string> {
    const holidays = [{ date: '2027-01-01', name: `New year of ${this.#marker}` }];
    const input = { name: `Hours ${this.#marker}`, timeZone: 'UTC', hours: EVERY_DAY, holidays };
    return this.#run('createBusinessCalendar', 'businessCalendar', input);
  }

  async policy(calendarId: string): Promise<string> {
    const filter = { severity: { in: ['CRITICAL', 'HIGH'] } };
    const input = { name: `Urgent ${this.#marker}`, position: 1, filter, calendarId, criticalHours: 12 };
    const id = await this.#run('createSlaPolicy', 'slaPolicy', input);
    return this.#run('updateSlaPolicy', 'slaPolicy', { id, highHours: 48 });
  }

  project(key: string, currency: string): Promise<string> {
    const input = {
      key,
      currency,
      name: `Project ${key} ${this.#marker}`,
      description: `About ${this.#marker}`,
      tags: ['web', this.#marker],
      githubRepository: `${this.#marker}/${key}`,
      arr: '120000.50',
      hourlyRate: '80',
      infrastructureCost: '300',
      cashFlows: ['100000', '120000'],
    };
    return this.#run('createProject', 'project', input);
  }

  bug(number: number, projectId: string, assigneeId: string, severity: string): Promise<string> {
    const input = {
      projectId,
      assigneeId,
      severity,
      title: `Page ${number} fails for ${this.#marker}`,
      description: `Seen by ${this.#marker}`,
      labels: ['ui', this.#marker],
      affectedShare: '0.25',
      revenueImpactOverride: number === 1 ? '1000' : null,
      isBlocker: number === 1,
      externalId: `ext-${number}-${this.#marker}`,
      url: `https://bugs.example/${this.#marker}/${number}`,
      dueAt: '2030-01-01T00:00:00Z',
    };
    return this.#run('createBug', 'bug', input);
  }

  comment(bugId: string): Promise<string> {
    return this.#run('commentOnBug', 'comment', { bugId, body: `Mended by ${this.#marker}?` });
  }

  /** Leaves one bug as it was reported; the others are worked on, shipped, reopened and deferred. */
  async change(bugs: readonly string[]): Promise<void> {
    const [, worked, shipped, reopened, deferred] = bugs;
    const move = (id: string | undefined, status: string) =>
      this.#run('moveBug', 'bug', { id, status, reason: `decided by ${this.#marker}` });
    await this.#run('updateBug', 'bug', {
      id: worked,
      title: `Page 2 fails again for ${this.#marker}`,
      hoursSpent: '2.5',
    });
    for (const status of ['IN_PROGRESS', 'VERIFIED', 'SHIPPED']) await move(shipped, status);
    for (const status of ['CLOSED', 'PENDING']) await move(reopened, status);
    await move(deferred, 'DEFERRED');
    await this.#run('assignBug', 'bug', { id: deferred, assigneeId: null });
    const batch = { ids: [worked, reopened], status: 'IN_PROGRESS' };
    await this.#run('bugBatchUpdate', 'batch', batch, 'failed');
  }

  /** Bugs from elsewhere, days old, one of unknown people; a row that is refused; how far another source was read. */
  async imported(): Promise<string> {
    const marker = this.#marker;
    const created = new Date(Date.now() - OLD_DAYS * DAY_MS).toISOString();
    const rows = [
      'id,project,title,severity,status,created,assignee,reporter,labels,milestone',
      `${marker}-6,CAMEL,Page 6 fails for ${marker},critical,open,${created},Owner,Owner,${marker},${marker}`,
      `${marker}-7,LLAMA,Page 7 fails for ${marker},low,open,${created},Anna ${marker},Otto ${marker},${marker},`,
      `${marker}-8,no key,Page 8 fails for ${marker},low,open,${created},,,${marker},`,
    ];
    const input = { kind: 'BUGS', content: rows.join('\n'), fileName: `bugs-${marker}.csv` };
    await this.#run('startImport', 'importRun', input);
    await Promise.all(this.#t.app.services.background);
    const { write } = this.#t.app.services;
    const sync = { source: `github:${marker}/camel`, cursor: marker, lastError: marker };
    await withWrite(write, this.#tenant.system, 'test.sync', (tx) =>
      tx.db.syncState.create({ data: { tenantId: tx.tenantId, ...sync } }),
    );
    const query = 'query ($text: String!) { bugs(filter: { externalId: { eq: $text } }) { nodes { id } } }';
    const { bugs } = await this.#t.runOk(this.#tenant.key, query, { text: `${marker}-6` });
    return bugs.nodes[0].id;
  }

  async metrics(projects: readonly string[]): Promise<void> {
    const day = (ago: number) => new Date(Date.now() - ago * DAY_MS).toISOString().slice(0, 10);
    const rows = projects.flatMap((projectId) =>
      [1, 2].map((ago) => ({ projectId, date: day(ago), commits: ago, techStack: ['typescript', this.#marker] })),
    );
    await this.#run('recordProjectMetrics', 'recorded', { rows }, 'created');
    await this.#run('computeMonthlyMetrics', 'computed', { from: day(31), to: day(0) }, 'months');
    await this.#run('takePortfolioSnapshot', 'snapshot');
  }
}
