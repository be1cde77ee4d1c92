import { encodeId } from '../../src/graphql/ids.ts';
import type { Dialect } from '../contender.ts';
import type { Facts, Request, Scenario } from '../scenario.ts';
import { dashboard } from './dashboard.ts';
import { flat, nested, one, SEVERITIES } from './reads.ts';

const CREATE: Record<Dialect, string> = {
  argus:
    'mutation ($project: ID!, $title: String!, $severity: BugSeverity!) { createBug(input: { projectId: $project, title: $title, severity: $severity }) { bug { title severity status } } }',
  plain:
    'mutation ($project: ID!, $title: String!, $severity: String!) { createBug(project: $project, title: $title, severity: $severity) { bug { title severity status } } }',
  postgraphile:
    'mutation ($project: UUID!, $title: String!, $severity: String!) { createBug: benchCreateBug(input: { project: $project, title: $title, severity: $severity }) { bug: result { title severity status } } }',
  floor: 'create',
};

function creations(dialect: Dialect, { projectIds }: Facts): readonly Request[] {
  return Array.from({ length: 200 }, (_, i) => {
    const project = projectIds[i % projectIds.length] ?? '';
    return {
      query: CREATE[dialect],
      variables: {
        project: dialect === 'argus' ? encodeId('prj', project) : project,
        title: `Made by the benchmark ${i}`,
        severity: SEVERITIES[i % SEVERITIES.length],
      },
    };
  });
}

export const create: Scenario = {
  name: 'create',
  title: 'a bug is created, with its number and a row of history',
  note: 'The others write the number, the bug and the history row, in one transaction. Argus also writes its event, its audit entry, the SLA clock and the totals.',
  requests: creations,
};

/** Of 20 requests one creates a bug. */
export const mixed: Scenario = {
  name: 'mixed',
  title: '95 % reads (single bugs, lists, dashboards), 5 % creations',
  async requests(dialect, facts, ask) {
    const pool = await Promise.all([one, flat, nested, dashboard].map((from) => from.requests(dialect, facts, ask)));
    const reads = pool.map((requests) => requests ?? []);
    return creations(dialect, facts).map((creation, i) => {
      if (i % 20 === 10) return creation;
      const from = reads[i % reads.length] ?? [];
      return from[i % from.length] ?? creation;
    });
  },
};
