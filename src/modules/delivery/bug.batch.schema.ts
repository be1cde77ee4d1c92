import type { DomainError } from '../../errors.ts';
import { builder } from '../../graphql/builder.ts';
import { viewerOf } from '../../graphql/context.ts';
import { addMutation, asData, UserError } from '../../graphql/mutation.ts';
import { memberEntity } from '../platform/entities.ts';
import { type BatchChange, type BatchResult, changeBugs, createBugBatch, MAX_BATCH } from './bug.batch.ts';
import { bugFields, NewBugInput, toNewBug } from './bug.mutations.schema.ts';
import { bugEntity } from './entities.ts';
import { BugStatus } from './enums.schema.ts';
import { Bug } from './refs.ts';

const Result = builder.objectRef<BatchResult>('BugBatchResult').implement({
  description: 'What became of one item of a batch.',
  fields: (t) => ({
    index: t.exposeInt('index', { description: 'its place in the input, from 0' }),
    bug: t.field({ type: Bug, nullable: true, resolve: ({ bug }) => bug }),
    userErrors: t.field({
      type: [UserError],
      resolve: ({ error }): DomainError[] => (error ? [asData(error)] : []),
    }),
  }),
});

const Results = builder.objectRef<BatchResult[]>('BugBatchResults').implement({
  description: 'What became of a batch.',
  fields: (t) => ({
    results: t.field({ type: [Result], description: 'in the order of the input', resolve: (results) => results }),
    failed: t.int({ resolve: (results) => results.filter(({ error }) => error !== null).length }),
  }),
});

const ATOMIC = 'true: all or none; false: each by itself, with a result each';

addMutation({
  name: 'bugBatchUpdate',
  permission: 'bug:write',
  description: `Does the same to up to ${MAX_BATCH} bugs.`,
  input: builder.inputType('BugBatchUpdateInput', {
    description: 'Which bugs, and what is to become of them.',
    fields: (t) => ({
      ids: t.idList({ required: true }),
      atomic: t.boolean({ required: true, defaultValue: true, description: ATOMIC }),
      status: t.field({ type: BugStatus }),
      reason: t.string({ description: 'needed when reopening' }),
      assigneeId: t.id(),
      ...bugFields(t),
    }),
  }),
  returns: { field: 'batch', type: Results },
  run: (ctx, { ids, atomic, ...input }) => {
    const uuids = ids.map((id, i) => bugEntity.decode(id, ['ids', String(i)]));
    const assigneeId = input.assigneeId ? memberEntity.decode(input.assigneeId, ['assigneeId']) : input.assigneeId;
    const change: BatchChange = { ...input, assigneeId };
    return changeBugs(ctx.services.write, viewerOf(ctx), uuids, change, atomic);
  },
});

addMutation({
  name: 'bugBatchCreate',
  permission: 'bug:write',
  description: `Reports up to ${MAX_BATCH} bugs.`,
  input: builder.inputType('BugBatchCreateInput', {
    description: 'New bugs.',
    fields: (t) => ({
      bugs: t.field({ type: [NewBugInput], required: true }),
      atomic: t.boolean({ required: true, defaultValue: true, description: ATOMIC }),
    }),
  }),
  returns: { field: 'batch', type: Results },
  run: (ctx, { bugs, atomic }) => {
    const fresh = bugs.map((bug, i) => toNewBug(bug, ['bugs', String(i)]));
    return createBugBatch(ctx.services.write, viewerOf(ctx), fresh, atomic);
  },
});
