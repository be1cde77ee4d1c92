import { setTimeout as sleep } from 'node:timers/promises';
import { systemViewer, type Viewer } from '../../src/access/viewer.ts';
import { byIdStatements } from '../../src/data/loaders.ts';
import { withReadScope } from '../../src/data/read-scope.ts';
import type { Statement } from '../../src/data/statement.ts';
import { withWrite } from '../../src/data/write.ts';
import { createProject, updateProject } from '../../src/modules/delivery/project.service.ts';
import { openCase } from '../../src/modules/intel/case.service.ts';
import { createSource } from '../../src/modules/intel/source.service.ts';
import type { Uses } from '../../src/server/answer-uses.ts';
import type { Answer, Question, ResultCache } from '../../src/server/result-cache.ts';
import type { Services } from '../../src/services.ts';
import { randomOf } from './random.ts';

/** A server process: what it is made of and its cache. */
export interface Process {
  services: Services;
  cache: ResultCache;
}

/** Something that writes count up: a project's number, or how many cases there are. Write k of it makes it k. */
interface Counted {
  /** seq of each write, by what it made the number */
  seqs: (bigint | undefined)[];
}

interface Side {
  tenantId: string;
  viewers: Viewer[];
  projectIds: string[];
  /** the projects in order, then the cases */
  counted: Counted[];
  /** up to where each process said that it wrote */
  written: bigint[];
  /** the last seq that a client has been told of */
  seen: bigint;
}

interface Read {
  /** the log is to be seen up to here at least */
  from: bigint;
  /** places in `counted`, and what was read of each */
  values: [number, number][];
}

const PROJECTS = 3;
const CASES = PROJECTS;
const QUERIES = ['projects', 'one', 'cases', 'both'] as const;

/** Readers and writers of two tenants at several processes: what they saw is judged in the end by the log. */
export class StaleReads {
  readonly #processes: readonly Process[];
  readonly #random: () => number;
  readonly #sides: Side[] = [];
  readonly #reads = new Map<Side, Read[]>();
  /** what is wrong, in words */
  readonly faults: string[] = [];
  writes = 0;

  constructor(processes: readonly Process[], seed: number) {
    this.#processes = processes;
    this.#random = randomOf(seed);
  }

  #any(n: number): number {
    return Math.floor(this.#random() * n);
  }

