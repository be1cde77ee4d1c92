import type { Role } from '../../access/permissions.ts';

export interface DemoMember {
  /** what the rest of the demo calls this person */
  key:
    | ('owner' | 'manager' | 'ada' | 'bruno' | 'chiara' | 'viewer')
    | ('cleo' | 'marta' | 'sven' | 'erin' | 'enzo' | 'quinn');
  displayName: string;
  email: string;
  role: Role;
  /** for the demo only: it is printed in the documentation */
  password: string;
}

export const MEMBERS: readonly DemoMember[] = [
  {
    key: 'owner',
    displayName: 'Olga Owner',
    email: 'owner@demo.example',
    role: 'OWNER',
    password: 'demo-owner-2026',
  },
  {
    key: 'manager',
    displayName: 'Mo Manager',
    email: 'manager@demo.example',
    role: 'MANAGER',
    password: 'demo-manager-2026',
  },
  {
    key: 'ada',
    displayName: 'Ada Analyst',
    email: 'ada@demo.example',
    role: 'ANALYST',
    password: 'demo-analyst-2026',
  },
  {
    key: 'bruno',
    displayName: 'Bruno Analyst',
    email: 'bruno@demo.example',
    role: 'ANALYST',
    password: 'demo-analyst-2026',
  },
  {
    key: 'chiara',
    displayName: 'Chiara Analyst',
    email: 'chiara@demo.example',
    role: 'ANALYST',
    password: 'demo-analyst-2026',
  },
  {
    key: 'viewer',
    displayName: 'Vic Viewer',
    email: 'viewer@demo.example',
    role: 'VIEWER',
    password: 'demo-viewer-2026',
  },
  {
    key: 'cleo',
    displayName: 'Cleo Chief',
    email: 'cleo@demo.example',
    role: 'CTO',
    password: 'demo-cto-2026',
  },
  {
    key: 'marta',
    displayName: 'Marta Manager',
    email: 'marta@demo.example',
    role: 'MANAGER',
    password: 'demo-manager-2026',
  },
  {
    key: 'sven',
    displayName: 'Sven Senior',
    email: 'sven@demo.example',
    role: 'SENIOR_ENGINEER',
    password: 'demo-engineer-2026',
  },
  {
    key: 'erin',
    displayName: 'Erin Engineer',
    email: 'erin@demo.example',
    role: 'ENGINEER',
    password: 'demo-engineer-2026',
  },
  {
    key: 'enzo',
    displayName: 'Enzo Engineer',
    email: 'enzo@demo.example',
    role: 'ENGINEER',
    password: 'demo-engineer-2026',
  },
  {
    key: 'quinn',
    displayName: 'Quinn Quality',
    email: 'quinn@demo.example',
    role: 'QA_ENGINEER',
    password: 'demo-quality-2026',
  },
];
