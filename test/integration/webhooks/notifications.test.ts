import { afterAll, beforeAll, expect, test } from 'vitest';
import { ROLES, type Role } from '../../../src/access/permissions.ts';
import { withWrite } from '../../../src/data/write.ts';
import { fillInboxes } from '../../../src/modules/notifications/inbox.job.ts';
import { addMember } from '../../../src/modules/platform/tenant.service.ts';
import { keyWith } from '../../support/isolation.ts';
import { WebhookWorld } from './world.ts';

let w: WebhookWorld;
beforeAll(async () => {
  w = await WebhookWorld.open();
});
afterAll(() => w?.close());

const fill = () => fillInboxes(w.t.app.services, w.tenant.system, new AbortController().signal);

/** A member with a role, and a key of that member. */
async function person(name: string, role: Role): Promise<{ id: string; key: string }> {
  const input = { email: `${name}@acme.example`, displayName: name, role, passwordHash: null };
  await withWrite(w.t.app.services.write, w.tenant.system, 'test', (tx) => addMember(tx, input));
  const { members } = await w.read(`members(filter: { displayName: { eq: "${name}" } }) { nodes { id } }`);
  const memberId = members.nodes[0].id;
  const { key } = await w.change('createApiKey', { name, memberId, permissions: [...ROLES[role]] }, 'key { secret }');
  return { id: memberId, key: key.secret };
}

const inboxOf = async (key: string) => {
  const { inbox } = await w.t.runOk(key, '{ inbox { nodes { seq eventType title readAt } } }');
  return inbox.nodes.map(({ eventType }: { eventType: string }) => eventType);
};

async function rule(input: object): Promise<string> {
  const made = await w.change('createNotificationRule', { name: 'Rule', ...input }, 'notificationRule { id }');
  if (!made.notificationRule) throw new Error(JSON.stringify(made.userErrors));
  return made.notificationRule.id;
}

test('a rule tells whom it names what fits from now on, each event once', async () => {
  const [ann, bob, eve] = [
    await person('ann', 'ANALYST'),
    await person('bob', 'VIEWER'),
    await person('eve', 'VIEWER'),
  ];
  await w.emit(['A_BEFORE']);
  const filter = { type: { startsWith: 'A_' } };
  await rule({ name: 'First', filter, memberIds: [bob.id], roles: ['ANALYST'] });
  await rule({ name: 'Second', filter, memberIds: [ann.id] });
  await w.emit(['A_1', 'B_1', 'A_2']);
  await Promise.all([fill(), fill()]);
  await fill();
  expect(await inboxOf(ann.key)).toEqual(['A_2', 'A_1']);
  expect(await inboxOf(bob.key)).toEqual(['A_2', 'A_1']);
  expect(await inboxOf(eve.key)).toEqual([]);
  const { inbox, unreadCount } = await w.t.runOk(
    bob.key,
    '{ unreadCount { value kind } inbox(first: 1) { nodes { title event { type } rule { name } } totalCount { value } pageInfo { hasNextPage } } }',
  );
  expect(unreadCount).toEqual({ value: 2, kind: 'EXACT' });
  expect(inbox).toEqual({
    nodes: [{ title: 'First', event: { type: 'A_2' }, rule: { name: 'First' } }],
    totalCount: { value: 2 },
    pageInfo: { hasNextPage: true },
  });
});

test('a rule of more events than one batch tells all of them', async () => {
  const dan = await person('dan', 'VIEWER');
  await rule({ filter: { type: { eq: 'MANY' } }, memberIds: [dan.id] });
  await w.emit(Array.from({ length: 450 }, () => 'MANY'));
  await fill();
  const { unreadCount } = await w.t.runOk(dan.key, '{ unreadCount { value } }');
  expect(unreadCount.value).toBe(450);
});

test('who may not read what an event is about is not told, and sees no more of it when that ends', async () => {
  const [kim, lea] = [await person('kim', 'ANALYST'), await person('lea', 'CTO')];
  await rule({ filter: { aggregateType: { in: ['ApiKey', 'AuditEntry'] } }, roles: ['ANALYST', 'CTO'] });
  await w.emit(['SECRET'], 'ApiKey');
  await fill();
  expect(await inboxOf(kim.key)).toEqual([]);
  expect(await inboxOf(lea.key)).toEqual(['SECRET']);
  // A key with less sees less, at once.
  const less = await w.change(
    'createApiKey',
    { name: 'less', memberId: lea.id, permissions: ['notification:read', 'event:read'] },
    'key { secret }',
  );
  expect(await inboxOf(less.key.secret)).toEqual([]);
  const blind = await w.change(
    'createApiKey',
    { name: 'blind', memberId: lea.id, permissions: ['notification:read', 'key:read'] },
    'key { secret }',
  );
  expect(await inboxOf(blind.key.secret)).toEqual([]);
  const { unreadCount } = await w.t.runOk(blind.key.secret, '{ unreadCount { value } }');
  expect(unreadCount.value).toBe(0);
});

