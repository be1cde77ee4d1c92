import { hashPassword } from '../access/passwords.ts';
import { effectivePermissions } from '../access/permissions.ts';
import { systemViewer, type Viewer } from '../access/viewer.ts';
import { withReadScope } from '../data/read-scope.ts';
import type { WriteTx } from '../data/write.ts';
import { Conflict, InvalidInput } from '../errors.ts';
import { newId } from '../graphql/ids.ts';
import { createKeywords } from '../modules/intel/keyword.service.ts';
import { localProvider } from '../modules/intel/osint.local-provider.ts';
import { runLookups } from '../modules/intel/osint.runner.ts';
import { ensureSources } from '../modules/intel/source.service.ts';
import { sweepDictionary } from '../modules/intel/sweep.ts';
import { fillInboxes } from '../modules/notifications/inbox.job.ts';
import { addMember, createTenant, tenantBySlug } from '../modules/platform/tenant.service.ts';
import type { Services } from '../services.ts';
import type { Who } from './actions.ts';
import { applyAction, applyBatch, type Members } from './apply.ts';
import type { DemoContent } from './contents.ts';
import { deliverySteps } from './delivery/plan.ts';
import { generateDemo } from './generate.ts';
import { saveDemoKey } from './key.ts';
import { KEYWORDS } from './material/keywords.ts';
import { MEMBERS } from './material/members.ts';
import { SOURCES } from './material/sources.ts';
import { begin, isComplete, type Part, readProgress, runStep } from './progress.ts';
import type { Step } from './step.ts';

export const DEMO_SLUG = 'demo';

export interface DemoOptions {
  /** the end of the demo's sixty days; that of the first call counts */
  now?: Date;
  onProgress?: (done: number, total: number, what: string) => void;
}

const DAY_MS = 86_400_000;
const BATCH_DAYS = 3;

/**
 * Fills the tenant `demo`, which is created when it is missing. Each step is a transaction that also counts itself in
 * the tenant's settings: a loading that was killed goes on where it stood, and one that is complete changes nothing.
 *
 * @returns the tenant, and whether this call changed anything
 */
export async function loadDemo(
  services: Services,
  options: DemoOptions = {},
): Promise<{ tenantId: string; created: boolean }> {
  const tenantId = (await findTenant(services)) ?? (await createDemoTenant(services));
  if (isComplete(await readProgress(services, tenantId))) return { tenantId, created: false };
  const begun = await begin(services, tenantId, options.now ?? new Date());
  const report = options.onProgress ?? (() => {});
  const system = systemViewer(tenantId, 'demo');
  const { signal } = services.streams;
  const steps = plan(services, tenantId, new Date(begun.now), begun.parts);
  const total = steps.length + 1;
  let members: Members = new Map();
  for (const [index, { what, at, by, run, before }] of steps.entries()) {
    if (index < begun.steps) continue;
    signal.throwIfAborted();
    report(index, total, what);
    if (by && members.size === 0) members = await readMembers(services, tenantId);
    const actor = by ? memberViewer(tenantId, by, members) : system;
    await before?.();
    await runStep(services, actor, index, (tx) => run(tx, members), { at });
    // Nothing is there yet to match: the sweep only notes that this dictionary is done with.
    if (what === 'keywords') await sweepDictionary(services, system, { signal });
  }
  report(steps.length, total, 'background work');
  await sweepDictionary(services, system, { signal });
  // What is invented must not be sent to a provider outside.
  await runLookups({ ...services, osintProvider: localProvider }, tenantId, signal);
  await fillInboxes(services, system, signal);
  signal.throwIfAborted();
  await runStep(services, system, steps.length, async () => {}, { complete: true });
  report(total, total, 'done');
  // An earlier version was broken off in the only story that it knew: the others come after it.
  if (!isComplete(await readProgress(services, tenantId))) await loadDemo(services, options);
  return { tenantId, created: true };
}

async function findTenant(services: Services): Promise<string | null> {
  try {
    return await tenantBySlug(services, DEMO_SLUG);
  } catch (error) {
    if (error instanceof InvalidInput) return null;
    throw error;
  }
}

