import { enumValue } from '../../data/enum-value.ts';
import type { FilterInput } from '../../data/filter.ts';
import { withWrite } from '../../data/write.ts';
import { builder, type InputFields } from '../../graphql/builder.ts';
import { listField, oneField } from '../../graphql/connection.ts';
import { viewerOf } from '../../graphql/context.ts';
import { defineEnum } from '../../graphql/enums.ts';
import { filterInput } from '../../graphql/filter-inputs.ts';
import { addMutation, EXPECTED_VERSION } from '../../graphql/mutation.ts';
import { addEventSubscription } from '../platform/event-stream.schema.ts';
import { createCalendar, updateCalendar } from './calendar.service.ts';
import { calendarEntity, policyEntity } from './entities.ts';
import { BugStatus } from './enums.schema.ts';
import { bugList, calendarList, policyList } from './lists.ts';
import { BusinessCalendar, SlaPolicy } from './refs.ts';
import type { Holiday, WeeklyHours } from './sla/calendar.ts';
import { APPLY_TO, createPolicy, type PolicyFields, updatePolicy } from './sla-policy.service.ts';
import { BUG_STATUSES } from './values.ts';

const Weekly = builder.objectRef<WeeklyHours>('WeeklyHours').implement({
  description: 'Hours of one day of the week.',
  fields: (t) => ({
    day: t.exposeInt('day', { description: '1 Monday to 7 Sunday' }),
    from: t.exposeString('from'),
    to: t.exposeString('to'),
  }),
});
const HolidayType = builder.objectRef<Holiday>('Holiday').implement({
  description: 'A day with hours of its own, or none.',
  fields: (t) => ({
    date: t.exposeString('date'),
    name: t.exposeString('name', { nullable: true }),
    from: t.exposeString('from', { nullable: true, description: 'null: closed all day' }),
    to: t.exposeString('to', { nullable: true }),
  }),
});

builder.prismaObjectFields('BusinessCalendar', (t) => ({
  name: t.exposeString('name'),
  timeZone: t.exposeString('timeZone', { description: 'IANA' }),
  // What is stored was checked when it was written.
  hours: t.field({ type: [Weekly], resolve: ({ hours }) => hours as unknown as WeeklyHours[] }),
  holidays: t.field({ type: [HolidayType], resolve: ({ holidays }) => holidays as unknown as Holiday[] }),
  version: t.exposeInt('version'),
  createdAt: t.expose('createdAt', { type: 'DateTime' }),
  updatedAt: t.expose('updatedAt', { type: 'DateTime' }),
}));

builder.prismaObjectFields('SlaPolicy', (t) => ({
  name: t.exposeString('name'),
  position: t.exposeInt('position', { description: 'the first policy whose filter a new bug fits is the bug’s' }),
  isActive: t.exposeBoolean('isActive'),
  filter: t.expose('filter', { type: 'JSON', description: 'as the list of bugs takes it; {}: every bug' }),
  criticalHours: t.exposeFloat('criticalHours'),
  highHours: t.exposeFloat('highHours'),
  mediumHours: t.exposeFloat('mediumHours'),
  lowHours: t.exposeFloat('lowHours'),
  warnAt: t.exposeFloat('warnAt', { description: 'share of the target at which the risk is medium' }),
  highRiskAt: t.exposeFloat('highRiskAt', { description: 'share of the target at which the risk is high' }),
  pauseOn: t.field({
    type: [BugStatus],
    description: 'statuses in which the clock stands',
    resolve: ({ pauseOn }) => pauseOn.map((status) => enumValue(BUG_STATUSES, status)),
  }),
  restartOnReopen: t.exposeBoolean('restartOnReopen', { description: 'false: the clock goes on where it stopped' }),
  calendar: t.field(oneField(calendarEntity, BusinessCalendar, (row: { calendarId: string | null }) => row.calendarId)),
  rulesVersion: t.exposeInt('rulesVersion', { description: 'bugs keep the version that they began under' }),
  version: t.exposeInt('version'),
  createdAt: t.expose('createdAt', { type: 'DateTime' }),
  updatedAt: t.expose('updatedAt', { type: 'DateTime' }),
}));

builder.queryFields((t) => ({
  slaPolicies: t.field({ ...listField(policyList, SlaPolicy), permission: 'sla:read', description: 'SLA policies.' }),
  businessCalendars: t.field({
    ...listField(calendarList, BusinessCalendar),
    permission: 'sla:read',
    description: 'Business calendars.',
  }),
}));

const ApplyTo = defineEnum(
  'SlaApplyTo',
  APPLY_TO,
  'For which bugs new rules count: NEW, those that come; OPEN, also those that are open and that the policy is the first to fit, their past included.',
);

/** What every input of a policy can say. */
export const policyFields = (t: InputFields) => ({
  position: t.int({ description: '0 to 10,000; 50 when left out' }),
  isActive: t.boolean(),
  filter: t.field({ type: filterInput(bugList), description: 'which bugs; all when left out' }),
  criticalHours: t.float({ description: 'open hours of the calendar; 24 when left out' }),
  highHours: t.float({ description: '72 when left out' }),
  mediumHours: t.float({ description: '168 when left out' }),
  lowHours: t.float({ description: '720 when left out' }),
  warnAt: t.float({ description: 'share of the target; 0.5 when left out' }),
  highRiskAt: t.float({ description: 'share of the target; 0.8 when left out' }),
  pauseOn: t.field({ type: [BugStatus], description: 'DEFERRED when left out' }),
  restartOnReopen: t.boolean(),
  calendarId: t.id({ description: 'around the clock when left out' }),
});

