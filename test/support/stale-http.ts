import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { randomOf } from './random.ts';

/** A server that answers at a port, for the holder of a key. */
export interface Served {
  port: number;
  key: string;
}

interface Reply<T> {
  data: T;
  headers: Record<string, string | string[] | undefined>;
}

const DASHBOARD = `{ projects(first: 20, orderBy: { field: KEY, direction: ASC }) { nodes { key description } }
  cases(first: 5) { totalCount { value } nodes { title } } bugStatistics { bySeverity { severity count } } }`;
const ONE = 'query ($key: String!) { project(key: $key) { key description } }';
const UPDATE = `mutation ($id: ID!, $text: String!) {
  updateProject(input: { id: $id, description: $text }) { project { description } userErrors { message } eventSeq } }`;
const CREATE = `mutation ($key: String!) {
  createProject(input: { key: $key, name: $key, description: "0" }) { project { id } userErrors { message } eventSeq } }`;
const PROJECTS = 5;

interface Project {
  key: string;
  id: string;
  /** how often it was written, and the seq of each time */
  seqs: number[];
}

/**
 * Clients of one tenant, of two servers with a cache each: some write numbers into projects, others read them with the
 * header `min-seq`. What a read shows is at least what was written up to that seq, and at most what is being written.
 */
export class StaleHttp {
  readonly #servers: readonly Served[];
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64 });
  readonly #random: () => number;
  readonly #projects: Project[] = [];
  #seen = 0;
  readonly faults: string[] = [];
  reads = 0;
  writes = 0;
  /** answers from memory, and joined ones */
  cached = 0;

  constructor(servers: readonly Served[], seed: number) {
    this.#servers = servers;
    this.#random = randomOf(seed);
  }

  async prepare(): Promise<void> {
    for (let i = 0; i < PROJECTS; i++) {
      const key = `STALE${i}`;
      const { data } = await this.#ask<{ createProject: { project: { id: string }; eventSeq: number } }>(CREATE, {
        key,
      });
      this.#projects.push({ key, id: data.createProject.project.id, seqs: [data.createProject.eventSeq] });
      this.#seen = data.createProject.eventSeq;
    }
  }

  /** So many reads by `readers` at once while one client writes every few milliseconds. */
  async run(reads: number, readers: number, pauseMs: number): Promise<void> {
    let left = reads;
    let done = false;
    const writing = (async () => {
      while (!done) {
        await this.#write();
        await sleep(this.#random() * pauseMs);
      }
    })();
    try {
      await Promise.all(
        Array.from({ length: readers }, async () => {
          while (left-- > 0) await this.#read();
        }),
      );
    } finally {
      done = true;
      await writing;
      this.#agent.destroy();
    }
  }

  async #write(): Promise<void> {
    const project = this.#any(this.#projects);
    const next = project.seqs.length;
    // Begun: a read may show it before its seq is known here.
    project.seqs.push(Number.POSITIVE_INFINITY);
    const { data } = await this.#ask<{ updateProject: { eventSeq: number } }>(UPDATE, {
      id: project.id,
      text: `${next}`,
    });
    project.seqs[next] = data.updateProject.eventSeq;
    this.#seen = Math.max(this.#seen, data.updateProject.eventSeq);
    this.writes++;
  }

  async #read(): Promise<void> {
    const seen = this.#seen;
    const project = this.#any(this.#projects);
    const one = this.#random() < 0.5;
    const { data, headers } = await this.#ask<{
      project?: { key: string; description: string };
      projects?: { nodes: { key: string; description: string }[] };
    }>(one ? ONE : DASHBOARD, one ? { key: project.key } : {}, seen);
    this.reads++;
    if (/, (cache|join)$/.test(String(headers['server-timing']))) this.cached++;
    const rows = data.projects?.nodes ?? (data.project ? [data.project] : []);
    const known = rows.filter(({ key }) => key.startsWith('STALE'));
    if (known.length === 0) this.faults.push('an answer shows no project');
    for (const { key, description } of known) this.#judge(key, Number(description), seen);
  }

  #judge(key: string, shown: number, seen: number): void {
    const seqs = this.#projects.find((project) => project.key === key)?.seqs ?? [];
    const least = seqs.findLastIndex((seq) => seq <= seen);
    if (shown >= least && shown < seqs.length) return;
    this.faults.push(
      `${key} shows write ${shown}, while ${least} was seen at ${seen} and ${seqs.length - 1} is the last`,
    );
  }

  #any<T>(from: readonly T[]): T {
    return from[Math.floor(this.#random() * from.length)] as T;
  }

  #ask<T>(query: string, variables: Record<string, unknown>, minSeq?: number): Promise<Reply<T>> {
    const { port, key } = this.#any(this.#servers);
    const seq: Record<string, string> = minSeq === undefined ? {} : { 'min-seq': String(minSeq) };
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${key}`, ...seq };
    return new Promise((resolve, reject) => {
      const asked = request({ port, path: '/graphql', method: 'POST', headers, agent: this.#agent }, (res) => {
        let text = '';
        res.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
        });
        res.on('end', () => {
          const answer = JSON.parse(text) as { data: T; errors?: unknown };
          if (answer.errors) reject(new Error(text));
          else resolve({ data: answer.data, headers: res.headers });
        });
      });
      asked.on('error', reject).end(JSON.stringify({ query, variables }));
    });
  }
}
