import { getNamedType, isInputObjectType } from 'graphql';
import { expect } from 'vitest';
import type { Answer, GraphQLResponse } from './app.ts';
import { answered, leaksOf, type Side, type World } from './isolation.ts';
import { type AnyField, argsFor, idPlaces, operation, type Place, selection } from './schema-walk.ts';

/** Refusals that say that an id leads nowhere. A refused foreign key does not name the row. */
const NOWHERE = /there is no such |refers to a row that does not exist/;
/** What takes something away that is not there is no error, and changes nothing. */
const NOTHING_TO_DO = new Set(['unlinkFromCase']);

let number = 0;

/** An id in a filter that is stored selects, like one in a list's filter: one that leads nowhere fits no row. */
const selects = (place: Place) => place.includes('filter');

/** Input of a mutation with all that is required, made of the tenant's own ids, and a value at one place. */
async function inputFor(w: World, field: AnyField, place: Place, value: unknown, more: object = {}) {
  const own: Record<string, string> = {};
  const samples = { text: '', id: (path: Place) => own[path.join('.')] ?? BOGUS };
  const make = () => {
    // Keys must be new each time: what exists already is answered without a look at the rest.
    samples.text = `fresh ${++number}`;
    const { input, ...args } = argsFor(field.args, samples, place, value);
    return { ...args, input: { ...Object(input), ...more } };
  };
  for (const required of requiredIds(field, place)) {
    const kind = kindIn(await change(w, w.a, field, make()), own);
    own[required.join('.')] = w.a.ids.get(kind)?.[0] ?? expect.fail(`no own ${kind}`);
  }
  return make();
}

const BOGUS = 'zzz_00000000000000000000000000';

function requiredIds(field: AnyField, place: Place): Place[] {
  const given: Place[] = [];
  const id = (path: Place) => {
    given.push(path);
    return '';
  };
  argsFor(field.args, { text: '', id }, place, 'given');
  return given;
}

function kindIn(response: GraphQLResponse, known: unknown): string {
  const text = JSON.stringify(response);
  return /id starts with (\w+)_/.exec(text)?.[1] ?? expect.fail(`no kind is told by ${text} ${JSON.stringify(known)}`);
}

function change(w: World, side: Side, field: AnyField, args: Record<string, unknown>): Promise<GraphQLResponse> {
  return w.t.run(side.tenant.key, operation('Mutation', field, args, selection(field.type, 2)), args);
}

/** Why a change was refused; null when it was made. What is expected is an answer, not an error of the request. */
function refusalOf(field: AnyField, { data, errors }: GraphQLResponse): string | null {
  expect(errors, field.name).toBeUndefined();
  const [error] = errorsIn(data?.[field.name]);
  if (!error) return null;
  const message = Object.entries(error as Answer).find(([alias]) => alias.startsWith('message_'));
  return String(message?.[1]);
}

/** Errors of a payload: its own, and those of the items of a batch. */
function errorsIn(payload: Answer): Answer[] {
  if (typeof payload !== 'object' || payload === null) return [];
  return Object.entries(payload).flatMap(([alias, value]) =>
    alias.startsWith('userErrors') ? (value as Answer[]) : errorsIn(value),
  );
}

function eventSeqOf(field: AnyField, { data }: GraphQLResponse): unknown {
  return Object.entries(data?.[field.name] ?? {}).find(([alias]) => alias.startsWith('eventSeq'))?.[1];
}

/** All at once is what batches do unless told otherwise. */
const BY_ITEM = { atomic: false };

/** Puts ids of the other tenant at every place for one in a mutation. Gives how many were tried. */
export async function triesIdsOf(w: World, other: Side, field: AnyField): Promise<number> {
  const input = getNamedType(field.args[0]?.type);
  const isBatch = isInputObjectType(input) && 'atomic' in input.getFields();
  let tried = 0;
  for (const place of idPlaces(field.args)) {
    for (const more of isBatch ? [{}, BY_ITEM] : [{}]) tried += await triesIdsAt(w, other, field, place, more);
  }
  // What was changed by the tenant's own ids may have been deleted, and a filter that was kept may name another's.
  await w.owner.query(`UPDATE sla_policies SET filter = '{}' WHERE tenant_id = $1`, [w.a.tenant.tenantId]);
  await w.look();
  return tried;
}

async function triesIdsAt(w: World, other: Side, field: AnyField, place: Place, more: object): Promise<number> {
  const what = `${field.name} ${place.join('.')} ${JSON.stringify(more)}`;
  const kind = kindIn(await change(w, w.a, field, await inputFor(w, field, place, BOGUS, more)), place);
  const ids = other.ids.get(kind) ?? [];
  expect(ids.length, what).toBeGreaterThan(0);
  for (const id of ids) {
    const args = await inputFor(w, field, place, id, more);
    const response = await change(w, w.a, field, args);
    expect(leaksOf(answered(response, args), other), what).toEqual([]);
    const refusal = refusalOf(field, response);
    if (refusal === null && NOTHING_TO_DO.has(field.name)) expect(eventSeqOf(field, response), what).toBeNull();
    else if (!selects(place)) expect(refusal ?? 'done', what).toMatch(NOWHERE);
  }
  // The same with an own id goes through, or is refused for another reason: the refusals above were for the id.
  const own = w.a.ids.get(kind)?.at(-1) ?? expect.fail(`no own ${kind}`);
  const control = refusalOf(field, await change(w, w.a, field, await inputFor(w, field, place, own, more)));
  expect(control ?? 'done', what).not.toMatch(NOWHERE);
  return ids.length;
}

/** Mutations that take an id somewhere. */
export function takesIds(field: AnyField): boolean {
  return idPlaces(field.args).length > 0;
}