async function createDemoTenant(services: Services): Promise<string> {
  const [owner] = MEMBERS;
  if (!owner) throw new Error('the demo has no owner');
  const { email, displayName, password } = owner;
  try {
    const made = await createTenant(services, { slug: DEMO_SLUG, name: 'Argus Demo', email, displayName, password });
    await saveDemoKey(services.env, made.key);
    return made.tenantId;
  } catch (error) {
    if (!(error instanceof Conflict)) throw error;
    // Another process was faster.
    return tenantBySlug(services, DEMO_SLUG);
  }
}

/** Everything that is done, in the order of time: the log of the demo reads like that of its teams. */
function plan(services: Services, tenantId: string, now: Date, parts: readonly Part[]): Step[] {
  const told = [
    ...(parts.includes('intel') ? intelSteps(services, now) : []),
    ...(parts.includes('delivery') ? deliverySteps(services, tenantId, now) : []),
  ].sort((a, b) => a.at.getTime() - b.at.getTime());
  return [{ what: 'members', at: told[0]?.at ?? now, by: null, run: addMembers }, ...told];
}

function intelSteps(services: Services, now: Date): Step[] {
  const { contents, actions } = generateDemo(now);
  const start = new Date(Math.min(...contents.map(({ receivedAt }) => receivedAt.getTime())) - DAY_MS);
  const setup: Step[] = [
    { what: 'sources', at: start, by: 'owner', run: (tx) => ensureSources(tx, SOURCES.map(toSource)) },
    { what: 'keywords', at: start, by: 'ada', run: (tx) => createKeywords(tx, KEYWORDS) },
  ];
  const batches = batchesOf(contents).map((batch): Step => {
    const at = batch.at(-1)?.receivedAt ?? now;
    return { what: 'contents', at, by: null, run: (tx) => applyBatch(tx, services, batch) };
  });
  const acted = actions.map((action): Step => {
    const { at, by, kind } = action;
    return { what: kind, at, by, run: (tx, members) => applyAction(tx, services, members, action) };
  });
  return [...setup, ...[...batches, ...acted].sort((a, b) => a.at.getTime() - b.at.getTime())];
}

function toSource({ name, kind, externalRef, description, reliability, country }: (typeof SOURCES)[number]) {
  return { name, kind, externalRef, description, reliability, country };
}

function batchesOf(contents: readonly DemoContent[]): DemoContent[][] {
  const bucket = ({ receivedAt }: DemoContent) => Math.floor(receivedAt.getTime() / (BATCH_DAYS * DAY_MS));
  return [...Map.groupBy(contents, bucket).values()];
}

async function addMembers(tx: WriteTx): Promise<void> {
  const known = new Set((await membersOf(tx)).map((member) => member.displayName));
  const missing = MEMBERS.filter(({ displayName }) => !known.has(displayName));
  const hashes = await Promise.all(missing.map(({ password }) => hashPassword(password)));
  for (const [index, { email, displayName, role }] of missing.entries()) {
    await addMember(tx, { email, displayName, role, passwordHash: hashes[index] ?? null });
  }
}

function membersOf(tx: Pick<WriteTx, 'db' | 'tenantId'>) {
  return tx.db.member.findMany({
    where: { tenantId: tx.tenantId },
    select: { id: true, userId: true, displayName: true },
  });
}

async function readMembers(services: Services, tenantId: string): Promise<Members> {
  const rows = await withReadScope(services.read, systemViewer(tenantId, 'demo'), (scope) =>
    scope.query<{ id: string; userId: string; displayName: string }>({
      text: '/* demo.members */ SELECT id, user_id AS "userId", display_name AS "displayName" FROM members WHERE tenant_id = $1::uuid',
      values: [tenantId],
    }),
  );
  const byName = new Map(rows.map((row) => [row.displayName, { memberId: row.id, userId: row.userId }]));
  return new Map(
    MEMBERS.flatMap(({ key, displayName }) => {
      const row = byName.get(displayName);
      return row ? [[key, row] as const] : [];
    }),
  );
}

function memberViewer(tenantId: string, who: Who, members: Members): Viewer {
  const member = members.get(who);
  const role = MEMBERS.find(({ key }) => key === who)?.role;
  if (!member || !role)
    throw new InvalidInput(
      `the demo's member ${who} is missing: it was renamed or removed before the demo was complete`,
    );
  return {
    kind: 'MEMBER',
    tenantId,
    ...member,
    permissions: effectivePermissions({ role, extra: [] }),
    credentialId: null,
    request: { id: newId(), ip: null, userAgent: 'argus/demo' },
  };
}
