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

/**
 * The same database, but sources and cases that are created through it get ids that follow from what they are. Ids are
 * random otherwise; an example operation that changes something has to name it.
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
    },
  });
  // An extended client is typed as something else, though it does all that the plain one does.
  return { ...write, prisma: prisma as unknown as WriteDeps['prisma'] };
}
