import type { DocumentNode, GraphQLSchema } from 'graphql';
import { ScopeFinished } from '../data/read-errors.ts';
import type { Context } from '../graphql/context.ts';
import { switchesOf } from './collect.ts';
import { makePlan, type Plan } from './plan.ts';
import { MissingColumn } from './rows.ts';
import { runPlan } from './run.ts';
import { writeResponse } from './write.ts';

/** Each set of values of the variables in `@skip` and `@include` has a plan of its own, up to so many. */
const MAX_PLANS = 16;
/** Runs of one request: each may show a column that was not known to be needed. */
const MAX_RUNS = 4;

/** The planned execution of a query, from its second sighting on: a plan costs more than interpreting once. */
export class PlannedOperation {
  readonly #schema: GraphQLSchema;
  readonly #document: DocumentNode;
  readonly #name: string | null;
  readonly #plans = new Map<string, Plan | null>();
  #switches: readonly string[] | undefined;
  #sightings = 0;

  constructor(schema: GraphQLSchema, document: DocumentNode, name: string | null) {
    this.#schema = schema;
    this.#document = document;
    this.#name = name;
  }

  /** The response as JSON text; null when the query cannot be planned or met any error. */
  async run(ctx: Context, variables: Readonly<Record<string, unknown>>): Promise<string | null> {
    if (++this.#sightings === 1) return null;
    const plan = this.#planFor(variables);
    if (!plan) return null;
    for (let run = 1; ; run++) {
      try {
        ctx.scope.lastFlight = plan.flights;
        ctx.scope.looksUp = plan.looksUp;
        const text = writeResponse(await runPlan(plan, ctx, variables));
        if (!plan.settled) plan.settled = settle(plan);
        plan.flights = Math.max(plan.flights, ctx.scope.flights);
        plan.looksUp = plan.settled && looksUp(plan, ctx);
        return text;
      } catch (error) {
        // Its transaction may have failed or be over.
        ctx.refresh();
        if (error instanceof ScopeFinished) plan.flights = 0;
        else if (!(error instanceof MissingColumn)) return null;
        if (run === MAX_RUNS) return null;
      }
    }
  }

  #planFor(variables: Readonly<Record<string, unknown>>): Plan | null {
    this.#switches ??= switchesOf(this.#document);
    const key = this.#switches.map((name) => String(variables[name])).join();
    const known = this.#plans.get(key);
    if (known !== undefined) return known;
    if (this.#plans.size >= MAX_PLANS) return null;
    // It lives as long as the document, and so would all variables of this request.
    const switches = Object.fromEntries(this.#switches.map((name) => [name, variables[name]]));
    const plan = planOrNull(this.#schema, this.#document, this.#name, switches);
    this.#plans.set(key, plan);
    return plan;
  }
}

/** Null also for what cannot be planned: the standard execution tells what is wrong. */
function planOrNull(...args: Parameters<typeof makePlan>): Plan | null {
  try {
    return makePlan(...args);
  } catch {
    return null;
  }
}

/** Whether no source has anything to learn any more. */
function settle(plan: Plan): boolean {
  let settled = true;
  for (const source of plan.sources()) settled = source.settle() && settled;
  return settled;
}

/** Whether all that a run asked the database for were rows by their keys. */
function looksUp(plan: Plan, { scope }: Context): boolean {
  return plan.readsByKey() && scope.statements <= plan.byId.size;
}
