import type { Viewer } from '../access/viewer.ts';
import { ReadScope } from '../data/read-scope.ts';
import type { Unauthenticated } from '../errors.ts';
import type { Context } from '../graphql/context.ts';
import type { Services } from '../services.ts';

/** Nobody's tenant: no row has it, so that a scope without a viewer reads nothing even if a permission check is missing. */
export const NO_TENANT = '00000000-0000-0000-0000-000000000000';

/** The context of one operation. */
export function makeContext(
  services: Services,
  viewer: Viewer | null,
  refused: Unauthenticated | null,
  request: Viewer['request'],
): Context {
  const reader: Viewer = viewer ?? {
    kind: 'MEMBER',
    tenantId: NO_TENANT,
    memberId: null,
    userId: null,
    permissions: new Set(),
    credentialId: null,
    request,
  };
  // Copies of the context share it.
  const life = { scope: new ReadScope(services.read, reader), abandoned: null as Error | null };
  return {
    viewer,
    refused,
    services,
    request,
    idempotency: { header: null, fields: 1, replayed: false },
    scope: life.scope,
    loaders: new Map(),
    stream: { open: false, after: null, seq: null },
    now: new Date(),
    refresh(this: Context) {
      const old = this.scope;
      void old.close();
      this.scope = new ReadScope(services.read, reader);
      life.scope = this.scope;
      if (life.abandoned) this.scope.abandon(life.abandoned);
      this.scope.statements = old.statements;
      this.scope.milliseconds = old.milliseconds;
      this.scope.observer = old.observer;
      this.loaders = new Map();
      this.now = new Date();
    },
    abandon(reason) {
      life.abandoned ??= reason;
      life.scope.abandon(reason);
    },
  };
}
