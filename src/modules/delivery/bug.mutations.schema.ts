import { withWrite } from '../../data/write.ts';
import { builder, type InputFields } from '../../graphql/builder.ts';
import { viewerOf } from '../../graphql/context.ts';
import { addMutation, EXPECTED_VERSION } from '../../graphql/mutation.ts';
import { memberEntity } from '../platform/entities.ts';
import { assignBug, commentOnBug, createBugs, deleteBug, moveBug, updateBug } from './bug.service.ts';
import { bugEntity, projectEntity } from './entities.ts';
import { BugSeverity, BugStatus } from './enums.schema.ts';
import { Bug, BugComment } from './refs.ts';

/** What every input of a bug can say. */
export const bugFields = (t: InputFields) => ({
  description: t.string(),
  severity: t.field({ type: BugSeverity }),
  isBlocker: t.boolean(),
  affectedShare: t.field({ type: 'Decimal', description: 'of the customers, "0" to "1"' }),
  revenueImpactOverride: t.field({ type: 'Decimal', description: 'in place of the computed revenue impact' }),
  hoursSpent: t.field({ type: 'Decimal' }),
  url: t.string({ description: 'http:// or https://' }),
  dueAt: t.field({ type: 'DateTime' }),
  labels: t.stringList({ description: 'all of them: what is not named is taken off' }),
});

export const NewBugInput = builder.inputType('CreateBugInput', {
  description: 'A new bug.',
  fields: (t) => ({
    projectId: t.id({ required: true }),
    title: t.string({ required: true }),
    assigneeId: t.id(),
    reporterId: t.id({ description: 'you when left out' }),
    externalId: t.string({ description: 'in the tracker that it comes from' }),
    ...bugFields(t),
  }),
});

/** A new bug as the service takes it; `path` is where it stands in the input. */
export function toNewBug(input: typeof NewBugInput.$inferInput, path: readonly string[] = []) {
  return {
    ...input,
    projectId: projectEntity.decode(input.projectId, [...path, 'projectId']),
    assigneeId: input.assigneeId ? memberEntity.decode(input.assigneeId, [...path, 'assigneeId']) : null,
    reporterId: input.reporterId ? memberEntity.decode(input.reporterId, [...path, 'reporterId']) : undefined,
  };
}

addMutation({
  name: 'createBug',
  permission: 'bug:write',
  description: 'Reports a bug under the next number of its project; its SLA begins.',
  input: NewBugInput,
  returns: { field: 'bug', type: Bug },
  run: async (ctx, input) => {
    const bug = toNewBug(input);
    const { value, eventSeq } = await withWrite(ctx.services.write, viewerOf(ctx), 'bug.create', (tx) =>
      createBugs(tx, [bug]),
    );
    const [made] = value;
    if (!made) throw new Error('a bug that was created is not there');
    return { value: made, eventSeq };
  },
});

addMutation({
  name: 'updateBug',
  permission: 'bug:write',
  description: 'Changes a bug. What is left out stays; null takes away. Clock and scores follow.',
  input: builder.inputType('UpdateBugInput', {
    description: 'Changes of a bug.',
    fields: (t) => ({
      id: t.id({ required: true }),
      expectedVersion: t.int({ description: EXPECTED_VERSION }),
      title: t.string(),
      ...bugFields(t),
    }),
  }),
  returns: { field: 'bug', type: Bug },
  run: (ctx, input) => {
    const id = bugEntity.decode(input.id);
    return withWrite(ctx.services.write, viewerOf(ctx), 'bug.update', (tx) => updateBug(tx, { ...input, id }));
  },
});

addMutation({
  name: 'assignBug',
  permission: 'bug:write',
  description: 'Gives a bug to a member, or with null to nobody.',
  input: builder.inputType('AssignBugInput', {
    description: 'Who is to mend a bug.',
    fields: (t) => ({
      id: t.id({ required: true }),
      assigneeId: t.id(),
      expectedVersion: t.int({ description: EXPECTED_VERSION }),
    }),
  }),
  returns: { field: 'bug', type: Bug },
  run: (ctx, { expectedVersion, ...input }) => {
    const id = bugEntity.decode(input.id);
    const assigneeId = input.assigneeId ? memberEntity.decode(input.assigneeId, ['assigneeId']) : null;
    return withWrite(ctx.services.write, viewerOf(ctx), 'bug.assign', (tx) =>
      assignBug(tx, { id, assigneeId, expectedVersion }),
    );
  },
});

addMutation({
  name: 'moveBug',
  permission: 'bug:write',
  description:
    'Moves a bug along PENDING → IN_PROGRESS → VERIFIED → SHIPPED → CLOSED, or to DEFERRED, which stops its clock. Reopening needs a reason.',
  input: builder.inputType('MoveBugInput', {
    description: 'Where a bug is to go.',
    fields: (t) => ({
      id: t.id({ required: true }),
      status: t.field({ type: BugStatus, required: true }),
      reason: t.string({ description: 'needed when reopening' }),
      seenAt: t.field({
        type: 'DateTime',
        description: 'when it was seen again: no regression if that was before it was resolved',
      }),
      expectedVersion: t.int({ description: EXPECTED_VERSION }),
    }),
  }),
  returns: { field: 'bug', type: Bug },
  run: (ctx, input) => {
    const id = bugEntity.decode(input.id);
    return withWrite(ctx.services.write, viewerOf(ctx), 'bug.move', (tx) => moveBug(tx, { ...input, id }));
  },
});

addMutation({
  name: 'commentOnBug',
  permission: 'bug:write',
  description: 'Writes a comment under a bug.',
  input: builder.inputType('CommentOnBugInput', {
    description: 'A comment.',
    fields: (t) => ({ bugId: t.id({ required: true }), body: t.string({ required: true }) }),
  }),
  returns: { field: 'comment', type: BugComment },
  run: (ctx, { bugId, body }) => {
    const id = bugEntity.decode(bugId, ['bugId']);
    return withWrite(ctx.services.write, viewerOf(ctx), 'bug.comment', (tx) => commentOnBug(tx, { id, body }));
  },
});

addMutation({
  name: 'deleteBug',
  permission: 'bug:write',
  description: 'Deletes a bug with its history and comments. The audit trail keeps who did it.',
  input: builder.inputType('DeleteBugInput', {
    description: 'Which bug goes.',
    fields: (t) => ({ id: t.id({ required: true }), expectedVersion: t.int({ description: EXPECTED_VERSION }) }),
  }),
  returns: { field: 'bug', type: Bug },
  run: (ctx, { expectedVersion, ...input }) => {
    const id = bugEntity.decode(input.id);
    return withWrite(ctx.services.write, viewerOf(ctx), 'bug.delete', (tx) => deleteBug(tx, { id, expectedVersion }));
  },
});
