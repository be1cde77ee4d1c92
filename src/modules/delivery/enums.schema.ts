import { defineEnum } from '../../graphql/enums.ts';
import * as values from './values.ts';

export const ProjectStatus = defineEnum(
  'ProjectStatus',
  values.PROJECT_STATUSES,
  'ACTIVE → SHIPPED, DEFERRED, CANCELLED; DEFERRED → ACTIVE, CANCELLED; back to ACTIVE by managers.',
);
export const BugStatus = defineEnum(
  'BugStatus',
  values.BUG_STATUSES,
  'PENDING → IN_PROGRESS → VERIFIED → SHIPPED → CLOSED; DEFERRED waits.',
);
export const BugSeverity = defineEnum('BugSeverity', values.BUG_SEVERITIES, 'How bad a bug is, worst first.');
export const BugSubstatus = defineEnum(
  'BugSubstatus',
  values.BUG_SUBSTATUSES,
  'What a status does not tell: NEW for a week, ONGOING, REGRESSED after it was resolved, ESCALATING when its SLA is at high risk or breached.',
);
export const ImportSource = defineEnum('ImportSource', values.IMPORT_SOURCES, 'Where a bug came from.');
export const SlaState = defineEnum(
  'SlaState',
  values.SLA_STATES,
  'NONE: no policy; ON_TRACK, MEDIUM_RISK, HIGH_RISK, BREACHED while it runs; PAUSED; MET and MISSED once resolved.',
);
