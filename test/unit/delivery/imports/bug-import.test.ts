import { describe, expect, it } from 'vitest';
import { InvalidInput } from '../../../../src/errors.ts';
import { bugColumns, guessesIn, toBug } from '../../../../src/modules/delivery/imports/bug.import.ts';
import { builtInGuesses } from '../../../../src/modules/delivery/imports/bug-values.ts';
import { type ImportMapping, NO_MAPPING, toMapping } from '../../../../src/modules/delivery/imports/mapping.ts';
import { BUG_SEVERITIES, BUG_STATUSES } from '../../../../src/modules/delivery/values.ts';

const read = (row: Record<string, unknown>, mapping: ImportMapping = NO_MAPPING) =>
  toBug(row, bugColumns(row, {}), mapping);
const base = { id: 'B-1', title: 'Crash', status: 'pending', severity: 'high' };

function refusal(run: () => unknown): [string, readonly string[]] {
  try {
    run();
  } catch (error) {
    if (error instanceof InvalidInput) return [error.message, error.inputPath];
  }
  throw new Error('it was taken');
}

describe('columns', () => {
  it('of a Jira export are found', () => {
    const names = 'key,project,summary_words,priority,status,components,reporter,assignee,created,resolved,comments';
    const row = Object.fromEntries(names.split(',').map((name) => [name, '']));
    expect(bugColumns(row, {})).toEqual({
      externalId: 'key',
      projectKey: 'project',
      title: 'summary_words',
      severity: 'priority',
      status: 'status',
      labels: 'components',
      reporter: 'reporter',
      assignee: 'assignee',
      createdAt: 'created',
      resolvedAt: 'resolved',
    });
  });

  it('of a Bugzilla export are found', () => {
    const names = 'Summary,Issue id,Status,Priority,Resolution,Created,Resolved,Description';
    const row = Object.fromEntries(names.split(',').map((name) => [name, '']));
    expect(Object.keys(bugColumns(row, {})).toSorted()).toEqual(
      ['createdAt', 'description', 'externalId', 'resolution', 'resolvedAt', 'severity', 'status', 'title'].toSorted(),
    );
  });

  it('of a vulnerability feed are found', () => {
    const names = 'bug_id,project,title,severity,status,published,modified,report_url,repo';
    const row = Object.fromEntries(names.split(',').map((name) => [name, '']));
    expect(bugColumns(row, {})).toMatchObject({ createdAt: 'published', updatedAt: 'modified', url: 'report_url' });
  });

  it('that are given win, and must be there', () => {
    const row = { id: '1', title: 'a', caption: 'b' };
    expect(bugColumns(row, { title: 'caption' }).title).toBe('caption');
    expect(refusal(() => bugColumns(row, { title: 'Caption' }))[0]).toBe(
      'there is no column Caption for title: the row has id, title, caption',
    );
  });

  it('without which there is no bug must be there', () => {
    expect(refusal(() => bugColumns({ title: 'a' }, {}))[0]).toMatch(/^no column for externalId: the row has title\./);
    expect(refusal(() => bugColumns({ id: 'a' }, {}))[0]).toMatch(/^no column for title: the row has id\./);
  });
});

