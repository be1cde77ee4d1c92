import { withWrite } from '../../../src/data/write.ts';
import type { Tenant, TestApp } from '../../support/app.ts';
import { range } from '../intel/records.ts';

/** Writes so many events of a tenant, 100 in a transaction, each with a payload of so many bytes. Gives the last seq. */
export async function emitMany(t: Pick<TestApp, 'app'>, a: Tenant, count: number, bytes = 0): Promise<number> {
  let last = 0n;
  for (let n = 0; n < count; n += 100) {
    const written = await withWrite(t.app.services.write, a.system, 'test', async (tx) => {
      for (const i of range(Math.min(100, count - n))) {
        const payload = { n: n + i, filler: 'x'.repeat(bytes) };
        tx.emit({ type: 'MANY', aggregateType: 'Case', aggregateId: a.tenantId, aggregateVersion: 1, payload });
      }
    });
    last = written.eventSeq ?? 0n;
  }
  return Number(last);
}
