import { currentPermissions } from '../../access/authenticate.ts';
import type { Row } from '../../data/models.ts';
import { withWrite } from '../../data/write.ts';
import { InvalidInput, NotFound } from '../../errors.ts';
import { builder } from '../../graphql/builder.ts';
import { viewerOf } from '../../graphql/context.ts';
import { defineEnum } from '../../graphql/enums.ts';
import { newId } from '../../graphql/ids.ts';
import { addMutation } from '../../graphql/mutation.ts';
import { requirePermission } from '../../graphql/permission-plugin.ts';
import { runInBackground, type TextImport } from '../../imports/background.ts';
import { type DeliveryKind, type DeliveryOptions, deliveryImporter } from '../../imports/delivery.importers.ts';
import { importEntity } from '../platform/entities.ts';
import { ImportRun } from '../platform/import.schema.ts';
import { announceRun, insistOnNone, watchRun } from '../platform/import.service.ts';
import { MAX_TITLE } from './bug.service.ts';

const KINDS = { BUGS: 'bugs', BUG_HISTORY: 'bug-history', METRICS: 'metrics', GITHUB_ISSUES: 'github-issues' } as const;
const Kind = defineEnum('ImportKind', Object.keys(KINDS) as (keyof typeof KINDS)[], 'What is taken in.');
const Format = defineEnum(
  'ImportFormat',
  ['CSV', 'JSON', 'JSONL'] as const,
  'How the text is written; CSV has any separator.',
);

/** What is wrong with the options is told now, not in the run: a fault of the mapping with its place there. */
function checkOptions(kind: DeliveryKind, options: DeliveryOptions): void {
  try {
    deliveryImporter(kind, options);
  } catch (error) {
    const [first = ''] = error instanceof InvalidInput ? error.inputPath : [];
    const isOption = first === 'repository' || (first === 'project' && options.project != null);
    if (!(error instanceof InvalidInput) || isOption) throw error;
    throw new InvalidInput(error.message, ['mapping', ...error.inputPath]);
  }
}

addMutation({
  name: 'startImport',
  permission: 'import:write',
  description:
    'Takes in bugs, their history, daily metrics or GitHub issues. It answers at once: `importProgress` shows how far it is, the run what came of it. Taking the same in again changes nothing.',
  input: builder.inputType('StartImportInput', {
    description: 'What is to be taken in. For files of more than about 900 kB there is the command `argus import`.',
    fields: (t) => ({
      kind: t.field({ type: Kind, required: true }),
      content: t.string({ description: 'the file’s text; without it GitHub issues are read from the API' }),
      format: t.field({ type: Format, description: 'CSV when left out; GitHub issues JSON' }),
      fileName: t.string({ description: 'as the run is to show it' }),
      mapping: t.field({
        type: 'JSON',
        description:
          'where guesses do not fit: { columns: { field: column }, statuses: { word: PENDING }, severities: { word: HIGH }, project, source, dateOrder, historyStatuses }',
      }),
      project: t.string({ description: 'key of the project of rows that name none' }),
      repository: t.string({ description: 'owner/name of GitHub issues' }),
      dryRun: t.boolean({
        required: true,
        defaultValue: false,
        description: 'tell what would be done, and write nothing',
      }),
      atomic: t.boolean({ required: true, defaultValue: false, description: 'all rows or, if one is refused, none' }),
      fullResync: t.boolean({
        required: true,
        defaultValue: false,
        description: 'of GitHub: all issues, not only those that changed',
      }),
    }),
  }),
  returns: { field: 'importRun', type: ImportRun },
  run: async (ctx, input) => {
    const kind = KINDS[input.kind];
    requirePermission(ctx, kind === 'metrics' ? 'metric:write' : 'bug:write');
    // Projects that are new are created.
    if (kind !== 'bug-history') requirePermission(ctx, 'project:write');
    const { mapping, project, repository, dryRun, atomic, fullResync } = input;
    const options = { mapping: mapping ?? undefined, project, repository };
    checkOptions(kind, options);
    if (input.content?.trim() === '' || (typeof input.content !== 'string' && kind !== 'github-issues'))
      throw new InvalidInput('give the text of the file', ['content']);
    if (typeof input.content !== 'string' && atomic)
      throw new InvalidInput('issues that are read from the API are stored page by page', ['atomic']);
    const format = input.format ?? (kind === 'github-issues' ? 'JSON' : 'CSV');
    const id = newId();
    const fileName = (input.fileName ?? repository ?? kind).slice(0, MAX_TITLE / 4);
    const work: TextImport = {
      run: {
        id,
        kind,
        source: typeof input.content === 'string' ? format.toLowerCase() : 'github',
        fileName,
        dryRun,
        atomic,
      },
      content: input.content ?? null,
      format: format.toLowerCase() as TextImport['format'],
      options,
      fullResync,
    };
    const viewer = viewerOf(ctx);
    const announced = await withWrite(ctx.services.write, viewer, 'import.announce', async (tx) => {
      await insistOnNone(ctx.services, viewer, work.run);
      return announceRun(tx, work.run);
    });
    // Another run is that of an earlier call with the same idempotency key.
    if (announced.value.id === id) runInBackground(ctx.services, viewer, work);
    return announced;
  },
});

builder.subscriptionField('importProgress', (t) =>
  t.field({
    type: ImportRun,
    permission: 'import:read',
    description: 'An import as it goes on: its counts whenever they change, until it is done.',
    args: { id: t.arg.id({ required: true }) },
    subscribe: async (_, { id }, ctx) => {
      const { services } = ctx;
      const viewer = viewerOf(ctx);
      const runs = watchRun(services, viewer, importEntity.decode(id), async () => {
        const permissions = await currentPermissions(services.read, viewer);
        requirePermission({ ...ctx, viewer: { ...viewer, permissions } }, 'import:read');
      });
      const first = await runs.next();
      if (first.done) throw new NotFound('there is no such ImportRun', ['id']);
      return (async function* () {
        yield first.value;
        yield* runs;
      })();
    },
    resolve: (run) => run as Row<'ImportRun'>,
  }),
);
