import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { SingleBar } from 'cli-progress';
import { type Command, Option } from 'commander';
import type { GraphQLSchema } from 'graphql';
import { systemViewer } from '../access/viewer.ts';
import { columnsOf, exportLists } from '../exports/columns.ts';
import { FORMAT_NAMES } from '../exports/formats.ts';
import { type ExportTarget, runExport } from '../exports/run.ts';
import { writerTo } from '../exports/writer.ts';
import { builder } from '../graphql/builder.ts';
import { tenantBySlug } from '../modules/platform/tenant.service.ts';
import { makeContext } from '../server/context.ts';
import type { Services } from '../services.ts';
import { withServices } from './runtime.ts';

interface ExportOptions {
  tenant: string;
  format: string;
  filter?: string;
  orderBy?: string;
  fields?: string;
  bom?: boolean;
  output?: string;
}

export function addExport(program: Command): void {
  program
    .command('export <list>')
    .description('Write a list out as CSV or JSON Lines, with the filter and order that the API has.')
    .requiredOption('--tenant <slug>', 'of which tenant')
    .addOption(
      new Option('--format <format>', 'csv is safe to open in a spreadsheet, jsonl is exact')
        .choices(FORMAT_NAMES)
        .default('csv'),
    )
    .option('--filter <json>', `as in the API: '{"riskLevel":{"in":["HIGH"]}}'`)
    .option('--order-by <json>', `as in the API: '{"field":"CREATED_AT","direction":"ASC"}'`)
    .option('--fields <a,b,…>', 'which columns, in this order; all when left out')
    .option('--bom', 'begin CSV with a byte order mark, by which some spreadsheets know UTF-8')
    .option(
      '--output <file>',
      'written under another name first, so that it is there only when it is complete; else to stdout',
    )
    .addHelpText('after', () => `\nLists, and their columns:\n${listsAndColumns()}`)
    .action((list: string, options: ExportOptions) => withServices((services) => exportList(services, list, options)));
}

/** The schema, which `runtime.ts` has loaded all parts of; it is made again, since only the app may import it. */
function schemaOf(): GraphQLSchema {
  return builder.toSchema();
}

function listsAndColumns(): string {
  const { permissions } = systemViewer('', 'export');
  return [...exportLists(schemaOf()).values()]
    .map(
      (list) =>
        `  ${list.field}: ${columnsOf(list, permissions)
          .map(({ name }) => name)
          .join(', ')}`,
    )
    .join('\n');
}

async function exportList(services: Services, list: string, options: ExportOptions): Promise<void> {
  const viewer = systemViewer(await tenantBySlug(services, options.tenant), 'export');
  const ctx = makeContext(services, viewer, null, viewer.request);
  const run = (target: ExportTarget) => runExport(schemaOf(), ctx, { ...options, list }, target);
  const stop = services.streams.signal;
  try {
    if (options.output !== undefined) await intoFile(options.output, stop, run);
    else {
      // The log goes to standard output too, where it would stand among the rows.
      services.log.level = 'silent';
      const send = writerTo(process.stdout, stop);
      await run({ begin: () => send });
    }
  } catch (error) {
    throw stop.aborted ? new Error('stopped: what was written is not the whole list') : error;
  }
}

async function intoFile(
  output: string,
  stop: AbortSignal,
  run: (target: ExportTarget) => Promise<number>,
): Promise<void> {
  const start = performance.now();
  const part = `${output}.${process.pid}.part`;
  const bar = rowCounter(basename(output));
  let file: Writable | undefined;
  try {
    const rows = await run({
      begin: () => {
        file = createWriteStream(part, { flags: 'wx' });
        const send = writerTo(file, stop);
        return async (text, rows) => {
          await send(text);
          bar?.increment(rows);
        };
      },
    });
    if (file) await finished(file.end());
    await rename(part, output);
    bar?.stop();
    console.error(`${output}: ${rows} rows in ${((performance.now() - start) / 1_000).toFixed(1)} s`);
  } catch (error) {
    bar?.stop();
    file?.destroy();
    await rm(part, { force: true });
    throw error;
  }
}

/** How many rows there are is not known before they were read, so that it counts instead of filling up. */
function rowCounter(what: string): SingleBar | null {
  if (!process.stderr.isTTY) return null;
  const bar = new SingleBar({ format: `${what} | {value} rows | {duration_formatted}`, hideCursor: true });
  bar.start(0, 0);
  return bar;
}
