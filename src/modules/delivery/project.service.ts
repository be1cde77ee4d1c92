import type { Prisma, Project } from '../../../generated/prisma/client.ts';
import { can } from '../../access/viewer.ts';
import { cutText } from '../../data/storable-text.ts';
import type { WriteTx } from '../../data/write.ts';
import { Conflict, Forbidden, InvalidInput, InvalidTransition } from '../../errors.ts';
import { newId } from '../../graphql/ids.ts';
import { countProject } from './bug.totals.ts';
import { projectGlobalId } from './global-ids.ts';
import { checkCurrency, Decimal, parseMoney } from './money.ts';
import { ensurePolicy } from './sla.rules.ts';
import { appealIndex, type Dcf, dcf, projectCost, type RoiScore, roiScore } from './valuation.ts';
import type { ProjectStatus } from './values.ts';

/** Allowed moves; those back to ACTIVE from SHIPPED and CANCELLED need the permission project:reactivate. */
export const PROJECT_MOVES: Readonly<Record<ProjectStatus, readonly ProjectStatus[]>> = {
  ACTIVE: ['SHIPPED', 'DEFERRED', 'CANCELLED'],
  DEFERRED: ['ACTIVE', 'CANCELLED'],
  SHIPPED: ['ACTIVE'],
  CANCELLED: ['ACTIVE'],
};

/** What a person says of a project. Money and rates are decimal texts. */
export interface ProjectFields {
  name?: string | null;
  description?: string | null;
  tags?: readonly string[] | null;
  githubRepository?: string | null;
  arr?: string | null;
  infrastructureCost?: string | null;
  hourlyRate?: string | null;
  cashFlows?: readonly string[] | null;
  discountRate?: string | null;
  terminalGrowth?: string | null;
  appealScore?: number | null;
  complexityScore?: number | null;
}

export interface NewProject extends ProjectFields {
  key: string;
  name: string;
  currency?: string | null;
}

const KEY = /^[A-Z0-9][A-Z0-9_./-]{0,99}$/;
const REPOSITORY = /^[A-Za-z0-9._-]{1,100}\/[A-Za-z0-9._-]{1,100}$/;
const MAX_TAGS = 50;

/** The key as it is stored: upper case. InvalidInput for one that no key can be. */
export function projectKey(text: string, path: readonly string[] = ['key']): string {
  const key = text.trim().toUpperCase();
  if (KEY.test(key)) return key;
  throw new InvalidInput(
    `${JSON.stringify(text.slice(0, 120))} is no project key: 1 to 100 letters, digits and _ . / -, the first a letter or digit`,
    path,
  );
}

function checkFields(fields: ProjectFields): void {
  const { name, description, tags, githubRepository } = fields;
  if (name !== undefined && name !== null && (name.trim() === '' || name.length > 200))
    throw new InvalidInput('a name has 1 to 200 characters', ['name']);
  if ((description?.length ?? 0) > 10_000)
    throw new InvalidInput('a description has at most 10,000 characters', ['description']);
  if ((tags?.length ?? 0) > MAX_TAGS || tags?.some((tag) => tag.trim() === '' || tag.length > 100))
    throw new InvalidInput(`at most ${MAX_TAGS} tags, each of 1 to 100 characters`, ['tags']);
  if (typeof githubRepository === 'string' && !REPOSITORY.test(githubRepository))
    throw new InvalidInput('a repository is written owner/name', ['githubRepository']);
  for (const field of ['arr', 'infrastructureCost', 'hourlyRate'] as const) {
    const amount = fields[field];
    if (amount !== undefined && amount !== null && parseMoney(amount, [field]).isNegative())
      throw new InvalidInput(`${amount} is below 0`, [field]);
  }
  fields.cashFlows?.map((flow, i) => parseMoney(flow, ['cashFlows', String(i)]));
}

/** Columns of what was given; null takes away where a project can be without. */
function columnsOf(fields: ProjectFields) {
  return {
    name: fields.name?.trim() || undefined,
    description: fields.description,
    tags: fields.tags ? [...new Set(fields.tags.map((tag) => tag.trim()))] : undefined,
    githubRepository: fields.githubRepository,
    arr: fields.arr ?? undefined,
    infrastructureCost: fields.infrastructureCost ?? undefined,
    hourlyRate: fields.hourlyRate ?? undefined,
    cashFlows: fields.cashFlows ? [...fields.cashFlows] : undefined,
    discountRate: fields.discountRate ?? undefined,
    terminalGrowth: fields.terminalGrowth,
    appealScore: fields.appealScore ?? undefined,
    complexityScore: fields.complexityScore ?? undefined,
  };
}

