import { randomBytes } from 'node:crypto';
import { hashPassword } from '../../src/access/passwords.ts';
import { withWrite } from '../../src/data/write.ts';
import { newId } from '../../src/graphql/ids.ts';
import { runLookups } from '../../src/modules/intel/osint.runner.ts';
import { addMember } from '../../src/modules/platform/tenant.service.ts';
import type { Tenant, TestApp } from './app.ts';

/** Ids of what was made, in the order of making, as GraphQL gives them. */
export interface IntelSeed {
  /** stands in every text that a person or a source wrote; a-z and 0-9, so that it survives normalisation */
  marker: string;
  sources: string[];
  keywords: string[];
  contents: string[];
  detections: string[];
  lookups: string[];
  cases: string[];
  /** an API key beside the tenant's first one */
  apiKey: { id: string; secret: string };
  /** of a second member, who can sign in */
  session: { email: string; password: string; token: string };
}

export function newMarker(): string {
  return `mkr${randomBytes(6).toString('hex')}`;
}

/**
 * A small tenant with something of everything: the words, addresses and platform ids are the same in every tenant, and
 * only the marker tells them apart. Made through the API, but for what has no mutation.
 */
export async function seedIntel(t: TestApp, tenant: Tenant, marker = newMarker()): Promise<IntelSeed> {
  const seeder = new Seeder(t, tenant, marker);
  const sources = [await seeder.source(1), await seeder.source(2)];
  const keywords = [
    await seeder.keyword('fentanyl', 'SUBSTANCE', 0.9),
    await seeder.keyword('escrow', 'PAYMENT', 0.4),
    await seeder.keyword(`${marker} stealth`, 'LOGISTICS', 0.3),
  ];
  const contents = [];
  for (const number of [1, 2, 3, 4]) contents.push(await seeder.content(number, sources[number % 2] ?? ''));
  const detections = await seeder.decide();
  const lookups = await seeder.lookups();
  const cases = [await seeder.openCase(1), await seeder.openCase(2)];
  for (const id of cases) await seeder.link(id, contents, detections);
  const { id: apiKey, secret } = await seeder.apiKey();
  const session = await seeder.member();
  await seeder.importRun();
  return { marker, sources, keywords, contents, detections, lookups, cases, apiKey: { id: apiKey, secret }, session };
}

const ERRORS = 'userErrors { code message path }';

class Seeder {
  readonly #t: TestApp;
  readonly #tenant: Tenant;
  readonly #marker: string;

  constructor(t: TestApp, tenant: Tenant, marker: string) {
    this.#t = t;
    this.#tenant = tenant;
    this.#marker = marker;
  }

