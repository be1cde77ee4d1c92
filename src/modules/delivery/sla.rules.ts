import type { Bug, SlaPolicy, SlaPolicyVersion } from '../../../generated/prisma/client.ts';
import { type FilterInput, parseFilter } from '../../data/filter.ts';
import { filterPredicate } from '../../data/filter-memory.ts';
import { selectList } from '../../data/models.ts';
import { prepared } from '../../data/statement.ts';
import type { WriteTx } from '../../data/write.ts';
import { InvalidInput } from '../../errors.ts';
import { newId } from '../../graphql/ids.ts';
import { bugList } from './lists.ts';
import { type CalendarSpec, compileCalendar } from './sla/calendar.ts';
import type { SlaRules } from './sla/clock.ts';
import type { BugSeverity, BugStatus } from './values.ts';

/** What a version of a policy holds, as JSON. */
export interface StoredRules {
  targetHours: Record<BugSeverity, number>;
  warnAt: number;
  highRiskAt: number;
  pauseOn: BugStatus[];
  restartOnReopen: boolean;
  calendar: CalendarSpec | null;
}

/** Which version of which policy a bug is under, with its rules ready to reckon with. */
export interface PolicyInForce {
  policyId: string;
  rulesVersion: number;
  rules: SlaRules;
}

export function compileRules(stored: StoredRules): SlaRules {
  return { ...stored, calendar: compileCalendar(stored.calendar) };
}

const MAX_COMPILED = 500;
/** Versions never change, so what is compiled from one holds for this process's life. */
const compiled = new Map<string, SlaRules>();

/** The rules of a stored version, compiled once a process: reckoning the days of a calendar takes its time. */
export function compiledRules(
  version: Pick<SlaPolicyVersion, 'tenantId' | 'policyId' | 'rulesVersion' | 'rules'>,
): SlaRules {
  const key = `${version.tenantId}:${version.policyId}:${version.rulesVersion}`;
  let rules = compiled.get(key);
  if (!rules) {
    if (compiled.size >= MAX_COMPILED) compiled.clear();
    // What is stored was checked when it was written.
    rules = compileRules(version.rules as unknown as StoredRules);
    compiled.set(key, rules);
  }
  return rules;
}

interface ActivePolicy extends PolicyInForce {
  /** 0: it takes no open bugs over */
  openRulesVersion: number;
  fits(bug: Readonly<Record<string, unknown>>): boolean;
}

const active = new WeakMap<WriteTx, Promise<ActivePolicy[]>>();

/** The policy for a new bug: the first active one, by position, whose filter the bug fits. Null: there is none. */
export async function policyFor(tx: WriteTx, bug: Readonly<Record<string, unknown>>): Promise<ActivePolicy | null> {
  return (await activePolicies(tx)).find((policy) => policy.fits(bug)) ?? null;
}

function activePolicies(tx: WriteTx): Promise<ActivePolicy[]> {
  let policies = active.get(tx);
  if (!policies) {
    policies = loadActive(tx);
    active.set(tx, policies);
  }
  return policies;
}

/** Forgets what this transaction has read of policies: it has just changed one. */
export function forgetPolicies(tx: WriteTx): void {
  active.delete(tx);
}

const ACTIVE = `/* SlaPolicy.active */ SELECT ${selectList('SlaPolicy', 't')} FROM sla_policies t
  WHERE t.tenant_id = $1::uuid AND t.is_active ORDER BY t.position, t.id`;

async function loadActive(tx: WriteTx): Promise<ActivePolicy[]> {
  const policies = await tx.query<SlaPolicy>(prepared(ACTIVE, tx.tenantId));
  return Promise.all(
    policies.map(async (policy) => ({
      policyId: policy.id,
      rulesVersion: policy.rulesVersion,
      openRulesVersion: policy.openRulesVersion,
      rules: await rulesAt(tx, policy.id, policy.rulesVersion),
      fits: filterPredicate(parseFilter(bugList, policy.filter as FilterInput, tx.now)),
    })),
  );
}

