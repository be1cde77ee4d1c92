import { describe, expect, it } from 'vitest';
import { InvalidInput } from '../../../../src/errors.ts';
import { BUG_FIELDS, type BugField } from '../../../../src/modules/delivery/imports/bug.import.ts';
import {
  type ImportMapping,
  mappingJson,
  NO_MAPPING,
  toMapping,
} from '../../../../src/modules/delivery/imports/mapping.ts';

const parse = (value: unknown) => toMapping(mappingJson(JSON.stringify(value)), BUG_FIELDS);
const refusal = (text: string): InvalidInput => {
  try {
    toMapping(mappingJson(text), BUG_FIELDS);
  } catch (error) {
    if (error instanceof InvalidInput) return error;
  }
  throw new Error('it was taken');
};

describe('a mapping file', () => {
  it('gives columns, values, project, source and date order', () => {
    const mapping: ImportMapping<BugField> = parse({
      columns: { severity: 'Impact' },
      statuses: { ' Ready for QA ': 'VERIFIED' },
      severities: { Sev1: 'CRITICAL' },
      project: 'CAMEL',
      source: 'CSV',
      dateOrder: 'DMY',
      historyStatuses: { Released: 'SHIPPED', Stage: { Live: 'SHIPPED', '': 'PENDING' } },
    });
    expect(mapping.columns).toEqual({ severity: 'Impact' });
    expect([...mapping.statuses]).toEqual([['ready for qa', 'VERIFIED']]);
    expect([...mapping.severities]).toEqual([['sev1', 'CRITICAL']]);
    expect([mapping.project, mapping.source, mapping.dateOrder]).toEqual(['CAMEL', 'CSV', 'DMY']);
    expect(mapping.historyStatuses.get('released')).toBe('SHIPPED');
    expect(mapping.historyStatuses.get('stage')).toEqual(
      new Map([
        ['live', 'SHIPPED'],
        ['', 'PENDING'],
      ]),
    );
  });

  it('may leave everything out, and begin with a byte order mark', () => {
    expect(toMapping(mappingJson('\ufeff{}'), BUG_FIELDS)).toEqual(NO_MAPPING);
    expect(parse({ columns: null, statuses: null, project: null })).toEqual(NO_MAPPING);
  });

  it.each([
    [{ colums: {} }, 'the mapping has no key "colums": there are columns, statuses, severities, project'],
    [{ columns: { prio: 'x' } }, 'columns has no key "prio": there are externalId, projectKey, title'],
    [{ columns: { title: '' } }, 'columns.title must be a text that is not empty'],
    [{ statuses: { Open: 'DONE' } }, 'statuses.Open is "DONE", which is none of PENDING, IN_PROGRESS'],
    [{ statuses: ['Open'] }, 'statuses must be an object'],
    [{ statuses: { Open: 'PENDING', ' open': 'CLOSED' } }, 'statuses has " open" twice'],
    [{ severities: { a: 'high' } }, 'severities.a is "high", which is none of CRITICAL, HIGH, MEDIUM, LOW'],
    [{ project: 7 }, 'project must be a text'],
    [{ source: 'JIRA' }, 'source is "JIRA", which is none of CSV, GITHUB, MANUAL'],
    [{ dateOrder: 'YMD' }, 'dateOrder is "YMD", which is none of DMY, MDY'],
    [{ historyStatuses: { a: 'x' } }, 'historyStatuses.a is "x", which is none of PENDING'],
    [{ historyStatuses: { a: { b: 'x' } } }, 'historyStatuses.a.b is "x", which is none of PENDING'],
    [[], 'the mapping must be an object'],
    [null, 'the mapping must be an object'],
  ])('that is wrong says where: %j', (value, message) => {
    expect(refusal(JSON.stringify(value)).message).toContain(message);
  });

  it('that is not JSON says where', () => {
    expect(refusal('{\n "project": X}').message).toBe(
      'the mapping is not valid JSON: line 2, column 13: unexpected "X", expected a value',
    );
  });
});
