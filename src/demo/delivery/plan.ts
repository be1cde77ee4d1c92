import { systemViewer } from '../../access/viewer.ts';
import type { WriteTx } from '../../data/write.ts';
import { recordProjectMetrics } from '../../modules/delivery/metric.service.ts';
import { computeMonthlyMetrics } from '../../modules/delivery/monthly.service.ts';
import { takeSnapshot } from '../../modules/delivery/portfolio.service.ts';
import { moveProject, updateProject } from '../../modules/delivery/project.service.ts';
import { sweepSla } from '../../modules/delivery/sla.sweep.ts';
import { updatePolicy } from '../../modules/delivery/sla-policy.service.ts';
import type { Services } from '../../services.ts';
import { Random } from '../random.ts';
import { demoProjectId } from '../stable-ids.ts';
import type { Step } from '../step.ts';
import { applySession } from './apply.ts';
import { issuesAt, LOST_REPOSITORY, makeIssues, REPOSITORY } from './github.ts';
import { noteRun, runImport } from './imports.ts';
import { makeDays } from './metrics.ts';
import { setUpNotices } from './notices.ts';
import { PROJECTS } from './projects.ts';
import { sessionsOf } from './sessions.ts';
import { POLICY_ID, setUp } from './setup.ts';
import { makeBugActions } from './story.ts';
import { BUG_FILE, HISTORY_FILE, PARKED, splitAt, type TrackerFiles } from './tracker.ts';

const SEED = 20_260_403;
const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

/** The day on which the team gave its tracker up for Argus: days before now. */
export const CHANGE_DAY = 45;
/** Since this day the owner is told of late bugs: days before now. */
const NOTICE_DAY = 14;

/**
 * What a team of engineers does with projects and bugs over half a year, in the order of time. What is older than the
 * day on which it came to Argus comes from files of its tracker.
 */
export function deliverySteps(services: Services, tenantId: string, now: Date): Step[] {
  const random = new Random(SEED);
  const changed = new Date(now.getTime() - CHANGE_DAY * DAY_MS);
  const { files, actions, keys } = splitAt(makeBugActions(random, now), changed);
  const worked = sessionsOf(actions).map(
    (session): Step => ({
      ...{ what: 'bugs', at: session.at, by: session.by },
      run: (tx, members) => applySession(tx, members, session, keys),
    }),
  );
  const steps = [
    { what: 'projects', at: new Date(changed.getTime() - DAY_MS), by: 'marta' as const, run: setUp },
    ...trackerImports(files, changed),
    ...worked,
    ...decisions(now),
    {
      ...{ what: 'notices', at: new Date(now.getTime() - NOTICE_DAY * DAY_MS), by: 'owner' as const },
      run: (tx: WriteTx) => setUpNotices(tx, services),
    },
    ...syncs(random, now),
    ...recordings(now, changed),
    ...days(services, tenantId, now, changed),
  ];
  return steps.sort((a, b) => a.at.getTime() - b.at.getTime());
}

/** The first run does not know one of the tracker's words; the second one has a mapping that says what it means. */
function trackerImports(files: TrackerFiles, changed: Date): Step[] {
  const mapping = { statuses: { [PARKED]: 'DEFERRED' } };
  const csv = { source: 'csv' };
  const bugs = { ...csv, kind: 'bugs' as const, fileName: BUG_FILE, rows: files.bugs };
  const history = { ...csv, kind: 'bug-history' as const, fileName: HISTORY_FILE, rows: files.history };
  const runs = [
    { ...bugs, options: {} },
    { ...bugs, options: { mapping } },
    { ...history, options: { mapping } },
  ];
  return runs.map((run, i) => ({
    what: 'imports',
    at: new Date(changed.getTime() + (5 + 15 * i) * MINUTE_MS),
    by: 'marta',
    run: (tx) => runImport(tx, run),
  }));
}

/** What is decided about projects and rules. */
function decisions(now: Date): Step[] {
  const ago = (day: number) => new Date(now.getTime() - day * DAY_MS);
  const moves = PROJECTS.flatMap(({ key, moves: all }) => all.map((one) => ({ id: demoProjectId(key), ...one })));
  return [
    ...moves.map(
      ({ id, day, status }): Step => ({
        ...{ what: 'projects', at: ago(day), by: 'marta' },
        run: (tx) => moveProject(tx, { id, status }),
      }),
    ),
    {
      ...{ what: 'rules', at: ago(31), by: 'cleo' },
      run: (tx) => updatePolicy(tx, { id: POLICY_ID, highHours: 24, mediumHours: 54, applyTo: 'OPEN' }),
    },
    {
      ...{ what: 'projects', at: ago(26), by: 'cleo' },
      run: (tx) => updateProject(tx, { id: demoProjectId('HARBOR'), arr: '2650000', infrastructureCost: '10400' }),
    },
  ];
}