/** The rules of one version of a policy. */
export async function rulesAt(tx: WriteTx, policyId: string, rulesVersion: number): Promise<SlaRules> {
  const known = compiled.get(`${tx.tenantId}:${policyId}:${rulesVersion}`);
  if (known) return known;
  const version = await tx.db.slaPolicyVersion.findUniqueOrThrow({
    where: { tenantId_policyId_rulesVersion: { tenantId: tx.tenantId, policyId, rulesVersion } },
  });
  return compiledRules(version);
}

/** The rules of the bug's policy, in the version that it is under; null when it is under none. */
export async function rulesOfBug(
  tx: WriteTx,
  { slaPolicyId, slaRulesVersion }: Pick<Bug, 'slaPolicyId' | 'slaRulesVersion'>,
): Promise<SlaRules | null> {
  return slaPolicyId && slaRulesVersion ? rulesAt(tx, slaPolicyId, slaRulesVersion) : null;
}

/** What a policy has that says nothing else. */
export const POLICY_DEFAULTS = {
  position: 50,
  isActive: true,
  filter: {},
  criticalHours: 24,
  highHours: 72,
  mediumHours: 168,
  lowHours: 720,
  warnAt: 0.5,
  highRiskAt: 0.8,
  pauseOn: ['DEFERRED'] as readonly BugStatus[],
  restartOnReopen: false,
  calendarId: null as string | null,
};

/** What every tenant begins with: it comes after all policies that say nothing of their position. */
const DEFAULT_POLICY = { ...POLICY_DEFAULTS, pauseOn: [...POLICY_DEFAULTS.pauseOn], name: 'Default', position: 100 };

/** Makes the default policy when the tenant has none at all: bugs then have an SLA from the first one on. */
export async function ensurePolicy(tx: WriteTx): Promise<void> {
  if ((await activePolicies(tx)).length > 0) return;
  const where = { tenantId: tx.tenantId };
  if ((await tx.db.slaPolicy.count({ where })) > 0) return;
  const [made] = await tx.db.slaPolicy.createManyAndReturn({
    data: [{ ...where, id: newId(), ...DEFAULT_POLICY, createdAt: tx.now }],
    skipDuplicates: true,
  });
  if (made) await addVersion(tx, made, null);
  forgetPolicies(tx);
}

/** Throws InvalidInput when the calendar has so few open hours that a bug would never be due. */
function checkReach({ targetHours, calendar }: StoredRules, now: Date): void {
  try {
    compileCalendar(calendar).add(now, Math.max(...Object.values(targetHours)) * 3_600_000);
  } catch (error) {
    if (!(error instanceof InvalidInput)) throw error;
    throw new InvalidInput(`the calendar has too few open hours for these targets: ${error.message}`, ['calendarId']);
  }
}

/** Writes down the rules of a policy's newest version. */
export async function addVersion(tx: WriteTx, policy: SlaPolicy, calendar: CalendarSpec | null): Promise<void> {
  const rules: StoredRules = {
    targetHours: {
      CRITICAL: policy.criticalHours,
      HIGH: policy.highHours,
      MEDIUM: policy.mediumHours,
      LOW: policy.lowHours,
    },
    warnAt: policy.warnAt,
    highRiskAt: policy.highRiskAt,
    pauseOn: policy.pauseOn as BugStatus[],
    restartOnReopen: policy.restartOnReopen,
    calendar,
  };
  checkReach(rules, tx.now);
  await tx.db.slaPolicyVersion.create({
    data: {
      tenantId: tx.tenantId,
      policyId: policy.id,
      rulesVersion: policy.rulesVersion,
      rules: JSON.parse(JSON.stringify(rules)),
      createdById: tx.viewer.memberId,
      createdAt: tx.now,
    },
  });
}
