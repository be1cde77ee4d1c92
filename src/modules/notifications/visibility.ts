import type { Permission } from '../../access/permissions.ts';
import { entities, entityOf } from '../../graphql/entity.ts';

/** Whether somebody with these permissions may read events about aggregates of a type. */
export function mayRead(permissions: ReadonlySet<Permission>, aggregateType: string): boolean {
  const entity = entityOf(aggregateType);
  return permissions.has('event:read') && (!entity || permissions.has(entity.read));
}

/** Types of aggregates that somebody with these permissions may not read. */
export function hiddenTypes(permissions: ReadonlySet<Permission>): string[] {
  return entities()
    .map(({ model }) => model)
    .filter((model) => !mayRead(permissions, model));
}
