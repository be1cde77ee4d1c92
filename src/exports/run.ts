import type { GraphQLSchema } from 'graphql';
import { withWrite } from '../data/write.ts';
import { type Context, viewerOf } from '../graphql/context.ts';
import { requirePermission } from '../graphql/permission-plugin.ts';
import { readPages } from './pages.ts';
import { type ExportPlan, type ExportRequest, planExport } from './request.ts';

/** The longest that an export may take over HTTP, and that it may wait for its reader anywhere: it holds a snapshot. */
export const EXPORT_LIMIT_MS = 30 * 60_000;

/** What an export is written to. */
export interface ExportTarget {
  /** called when the first page is there; from then on a failure can only break the export off */
  begin(head: ExportHead): SendRows;
  /** who asks, looked up again: may throw when the credential has ended; without it, rights are those of the beginning */
  recheck?(): Promise<Context>;
}

/** Takes the next piece of text, which holds so many rows, and resolves when there is room for more. */
export type SendRows = (text: string, rows: number) => Promise<void>;

export interface ExportHead {
  fileName: string;
  contentType: string;
}

/**
 * Runs an export to its end, closes the context's read scope, and writes an audit entry when anything was written:
 * an export whose entry cannot be written fails. Memory is that of one page.
 *
 * @returns the number of rows
 * @throws what `planExport` throws; what the list's query, `recheck` or the target throws
 */
export async function runExport(
  schema: GraphQLSchema,
  ctx: Context,
  request: ExportRequest,
  target: ExportTarget,
): Promise<number> {
  const progress = { begun: false, rows: 0 };
  let plan: ExportPlan | undefined;
  try {
    plan = planExport(schema, ctx, request);
    await write(schema, ctx, plan, target, progress);
    await ctx.scope.close();
    await audit(ctx, plan, progress.rows, true);
    return progress.rows;
  } catch (error) {
    await ctx.scope.close();
    if (plan && progress.begun) {
      await audit(ctx, plan, progress.rows, false).catch((failed: unknown) =>
        ctx.services.log.error({ err: failed, requestId: ctx.request.id }, 'cannot note an export that broke off'),
      );
    }
    throw error;
  }
}

async function write(
  schema: GraphQLSchema,
  ctx: Context,
  { list, format, columns, variables }: ExportPlan,
  target: ExportTarget,
  progress: { begun: boolean; rows: number },
): Promise<void> {
  // While a slow reader takes a page the scope is idle, which is allowed for seconds only elsewhere.
  ctx.scope.idleMs = EXPORT_LIMIT_MS;
  let send: SendRows | undefined;
  for await (const rows of readPages(schema, ctx, list, columns, variables)) {
    let text = rows.map((row) => format.row(columns, row)).join('');
    if (!send) {
      const day = ctx.now.toISOString().slice(0, 10);
      send = target.begin({ fileName: `${list.field}-${day}`, contentType: format.contentType });
      progress.begun = true;
      text = format.head(columns) + text;
    } else if (target.recheck) {
      const now = await target.recheck();
      for (const { permission } of [list, ...columns]) {
        if (permission && permission !== 'public') requirePermission(now, permission);
      }
    }
    await send(text, rows.length);
    progress.rows += rows.length;
  }
}

async function audit(ctx: Context, plan: ExportPlan, rows: number, complete: boolean): Promise<void> {
  const { list, formatName, columns, variables } = plan;
  await withWrite(ctx.services.write, viewerOf(ctx), 'export.run', async (tx) => {
    tx.audit({
      action: 'export.run',
      resource: list.node.name,
      metadata: {
        list: list.field,
        format: formatName,
        columns: columns.map(({ name }) => name),
        // What was looked for may be as protected as what was found: only the names.
        filter: Object.keys(Object(variables.filter)),
        rows,
        complete,
      },
    });
  });
}
