import type { CaseInput, CaseStatus } from '../../modules/intel/case.service.ts';
import type { DemoMember } from './members.ts';

type Who = DemoMember['key'];

/** A case and what happens to it, told in days before now. */
export interface DemoCase {
  title: string;
  description: string;
  /** whose contents, identifiers and accounts it holds */
  crew: string;
  openedBy: Who;
  assignee: Who | null;
  opened: number;
  /** days from opening to the due date */
  due: number | null;
  priority: NonNullable<CaseInput['priority']>;
  tlp: NonNullable<CaseInput['tlp']>;
  impact?: 'NO_IMPACT' | 'WITH_IMPACT' | 'NOT_APPLICABLE';
  role: 'SUSPECT' | 'WITNESS' | 'VICTIM' | 'UNKNOWN';
  moves: readonly {
    day: number;
    status: CaseStatus;
    reason?: string;
    resolution?: 'TRUE_POSITIVE' | 'FALSE_POSITIVE' | 'INDETERMINATE' | 'DUPLICATED';
  }[];
}

export const CASES: readonly DemoCase[] = [
  {
    title: 'Velvet Courier: first offers in Night Garden',
    description: 'Several offers under one name within days. Who writes, and where does the money go?',
    crew: 'velvet',
    openedBy: 'ada',
    assignee: 'ada',
    opened: 49,
    due: 20,
    priority: 'HIGH',
    tlp: 'AMBER',
    impact: 'WITH_IMPACT',
    role: 'SUSPECT',
    moves: [
      { day: 48, status: 'IN_PROGRESS' },
      { day: 33, status: 'RESOLVED' },
      { day: 31, status: 'CLOSED', resolution: 'TRUE_POSITIVE' },
    ],
  },
  {
    title: 'Parcels without sender at the allotments',
    description: 'A member of the forum reports a parcel that nobody ordered.',
    crew: 'velvet',
    openedBy: 'bruno',
    assignee: 'bruno',
    opened: 46,
    due: 10,
    priority: 'LOW',
    tlp: 'GREEN',
    impact: 'NO_IMPACT',
    role: 'UNKNOWN',
    moves: [
      { day: 45, status: 'IN_PROGRESS' },
      { day: 40, status: 'RESOLVED' },
      { day: 39, status: 'CLOSED', resolution: 'FALSE_POSITIVE' },
    ],
  },
  {
    title: 'Brass Finch sells stolen identities',
    description: 'Offers on the market and on the board share a wallet.',
    crew: 'finch',
    openedBy: 'chiara',
    assignee: 'chiara',
    opened: 44,
    due: 30,
    priority: 'HIGH',
    tlp: 'AMBER',
    role: 'SUSPECT',
    moves: [
      { day: 42, status: 'IN_PROGRESS' },
      { day: 30, status: 'ON_HOLD' },
      { day: 18, status: 'IN_PROGRESS' },
      { day: 6, status: 'RESOLVED', resolution: 'TRUE_POSITIVE' },
    ],
  },
  {
    title: 'Ruta Azul couriers',
    description: 'Which of the couriers know what they carry?',
    crew: 'barrio',
    openedBy: 'manager',
    assignee: 'bruno',
    opened: 38,
    due: 45,
    priority: 'MEDIUM',
    tlp: 'GREEN',
    role: 'WITNESS',
    moves: [
      { day: 37, status: 'IN_PROGRESS' },
      { day: 20, status: 'ON_HOLD' },
    ],
  },
  {
    title: 'Snowline: fentanyl sold as oxycodone',
    description: 'Danger to life. Liaison with health services agreed.',
    crew: 'snowline',
    openedBy: 'ada',
    assignee: 'ada',
    opened: 35,
    due: 14,
    priority: 'CRITICAL',
    tlp: 'RED',
    impact: 'WITH_IMPACT',
    role: 'SUSPECT',
    moves: [{ day: 35, status: 'IN_PROGRESS' }],
  },
  {
    title: 'Paper Mill: forged passports',
    description: 'Templates are offered in three places.',
    crew: 'paper',
    openedBy: 'chiara',
    assignee: 'chiara',
    opened: 30,
    due: 30,
    priority: 'MEDIUM',
    tlp: 'AMBER',
    role: 'SUSPECT',
    moves: [
      { day: 29, status: 'IN_PROGRESS' },
      { day: 22, status: 'RESOLVED' },
      { day: 21, status: 'CLOSED', resolution: 'INDETERMINATE' },
      { day: 9, status: 'IN_PROGRESS', reason: 'New templates appeared under the same name.' },
    ],
  },
  {
    title: 'GreyHeron infrastructure',
    description: 'Collect command and control hosts and warn who talks to them.',
    crew: 'heron',
    openedBy: 'bruno',
    assignee: 'bruno',
    opened: 26,
    due: 40,
    priority: 'CRITICAL',
    tlp: 'AMBER_STRICT',
    role: 'SUSPECT',
    moves: [{ day: 25, status: 'IN_PROGRESS' }],
  },
  {
    title: 'Petal & Co: code words below flower pictures',
    description: 'Comments under a florist’s pictures look like orders.',
    crew: 'petal',
    openedBy: 'ada',
    assignee: 'chiara',
    opened: 19,
    due: null,
    priority: 'MEDIUM',
    tlp: 'GREEN',
    role: 'UNKNOWN',
    moves: [{ day: 16, status: 'IN_PROGRESS' }],
  },
  {
    title: 'Second look at Snowline listings',
    description: 'Opened twice by mistake: see the case about fentanyl.',
    crew: 'snowline',
    openedBy: 'bruno',
    assignee: null,
    opened: 14,
    due: null,
    priority: 'LOW',
    tlp: 'GREEN',
    impact: 'NOT_APPLICABLE',
    role: 'SUSPECT',
    moves: [
      { day: 13, status: 'IN_PROGRESS' },
      { day: 13, status: 'RESOLVED' },
      { day: 13, status: 'CLOSED', resolution: 'DUPLICATED' },
    ],
  },
  {
    title: 'PaperLantern leak site',
    description: 'Watch the list of victims; tell those who are on it.',
    crew: 'lantern',
    openedBy: 'manager',
    assignee: 'ada',
    opened: 8,
    due: 21,
    priority: 'HIGH',
    tlp: 'AMBER',
    role: 'SUSPECT',
    moves: [],
  },
  {
    title: 'Склад 17: dead drops along the ring road',
    description: 'Coordinates are sent after payment.',
    crew: 'sklad',
    openedBy: 'chiara',
    assignee: 'chiara',
    opened: 5,
    due: 30,
    priority: 'MEDIUM',
    tlp: 'GREEN',
    role: 'SUSPECT',
    moves: [],
  },
  {
    title: 'Maison Brume deliveries',
    description: 'Classifieds with a telephone number that is known from elsewhere.',
    crew: 'comptoir',
    openedBy: 'ada',
    assignee: null,
    opened: 3,
    due: null,
    priority: 'LOW',
    tlp: 'GREEN',
    role: 'UNKNOWN',
    moves: [],
  },
];
