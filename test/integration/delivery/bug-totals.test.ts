import { afterAll, beforeAll, expect, test } from 'vitest';
import { createBugs } from '../../../src/modules/delivery/bug.service.ts';
import { BUG_SEVERITIES, BUG_STATUSES, PROJECT_STATUSES } from '../../../src/modules/delivery/values.ts';
import { type Answer, createTestApp, type Tenant, type TestApp } from '../../support/app.ts';
import { randomOf } from '../../support/random.ts';
import {
  addProject,
  change,
  DAY,
  ERRORS,
  eventsOf,
  HOUR,
  mutate,
  pick,
  projectUuid,
  range,
  sweepAt,
  totalsAndRecount,
  writeAt,
} from './records.ts';

let t: TestApp;
beforeAll(async () => {
  t = await createTestApp();
});
afterAll(() => t?.close());

/** Does anything that changes bugs or projects, by a random generator. */
class Life {
  readonly done = new Map<string, number>();
  readonly #tenant: Tenant;
  readonly #random: () => number;
  readonly #projects: string[] = [];
  #bugs: string[] = [];

  constructor(tenant: Tenant, seed: number) {
    this.#tenant = tenant;
    this.#random = randomOf(seed);
  }

  async begin(): Promise<void> {
    for (const currency of ['USD', 'EUR', 'USD', 'JPY']) {
      const money = { arr: this.#amount(), infrastructureCost: this.#amount(), cashFlows: [this.#amount()] };
      this.#projects.push((await addProject(t, this.#tenant, { currency, ...money })).id);
    }
    for (let i = 0; i < 8; i++) await this.#report();
  }

  async step(): Promise<void> {
    const dice = this.#random();
    if (dice < 0.12) await this.#report();
    else if (dice < 0.3) await this.#on('moveBug', { status: this.#pick(BUG_STATUSES), reason: 'it came back' });
    else if (dice < 0.5) await this.#on('updateBug', this.#fields());
    else if (dice < 0.57) await this.#on('deleteBug', {});
    else if (dice < 0.68) await this.#batch('bugBatchUpdate', { ids: this.#some(), ...this.#fields() });
    else if (dice < 0.76) await this.#batch('bugBatchUpdate', { ids: this.#some(), status: this.#pick(BUG_STATUSES) });
    else if (dice < 0.82) await this.#batch('bugBatchCreate', { bugs: range(4).map(() => this.#bug()) });
    else if (dice < 0.92) await this.#sweep();
    else if (dice < 0.97) await this.#project('updateProject', { arr: this.#amount(), cashFlows: [this.#amount()] });
    else await this.#project('moveProject', { status: this.#pick(PROJECT_STATUSES) });
  }

  #pick<T>(list: readonly T[]): T {
    return pick(this.#random, list);
  }

  #note(name: string, taken: boolean): void {
    const key = `${name} ${taken ? 'taken' : 'refused'}`;
    this.done.set(key, (this.done.get(key) ?? 0) + 1);
  }

