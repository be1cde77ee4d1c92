import { describe, expect, it } from 'vitest';
import { InvalidInput } from '../../../../src/errors.ts';
import { historyColumns, toHistory } from '../../../../src/modules/delivery/imports/bug-history.import.ts';
import { type ImportMapping, NO_MAPPING, toMapping } from '../../../../src/modules/delivery/imports/mapping.ts';

const base = { bug_id: 'B-1', changed_at: '2021-05-06T07:08:09Z', field: 'status', old_value: '', new_value: 'open' };
const read = (change: Record<string, unknown>, mapping: ImportMapping = NO_MAPPING) => {
  const row = { ...base, ...change };
  return toHistory(row, historyColumns(row, {}), mapping);
};
const statusOf = (field: string, old_value: string, new_value: string, mapping?: ImportMapping) =>
  read({ field, old_value, new_value }, mapping).status;

describe('a change', () => {
  it('is read with who, when and what', () => {
    expect(read({ project: 'WEB', who: 'ann' })).toEqual({
      externalId: 'B-1',
      projectKey: 'WEB',
      at: new Date('2021-05-06T07:08:09Z'),
      field: 'status',
      oldValue: null,
      newValue: 'open',
      actor: 'ann',
      status: 'PENDING',
    });
    expect(read({}, toMapping({ project: 'SEA' }, [])).projectKey).toBe('SEA');
  });

  it('of the status tells the status, by the same words as in a bug', () => {
    expect(statusOf('Status', 'open', 'Resolved')).toBe('SHIPPED');
    expect(statusOf('state', 'open', 'on hold')).toBe('DEFERRED');
    expect(statusOf('status', 'a', 'Parked', toMapping({ statuses: { parked: 'DEFERRED' } }, []))).toBe('DEFERRED');
  });

  it('of a commit or a withdrawal tells the status when it comes or goes', () => {
    expect(statusOf('fixed_commit', '', 'abc')).toBe('SHIPPED');
    expect(statusOf('fixed_commit', 'abc', 'def')).toBeNull();
    expect(statusOf('fixed_commit', 'abc', '')).toBe('PENDING');
    expect(statusOf('withdrawn', '', '2023-02-03')).toBe('CLOSED');
    expect(statusOf('withdrawn', '2023-02-03', '')).toBe('PENDING');
    expect(statusOf('imported', '', 'yes')).toBeNull();
  });

  it('of another field tells what the mapping says, which wins', () => {
    const mapping = toMapping(
      { historyStatuses: { Release: 'SHIPPED', fixed_commit: { none: 'CLOSED', '': 'DEFERRED' } } },
      [],
    );
    expect(statusOf('release', '', '1.2', mapping)).toBe('SHIPPED');
    expect(statusOf('release', '1.2', '', mapping)).toBeNull();
    expect(statusOf('fixed_commit', '', 'None', mapping)).toBe('CLOSED');
    expect(statusOf('fixed_commit', '', 'abc', mapping)).toBeNull();
    expect(statusOf('fixed_commit', 'abc', '', mapping)).toBe('DEFERRED');
  });

  it.each([
    [{ bug_id: '' }, 'bug_id', 'is empty'],
    [{ changed_at: '' }, 'changed_at', 'is empty'],
    [{ changed_at: '03/04/2020' }, 'changed_at', '"dateOrder"'],
    [{ field: '' }, 'field', 'is empty'],
    [{ field: 'x'.repeat(101) }, 'field', '100 at most'],
    [{ new_value: 'Parked' }, 'new_value', '"Parked" is not a status that is known'],
    [{ old_value: 'open', new_value: '' }, 'new_value', '"" is not a status that is known'],
  ])('that is wrong is refused with its column: %j', (change, column, message) => {
    expect(() => read(change)).toThrow(InvalidInput);
    expect(() => read(change)).toThrow(
      expect.objectContaining({ inputPath: [column], message: expect.stringContaining(message) }),
    );
  });

  it('needs columns for bug, time, field and value', () => {
    expect(() => historyColumns({ bug_id: '', changed_at: '', field: '' }, {})).toThrow(/^no column for newValue/);
  });
});