  /** Runs a mutation that must not be refused and gives the field of its payload. */
  async #change(name: string, input: Record<string, unknown>, select: string) {
    const type = `${name.charAt(0).toUpperCase()}${name.slice(1)}Input`;
    const wanted = name === 'linkToCase' ? 'CaseLinksInput' : name === 'ingestContent' ? 'IngestContentInput' : type;
    const query = `mutation ($input: ${wanted}!) { ${name}(input: $input) { ${select} ${ERRORS} } }`;
    const { [name]: payload } = await this.#t.runOk(this.#tenant.key, query, { input });
    if (payload.userErrors.length > 0) throw new Error(`${name} was refused: ${JSON.stringify(payload.userErrors)}`);
    return payload;
  }

  async source(number: number): Promise<string> {
    const input = {
      name: `Forum ${number} ${this.#marker}`,
      kind: 'FORUM',
      externalRef: `forum-${number}`,
      description: `Board ${this.#marker}`,
      reliability: 'A',
      country: 'DE',
    };
    return (await this.#change('createSource', input, 'source { id }')).source.id;
  }

  async keyword(term: string, category: string, weight: number): Promise<string> {
    const input = { term, category, weight, conceptId: `${term} ${this.#marker}` };
    return (await this.#change('createKeyword', input, 'keyword { id }')).keyword.id;
  }

  async content(number: number, sourceId: string): Promise<string> {
    const marker = this.#marker;
    const offer = `Selling fentanyl, ${marker} stealth, escrow taken. Write to bob@example.com or ${marker}@example.com, +49 30 901820.`;
    const input = {
      sourceId,
      externalId: `post-${number}-${marker}`,
      title: `Offer ${number} ${marker}`,
      // One content has no keyword, so that filters by what is not there find something.
      text: number === 4 ? `Nothing to see here, says ${marker}` : offer,
      language: 'en',
      url: `https://forum.example/${marker}/${number}`,
      author: { platformUserId: `${number % 2}`, username: `bob_${marker}`, displayName: `Bob ${marker}` },
      metaData: { note: marker },
      postedAt: `2026-01-0${number}T10:00:00Z`,
      tlp: 'AMBER',
      origin: `crawler-${marker}`,
    };
    return (await this.#change('ingestContent', input, 'ingested { content { id } }')).ingested.content.id;
  }

  /** Confirms one detection and dismisses one; gives all. */
  async decide(): Promise<string[]> {
    const { detections } = await this.#t.runOk(this.#tenant.key, '{ detections { nodes { id } } }');
    const ids: string[] = detections.nodes.map((node: { id: string }) => node.id);
    const decisions = [
      { id: ids[0], status: 'CONFIRMED', reason: `seen by ${this.#marker}` },
      { id: ids[1], status: 'DISMISSED', reason: `a joke of ${this.#marker}` },
    ];
    for (const input of decisions) await this.#change('decideDetection', input, 'detection { id }');
    const { platformUsers } = await this.#t.runOk(this.#tenant.key, '{ platformUsers(first: 1) { nodes { id } } }');
    const flag = { id: platformUsers.nodes[0].id, flagged: true, reason: `known as ${this.#marker}` };
    await this.#change('flagPlatformUser', flag, 'platformUser { id }');
    return ids;
  }

  /** Two lookups that are answered, the second from the first, and one that was cancelled. */
  async lookups(): Promise<string[]> {
    const start = async (input: Record<string, unknown>): Promise<string> =>
      (await this.#change('startOsintLookup', input, 'osintResult { id }')).osintResult.id;
    const parameters = { note: this.#marker };
    const first = await start({ query: 'bob@example.com', queryType: 'EMAIL', parameters });
    const second = await start({ query: `stealth ${this.#marker}`, queryType: 'TEXT', parameters, parentId: first });
    await runLookups(this.#t.app.services, this.#tenant.tenantId, AbortSignal.timeout(30_000));
    const third = await start({ query: `${this.#marker}@example.com`, queryType: 'EMAIL', parameters });
    await this.#change('cancelOsintLookup', { id: third }, 'osintResult { id }');
    return [first, second, third];
  }

  async openCase(number: number): Promise<string> {
    const { viewer } = await this.#t.runOk(this.#tenant.key, '{ viewer { member { id } } }');
    const input = {
      title: `Operation ${number} ${this.#marker}`,
      description: `About ${this.#marker}`,
      priority: 'HIGH',
      assignedToId: viewer.member.id,
    };
    const { id } = (await this.#change('openCase', input, 'case { id }')).case;
    await this.#change('moveCase', { id, status: 'IN_PROGRESS' }, 'case { id }');
    return id;
  }

  async link(caseId: string, contentIds: string[], detectionIds: string[]): Promise<void> {
    const { identifiers, platformUsers } = await this.#t.runOk(
      this.#tenant.key,
      '{ identifiers { nodes { id } } platformUsers { nodes { id } } }',
    );
    const input = {
      caseId,
      contentIds,
      detectionIds,
      identifierIds: identifiers.nodes.map((node: { id: string }) => node.id),
      platformUsers: platformUsers.nodes.map((node: { id: string }) => ({ platformUserId: node.id, role: 'SUSPECT' })),
    };
    await this.#change('linkToCase', input, 'case { id }');
  }

  async apiKey(): Promise<{ id: string; secret: string }> {
    const select = 'key { secret apiKey { id } }';
    const { key } = await this.#change('createApiKey', { name: `Robot ${this.#marker}` }, select);
    return { id: key.apiKey.id, secret: key.secret };
  }

  /** A second person, with a session. */
  async member(): Promise<{ email: string; password: string; token: string }> {
    const email = `analyst@${this.#marker}.example`;
    const password = `correct horse ${this.#marker}`;
    const passwordHash = await hashPassword(password);
    await withWrite(this.#t.app.services.write, this.#tenant.system, 'test.member', (tx) =>
      addMember(tx, { email, displayName: `Analyst ${this.#marker}`, role: 'ANALYST', passwordHash }),
    );
    const { session } = await this.#change('signIn', { email, password }, 'session { token }');
    return { email, password, token: session.token };
  }

  async importRun(): Promise<void> {
    const { tenantId, memberId, system } = this.#tenant;
    const run = {
      tenantId,
      id: newId(),
      kind: 'content',
      source: 'jsonl',
      fileName: `export-${this.#marker}.jsonl`,
      status: 'COMPLETED',
      errors: [{ line: 1, reason: `not JSON: ${this.#marker}` }],
      startedById: memberId,
    };
    await withWrite(this.#t.app.services.write, system, 'test.import', (tx) => tx.db.importRun.create({ data: run }));
  }
}