  /** Up to 12 digits before the point, and 4 after it. */
  #amount(): string {
    const whole = Math.floor(10 ** (this.#random() * 12));
    return `${whole}.${String(Math.floor(this.#random() * 10_000)).padStart(4, '0')}`;
  }

  #fields() {
    const all = {
      severity: this.#pick(BUG_SEVERITIES),
      isBlocker: this.#random() < 0.5,
      affectedShare: this.#pick(['0', '0.0001', '0.3333', '1']),
      revenueImpactOverride: this.#pick([null, null, this.#amount()]),
    };
    return Object.fromEntries(Object.entries(all).filter(() => this.#random() < 0.5));
  }

  #bug() {
    const spoilt = this.#random() < 0.1 ? { title: ' ' } : {};
    return { projectId: this.#pick(this.#projects), title: 'It fails', ...this.#fields(), ...spoilt };
  }

  #some(): string[] {
    return this.#bugs.filter(() => this.#random() < 0.2).slice(0, 8);
  }

  async #report(): Promise<void> {
    const at = Date.now() - Math.floor(this.#random() * 100 * DAY);
    const projectId = projectUuid(this.#pick(this.#projects));
    await writeAt(t, this.#tenant, at, (tx) => createBugs(tx, [{ ...this.#fields(), projectId, title: 'It failed' }]));
    this.#note('report', true);
    await this.#reread();
  }

  async #reread(): Promise<void> {
    const { bugs } = await t.runOk(this.#tenant.key, '{ bugs(first: 100) { nodes { id } } }');
    this.#bugs = bugs.nodes.map(({ id }: Answer) => id);
  }

  async #on(name: string, input: object): Promise<void> {
    const id = this.#pick(this.#bugs);
    const { bug } = await change(t, this.#tenant.key, name, { id, ...input });
    this.#note(name, bug !== null);
    if (name === 'deleteBug') await this.#reread();
  }

  async #batch(name: string, input: object): Promise<void> {
    const atomic = this.#random() < 0.5;
    const query = `${name} { batch { failed } ${ERRORS} }`;
    const { batch } = await mutate(t, this.#tenant.key, query, { ...input, reason: undefined, atomic });
    this.#note(`${name}${atomic ? ', atomic,' : ''}`, batch !== null && batch.failed === 0);
    if (name === 'bugBatchCreate') await this.#reread();
  }

  /** Three at once, at a time that goes forwards and backwards. */
  async #sweep(): Promise<void> {
    const at = Date.now() + (this.#random() - 0.2) * 40 * DAY;
    const swept = await Promise.all(range(3).map(() => sweepAt(t, this.#tenant, at)));
    this.#note(
      'sweep',
      swept.some(({ bugs }) => bugs > 0),
    );
  }

  async #project(name: string, input: object): Promise<void> {
    const query = `${name} { project { id } ${ERRORS} }`;
    const { project } = await mutate(t, this.#tenant.key, query, { id: this.#pick(this.#projects), ...input });
    this.#note(name, project !== null);
  }
}

test.for([7, 8])(
  'after hundreds of changes of all kinds the totals are those of a recount, seed %i',
  {
    timeout: 120_000,
  },
  async (seed) => {
    const a = await t.tenant(`life-${seed}`);
    const life = new Life(a, seed);
    await life.begin();
    for (let step = 1; step <= 200; step++) {
      await life.step();
      if (step % 20 !== 0) continue;
      const { kept, recount } = await totalsAndRecount(t, a);
      expect(kept, `after ${step} changes`).toEqual(recount);
    }
    // Each kind was there, and where it can be refused, it was.
    for (const kind of [
      'report',
      'moveBug',
      'updateBug',
      'deleteBug',
      'bugBatchUpdate',
      'bugBatchUpdate, atomic,',
      'sweep',
    ])
      expect(life.done.get(`${kind} taken`) ?? 0, kind).toBeGreaterThan(0);
    for (const kind of ['moveBug', 'bugBatchUpdate', 'bugBatchUpdate, atomic,'])
      expect(life.done.get(`${kind} refused`) ?? 0, kind).toBeGreaterThan(0);
    const { kept } = await totalsAndRecount(t, a);
    expect(new Set(kept.map((row) => row.sla_state)).size).toBeGreaterThan(4);
    const hours = Map.groupBy(
      kept.filter((row) => row.what === 'hour'),
      (row) => row.status,
    );
    expect(hours.get('CREATED')?.length).toBeGreaterThan(5);
    // What is moved to the end is resolved now.
    expect(hours.get('RESOLVED')?.reduce((sum, row) => sum + row.count, 0)).toBeGreaterThan(5);
    const events = await eventsOf(t, a);
    expect(events.map(({ seq }) => seq)).toEqual(range(events.length).map((i) => i + 1));
  },
);

test('a write that is taken back leaves the totals alone, and one that changes nothing too', async () => {
  const a = await t.tenant('still');
  const { id: projectId } = await addProject(t, a, { arr: '100' });
  const { bug } = await change(t, a.key, 'createBug', { projectId, title: 'It fails' });
  const before = await totalsAndRecount(t, a);
  const late = writeAt(t, a, Date.now() - HOUR, async (tx) => {
    await createBugs(tx, [{ projectId: projectUuid(projectId), title: 'Never' }]);
    tx.atEnd(() => Promise.reject(new Error('too late')));
  });
  await expect(late).rejects.toThrow('too late');
  await change(t, a.key, 'updateBug', { id: bug.id, title: 'It fails' });
  await change(t, a.key, 'moveBug', { id: bug.id, status: 'SHIPPED' });
  expect(await totalsAndRecount(t, a)).toEqual(before);
  expect(before.kept).toEqual(before.recount);
});