test('notifications are marked as read by place or one by one, in one’s own inbox only', async () => {
  const [mia, noa] = [await person('mia', 'VIEWER'), await person('noa', 'VIEWER')];
  await rule({ filter: { type: { startsWith: 'M_' } }, memberIds: [mia.id, noa.id] });
  const last = Number(await w.emit(['M_1', 'M_2', 'M_3', 'M_4']));
  await fill();
  const mark = async (input: object) => {
    const query =
      'mutation ($input: MarkNotificationsReadInput!) { markNotificationsRead(input: $input) { marked { count } userErrors { code path } } }';
    return (await w.t.runOk(mia.key, query, { input })).markNotificationsRead;
  };
  expect(await mark({ upToSeq: last - 2 })).toEqual({ marked: { count: 2 }, userErrors: [] });
  expect(await mark({ seqs: [last, last, 1] })).toEqual({ marked: { count: 1 }, userErrors: [] });
  expect(await mark({ upToSeq: last - 2, seqs: [last] })).toEqual({ marked: { count: 0 }, userErrors: [] });
  expect(await mark({})).toEqual({ marked: null, userErrors: [{ code: 'INVALID_INPUT', path: ['upToSeq'] }] });
  const unread = '{ unreadCount { value } inbox(filter: { readAt: { null: true } }) { nodes { eventType } } }';
  expect(await w.t.runOk(mia.key, unread)).toEqual({
    unreadCount: { value: 1 },
    inbox: { nodes: [{ eventType: 'M_3' }] },
  });
  expect((await w.t.runOk(noa.key, unread)).unreadCount.value).toBe(4);
});

test('a rule is tried out on the last events', async () => {
  const last = Number(await w.emit(['T_1', 'T_2', 'X', 'T_3']));
  const id = await rule({ filter: { type: { startsWith: 'T_' } } });
  const ask = (args: string) => w.t.run(w.tenant.key, `{ testNotificationRule(${args}) { seq type } }`);
  const found = [
    { seq: last, type: 'T_3' },
    { seq: last - 2, type: 'T_2' },
    { seq: last - 3, type: 'T_1' },
  ];
  expect((await ask(`id: "${id}"`)).data?.testNotificationRule).toEqual(found);
  // The rule's own making is the last event.
  const filter = 'filter: { type: { startsWith: "T_" } }';
  expect((await ask(`${filter}, last: 4`)).data?.testNotificationRule).toEqual(found.slice(0, 2));
  for (const args of [`id: "${id}", ${filter}`, `${filter}, last: 0`, `${filter}, last: 1001`])
    expect((await ask(args)).errors?.[0]?.extensions?.code, args).toBe('INVALID_INPUT');
  const key = await keyWith(w.t, w.tenant, ['event:read']);
  const refused = await w.t.run(key, `{ testNotificationRule(id: "${id}") { seq } }`);
  expect(refused.errors?.[0]?.message).toContain('notification:read');
});

test('a rule that is switched off and on again tells nothing of the time between', async () => {
  const sam = await person('sam', 'VIEWER');
  const id = await rule({ filter: { type: { startsWith: 'S_' } }, memberIds: [sam.id] });
  const update = (input: object) => w.change('updateNotificationRule', { id, ...input }, 'notificationRule { id }');
  await update({ isEnabled: false });
  await w.emit(['S_OFF']);
  await fill();
  await update({ isEnabled: true });
  await w.emit(['S_ON']);
  await fill();
  expect(await inboxOf(sam.key)).toEqual(['S_ON']);
  expect((await update({ memberIds: [], roles: [] })).userErrors).toMatchObject([{ path: ['memberIds'] }]);
  expect((await update({ memberIds: ['mem_01h455vb4pex5vsknk084sn02q'] })).userErrors).toMatchObject([
    { code: 'NOT_FOUND', message: 'there is no such Member' },
  ]);
  await w.change('deleteNotificationRule', { id }, 'notificationRule { id }');
  const { inbox } = await w.t.runOk(sam.key, '{ inbox { nodes { title rule { name } } } }');
  expect(inbox.nodes).toEqual([{ title: 'Rule', rule: null }]);
});