/** Rules as the service takes them. */
export function toPolicy<I extends { calendarId?: string | null; filter?: unknown }>(input: I): I & PolicyFields {
  const calendarId = input.calendarId ? calendarEntity.decode(input.calendarId, ['calendarId']) : input.calendarId;
  return { ...input, calendarId, filter: input.filter as FilterInput | null | undefined };
}

addMutation({
  name: 'createSlaPolicy',
  permission: 'sla:write',
  description: 'Sets up an SLA policy. simulateSlaPolicy tells beforehand what it would come to.',
  input: builder.inputType('CreateSlaPolicyInput', {
    description: 'A new policy.',
    fields: (t) => ({
      name: t.string({ required: true }),
      applyTo: t.field({ type: ApplyTo, required: true, defaultValue: 'NEW' }),
      ...policyFields(t),
    }),
  }),
  returns: { field: 'slaPolicy', type: SlaPolicy },
  run: (ctx, input) => {
    const policy = toPolicy(input);
    return withWrite(ctx.services.write, viewerOf(ctx), 'sla.create', (tx) => createPolicy(tx, policy));
  },
});

addMutation({
  name: 'updateSlaPolicy',
  permission: 'sla:write',
  description:
    'Changes an SLA policy; other rules make a new version. simulateSlaPolicy tells beforehand what it would do.',
  input: builder.inputType('UpdateSlaPolicyInput', {
    description: 'Changes of a policy.',
    fields: (t) => ({
      id: t.id({ required: true }),
      expectedVersion: t.int({ description: EXPECTED_VERSION }),
      applyTo: t.field({ type: ApplyTo, required: true, defaultValue: 'NEW' }),
      name: t.string(),
      ...policyFields(t),
    }),
  }),
  returns: { field: 'slaPolicy', type: SlaPolicy },
  run: (ctx, input) => {
    const id = policyEntity.decode(input.id);
    const change = toPolicy(input);
    return withWrite(ctx.services.write, viewerOf(ctx), 'sla.update', (tx) => updatePolicy(tx, { ...change, id }));
  },
});

const WeeklyInput = builder.inputType('WeeklyHoursInput', {
  description: 'Hours of one day of the week; a day may have several.',
  fields: (t) => ({
    day: t.int({ required: true, description: '1 Monday to 7 Sunday' }),
    from: t.string({ required: true, description: 'HH:MM, local time' }),
    to: t.string({ required: true, description: 'HH:MM, up to 24:00' }),
  }),
});
const HolidayInput = builder.inputType('HolidayInput', {
  description: 'A day with hours of its own, or, without hours, none.',
  fields: (t) => ({
    date: t.string({ required: true, description: 'YYYY-MM-DD' }),
    name: t.string(),
    from: t.string({ description: 'HH:MM: open only then, a half day' }),
    to: t.string(),
  }),
});
const calendarFields = (t: InputFields) => ({
  name: t.string({ required: true }),
  timeZone: t.string({ required: true, description: 'IANA name, such as Europe/Berlin' }),
  hours: t.field({ type: [WeeklyInput], required: true }),
  holidays: t.field({ type: [HolidayInput], required: true, defaultValue: [] }),
});

type HoursInput = typeof WeeklyInput.$inferInput;
const toHours = (hours: readonly HoursInput[]) => hours as readonly WeeklyHours[];

addMutation({
  name: 'createBusinessCalendar',
  permission: 'sla:write',
  description: 'Sets up a business calendar.',
  input: builder.inputType('CreateBusinessCalendarInput', {
    description: 'A new calendar.',
    fields: calendarFields,
  }),
  returns: { field: 'businessCalendar', type: BusinessCalendar },
  run: (ctx, input) =>
    withWrite(ctx.services.write, viewerOf(ctx), 'calendar.create', (tx) =>
      createCalendar(tx, { ...input, hours: toHours(input.hours) }),
    ),
});

addMutation({
  name: 'updateBusinessCalendar',
  permission: 'sla:write',
  description: 'Changes a business calendar. Each policy that runs by it gets a new version.',
  input: builder.inputType('UpdateBusinessCalendarInput', {
    description: 'A calendar as it is to be.',
    fields: (t) => ({
      id: t.id({ required: true }),
      expectedVersion: t.int({ description: EXPECTED_VERSION }),
      applyTo: t.field({ type: ApplyTo, required: true, defaultValue: 'NEW' }),
      ...calendarFields(t),
    }),
  }),
  returns: { field: 'businessCalendar', type: BusinessCalendar },
  run: (ctx, input) => {
    const id = calendarEntity.decode(input.id);
    return withWrite(ctx.services.write, viewerOf(ctx), 'calendar.update', (tx) =>
      updateCalendar(tx, { ...input, id, hours: toHours(input.hours) }),
    );
  },
});

addEventSubscription(policyList, SlaPolicy, 'sla:read');
addEventSubscription(calendarList, BusinessCalendar, 'sla:read');
