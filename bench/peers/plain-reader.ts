import pg from 'pg';
import { openPool, settings } from './serving.ts';
import * as sql from './statements.ts';

export type Row = Record<string, unknown>;

/** The filters of a list of bugs; `after` is the last bug of the page before. */
export interface Filter {
  after?: string;
  severity?: string;
  status?: string;
  slaState?: string;
  isBlocker?: boolean;
}

const TIMESTAMPTZ = 1184;

/** Reads the plain schema's rows by named statements, which each connection prepares once. */
export function reader() {
  const { tenantId } = settings();
  const pool = openPool();
  // Times go out as the database writes them: a Date would be made and taken apart again for each.
  const types = {
    getTypeParser: (oid: number, format?: string) =>
      oid === TIMESTAMPTZ ? (text: string) => text : pg.types.getTypeParser(oid, format as 'text'),
  } as pg.CustomTypesConfig;
  const rows = async (name: string, text: string, ...values: unknown[]): Promise<Row[]> =>
    (await pool.query<Row>({ name, text, values: [tenantId, ...values], types })).rows;
  return {
    bug: async (id: string) => (await rows('bug', sql.BUG_BY_ID, id))[0] ?? null,
    bugs({ first, ...filter }: { first: number } & Filter) {
      const columns = Object.keys(filter);
      return rows(`bugs by ${columns}`, sql.bugsBy(columns), first, ...Object.values(filter));
    },
    topBugs: (first: number) => rows('top bugs', sql.TOP_BUGS, first),
    topProjects: (first: number) => rows('top projects', sql.TOP_PROJECTS, first),
    severities: () => rows('severities', sql.SEVERITY_COUNTS),
    statuses: () => rows('statuses', sql.STATUS_COUNTS),
    search: (query: string) => rows('search', sql.SEARCH, query),
    trends: (since: string, until: string) => rows('trends', sql.TRENDS, since, until),
    create: async (project: string, title: string, severity: string) =>
      (await rows('create', sql.CREATE, project, title, severity))[0],
    projects: ({ first, status }: { first: number; status: string }) =>
      rows('projects', sql.PROJECTS_BY_STATUS, status, first),
    projectsByIds: (ids: string[]) => rows('projects by ids', sql.PROJECTS_BY_IDS, ids),
    membersByIds: (ids: string[]) => rows('members by ids', sql.MEMBERS_BY_IDS, ids),
    bugsOf: (ids: string[], first: number) => rows('bugs of', sql.BUGS_OF_PROJECTS, ids, first),
    changesOf: (ids: string[], first: number) => rows('changes of', sql.CHANGES_OF_BUGS, ids, first),
  };
}
