import type { WriteDeps } from '../data/write.ts';
import { stableUuid } from './synthetic.ts';

/** Id of the demo's source with this reference: the same in every database, so that examples can name it. */
export function demoSourceId(externalRef: string): string {
  return stableUuid(`source ${externalRef}`);
}

/** Id of the demo's case with this title. */
export function demoCaseId(title: string): string {
  return stableUuid(`case ${title}`);
}

/** Id of the demo's project with this key. */
export function demoProjectId(key: string): string {
  return stableUuid(`project ${key}`);
}

/** Id of a bug that was reported in the demo, by its project's key and its title. */
export function demoBugId(ref: string): string {
  return stableUuid(`bug ${ref}`);
}

/** Id of the demo's SLA policy with this name. */
export function demoPolicyId(name: string): string {
  return stableUuid(`policy ${name}`);
}

/** Id of the demo's member with this name. */
export function demoMemberId(displayName: string): string {
  return stableUuid(`member ${displayName}`);
}

/**
 * The same database, but sources, cases, projects, policies and members that are created through it get ids that follow
 * from what they are. Ids are random otherwise; an example operation that changes something has to name it.
 */
export function withStableIds(write: WriteDeps): WriteDeps {
  const prisma = write.prisma.$extends({
    query: {
      source: {
        createManyAndReturn: ({ args, query }) => {
          const data = [args.data].flat().map((row) => ({ ...row, id: demoSourceId(row.externalRef) }));
          return query({ ...args, data });
        },
      },
      case: {
        create: ({ args, query }) => query({ ...args, data: { ...args.data, id: demoCaseId(args.data.title) } }),
      },
      project: {
        create: ({ args, query }) => query({ ...args, data: { ...args.data, id: demoProjectId(args.data.key) } }),
      },
      slaPolicy: {
        create: ({ args, query }) => query({ ...args, data: { ...args.data, id: demoPolicyId(args.data.name) } }),
      },
      member: {
        create: ({ args, query }) =>
          query({ ...args, data: { ...args.data, id: demoMemberId(args.data.displayName ?? '') } }),
      },
    },
  });
  // An extended client is typed as something else, though it does all that the plain one does.
  return { ...write, prisma: prisma as unknown as WriteDeps['prisma'] };
}
