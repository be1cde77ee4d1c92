import type { Viewer } from '../access/viewer.ts';
import { readTextRecords } from '../data/record-reader.ts';
import { withWrite } from '../data/write.ts';
import { DomainError } from '../errors.ts';
import { asImportRun, failRun, type NewRun, showProgress } from '../modules/platform/import.service.ts';
import type { Services } from '../services.ts';
import { type DeliveryKind, type DeliveryOptions, deliveryImporter } from './delivery.importers.ts';
import { syncGithub } from './github.sync.ts';
import { importRecords } from './run.ts';

/** An import that a caller sent as text, or asked to be read from GitHub. Its run has been announced. */
export interface TextImport {
  run: NewRun & { id: string; kind: DeliveryKind };
  content: string | null;
  format: 'csv' | 'json' | 'jsonl';
  options: DeliveryOptions;
  fullResync: boolean;
}

const SHOW_EVERY_MS = 500;

/** Runs an import while its caller goes on; what becomes of it stands in its run. The server waits for it when it stops. */
export function runInBackground(caller: Services, viewer: Viewer, work: TextImport): void {
  // An idempotency key is for the call, which ends before the import does.
  const { key: _, ...write } = caller.write;
  const services = { ...caller, write };
  const done = (
    work.content === null ? fromGithub(services, viewer, work) : fromText(services, viewer, work, work.content)
  )
    .catch(async (error: unknown) => {
      if (!(error instanceof DomainError)) services.log.error({ err: error }, 'an import failed');
      await failRun(services, viewer, work.run.id, error);
    })
    .catch((error: unknown) => services.log.error({ err: error }, 'the failure of an import cannot be noted'))
    .finally(() => services.background.delete(done));
  services.background.add(done);
}

async function fromGithub(services: Services, viewer: Viewer, { run, options, fullResync }: TextImport): Promise<void> {
  const { GITHUB_API_URL: apiUrl } = services.env;
  const { id, dryRun } = run;
  const repository = options.repository ?? '';
  const token = await tokenFor(services, viewer, repository);
  await syncGithub(services, viewer, { ...options, id, repository, apiUrl, token, fullResync, dryRun });
}

/** The operator's token opens what it may see to whoever may use it: it is only used where the operator says so. */
async function tokenFor(services: Services, viewer: Viewer, repository: string): Promise<string | null> {
  const { GITHUB_TOKEN, GITHUB_REPOSITORIES } = services.env;
  if (GITHUB_TOKEN === null) return null;
  const { value } = await withWrite(services.write, viewer, 'tenant.slug', (tx) =>
    tx.db.tenant.findUniqueOrThrow({ where: { id: tx.tenantId }, select: { slug: true } }),
  );
  const allowed = GITHUB_REPOSITORIES.some((one) => one.toLowerCase() === `${value.slug}:${repository}`.toLowerCase());
  return allowed ? GITHUB_TOKEN : null;
}

async function fromText(services: Services, viewer: Viewer, work: TextImport, content: string): Promise<void> {
  const { run, format } = work;
  const importer = deliveryImporter(run.kind, work.options);
  await asImportRun(services, viewer, run, async (report, runId) => {
    let shown = performance.now();
    await importRecords(services, viewer, importer, () => readTextRecords(content, format), report, {
      file: run.fileName,
      dryRun: run.dryRun,
      atomic: run.atomic,
      signal: services.streams.signal,
      onProgress: async () => {
        if (run.atomic || performance.now() - shown < SHOW_EVERY_MS) return;
        shown = performance.now();
        await showProgress(services, viewer, runId, report, null);
      },
    });
    return { mapping: importer.mapping() };
  });
}