  async add(tenantId: string): Promise<void> {
    const [{ services }] = this.#processes as [Process];
    const system = systemViewer(tenantId, 'test');
    const [all, some] = [system.permissions, new Set([...system.permissions].slice(0, 20))];
    const projectIds: string[] = [];
    for (let i = 0; i < PROJECTS; i++) {
      const input = { key: `P${i}`, name: `Project ${i}`, description: '0' };
      projectIds.push((await withWrite(services.write, system, 'test', (tx) => createProject(tx, input))).value.id);
    }
    this.#sides.push({
      tenantId,
      viewers: [all, some].map((permissions) => ({ ...system, permissions })),
      projectIds,
      counted: Array.from({ length: PROJECTS + 1 }, () => ({ seqs: [0n] })),
      written: this.#processes.map(() => 0n),
      seen: 0n,
    });
  }

  /** So many reads by `readers` at once, while a writer for each tenant writes every few milliseconds. */
  async run(reads: number, readers: number, pauseMs: number): Promise<void> {
    let left = reads;
    const writing = new AbortController();
    const writers = this.#sides.map(async (side) => {
      while (!writing.signal.aborted) {
        await this.#write(side);
        await sleep(this.#random() * pauseMs);
      }
    });
    const reading = Array.from({ length: readers }, async () => {
      while (left-- > 0) {
        await this.#read(this.#sides[this.#any(this.#sides.length)] as Side);
        // Else what is given from memory would leave the writers no turn.
        await sleep(this.#random() * 2);
      }
    });
    try {
      await Promise.all(reading);
    } finally {
      writing.abort();
      await Promise.all(writers);
    }
    for (const [side, made] of this.#reads) for (const read of made) this.#judge(side, read);
    this.#reads.clear();
  }

  /** Only one writer for each tenant: what a write makes of a number is known beforehand. */
  async #write(side: Side): Promise<void> {
    const at = this.#any(this.#processes.length);
    const { services, cache } = this.#processes[at] as Process;
    const place = this.#any(PROJECTS + 2);
    const counted = side.counted[place];
    const next = counted?.seqs.length ?? 0;
    const { eventSeq } = await withWrite(services.write, systemViewer(side.tenantId, 'test'), 'test', async (tx) => {
      const id = side.projectIds[place];
      if (id) await updateProject(tx, { id, description: String(next) });
      else if (place === CASES) await openCase(tx, { title: 'Another' });
      // What no read is made of moves the log too.
      else await createSource(tx, { name: 'x', kind: 'FORUM', externalRef: `${this.#random()}` });
    });
    this.writes++;
    if (eventSeq === null) throw new Error('a write told nothing');
    counted?.seqs.push(eventSeq);
    // Half of the writers leave it to the clients to say what they have seen.
    if (this.#any(2) === 0) {
      cache.written(side.tenantId, eventSeq);
      side.written[at] = eventSeq;
    }
    side.seen = eventSeq;
  }

  async #read(side: Side): Promise<void> {
    const at = this.#any(this.#processes.length);
    const { services, cache } = this.#processes[at] as Process;
    const label = this.#any(2);
    const viewer = side.viewers[label] as Viewer;
    const query = QUERIES[this.#any(QUERIES.length)] ?? 'both';
    const place = this.#any(PROJECTS);
    const minSeq = this.#any(2) === 0 ? null : side.seen;
    const [own, told] = [side.written[at] ?? 0n, minSeq ?? 0n];
    const variables = query === 'one' ? String(place) : '';
    const question: Question = { viewer, operation: query, variables, minSeq };
    const { body } = await cache.answer(question, (uses) => this.#compute(services, side, viewer, query, place, uses));
    const [tenantId, permissions, ...values] = JSON.parse(body) as [string, number, ...[number, number][]];
    if (tenantId !== side.tenantId || permissions !== viewer.permissions.size)
      this.faults.push(`given to another: ${body}`);
    const made = this.#reads.get(side) ?? [];
    this.#reads.set(side, made);
    made.push({ from: own > told ? own : told, values });
  }

  async #compute(
    { read }: Services,
    { tenantId, projectIds }: Side,
    viewer: Viewer,
    query: (typeof QUERIES)[number],
    place: number,
    uses: Uses,
  ): Promise<Answer> {
    const values = await withReadScope(read, viewer, async (scope) => {
      const rows = async <T extends object>(statement: Statement) => {
        uses.statement(statement);
        return scope.query<T>(statement);
      };
      const found: [number, number][] = [];
      if (query === 'one') {
        const statement = byIdStatements('Project', 't.description')(tenantId, [projectIds[place] ?? '']);
        const [row] = await rows<{ description: string }>(statement);
        found.push([place, Number(row?.description)]);
      }
      if (query === 'projects' || query === 'both') {
        const text = 'SELECT id, description FROM projects WHERE tenant_id = $1::uuid';
        for (const { id, description } of await rows<{ id: string; description: string }>({ text, values: [tenantId] }))
          found.push([projectIds.indexOf(id), Number(description)]);
      }
      if (query === 'cases' || query === 'both') {
        const text = 'SELECT count(*)::int AS count FROM cases WHERE tenant_id = $1::uuid';
        const [row] = await rows<{ count: number }>({ text, values: [tenantId] });
        found.push([CASES, row?.count ?? 0]);
      }
      return found;
    });
    // What is read takes time to become an answer: meanwhile others write.
    if (this.#any(2) === 0) await sleep(this.#random() * 5);
    return { body: JSON.stringify([tenantId, viewer.permissions.size, ...values]), keep: true };
  }

  /** All that was read must have stood so at one place of the log, not before that which was asked for. */
  #judge({ counted }: Side, { from, values }: Read): void {
    let [first, end] = [0n, 2n ** 62n];
    for (const [place, value] of values) {
      const { seqs } = counted[place] ?? { seqs: [] };
      const [since, until] = [seqs[value], seqs[value + 1] ?? end];
      if (since === undefined) this.faults.push(`nobody wrote ${value} at ${place}`);
      else if (since > first) first = since;
      if (until < end) end = until;
    }
    if (first >= end) this.faults.push(`never stood together: ${JSON.stringify(values)}`);
    if (end <= from) this.faults.push(`seen up to ${from}, given what ended at ${end}: ${JSON.stringify(values)}`);
  }
}