type Valued = {
  [F in 'infrastructureCost' | 'discountRate' | 'terminalGrowth']: Project[F] | string;
} & { cashFlows: readonly (Prisma.Decimal | string)[] } & Pick<Project, 'appealScore' | 'complexityScore'>;

/** What a project is worth, and from what that follows. */
export function valuationOf(project: Valued): { dcf: Dcf; roi: RoiScore; appeal: ReturnType<typeof appealIndex> } {
  const decimal = (value: unknown) => new Decimal(String(value));
  const value = dcf({
    cashFlows: project.cashFlows.map(decimal),
    discountRate: decimal(project.discountRate),
    terminalGrowth: project.terminalGrowth === null ? null : decimal(project.terminalGrowth),
  });
  const roi = roiScore(value.value, projectCost(decimal(project.infrastructureCost), project.cashFlows.length));
  const { appealScore: appeal, complexityScore: complexity } = project;
  return { dcf: value, roi, appeal: appealIndex({ roi: roi.score, appeal, complexity }) };
}

function scoresOf(project: Valued): { dcfValuation: string; roiScore: number; appealIndex: number } {
  const { dcf: value, roi, appeal } = valuationOf(project);
  return { dcfValuation: value.value.toFixed(), roiScore: roi.score, appealIndex: appeal.score };
}

const EMPTY: Valued & { tags: string[]; arr: string; hourlyRate: string } = {
  tags: [],
  arr: '0',
  hourlyRate: '0',
  infrastructureCost: '0',
  discountRate: '0.12',
  terminalGrowth: null,
  cashFlows: [],
  appealScore: 50,
  complexityScore: 5,
};

/** Sets up a project. Conflict when the key is taken. */
export async function createProject(tx: WriteTx, input: NewProject): Promise<Project> {
  checkFields(input);
  const key = projectKey(input.key);
  if (await tx.db.project.findUnique({ where: { tenantId_key: { tenantId: tx.tenantId, key } }, select: { id: true } }))
    throw new Conflict(`there is a project ${key} already`, ['key']);
  const currency = checkCurrency(input.currency ?? 'USD', ['currency']);
  const given = Object.fromEntries(Object.entries(columnsOf(input)).filter(([, value]) => value !== undefined));
  const valued = { ...EMPTY, ...given };
  await ensurePolicy(tx);
  const row = await tx.db.project.create({
    data: {
      ...valued,
      cashFlows: valued.cashFlows.map(String),
      ...scoresOf(valued),
      name: input.name.trim(),
      tenantId: tx.tenantId,
      id: newId(),
      key,
      currency,
      createdAt: tx.now,
    },
  });
  countProject(tx, row, 1);
  emit(tx, 'PROJECT_CREATED', row, { key, name: row.name, status: row.status });
  tx.audit({ action: 'project.create', resource: 'Project', resourceId: row.id });
  return row;
}

function emit(tx: WriteTx, type: string, row: Project, payload: Record<string, unknown>): void {
  tx.emit({
    type,
    aggregateType: 'Project',
    aggregateId: row.id,
    aggregateVersion: row.version,
    payload: { id: projectGlobalId(row.id), ...payload },
  });
}

/** Changes a project; its valuation and scores follow. */
export async function updateProject(
  tx: WriteTx,
  change: ProjectFields & { id: string; expectedVersion?: number | null },
): Promise<Project> {
  checkFields(change);
  const { before, where } = await lockProject(tx, change.id, change.expectedVersion);
  const given = Object.fromEntries(Object.entries(columnsOf(change)).filter(([, value]) => value !== undefined));
  const fields = Object.keys(given).filter((field) => !same(Reflect.get(before, field), given[field]));
  if (fields.length === 0) return before;
  const scores = scoresOf({ ...before, ...given });
  const row = await tx.db.project.update({ where, data: { ...given, ...scores, version: before.version + 1 } });
  countProject(tx, before, -1);
  countProject(tx, row, 1);
  if (fields.includes('arr')) await refreshBugs(tx, row.id);
  emit(tx, 'PROJECT_UPDATED', row, { fields });
  tx.audit({ action: 'project.update', resource: 'Project', resourceId: row.id, metadata: { fields } });
  return row;
}