describe('a row', () => {
  it('becomes a bug, and what has no field stands in details', () => {
    const row = {
      key: ' ORBIT-1 ',
      project: 'ORBIT',
      summary: 'Wrong hits',
      description: 'line 1\nline 2',
      priority: 'Blocker',
      status: 'Resolved',
      resolution: 'Fixed',
      created: '2011-03-04T09:08:07.000Z',
      resolved: '2011-03-09T10:20:30.000Z',
      updated: 1_577_836_800,
      assignee: 'ann@example.org',
      reporter: 'bob',
      labels: 'core/index, web gui; core/index',
      'time spent': '3600',
      hours: '12.5',
      link: 'https://example.org/ORBIT-1',
      versions: '',
    };
    expect(read(row)).toEqual({
      projectKey: 'ORBIT',
      externalId: 'ORBIT-1',
      title: 'Wrong hits',
      description: 'line 1\nline 2',
      severity: 'CRITICAL',
      status: 'SHIPPED',
      isBlocker: true,
      createdAt: new Date('2011-03-04T09:08:07Z'),
      resolvedAt: new Date('2011-03-09T10:20:30Z'),
      updatedAt: new Date('2020-01-01'),
      assignee: 'ann@example.org',
      reporter: 'bob',
      labels: ['core/index', 'web gui'],
      hoursSpent: '12.5',
      url: 'https://example.org/ORBIT-1',
      details: { priority: 'Blocker', status: 'Resolved', resolution: 'Fixed', 'time spent': '3600' },
      warnings: [],
    });
  });

  it('of JSON may have lists, numbers and nested values', () => {
    const bug = read({ ...base, id: 17, labels: ['a', { name: 'b' }, 'a'], blocker: true, extra: { list: [1, null] } });
    expect(bug).toMatchObject({ externalId: '17', labels: ['a', 'b'], isBlocker: true });
    expect(bug.details).toEqual({ extra: { list: [1, null] } });
  });

  it('with nothing but an id and a title is taken with defaults and warnings', () => {
    const bug = read({ id: '1', title: ' ' });
    expect(bug).toMatchObject({ title: '1', severity: 'MEDIUM', status: 'PENDING', createdAt: null, labels: [] });
    expect(bug.warnings).toEqual([
      { column: 'title', reason: 'is empty: the id stands in' },
      { column: null, reason: 'no column for status: PENDING' },
      { column: null, reason: 'no column for severity: MEDIUM' },
    ]);
    expect(read({ ...base, severity: '--', status: '' }).warnings).toEqual([
      { column: 'status', reason: 'is empty: PENDING' },
      { column: 'severity', reason: 'is empty: MEDIUM' },
    ]);
  });

  it('that names no project gets that of the mapping', () => {
    const mapping = toMapping({ project: 'SEA' }, []);
    expect(read(base, mapping).projectKey).toBe('SEA');
    expect(read({ ...base, project: 'WEB' }, mapping).projectKey).toBe('WEB');
    expect(read(base).projectKey).toBeNull();
  });

  it('keeps what does not fit its field', () => {
    const long = 'x'.repeat(201);
    const bug = read({ ...base, hours: '-1', url: 'javascript:alert(1)', blocker: 'perhaps', labels: [long, 'a'] });
    expect(bug).toMatchObject({ hoursSpent: null, url: null, isBlocker: false, labels: ['a'] });
    expect(bug.details).toEqual({ hours: '-1', url: 'javascript:alert(1)', blocker: 'perhaps', labels: [long, 'a'] });
    expect(bug.warnings.map(({ column }) => column)).toEqual(['blocker', 'labels', 'hours', 'url']);
  });

  it('comes out as PostgreSQL can hold it', () => {
    const bug = read({ ...base, title: 'a\0b\ud800', 'c\0': ['d\udc00', { 'e\0': 'f\0' }] });
    expect(bug.title).toBe('a\ufffdb\ufffd');
    expect(bug.details).toEqual({ 'c\ufffd': ['d\ufffd', { 'e\ufffd': 'f\ufffd' }] });
  });

  it.each([
    [{ id: ' ' }, 'id', 'is empty'],
    [{ id: 'x'.repeat(301) }, 'id', 'has 301 characters: 300 at most'],
    [{ title: 'x'.repeat(2_001) }, 'title', 'has 2001 characters: 2000 at most'],
    [{ description: 'x'.repeat(100_001) }, 'description', 'has 100001 characters: 100000 at most'],
    [{ title: ['x'] }, 'title', 'is a list or an object where a text is expected'],
    [{ labels: [['x']] }, 'labels', 'holds something that is neither a text nor an object with a name'],
    [{ created: 'soon' }, 'created', '"soon" is not a date'],
    [{ resolved: '1960-01-01' }, 'resolved', '"1960-01-01" is outside the years'],
    [{ status: 'Parked' }, 'status', '"Parked" is not a status that is known: say in the mapping, under "statuses"'],
    [{ severity: 'purple' }, 'severity', '"purple" is not a severity that is known: say in the mapping, under "sev'],
  ])('that is wrong is refused with its column: %j', (change, column, message) => {
    const [found, path] = refusal(() => read({ ...base, ...change }));
    expect(found).toContain(message);
    expect(path).toEqual([column]);
  });

  it('of details nested without end is refused, not followed', () => {
    let nested: unknown = 1;
    for (let depth = 0; depth < 50_000; depth++) nested = [nested];
    expect(refusal(() => read({ ...base, nested }))[0]).toBe('is nested deeper than 100 levels');
  });
});

describe('the resolution', () => {
  const dates = { created: '2020-01-01', resolved: '2020-02-01' };

  it('counts only when the status says so', () => {
    const open = read({ ...base, ...dates });
    expect(open).toMatchObject({ resolvedAt: null, updatedAt: new Date('2020-02-01') });
    expect(open.warnings).toEqual([
      { column: 'resolved', reason: 'the bug is not resolved: taken for its last change' },
    ]);
    const both = read({ ...base, ...dates, updated: '2020-03-01' });
    expect(both).toMatchObject({
      resolvedAt: null,
      updatedAt: new Date('2020-03-01'),
      details: { resolved: '2020-02-01' },
    });
    expect(read({ ...base, ...dates, status: 'closed' })).toMatchObject({
      resolvedAt: new Date('2020-02-01'),
      warnings: [],
    });
  });

  it('before the creation is left out', () => {
    const bug = read({ ...base, status: 'closed', created: '2020-02-01', resolved: '2020-01-01' });
    expect(bug).toMatchObject({ resolvedAt: null, details: { resolved: '2020-01-01' } });
    expect(bug.warnings).toEqual([{ column: 'resolved', reason: 'is before the creation: left out' }]);
  });
});

