import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { keyWith, leaksOf, type Side, type World } from './isolation.ts';
import { type Subscription, subscribe } from './sse.ts';

const EVENTS = `subscription ($afterSeq: BigInt, $filter: EventFilter) { events(afterSeq: $afterSeq, filter: $filter) {
  seq event { type aggregateId payload actor { id displayName } } } }`;

/** All that comes until nothing comes for a while. */
async function heard(from: Subscription) {
  const events = [];
  for (let event = await from.next(2_000); event; event = await from.next(300)) events.push(event);
  return events;
}

/** What a tenant hears of the log, live and past. */
export function eventTests(world: () => World): void {
  describe('what a tenant listens to', () => {
    const openCase = (side: Side) =>
      world().t.runOk(
        side.tenant.key,
        'mutation ($title: String!) { openCase(input: { title: $title }) { eventSeq } }',
        {
          title: `Operation ${side.seed.marker}`,
        },
      );

    it.each([
      ['from the beginning', () => ({ afterSeq: '0' })],
      ['from now', () => ({})],
      ['with a filter', () => ({ afterSeq: '0', filter: { type: { eq: 'CASE_OPENED' } } })],
      ['with a filter for the other’s numbers', () => ({ afterSeq: '0', filter: { seq: { gte: 6_999_999_000 } } })],
      ['after the other’s numbers', () => ({ afterSeq: '6999999000' })],
      ['with a filter that says no', () => ({ afterSeq: '0', filter: { not: { aggregateType: { eq: 'Source' } } } })],
    ])('%s: nothing of another tenant', async (_, variables) => {
      const [own, other] = await Promise.all(
        [world().a, world().b].map((side) => subscribe(world().t, side.tenant.key, EVENTS, variables())),
      );
      if (!own || !other) return expect.fail('no subscription');
      await setTimeout(200);
      await openCase(world().b);
      await openCase(world().a);
      const [mine, theirs] = await Promise.all([heard(own), heard(other)]);
      await Promise.all([own.close(), other.close()]);
      expect(leaksOf(mine, world().b)).toEqual([]);
      // The same subscription of the other tenant hears it all, and this one hears its own when its numbers fit.
      expect(leaksOf(theirs, world().b)).not.toEqual([]);
      expect(leaksOf(theirs, world().a)).toEqual([]);
      expect(mine.some(({ data }) => data)).toBe(
        !JSON.stringify(variables()).includes('6999999000') && !JSON.stringify(variables()).includes('gte'),
      );
    });

    it('to an import by its id: nothing of another tenant', async () => {
      const { t, a, b } = world();
      const query = 'subscription ($id: ID!) { importProgress(id: $id) { id kind status fileName errors } }';
      const progress = async (id: string) => {
        const listening = await subscribe(t, a.tenant.key, query, { id });
        const first = await listening.next(5_000);
        await listening.close();
        return first;
      };
      for (const id of b.ids.get('imp') ?? []) {
        const refused = await progress(id);
        expect(refused?.errors?.map(({ extensions }) => extensions?.code)).toEqual(['NOT_FOUND']);
        expect(leaksOf(refused, b)).toEqual([]);
      }
      const [own] = a.ids.get('imp') ?? [];
      expect((await progress(own ?? ''))?.data?.importProgress).toMatchObject({ id: own, status: 'COMPLETED' });
    });

    it('ends when its key is revoked, before the next event', async () => {
      const { tenant } = world().a;
      const listening = await subscribe(
        world().t,
        await keyWith(world().t, tenant, ['event:read']),
        'subscription { events { event { type } } }',
      );
      await setTimeout(200);
      await openCase(world().a);
      expect((await listening.next(2_000))?.data).toMatchObject({ events: { event: { type: 'CASE_OPENED' } } });
      const { apiKeys } = await world().t.runOk(tenant.key, '{ apiKeys(first: 1) { nodes { id } } }');
      const revoke = 'mutation ($id: ID!) { revokeApiKey(input: { id: $id }) { userErrors { message } } }';
      await world().t.runOk(tenant.key, revoke, { id: apiKeys.nodes[0].id });
      await openCase(world().a);
      const last = await listening.next(2_000);
      expect(last?.errors?.map(({ extensions }) => extensions?.code)).toEqual(['UNAUTHENTICATED']);
      expect(await listening.next(1_000)).toBeNull();
      expect(listening.ended()).toBe(true);
    });
  });
}
