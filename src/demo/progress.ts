import type { Prisma } from '../../generated/prisma/client.ts';
import { systemViewer, type Viewer } from '../access/viewer.ts';
import { withReadScope } from '../data/read-scope.ts';
import { type WriteTx, withWrite } from '../data/write.ts';
import type { Services } from '../services.ts';
import { withStableIds } from './stable-ids.ts';

/** The demo's stories. Later versions add some: a demo that was loaded by an earlier one gets what it lacks. */
export const PARTS = ['intel', 'delivery'] as const;
export type Part = (typeof PARTS)[number];

/** What the tenant's settings remember of the loading. */
export interface Progress {
  /** when the demo's days end: a later call that completes the demo must not invent another one */
  now: string;
  /** steps that are done */
  steps: number;
  complete: boolean;
  /** the stories that are told by these steps */
  parts: Part[];
  /** those that were complete before */
  before: Part[];
}

/** How far the loading is; null when it has not begun. */
export async function readProgress(services: Services, tenantId: string): Promise<Progress | null> {
  const [row] = await withReadScope(services.read, systemViewer(tenantId, 'demo'), (scope) =>
    scope.query<{ demo: Progress | null }>({
      text: `/* demo.progress */ SELECT settings -> 'demo' AS demo FROM tenants WHERE id = $1::uuid`,
      values: [tenantId],
    }),
  );
  return withParts(row?.demo);
}

/** The first version knew of one story, and did not say so. */
function withParts(demo: Partial<Progress> | null | undefined): Progress | null {
  return demo ? ({ parts: ['intel'], before: [], ...demo } as Progress) : null;
}

/** Whether all stories are there. */
export function isComplete(demo: Progress | null): boolean {
  return Boolean(demo?.complete && PARTS.every((part) => demo.parts.includes(part) || demo.before.includes(part)));
}

/** Begins the loading of what is missing, or gives how far it is. */
export async function begin(services: Services, tenantId: string, now: Date): Promise<Progress> {
  const { value } = await withWrite(services.write, systemViewer(tenantId, 'demo'), 'demo.begin', async (tx) => {
    const { settings, demo } = await lockProgress(tx);
    if (demo && (!demo.complete || isComplete(demo))) return demo;
    const before = demo ? [...demo.before, ...demo.parts] : [];
    const parts = PARTS.filter((part) => !before.includes(part));
    const begun: Progress = { now: now.toISOString(), steps: 0, complete: false, parts, before };
    await writeProgress(tx, settings, begun);
    return begun;
  });
  return value;
}

/** Runs step `index` in a transaction that also counts it, unless another process has done it meanwhile. */
export async function runStep(
  services: Services,
  actor: Viewer,
  index: number,
  run: (tx: WriteTx) => Promise<unknown>,
  options: { at?: Date; complete?: boolean } = {},
): Promise<void> {
  await withWrite(withStableIds(services.write), actor, 'demo.step', async (tx) => {
    const { settings, demo } = await lockProgress(tx);
    if (!demo || demo.complete || demo.steps !== index) return;
    // The demo tells of the past: its rows and its log bear the time at which this is said to have happened.
    if (options.at) tx.now = options.at;
    await run(tx);
    await writeProgress(tx, settings, { ...demo, steps: index + 1, complete: options.complete ?? false });
  });
}

type Settings = Record<string, Prisma.InputJsonValue>;

/** Whoever else is loading the demo waits here. */
async function lockProgress(tx: WriteTx): Promise<{ settings: Settings; demo: Progress | null }> {
  const [row] = await tx.db.$queryRawUnsafe<{ settings: Settings }[]>(
    '/* demo.lock */ SELECT settings FROM tenants WHERE id = $1::uuid FOR NO KEY UPDATE',
    tx.tenantId,
  );
  const settings = row?.settings ?? {};
  return { settings, demo: withParts(settings.demo as Partial<Progress> | undefined) };
}

async function writeProgress(tx: WriteTx, settings: Settings, demo: Progress): Promise<void> {
  await tx.db.tenant.update({ where: { id: tx.tenantId }, data: { settings: { ...settings, demo: { ...demo } } } });
}