/** What its open bugs put at risk follows from a project's revenue: the next sweep reckons it anew. */
async function refreshBugs(tx: WriteTx, projectId: string): Promise<void> {
  await tx.db.$executeRawUnsafe(
    `/* Bug.refreshOf */ UPDATE bugs SET refresh_at = $3::timestamptz WHERE tenant_id = $1::uuid AND id IN (
       SELECT id FROM bugs WHERE tenant_id = $1::uuid AND project_id = $2::uuid AND affected_share > 0
         AND status IN ('PENDING', 'IN_PROGRESS', 'VERIFIED', 'DEFERRED') ORDER BY id FOR NO KEY UPDATE)`,
    tx.tenantId,
    projectId,
    tx.now,
  );
}

function same(before: unknown, after: unknown): boolean {
  if (Array.isArray(before))
    return JSON.stringify(before.map(plain)) === JSON.stringify((after as unknown[]).map(plain));
  return plain(before) === plain(after);
}

function plain(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  const text = String(value);
  return /^-?\d+(\.\d+)?$/.test(text) ? new Decimal(text).toFixed() : text;
}

async function lockProject(tx: WriteTx, id: string, expectedVersion?: number | null) {
  await tx.lock('Project', id, expectedVersion);
  const where = { tenantId_id: { tenantId: tx.tenantId, id } };
  return { before: await tx.db.project.findUniqueOrThrow({ where }), where };
}

/** Moves a project along its state machine. */
export async function moveProject(
  tx: WriteTx,
  move: { id: string; status: ProjectStatus; expectedVersion?: number | null },
): Promise<Project> {
  const { before, where } = await lockProject(tx, move.id, move.expectedVersion);
  const from = before.status as ProjectStatus;
  const allowed = PROJECT_MOVES[from];
  if (!allowed.includes(move.status)) throw new InvalidTransition('project', from, move.status, allowed);
  if (from !== 'ACTIVE' && from !== 'DEFERRED' && !can(tx.viewer, 'project:reactivate'))
    throw new Forbidden('to take a shipped or cancelled project up again you need the permission project:reactivate');
  const row = await tx.db.project.update({ where, data: { status: move.status, version: before.version + 1 } });
  countProject(tx, before, -1);
  countProject(tx, row, 1);
  emit(tx, 'PROJECT_MOVED', row, { from, to: move.status });
  tx.audit({ action: 'project.move', resource: 'Project', resourceId: row.id, metadata: { from, to: move.status } });
  return row;
}

/** The key of a project that another system names: what no key can hold becomes a hyphen. InvalidInput if nothing is left. */
export function importedKey(named: string, path: readonly string[] = ['project']): string {
  const key = named.toUpperCase().replace(/[^A-Z0-9_./-]+/g, '-');
  return projectKey(key.replace(/^[^A-Z0-9]+|-+$/g, '') || named, path);
}

/**
 * The projects that another system names, by the keys of these names: those that have the key, or the very name; those
 * that are new are created, and told to `onCreated`.
 */
export async function ensureProjects(
  tx: WriteTx,
  named: readonly string[],
  options: { githubRepository?: string; onCreated?: (project: Project) => void } = {},
): Promise<Map<string, Project>> {
  const byKey = new Map(named.map((name) => [importedKey(name), name]));
  const rows = await tx.db.project.findMany({
    where: {
      tenantId: tx.tenantId,
      OR: [{ key: { in: [...byKey.keys()] } }, { name: { in: [...byKey.values()] } }],
    },
    orderBy: { id: 'asc' },
  });
  const found = new Map<string, Project>();
  for (const [key, name] of [...byKey].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const there = rows.find((row) => row.key === key) ?? rows.find((row) => row.name === name);
    const project =
      there ?? (await createProject(tx, { key, name: cutText(name, 200), githubRepository: options.githubRepository }));
    if (!there) options.onCreated?.(project);
    found.set(key, project);
  }
  return found;
}
