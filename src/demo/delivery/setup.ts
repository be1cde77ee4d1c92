import type { WriteTx } from '../../data/write.ts';
import { createCalendar } from '../../modules/delivery/calendar.service.ts';
import { projectGlobalId } from '../../modules/delivery/global-ids.ts';
import { createProject } from '../../modules/delivery/project.service.ts';
import type { CalendarSpec } from '../../modules/delivery/sla/calendar.ts';
import { createPolicy } from '../../modules/delivery/sla-policy.service.ts';
import { demoPolicyId, demoProjectId } from '../stable-ids.ts';
import { PROJECTS } from './projects.ts';

export const POLICY = 'Checkout, in office hours';
export const CALENDAR = 'Berlin office';
export const POLICY_ID = demoPolicyId(POLICY);

/** Months and days that are the same in every year. */
const HOLIDAYS = [
  { day: '01-01', name: 'New Year' },
  { day: '05-01', name: 'Labour Day' },
  { day: '10-03', name: 'German Unity Day' },
  { day: '12-24', name: 'Christmas Eve', from: '09:00', to: '12:00' },
  { day: '12-25', name: 'Christmas Day' },
  { day: '12-26', name: 'Boxing Day' },
  { day: '12-31', name: 'New Year’s Eve', from: '09:00', to: '12:00' },
];

function officeHours(now: Date): CalendarSpec {
  const years = [-1, 0, 1].map((more) => now.getUTCFullYear() + more);
  return {
    timeZone: 'Europe/Berlin',
    hours: [
      ...[1, 2, 3, 4].map((day) => ({ day, from: '09:00', to: '18:00' })),
      { day: 5, from: '09:00', to: '16:00' },
    ],
    holidays: years.flatMap((year) => HOLIDAYS.map(({ day, ...rest }) => ({ date: `${year}-${day}`, ...rest }))),
  };
}

/** Sets projects up; then the rules for one of them, which run by a calendar. */
export async function setUp(tx: WriteTx): Promise<void> {
  for (const project of PROJECTS) {
    const { key, name, description, tags, currency, arr, infrastructureCost, hourlyRate } = project;
    const { cashFlows, discountRate, terminalGrowth, appealScore, complexityScore, repository } = project;
    await createProject(tx, {
      ...{ key, name, description, tags, currency, arr, infrastructureCost, hourlyRate },
      ...{ cashFlows, discountRate, terminalGrowth, appealScore, complexityScore, githubRepository: repository },
    });
  }
  const calendar = await createCalendar(tx, { name: CALENDAR, ...officeHours(tx.now) });
  await createPolicy(tx, {
    name: POLICY,
    position: 10,
    filter: { projectId: { eq: projectGlobalId(demoProjectId('HARBOR')) } },
    criticalHours: 9,
    highHours: 27,
    mediumHours: 60,
    lowHours: 180,
    restartOnReopen: true,
    applyTo: 'NEW',
    calendarId: calendar.id,
  });
}
