import type { ProjectStatus } from '../../modules/delivery/values.ts';

/** A project of the demo, as it was set up. Days are days before now. */
export interface DemoProject {
  key: string;
  name: string;
  description: string;
  tags: readonly string[];
  repository: string | null;
  currency: 'EUR' | 'USD';
  arr: string;
  infrastructureCost: string;
  hourlyRate: string;
  cashFlows: readonly string[];
  discountRate: string;
  terminalGrowth: string | null;
  appealScore: number;
  complexityScore: number;
  /** what breaks in it */
  components: readonly string[];
  /** bugs that people report here, and between which days */
  bugs: number;
  from: number;
  until: number;
  /** commits on a working day, when its days are recorded */
  commits?: number;
  techStack: readonly string[];
  moves: readonly { day: number; status: ProjectStatus }[];
}

/** An organisation that nobody has. */
export const ORGANISATION = 'argus-demo-tidewater';

export const PROJECTS: readonly DemoProject[] = [
  {
    key: 'HARBOR',
    name: 'Harbor Checkout',
    description: 'The page on which customers of 900 shops pay: cards, bank transfer, refunds and receipts.',
    tags: ['payments', 'web', 'revenue'],
    repository: `${ORGANISATION}/harbor-checkout`,
    currency: 'EUR',
    arr: '2400000',
    infrastructureCost: '9800.50',
    hourlyRate: '95',
    cashFlows: ['310000', '420000', '480000.50'],
    discountRate: '0.12',
    terminalGrowth: null,
    appealScore: 88,
    complexityScore: 7,
    components: ['Card form', 'Receipt mail', 'Refund page', 'Currency picker', 'Express checkout', 'Webhook delivery'],
    bugs: 64,
    from: 179,
    until: 1,
    commits: 11,
    techStack: ['TypeScript', 'React', 'PostgreSQL'],
    moves: [],
  },
  {
    key: 'LEDGER',
    name: 'Ledger Sync',
    description: 'Carries orders and payments into the bookkeeping of small companies, every night and on request.',
    tags: ['accounting', 'integration', 'batch'],
    repository: `${ORGANISATION}/ledger-sync`,
    currency: 'EUR',
    arr: '740000',
    infrastructureCost: '3100',
    hourlyRate: '90',
    cashFlows: ['60000', '75000', '85000', '90000'],
    discountRate: '0.14',
    terminalGrowth: null,
    appealScore: 54,
    complexityScore: 8,
    components: ['Nightly run', 'Tax export', 'Account mapping', 'Invoice PDF', 'Audit file', 'Bank feed'],
    bugs: 46,
    from: 176,
    until: 2,
    commits: 5,
    techStack: ['Kotlin', 'PostgreSQL'],
    moves: [],
  },
  {
    key: 'ATLAS',
    name: 'Atlas Routes',
    description: 'Plans the tours of delivery vans with maps, time windows and traffic.',
    tags: ['maps', 'logistics', 'optimisation'],
    repository: `${ORGANISATION}/atlas-routes`,
    currency: 'USD',
    arr: '1650000',
    infrastructureCost: '14250',
    hourlyRate: '110',
    cashFlows: ['100000', '180000', '230000'],
    discountRate: '0.15',
    terminalGrowth: '0.01',
    appealScore: 76,
    complexityScore: 9,
    components: ['Tour planner', 'Map view', 'Driver list', 'Time window', 'Traffic feed', 'Address search'],
    bugs: 40,
    from: 172,
    until: 1,
    commits: 9,
    techStack: ['Rust', 'TypeScript', 'PostGIS'],
    moves: [],
  },
  {
    key: 'PULSE',
    name: 'Pulse Monitor',
    description: 'Watches pumps and cold stores, and calls somebody when a value leaves its range.',
    tags: ['monitoring', 'iot', 'alerts'],
    repository: `${ORGANISATION}/pulse-monitor`,
    currency: 'USD',
    arr: '980000',
    infrastructureCost: '6400',
    hourlyRate: '105',
    cashFlows: ['110000', '130000', '150000'],
    discountRate: '0.12',
    terminalGrowth: null,
    appealScore: 69,
    complexityScore: 6,
    components: ['Alarm call', 'Sensor page', 'History chart', 'Device pairing', 'Shift plan', 'Report mail'],
    bugs: 38,
    from: 168,
    until: 2,
    commits: 4,
    techStack: ['Go', 'TimescaleDB'],
    moves: [],
  },
  {
    key: 'BEACON',
    name: 'Beacon App',
    description: 'The mobile app of the loyalty programme, for both kinds of telephones.',
    tags: ['mobile', 'loyalty'],
    repository: null,
    currency: 'EUR',
    arr: '410000',
    infrastructureCost: '1850',
    hourlyRate: '85',
    cashFlows: ['30000', '45000', '60000'],
    discountRate: '0.16',
    terminalGrowth: null,
    appealScore: 81,
    complexityScore: 5,
    components: ['Start screen', 'Points page', 'Push message', 'Coupon scanner', 'Offline mode', 'Sign-in'],
    bugs: 34,
    from: 174,
    until: 1,
    techStack: ['Swift', 'Kotlin'],
    moves: [],
  },
  {
    key: 'QUILL',
    name: 'Quill Notes',
    description: 'Notes for meetings, written together. Finished, and now only looked after.',
    tags: ['collaboration', 'web'],
    repository: `${ORGANISATION}/quill-notes`,
    currency: 'USD',
    arr: '320000',
    infrastructureCost: '900',
    hourlyRate: '100',
    cashFlows: ['60000', '55000', '45000'],
    discountRate: '0.1',
    terminalGrowth: '-0.2',
    appealScore: 62,
    complexityScore: 3,
    components: ['Editor', 'Shared cursor', 'Search box', 'Export', 'Comment list', 'Print view'],
    bugs: 22,
    from: 178,
    until: 44,
    techStack: ['TypeScript', 'SQLite'],
    moves: [{ day: 38, status: 'SHIPPED' }],
  },
  {
    key: 'NIMBUS',
    name: 'Nimbus Forms',
    description: 'Forms that fill themselves from what is known. Waits until Ledger Sync is done.',
    tags: ['forms', 'web', 'prototype'],
    repository: `${ORGANISATION}/nimbus-forms`,
    currency: 'USD',
    arr: '45000',
    infrastructureCost: '700',
    hourlyRate: '95',
    cashFlows: ['5000', '15000', '30000'],
    discountRate: '0.2',
    terminalGrowth: null,
    appealScore: 58,
    complexityScore: 4,
    components: ['Form builder', 'Upload field', 'Answer table', 'Public link', 'Date field', 'Thank-you page'],
    bugs: 14,
    from: 160,
    until: 34,
    techStack: ['TypeScript'],
    moves: [
      { day: 42, status: 'DEFERRED' },
      { day: 36, status: 'ACTIVE' },
      { day: 30, status: 'DEFERRED' },
    ],
  },
  {
    key: 'OTTER',
    name: 'Otter Replies',
    description: 'Drafts of answers for the support desk. Cancelled: it cost more than it saved.',
    tags: ['support', 'experiment'],
    repository: `${ORGANISATION}/otter-replies`,
    currency: 'USD',
    arr: '0',
    infrastructureCost: '4300',
    hourlyRate: '110',
    cashFlows: ['10000', '40000'],
    discountRate: '0.25',
    terminalGrowth: null,
    appealScore: 35,
    complexityScore: 8,
    components: ['Draft panel', 'Tone switch', 'Answer memory', 'Language guess', 'Rating button', 'Prompt log'],
    bugs: 10,
    from: 165,
    until: 70,
    techStack: ['Python'],
    moves: [{ day: 40, status: 'CANCELLED' }],
  },
];
