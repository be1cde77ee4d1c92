import type { SyncState } from '../../generated/prisma/client.ts';
import type { Viewer } from '../access/viewer.ts';
import type { RecordLine } from '../data/record-reader.ts';
import { type WriteTx, withWrite } from '../data/write.ts';
import { DomainError } from '../errors.ts';
import { type FetchIssuesOptions, fetchIssues, type IssuePage } from '../modules/delivery/imports/github.client.ts';
import { GithubError } from '../modules/delivery/imports/github.request.ts';
import { type ImportMapping, toMapping } from '../modules/delivery/imports/mapping.ts';
import { asImportRun, type ImportReport, showProgress } from '../modules/platform/import.service.ts';
import type { Services } from '../services.ts';
import { issueImporter } from './delivery.importers.ts';
import { importRecords, Stopped } from './run.ts';

/** What changed at the last moment of a reading may not all have been in it. */
const OVERLAP_MS = 10 * 60_000;
/** By so much our clock may be ahead of GitHub's. */
const CLOCK_SKEW_MS = 60_000;

export interface GithubOptions
  extends Pick<FetchIssuesOptions, 'repository' | 'apiUrl' | 'token'>,
    Partial<Pick<FetchIssuesOptions, 'perPage' | 'sleep' | 'deadlineMs'>> {
  id?: string;
  /** all issues again, not only those that changed since the last success */
  fullResync?: boolean;
  mapping?: unknown;
  project?: string | null;
  dryRun?: boolean;
  onPage?: (page: number, report: ImportReport) => void;
}

/** The other side did not give what was asked for; the message says what to do. */
export class SourceFailed extends DomainError {
  readonly code = 'SOURCE_FAILED';
}

/**
 * Reads the issues of a repository that changed since the last success, page by page. Each page is stored before the
 * place after it is noted: a reading that was broken off goes on there, and none is lost. Throws SourceFailed, Stopped.
 */
export function syncGithub(services: Services, viewer: Viewer, options: GithubOptions): Promise<ImportReport> {
  const { repository, dryRun } = options;
  const source = `github:${repository}`;
  const run = { id: options.id, kind: 'github-issues', source: 'github', fileName: repository, dryRun };
  const given = toMapping<string>(options.mapping ?? {}, []);
  const mapping = { ...given, project: options.project ?? given.project } as ImportMapping;
  // One for each page: an issue that changes while the list is read comes twice.
  const importer = () => issueImporter(mapping, repository);
  const shown = importer().mapping();
  return asImportRun(services, viewer, run, async (report, runId) => {
    const state = options.fullResync ? null : await readState(services, viewer, source);
    const resumed = parseCursor(state?.cursor ?? '', options.apiUrl);
    const begun = resumed?.begun ?? new Date();
    const note = (data: Partial<SyncState>) =>
      dryRun ? Promise.resolve() : writeState(services, viewer, source, { ...data, lastRunId: runId });
    const pages = fetchIssues({
      ...options,
      since: state?.watermark ?? null,
      cursor: resumed?.url ?? null,
      deadlineMs: options.deadlineMs ?? 60 * 60_000,
      signal: services.streams.signal,
    });
    let last: IssuePage | null = null;
    try {
      for await (const page of pages) {
        const records = () => recordsOf(page, last);
        await importRecords(services, viewer, importer(), records, report, {
          file: repository,
          dryRun,
          signal: services.streams.signal,
        });
        last = page;
        if (page.next) await note({ cursor: `${begun.toISOString()} ${page.next}` });
        await showProgress(services, viewer, runId, report, null);
        options.onPage?.(page.page, report);
      }
    } catch (error) {
      if (services.streams.signal.aborted) throw new Stopped();
      if (!(error instanceof GithubError)) throw error;
      // A place that gives nothing but a refusal is forgotten: the next reading begins at the watermark.
      const isStuck = last === null && error.retryAt === null;
      await note({ lastError: error.message, ...(isStuck ? { cursor: null } : {}) });
      throw new SourceFailed(error.message);
    }
    const watermark = watermarkAfter(last, begun, state?.watermark ?? null);
    await note({ watermark, cursor: null, lastError: null, lastSuccessAt: new Date() });
    return { mapping: shown };
  });
}

/**
 * Where the next reading begins. What changes while several pages are read moves to the end of the list, and another
 * issue slips to a page that was read before: then it begins where this reading did.
 */
function watermarkAfter(last: IssuePage | null, begun: Date, before: Date | null): Date | null {
  if (!last?.watermark) return before;
  const latest = last.watermark.getTime();
  if (last.page > 1 && latest >= begun.getTime() - CLOCK_SKEW_MS) return before;
  const next = new Date(Math.min(latest, begun.getTime()) - OVERLAP_MS);
  return before && next < before ? before : next;
}

/** Lines are counted from the beginning of the list; only its last page may be shorter than the others. */
async function* recordsOf({ issues, page }: IssuePage, before: IssuePage | null): AsyncGenerator<RecordLine> {
  const perPage = Math.max(issues.length, before?.issues.length ?? 0);
  for (const [i, record] of issues.entries()) {
    const line = (page - 1) * perPage + i + 1;
    if (typeof record === 'object' && record !== null && !Array.isArray(record))
      yield { ok: true, line, record: record as Record<string, unknown>, bytesRead: 0 };
    else yield { ok: false, line, column: null, reason: 'the issue is not an object', bytesRead: 0 };
  }
}

/** Where a reading that was broken off goes on; null when it began at another server. */
function parseCursor(cursor: string, apiUrl: string): { begun: Date; url: string } | null {
  const [begun = '', url = ''] = cursor.split(' ');
  if (Number.isNaN(Date.parse(begun)) || URL.parse(url)?.origin !== URL.parse(apiUrl)?.origin) return null;
  return { begun: new Date(begun), url };
}

async function readState(services: Services, viewer: Viewer, source: string): Promise<SyncState | null> {
  const { value } = await withWrite(services.write, viewer, 'sync.read', (tx: WriteTx) =>
    tx.db.syncState.findUnique({ where: { tenantId_source: { tenantId: tx.tenantId, source } } }),
  );
  return value;
}

async function writeState(services: Services, viewer: Viewer, source: string, data: Partial<SyncState>): Promise<void> {
  await withWrite(services.write, viewer, 'sync.note', (tx) =>
    tx.db.syncState.upsert({
      where: { tenantId_source: { tenantId: tx.tenantId, source } },
      create: { ...data, tenantId: tx.tenantId, source },
      update: data,
    }),
  );
}
