import { describe, expect, it } from 'vitest';
import { NO_MAPPING, toMapping } from '../../../../src/modules/delivery/imports/mapping.ts';
import { metricColumns, toMetric } from '../../../../src/modules/delivery/imports/metric.import.ts';

const base = { project: 'a/b', date: '2016-04-05', commits: '12', authors: '4', files_changed: '56', lines_added: '' };
const read = (change: Record<string, unknown>, mapping = NO_MAPPING) => {
  const row = { ...base, ...change };
  return toMetric(row, metricColumns(row, {}), mapping);
};

describe("a project's day", () => {
  it('is read from counts, of which some may be missing', () => {
    expect(read({ loc: 2_147_483_647, 'tech stack': 'TypeScript; SQL' })).toEqual({
      projectKey: 'a/b',
      date: '2016-04-05',
      commits: 12,
      contributors: 4,
      filesChanged: 56,
      linesAdded: null,
      linesDeleted: null,
      linesOfCode: 2_147_483_647,
      techStack: ['TypeScript', 'SQL'],
    });
    expect(read({ project: '' }, toMapping({ project: 'WEB' }, [])).projectKey).toBe('WEB');
  });

  it('is the day in UTC', () => {
    expect(read({ date: '2020-01-01T00:30:00+02:00' }).date).toBe('2019-12-31');
  });

  it.each([
    [{ commits: '-1' }, 'commits', '"-1" is not a whole number from 0 to 2147483647'],
    [{ authors: '1.5' }, 'authors', '"1.5" is not a whole number'],
    [{ files_changed: '1,000' }, 'files_changed', '"1,000" is not a whole number'],
    [{ lines_added: '2147483648' }, 'lines_added', '"2147483648" is not a whole number'],
    [{ date: '' }, 'date', 'is empty'],
    [{ date: '5.4.2016' }, 'date', '"dateOrder"'],
  ])('that is wrong is refused with its column: %j', (change, column, message) => {
    expect(() => read(change)).toThrow(
      expect.objectContaining({ inputPath: [column], message: expect.stringContaining(message) }),
    );
  });

  it('needs a column for the date and one figure', () => {
    expect(() => metricColumns({ project: '', commits: '' }, {})).toThrow(/^no column for date/);
    expect(() => metricColumns({ project: '', date: '' }, {})).toThrow(/^no column for any of commits, contributors/);
  });
});
