import { readFileSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { systemViewer, type Viewer } from '../access/viewer.ts';
import { parseColumnMap } from '../data/columns.ts';
import { recordFormatOf } from '../data/record-reader.ts';
import { deliveryImporter } from '../imports/delivery.importers.ts';
import type { Importer } from '../imports/importer.ts';
import { contentImporter, type IntelOptions, keywordImporter } from '../imports/intel.importers.ts';
import { BUG_COLUMNS } from '../modules/delivery/imports/bug.import.ts';
import { HISTORY_COLUMNS } from '../modules/delivery/imports/bug-history.import.ts';
import { builtInGuesses } from '../modules/delivery/imports/bug-values.ts';
import { mappingJson } from '../modules/delivery/imports/mapping.ts';
import { METRIC_COLUMNS } from '../modules/delivery/imports/metric.import.ts';
import { CONTENT_COLUMNS } from '../modules/intel/content.import.ts';
import { KEYWORD_COLUMNS } from '../modules/intel/keyword.import.ts';
import { KEYWORD_CATEGORIES, SOURCE_KINDS } from '../modules/intel/values.ts';
import { tenantBySlug } from '../modules/platform/tenant.service.ts';
import type { Services } from '../services.ts';
import { finishBugs, finishKeywords, importFile, importFromGithub, type RunFlags } from './import-runs.ts';
import { withServices } from './runtime.ts';

const RERUN = `
Begin with --dry-run. Taking a file in again changes nothing, and only rows that changed in it are written over what is
here. Exit code: 0 all rows were taken, 2 some were refused and are listed, 1 the import failed.`;

interface Flags extends RunFlags, IntelOptions {
  tenant: string;
  mapping?: string;
  project?: string;
  repo?: string;
  apiUrl?: string;
  fullResync?: boolean;
}

/** What a kind of import is called, reads and is followed by. */
interface Kind {
  name: string;
  description: string;
  help: string;
  options: Option[];
  importer: (services: Services, file: string, flags: Flags) => Importer<unknown>;
  check?: (flags: Flags) => void;
  finish?: (services: Services, viewer: Viewer) => Promise<void>;
}

const columns = (known: Readonly<Record<string, readonly string[]>>) =>
  `\nFields, and the column names that are taken for them (case, blanks, _ and - do not count):\n${Object.entries(known)
    .map(([field, names]) => `  ${field.padEnd(13)} ${names.join(', ')}`)
    .join('\n')}`;
const map = () => new Option('--map <field=column,…>', 'which column holds what, where the guess is wrong');
const mapping = () =>
  new Option('--mapping <file.json>', 'which column holds what and which words mean what, where the guess is wrong');
const project = () => new Option('--project <KEY>', 'project of rows that name none');

const WORDS = `
Words that are taken for a status or a severity:
${[...Map.groupBy(builtInGuesses(), ({ field, becomes }) => `${field} ${becomes}`)]
  .map(([to, words]) => `  ${to.padEnd(18)} ${words.map(({ value }) => value).join(' · ')}`)
  .join('\n')}
Any other word is refused until the mapping names it; an empty cell is PENDING, MEDIUM.`;

const EXAMPLES = {
  bugs: '{ "columns": { "externalId": "Ticket" }, "statuses": { "In QA": "VERIFIED" }, "severities": { "Showstopper": "CRITICAL" }, "project": "SHOP", "dateOrder": "DMY" }',
  'bug-history':
    '{ "columns": { "externalId": "Ticket" }, "statuses": { "In QA": "VERIFIED" }, "historyStatuses": { "fixVersion": "SHIPPED" } }',
  metrics: '{ "columns": { "linesOfCode": "Total lines" }, "project": "SHOP" }',
};

const delivery = (
  name: 'bugs' | 'bug-history' | 'metrics',
  description: string,
  known: Readonly<Record<string, readonly string[]>>,
  more = '',
): Kind => ({
  name,
  description,
  help: `${columns(known)}\n${more}\n\nA mapping names only what differs from this:\n  ${EXAMPLES[name]}\n${RERUN}`,
  options: [map(), mapping(), project()],
  importer: (_, __, flags) => deliveryImporter(name, { mapping: mappingOf(flags, known), project: flags.project }),
  check: (flags) => void deliveryImporter(name, { mapping: mappingOf(flags, known), project: flags.project }),
  finish: name === 'metrics' ? undefined : finishBugs,
});

const KINDS: readonly Kind[] = [
  {
    name: 'content',
    description: 'take in documents or messages; sources that are new are created',
    help: `${columns(CONTENT_COLUMNS)}\n  (the rest goes to metaData)`,
    options: [
      map(),
      new Option('--source <name>', 'source of rows that name none; the file’s name when left out'),
      new Option('--kind <kind>', 'kind of sources that are created').choices(SOURCE_KINDS).default('FEED'),
    ],
    importer: contentImporter as Kind['importer'],
    check: (flags) => flags.map && void parseColumnMap<string>(CONTENT_COLUMNS, flags.map),
  },
  {
    name: 'keywords',
    description: 'take in dictionaries, then match the content that is there with what is new',
    help: columns(KEYWORD_COLUMNS),
    options: [
      map(),
      new Option('--category <category>', 'of keywords that name none').choices(KEYWORD_CATEGORIES).default('SLANG'),
      new Option('--weight <0..1>', 'of keywords that name none').argParser(weight).default(0.5),
    ],
    importer: (_, __, flags) => keywordImporter(flags) as Importer<unknown>,
    check: (flags) => flags.map && void parseColumnMap<string>(KEYWORD_COLUMNS, flags.map),
    finish: finishKeywords,
  },
  delivery(
    'bugs',
    'take in bugs of another tracker; projects that are new are created',
    BUG_COLUMNS,
    `Only externalId and title must be there. The rest of a row is kept as the bug’s details.\n${WORDS}`,
  ),
  delivery(
    'bug-history',
    'take in what another tracker recorded of its bugs’ past, after the bugs themselves',
    HISTORY_COLUMNS,
    'externalId, at, field and newValue must be there: a row is one field that was changed.',
  ),
  delivery(
    'metrics',
    'take in daily metrics of projects: commits, authors, files, lines',
    METRIC_COLUMNS,
    'date and at least one figure must be there: a row is one project’s day.',
  ),
];

export function addImport(program: Command): void {
  const group = program
    .command('import')
    .description(
      'Take in files: .csv, .tsv, .jsonl, .ndjson or .json, each also as .gz. Taking a file in again changes nothing.',
    );
  for (const kind of KINDS) {
    const command = common(group.command(`${kind.name} <files...>`).description(kind.description));
    for (const option of kind.options) command.addOption(option);
    command.addHelpText('after', kind.help);
    command.action((files: string[], flags: Flags) =>
      withServices((services) => importFiles(services, kind, files, flags)),
    );
  }
  const github = common(
    group
      .command('github-issues [files...]')
      .description('take in issues of a GitHub repository: from files of its API, or read there'),
  )
    .requiredOption('--repo <owner/name>', 'the repository that the issues are of')
    .addOption(mapping())
    .option('--project <KEY>', 'project of the issues; the repository’s name when left out')
    .option('--api-url <url>', 'of GitHub Enterprise Server, in place of the setting GITHUB_API_URL')
    .option('--full-resync', 'all issues, not only those that changed since the last time')
    .addHelpText(
      'after',
      `
Without files the issues are read from the API, and later only those that changed since. What was broken off goes on
where it was. The setting GITHUB_TOKEN holds a token: without one only public repositories can be read, and slowly.

A file holds what GET /repos/{owner}/{repo}/issues gives, as a JSON array or an issue a line. Pull requests are left
out. Open issues become PENDING, closed ones CLOSED, and DEFERRED when they were closed as not planned; labels such as
"severity:high" or "P1" tell the severity. A mapping names only what differs:
  { "statuses": { "not_planned": "CLOSED" }, "severities": { "data loss": "CRITICAL" } }

Examples:
  argus import github-issues --tenant acme --repo acme/shop
  argus import github-issues issues.json --tenant acme --repo acme/shop --dry-run
${RERUN}`,
    );
  github.action((files: string[], flags: Flags) => withServices((services) => importIssues(services, files, flags)));
}

function common(command: Command): Command {
  return command
    .requiredOption('--tenant <slug>', 'into which tenant')
    .option('--dry-run', 'tell what would be done, and write nothing')
    .option('--atomic', 'all rows or, if one is refused, none')
    .option('--encoding <label>', 'of a file without byte order mark, such as windows-1252; UTF-8 when left out');
}

function weight(text: string): number {
  const value = Number(text);
  if (!(value >= 0 && value <= 1)) throw new InvalidArgumentError('a number from 0 to 1');
  return value;
}

/** The mapping file, with the columns of `--map` before its own. */
function mappingOf(flags: Flags, known: Readonly<Record<string, readonly string[]>> = {}): unknown {
  const mapping = mappingFile(flags);
  if (!flags.map) return mapping;
  const given = Object(mapping) as { columns?: object };
  return { ...given, columns: { ...given.columns, ...parseColumnMap<string>(known, flags.map) } };
}

function mappingFile(flags: Flags): unknown {
  if (!flags.mapping) return undefined;
  try {
    return mappingJson(readFileSync(flags.mapping, 'utf8'));
  } catch (error) {
    throw new Error(`${flags.mapping}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** A name that is wrong or a file that is missing is told before the first row is taken in. */
function checkFiles(files: readonly string[]): void {
  for (const file of files) {
    recordFormatOf(file);
    if (!statSync(file, { throwIfNoEntry: false })?.isFile()) throw new Error(`${file}: there is no such file`);
  }
}

async function importFiles(services: Services, kind: Kind, files: string[], flags: Flags): Promise<void> {
  checkFiles(files);
  kind.check?.(flags);
  const viewer = systemViewer(await tenantBySlug(services, flags.tenant), 'import');
  let rejected = 0;
  for (const file of files) {
    if (services.streams.signal.aborted) break;
    rejected += await importFile(
      services,
      viewer,
      kind.name,
      file,
      kind.importer(services, basename(file), flags),
      flags,
    );
  }
  if (!flags.dryRun && !services.streams.signal.aborted) await kind.finish?.(services, viewer);
  if (services.streams.signal.aborted)
    throw new Error('stopped: run the same command again to go on, nothing is done twice');
  if (rejected > 0) process.exitCode = 2;
}

async function importIssues(services: Services, files: string[], flags: Flags): Promise<void> {
  const options = { mapping: mappingOf(flags), project: flags.project, repository: flags.repo };
  if (files.length > 0) {
    const importer = () => deliveryImporter('github-issues', options);
    const kind = { name: 'github-issues', description: '', help: '', options: [], importer, finish: finishBugs };
    return importFiles(services, { ...kind, check: () => void importer() }, files, flags);
  }
  if (flags.atomic || flags.encoding)
    throw new Error('--atomic and --encoding are of files: issues that are read from the API are stored page by page');
  const viewer = systemViewer(await tenantBySlug(services, flags.tenant), 'import');
  const rejected = await importFromGithub(services, viewer, {
    ...options,
    repository: flags.repo ?? '',
    apiUrl: flags.apiUrl ?? services.env.GITHUB_API_URL,
    token: services.env.GITHUB_TOKEN,
    fullResync: flags.fullResync,
    dryRun: flags.dryRun,
  });
  if (!flags.dryRun) await finishBugs(services, viewer);
  if (rejected > 0) process.exitCode = 2;
}