describe('words of other trackers', () => {
  const statusOf = (status: string, resolution?: string, mapping?: ImportMapping) =>
    read({ ...base, status, ...(resolution === undefined ? {} : { resolution }) }, mapping).status;

  it.each([
    ['PENDING', ['open', 'New', 'UNCONFIRMED', 'reopened', 'ToDo', 'To Do', 'backlog']],
    ['IN_PROGRESS', ['assigned', 'In Progress', 'in_progress', 'started', 'In Review']],
    ['VERIFIED', ['verified']],
    ['SHIPPED', ['Resolved', 'fixed', 'Done', 'shipped', 'released']],
    ['CLOSED', ['Closed', 'withdrawn', 'WONTFIX', "won't fix", 'duplicate', 'invalid', 'rejected']],
    ['DEFERRED', ['deferred', 'postponed', 'On Hold', 'later']],
  ] as const)('for %s', (status, words) => {
    for (const word of words) expect([word, statusOf(word)]).toEqual([word, status]);
  });

  it.each([
    ['CRITICAL', ['critical', 'Blocker', 'urgent', 'P0', 'p1', 'S1', 'Highest']],
    ['HIGH', ['High', 'Major', 'P2', 's2']],
    ['MEDIUM', ['medium', 'Normal', 'moderate', 'P3', 's3', 'default']],
    ['LOW', ['low', 'Minor', 'Trivial', 'P4', 'P5', 's4', 'lowest', 'enhancement']],
  ] as const)('for %s', (severity, words) => {
    for (const word of words) expect([word, read({ ...base, severity: word }).severity]).toEqual([word, severity]);
  });

  it('are our own names in any case', () => {
    for (const status of BUG_STATUSES) expect(statusOf(status.toLowerCase())).toBe(status);
    for (const severity of BUG_SEVERITIES)
      expect(read({ ...base, severity: severity.toLowerCase() }).severity).toBe(severity);
  });

  it('depend on the resolution where the file has one', () => {
    expect(statusOf('RESOLVED', 'FIXED')).toBe('SHIPPED');
    for (const resolution of ['DUPLICATE', 'WORKSFORME', '']) expect(statusOf('RESOLVED', resolution)).toBe('CLOSED');
    expect(statusOf('VERIFIED', 'FIXED')).toBe('CLOSED');
    expect(statusOf('NEW', '')).toBe('PENDING');
    expect(read({ ...base, status: 'VERIFIED', resolution: 'FIXED' }).details).toEqual({
      status: 'VERIFIED',
      resolution: 'FIXED',
    });
  });

  it('are read as the mapping says, whatever else would be guessed', () => {
    const mapping = toMapping(
      {
        statuses: { ' RESOLVED': 'VERIFIED', Parked: 'DEFERRED', '': 'CLOSED' },
        severities: { major: 'LOW', '--': 'HIGH' },
      },
      [],
    );
    expect(statusOf('resolved ', 'DUPLICATE', mapping)).toBe('VERIFIED');
    expect(statusOf('parked', undefined, mapping)).toBe('DEFERRED');
    expect(statusOf('', undefined, mapping)).toBe('CLOSED');
    expect(read({ ...base, severity: 'Major' }, mapping).severity).toBe('LOW');
    expect(read({ ...base, severity: '--' }, mapping)).toMatchObject({ severity: 'HIGH', warnings: [] });
  });

  it('can be told: all guesses, and those that a row was read with', () => {
    expect(builtInGuesses()).toContainEqual({ field: 'severity', value: 'major', becomes: 'HIGH' });
    const row = { ...base, status: 'RESOLVED', resolution: 'FIXED', severity: 'Major' };
    expect(guessesIn(row, bugColumns(row, {}), NO_MAPPING)).toEqual([
      { field: 'status', value: 'RESOLVED FIXED', becomes: 'SHIPPED' },
      { field: 'severity', value: 'Major', becomes: 'HIGH' },
    ]);
    const own = { ...base, status: 'closed', severity: 'High' };
    expect(guessesIn(own, bugColumns(own, {}), NO_MAPPING)).toEqual([]);
    const given = toMapping({ statuses: { resolved: 'CLOSED' }, severities: { major: 'LOW' } }, []);
    expect(guessesIn(row, bugColumns(row, {}), given)).toEqual([]);
  });
});
