import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer } from './app.ts';

/** A change that was asked for. */
export interface Attempt {
  /** the request's id, which the audit trail has */
  requestId: string;
  kind: Kind;
  /** marks the rows that it makes */
  marker: string;
  input: Answer;
  /** what it changes */
  ids: readonly string[];
  /** no answer, or one that does not tell: it may have happened or not */
  outcome: 'acknowledged' | 'refused' | 'unknown';
  /** from the answer */
  eventSeq: bigint | null;
}

const KINDS = ['create', 'update', 'move', 'batchCreate', 'batchUpdate', 'openCase', 'import'] as const;
export type Kind = (typeof KINDS)[number];

const BATCH = 5;
/** Rows of an import: fewer than one of its batches, which is a transaction. */
export const IMPORTED = 60;
const PAUSE_MS = 200;
const TIMEOUT_MS = 10_000;

const REST = 'userErrors { code } eventSeq';
const DOCUMENTS: Readonly<Record<Kind, string>> = {
  create: `mutation Create($input: CreateBugInput!) { result: createBug(input: $input) { bug { id } ${REST} } }`,
  update: `mutation Update($input: UpdateBugInput!) { result: updateBug(input: $input) { bug { id } ${REST} } }`,
  move: `mutation Move($input: MoveBugInput!) { result: moveBug(input: $input) { bug { id } ${REST} } }`,
  batchCreate: `mutation Many($input: BugBatchCreateInput!) { result: bugBatchCreate(input: $input) { batch { results { bug { id } } } ${REST} } }`,
  batchUpdate: `mutation All($input: BugBatchUpdateInput!) { result: bugBatchUpdate(input: $input) { batch { failed } ${REST} } }`,
  openCase: `mutation Open($input: OpenCaseInput!) { result: openCase(input: $input) { case { id } ${REST} } }`,
  import: `mutation Import($input: StartImportInput!) { result: startImport(input: $input) { importRun { id } ${REST} } }`,
};

interface Target {
  url: string;
  key: string;
  projectId: string;
  projectKey: string;
}

/** One client that changes bugs of its own, one change after the other, and remembers what it was told. */
export class CrashClient {
  readonly attempts: Attempt[] = [];
  readonly #name: string;
  readonly #target: Target;
  readonly #random: () => number;
  #bugs: string[] = [];
  #made = 0;

  constructor(name: string, target: Target, random: () => number) {
    this.#name = name;
    this.#target = target;
    this.#random = random;
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const dice = this.#random();
      const at = [0.3, 0.5, 0.65, 0.75, 0.87, 0.96].findIndex((end) => dice < end);
      const kind = KINDS[at === -1 ? KINDS.length - 1 : at] ?? 'create';
      await this.#do(this.#bugs.length === 0 ? 'create' : kind);
    }
  }

  async #do(kind: Kind): Promise<void> {
    const marker = `${this.#name}-${++this.#made}`;
    const requestId = `crash-${marker}`;
    const input = this.#input(kind, marker);
    const ids: string[] = input.ids ?? (input.id ? [input.id] : []);
    const attempt: Attempt = { requestId, kind, marker, input, ids, outcome: 'unknown', eventSeq: null };
    this.attempts.push(attempt);
    const result = await this.#ask(attempt, requestId);
    if (!result) {
      await sleep(PAUSE_MS);
      return;
    }
    attempt.outcome = result.userErrors.length > 0 ? 'refused' : 'acknowledged';
    if (attempt.outcome === 'refused') return;
    attempt.eventSeq = result.eventSeq === null ? null : BigInt(result.eventSeq);
    const made: string[] = [result.bug, result.case, result.importRun, ...(result.batch?.results ?? []).map(bugOf)]
      .filter(Boolean)
      .map(({ id }) => id);
    if (ids.length === 0) attempt.ids = made;
    if (kind === 'create' || kind === 'batchCreate') this.#bugs = [...this.#bugs, ...made].slice(-20);
  }

  /** Asks again for what was acknowledged: faults, if it is not answered as it was. */
  async replay(): Promise<string[]> {
    const faults: string[] = [];
    for (const attempt of this.attempts) {
      if (attempt.outcome !== 'acknowledged' || attempt.kind === 'import') continue;
      const result = await this.#ask(attempt, `again-${attempt.marker}`);
      const { eventSeq = null } = result ?? {};
      if (!result || String(eventSeq) !== String(attempt.eventSeq))
        faults.push(`${attempt.requestId} asked for again gives event ${eventSeq} instead of ${attempt.eventSeq}`);
    }
    return faults;
  }

  #input(kind: Kind, marker: string): Answer {
    const { projectId, projectKey } = this.#target;
    const severity = this.#pick(['CRITICAL', 'HIGH', 'MEDIUM', 'LOW']);
    const bug = { projectId, title: marker, description: marker, severity };
    if (kind === 'create') return bug;
    if (kind === 'batchCreate')
      return {
        atomic: true,
        bugs: Array.from({ length: BATCH }, (_, i) => ({ ...bug, description: `${marker}.${i}` })),
      };
    if (kind === 'batchUpdate') return { atomic: true, ids: this.#bugs.slice(-BATCH), labels: [marker], severity };
    if (kind === 'update') return { id: this.#pick(this.#bugs), title: marker, severity };
    if (kind === 'move')
      return { id: this.#pick(this.#bugs), status: this.#pick(['IN_PROGRESS', 'CLOSED', 'PENDING']), reason: marker };
    if (kind === 'openCase') return { title: marker };
    const lines = Array.from({ length: IMPORTED }, (_, i) => `${marker}.${i},${marker},Major,Open,2026-01-02`);
    const content = ['Issue key,Summary,Priority,Status,Created', ...lines].join('\n');
    return { kind: 'BUGS', format: 'CSV', project: projectKey, content, fileName: marker };
  }

  #pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.#random() * list.length)] as T;
  }

  /** The mutation's payload; null when it is not known what became of it. */
  async #ask({ kind, input, requestId: key }: Attempt, requestId: string): Promise<Answer | null> {
    try {
      const response = await fetch(this.#target.url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          authorization: `Bearer ${this.#target.key}`,
          'x-request-id': requestId,
          'idempotency-key': key,
        },
        body: JSON.stringify({ query: DOCUMENTS[kind], variables: { input } }),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      const { data, errors } = (await response.json()) as Answer;
      return errors ? null : (data?.result ?? null);
    } catch {
      return null;
    }
  }
}

const bugOf = (result: Answer) => result.bug;
