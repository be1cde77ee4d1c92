import type { WriteTx } from '../../data/write.ts';
import { DomainError } from '../../errors.ts';
import { newId } from '../../graphql/ids.ts';
import { type DeliveryKind, type DeliveryOptions, deliveryImporter } from '../../imports/delivery.importers.ts';
import type { ItemOutcome } from '../../imports/importer.ts';

export interface DemoImport {
  kind: DeliveryKind;
  /** csv, github … */
  source: string;
  fileName: string;
  options: DeliveryOptions;
  rows: readonly Record<string, unknown>[];
}

/** Beside the line of the names of columns. */
const FIRST_LINE = 2;

/** Takes rows in as `argus import` would, writes down the run, and gives its id. */
export async function runImport(tx: WriteTx, { kind, source, fileName, options, rows }: DemoImport): Promise<string> {
  const importer = deliveryImporter(kind, options);
  const errors: object[] = [];
  const items = rows.flatMap((row, i) => {
    try {
      return importer.parse(row).map(({ item }) => item);
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      const [field = null] = error.inputPath;
      const value = field === null ? null : (row[field] ?? null);
      const reason = `${field ?? ''} ${error.message}`.trim();
      errors.push({ file: fileName, line: FIRST_LINE + i, column: null, field, code: error.code, value, reason });
      return [];
    }
  });
  const outcomes = await importer.store(tx, items);
  return noteRun(tx, { kind, source, fileName, outcomes, errors, mapping: importer.mapping() });
}

interface Noted {
  kind: DeliveryKind;
  source: string;
  fileName: string;
  outcomes: readonly ItemOutcome[];
  errors: readonly object[];
  mapping: Record<string, unknown>;
  failed?: boolean;
}

/** Writes down a run, and gives its id. */
export async function noteRun(tx: WriteTx, run: Noted): Promise<string> {
  const { kind, source, fileName, outcomes, errors, mapping, failed = false } = run;
  const count = (wanted: string) => outcomes.filter((outcome) => outcome === wanted).length;
  const id = newId();
  await tx.db.importRun.create({
    data: {
      tenantId: tx.tenantId,
      id,
      kind,
      source,
      fileName,
      status: failed ? 'FAILED' : errors.length > 0 ? 'PARTIAL' : 'COMPLETED',
      total: failed ? null : outcomes.length + errors.length,
      created: count('CREATED'),
      updated: count('UPDATED'),
      unchanged: count('UNCHANGED'),
      rejected: failed ? 0 : errors.length,
      errors: JSON.parse(JSON.stringify(errors)),
      mapping: JSON.parse(JSON.stringify(mapping)),
      startedById: tx.viewer.memberId,
      createdAt: tx.now,
      finishedAt: tx.now,
    },
  });
  tx.audit({ action: 'import.run', resource: 'ImportRun', resourceId: id, metadata: { kind } });
  return id;
}
