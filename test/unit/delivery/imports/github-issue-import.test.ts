import { describe, expect, it } from 'vitest';
import { InvalidInput } from '../../../../src/errors.ts';
import { type IssueOptions, toBugFromIssue } from '../../../../src/modules/delivery/imports/github-issue.import.ts';
import { NO_MAPPING, toMapping } from '../../../../src/modules/delivery/imports/mapping.ts';

const options: IssueOptions = { repository: 'octo/demo', mapping: NO_MAPPING };
const read = (change: Record<string, unknown>, with_ = options) => {
  const bug = toBugFromIssue({ number: 7, title: 'Crash', state: 'open', ...change }, with_);
  if (bug === 'PULL_REQUEST') throw new Error('taken for a pull request');
  return bug;
};
const labelled = (...names: string[]) => read({ labels: names.map((name) => ({ name })) });

describe('an issue of GitHub', () => {
  it('becomes a bug with all its fields', () => {
    const issue = {
      id: 1,
      number: 13,
      title: 'Crash on é',
      body: 'steps',
      state: 'closed',
      state_reason: 'completed',
      locked: false,
      comments: 2,
      html_url: 'https://github.com/octo/demo/issues/13',
      url: 'https://api.github.com/repos/octo/demo/issues/13',
      user: { login: 'ann', id: 5 },
      assignee: { login: 'bob' },
      assignees: [{ login: 'bob' }, { login: 'cy' }],
      milestone: { title: 'v2', number: 1 },
      labels: [{ name: 'bug' }, { name: 'severity: high' }],
      created_at: '2022-05-06T07:39:16Z',
      updated_at: '2022-05-07T07:39:16Z',
      closed_at: '2022-05-07T07:39:15Z',
    };
    expect(toBugFromIssue(issue, { ...options, mapping: toMapping({ project: 'DEMO' }, []) })).toEqual({
      projectKey: 'DEMO',
      externalId: 'github:octo/demo#13',
      title: 'Crash on é',
      description: 'steps',
      severity: 'HIGH',
      status: 'CLOSED',
      isBlocker: false,
      createdAt: new Date('2022-05-06T07:39:16Z'),
      resolvedAt: new Date('2022-05-07T07:39:15Z'),
      updatedAt: new Date('2022-05-07T07:39:16Z'),
      assignee: 'bob',
      reporter: 'ann',
      labels: ['bug', 'severity: high'],
      hoursSpent: null,
      url: 'https://github.com/octo/demo/issues/13',
      details: { number: 13, state_reason: 'completed', comments: 2, milestone: 'v2', assignees: ['bob', 'cy'] },
      warnings: [],
    });
  });

  it('may lack most of them', () => {
    expect(read({ title: '', body: null, labels: [], assignee: null, user: null })).toMatchObject({
      title: 'github:octo/demo#7',
      description: null,
      severity: 'MEDIUM',
      assignee: null,
      reporter: null,
      createdAt: null,
      updatedAt: null,
      warnings: [{ column: 'title', reason: 'is empty: the id stands in' }],
    });
    expect(read({}).warnings).toEqual([]);
  });

  it('is told apart from a pull request', () => {
    expect(toBugFromIssue({ number: 1, state: 'open', title: 'x', pull_request: { url: 'u' } }, options)).toBe(
      'PULL_REQUEST',
    );
    expect(read({ pull_request: null }).externalId).toBe('github:octo/demo#7');
  });

  it.each([
    ['open', null, 'PENDING'],
    ['open', 'reopened', 'PENDING'],
    ['closed', 'completed', 'CLOSED'],
    ['closed', null, 'CLOSED'],
    ['closed', 'duplicate', 'CLOSED'],
    ['closed', 'not_planned', 'DEFERRED'],
  ])('that is %s (%s) is %s', (state, state_reason, status) => {
    expect(read({ state, state_reason }).status).toBe(status);
  });

  it('is resolved only when it is closed for good', () => {
    const closed_at = '2022-05-07T07:39:15Z';
    expect(read({ state: 'closed', closed_at }).resolvedAt).toEqual(new Date(closed_at));
    expect(read({ state: 'closed', state_reason: 'not_planned', closed_at }).resolvedAt).toBeNull();
  });

  it('has the status that the mapping gives for its reason or state', () => {
    const mapping = toMapping({ statuses: { closed: 'SHIPPED', not_planned: 'CLOSED' } }, []);
    const given = { ...options, mapping };
    expect(read({ state: 'closed', state_reason: 'completed' }, given).status).toBe('SHIPPED');
    expect(read({ state: 'closed', state_reason: 'not_planned' }, given).status).toBe('CLOSED');
  });

  it.each([
    ['CRITICAL', ['critical', 'p0', 'bug-critical', 'Priority: urgent', 'severity/critical', 'release-blocker']],
    ['HIGH', ['high', 'severity:high', 'prio high', 'P2']],
    ['LOW', ['minor', 'priority-low']],
    ['MEDIUM', ['bug', 'highlight', 'help wanted', 'needs-critical-thinking']],
  ])('is %s by its label', (severity, names) => {
    for (const name of names) expect([name, labelled(name).severity]).toEqual([name, severity]);
  });

  it('takes the highest severity of its labels, and those that are given', () => {
    expect(labelled('low', 'p0', 'high').severity).toBe('CRITICAL');
    const severityLabels = { Important: 'HIGH' } as const;
    expect(read({ labels: [{ name: 'important' }] }, { ...options, severityLabels }).severity).toBe('HIGH');
    const mapping = toMapping({ severities: { important: 'LOW' } }, []);
    expect(read({ labels: [{ name: 'Important' }] }, { ...options, mapping }).severity).toBe('LOW');
  });

  it('blocks by its label', () => {
    expect(labelled('blocker').isBlocker).toBe(true);
    expect(labelled('release-blocker').isBlocker).toBe(true);
    expect(labelled('ad-blockers', 'critical').isBlocker).toBe(false);
  });

  it.each([
    [7, []],
    [{ state: 'open' }, ['number']],
    [{ number: 1.5, state: 'open' }, ['number']],
    [{ number: 1 }, ['state']],
    [{ number: 1, state: 'merged' }, ['state']],
    [{ number: 1, state: 'open', created_at: 'soon' }, ['created_at']],
    [{ number: 1, state: 'open', title: 'x'.repeat(2_001) }, ['title']],
  ])('that is wrong is refused with its field: %j', (issue, path) => {
    expect(() => toBugFromIssue(issue, options)).toThrow(InvalidInput);
    expect(() => toBugFromIssue(issue, options)).toThrow(expect.objectContaining({ inputPath: path }));
  });
});