/** Issues of one repository are read now and then; another repository cannot be read any more. */
function syncs(random: Random, now: Date): Step[] {
  const issues = makeIssues(random);
  const ago = (day: number) => new Date(now.getTime() - day * DAY_MS);
  const asked = [40, 21, 6, 1];
  const read = asked.map((day, i): Step => {
    const since = asked[i - 1] ?? Number.POSITIVE_INFINITY;
    const rows = issuesAt(issues, now, day, since);
    const options = { repository: REPOSITORY, project: 'ATLAS' };
    const run = { kind: 'github-issues' as const, source: 'github', fileName: REPOSITORY, options, rows };
    return {
      ...{ what: 'imports', at: ago(day), by: 'marta' },
      run: async (tx) => {
        const lastRunId = await runImport(tx, run);
        await noteSync(tx, REPOSITORY, { lastRunId, watermark: tx.now, lastSuccessAt: tx.now });
      },
    };
  });
  return [...read, { what: 'imports', at: ago(3), by: 'marta', run: failToRead }];
}

async function failToRead(tx: WriteTx): Promise<void> {
  const lastError = `${LOST_REPOSITORY}: GitHub answered 404: there is no such repository, or the token may not see it`;
  const run = {
    kind: 'github-issues' as const,
    source: 'github',
    fileName: LOST_REPOSITORY,
    mapping: {},
    outcomes: [],
  };
  const lastRunId = await noteRun(tx, { ...run, errors: [{ reason: lastError }], failed: true });
  await noteSync(tx, LOST_REPOSITORY, { lastRunId, lastError });
}

async function noteSync(
  tx: WriteTx,
  repository: string,
  data: { lastRunId: string; watermark?: Date; lastSuccessAt?: Date; lastError?: string },
): Promise<void> {
  const key = { tenantId: tx.tenantId, source: `github:${repository}` };
  await tx.db.syncState.upsert({
    where: { tenantId_source: key },
    create: { ...key, ...data, updatedAt: tx.now },
    update: { ...data, updatedAt: tx.now },
  });
}

/** Days of commits, recorded after the change and now and then since. */
function recordings(now: Date, changed: Date): Step[] {
  const all = makeDays(now);
  const ends = [changed.getTime() + 3 * HOUR_MS, now.getTime() - 20 * DAY_MS, now.getTime()];
  return ends.map((end, i): Step => {
    const rows = all.filter(
      ({ date }) => date.getTime() + DAY_MS <= end && date.getTime() + DAY_MS > (ends[i - 1] ?? 0),
    );
    const run = (tx: WriteTx) => recordProjectMetrics(tx, rows);
    return { what: 'metrics', at: new Date(end - MINUTE_MS), by: 'cleo', run };
  });
}

/** So many days are looked at one by one; of those before them every third. */
const DAILY = 14;

/** At midnights, and now: what passing time has changed, and the portfolio as it then is. */
function days(services: Services, tenantId: string, now: Date, changed: Date): Step[] {
  const viewer = systemViewer(tenantId, 'demo');
  const today = Math.floor(now.getTime() / DAY_MS);
  const all = Array.from({ length: CHANGE_DAY }, (_, i) => i).filter((ago) => ago < DAILY || ago % 3 === 0);
  const midnights = all.map((ago) => new Date((today - ago) * DAY_MS)).filter((at) => at > changed);
  const sweep = (at: Date) => () => sweepSla(services, viewer, { now: at });
  return [
    ...midnights.map(
      (at): Step => ({
        ...{ what: 'days', at, by: null, before: sweep(at) },
        run: (tx) => takeSnapshot(tx, new Date(at.getTime() - DAY_MS)),
      }),
    ),
    {
      ...{ what: 'days', at: now, by: null, before: sweep(now) },
      run: async (tx) => {
        await computeMonthlyMetrics(tx, { from: new Date(now.getTime() - 180 * DAY_MS), to: now, projectId: null });
        await takeSnapshot(tx);
      },
    },
  ];
}
