import SchemaBuilder from '@pothos/core';
import { type GraphQLSchema, isEnumType } from 'graphql';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import '../../src/graphql/permission-plugin.ts';
import { Prisma } from '../../generated/prisma/client.ts';
import { PERMISSIONS, ROLES } from '../../src/access/permissions.ts';
import { type ModelName, tableOf } from '../../src/data/models.ts';
import * as delivery from '../../src/modules/delivery/values.ts';
import { IDENTIFIER_TYPES } from '../../src/modules/intel/identifiers/types.ts';
import { MATCH_TYPES } from '../../src/modules/intel/matching/dictionary.ts';
import { RELIABILITIES, RISK_LEVELS } from '../../src/modules/intel/scoring.ts';
import * as values from '../../src/modules/intel/values.ts';
import { DELIVERY_KINDS, DELIVERY_STATUSES } from '../../src/modules/webhooks/values.ts';
import { schema } from '../../src/schema.ts';
import { allowedValues, columnsOf, mismatches } from '../support/catalogue.ts';
import { createTestDatabase } from '../support/database.ts';
import { brokenFiles, brokenImports, importsOf, MAX_LINES, sourceFiles } from '../support/modules.ts';
import { permissionOf, type Root, rootFields } from '../support/schema-walk.ts';

const FILES = sourceFiles('src', 'test', 'scripts');
/** May read the environment, and why. */
const ENVIRONMENT: Readonly<Record<string, string>> = { 'src/env.ts': 'this is where it is read and checked' };
/** May be longer, and why. */
const LONG: Readonly<Record<string, string>> = {};

describe('modules', () => {
  it('import from each other only what is meant for others', () => {
    expect(FILES.length).toBeGreaterThan(150);
    expect(FILES.flatMap(importsOf).filter((to) => to.startsWith('src/')).length).toBeGreaterThan(400);
    expect(brokenImports(FILES)).toEqual([]);
  });

  it.each([
    ['src/modules/threat/bug.service.ts', `import { x } from '../intel/case.loaders.ts';`, true],
    ['src/modules/threat/bug.schema.ts', `import '../intel/case.schema.ts';`, true],
    ['src/modules/threat/bug.schema.ts', `export * from '../platform/health.ts';`, true],
    ['src/modules/threat/bug.schema.ts', `import { Member } from '../platform/member.schema.ts';`, false],
    ['src/modules/threat/bug.schema.ts', `import { openCase } from '../intel/case.service.ts';`, false],
    ['src/modules/threat/bug.service.ts', `import { GraphQLError } from 'graphql';`, true],
    ['src/modules/threat/bug.service.ts', `import type { Plugin } from 'graphql-yoga';`, true],
    ['src/modules/threat/bug.service.ts', `import {\n  a,\n  b,\n} from '@pothos/core';`, true],
    ['src/modules/threat/bug.service.ts', `import { builder } from '../../graphql/builder.ts';`, true],
    ['src/modules/threat/bug.service.ts', `import { newId } from '../../graphql/ids.ts';`, false],
    ['src/modules/threat/bug.schema.ts', `import { GraphQLError } from 'graphql';`, false],
    ['src/jobs.ts', `const { schema } = await import('./schema.ts');`, true],
    ['src/app.ts', `import { schema } from './schema.ts';`, false],
    ['scripts/write-schema.ts', `import { schema } from '../src/schema.ts';`, false],
    ['src/jobs.ts', `import { createTestApp } from '../test/support/app.ts';`, true],
  ])('%s with %s: broken is %s', (path, text, broken) => {
    expect(brokenImports([{ path, text }]).length > 0).toBe(broken);
  });
});

describe('files', () => {
  it(`have at most ${MAX_LINES} lines and a name that says what for, and leave the environment to one`, () => {
    const broken = brokenFiles(FILES, Object.keys(ENVIRONMENT));
    expect(broken.filter((one) => !Object.keys(LONG).some((path) => one.startsWith(`${path} has`)))).toEqual([]);
    for (const path of Object.keys(LONG)) expect(broken.join(), 'no longer long').toContain(path);
  });

  it.each([
    ['src/long.ts', '\n'.repeat(MAX_LINES + 1)],
    ['test/support/helpers.ts', ''],
    ['src/data/utils.ts', ''],
    ['src/jobs.ts', 'const { PORT } = process.env;\n'],
  ])('%s is seen to break a rule', (path, text) => {
    expect(brokenFiles([{ path, text }], Object.keys(ENVIRONMENT))).toHaveLength(1);
    expect(brokenFiles([{ path: 'src/env.ts', text: 'process.env;\n'.repeat(MAX_LINES) }], ['src/env.ts'])).toEqual([]);
  });
});

function enumValues(name: string): string[] {
  const type = schema.getType(name);
  return isEnumType(type) ? type.getValues().map((value) => value.name) : [];
}

const ROOTS: readonly Root[] = ['Query', 'Mutation', 'Subscription'];

/** Root fields whose permission is none of the table's, nor public. */
function unguarded(of: GraphQLSchema): string[] {
  const known = [...Object.keys(PERMISSIONS), 'public'];
  return ROOTS.flatMap((root) =>
    rootFields(root, of)
      .filter((field) => !known.includes(permissionOf(field)))
      .map(({ name }) => `${root}.${name}`),
  );
}

describe('permissions', () => {
  it('stand at every root field, and few are public', () => {
    expect(unguarded(schema)).toEqual([]);
    const open = ROOTS.flatMap((root) => rootFields(root).filter((field) => permissionOf(field) === 'public'));
    expect(open.map(({ name }) => name).sort()).toEqual(['health', 'signIn', 'viewer']);
  });

  // The compiler refuses these too: what is built here is what somebody could cast into being.
  const scratch = (options: Record<string, unknown>, root: Root = 'Query') => {
    const builder = new SchemaBuilder<object>({ plugins: ['permission'] } as never);
    const field = { type: 'String', resolve: () => 'x', ...options };
    builder.queryType({ fields: (t) => ({ base: t.field({ ...base, permission: 'public' } as never) }) });
    if (root === 'Query') builder.queryField('bare', (t) => t.field(field as never));
    if (root === 'Mutation') builder.mutationType({ fields: (t) => ({ bare: t.field(field as never) }) });
    if (root === 'Subscription')
      builder.subscriptionType({ fields: (t) => ({ bare: t.field({ ...field, subscribe: () => [] } as never) }) });
    return builder.toSchema();
  };
  const base = { type: 'String', resolve: () => 'x' };

  it.each(ROOTS)('%s: a field without a permission, or with one of no table, does not build', (root) => {
    expect(() => scratch({}, root)).toThrow(`${root}.bare declares no permission`);
    expect(() => scratch({ permission: 'secret:read' }, root)).toThrow(
      'secret:read, which is not in the permission table',
    );
    expect(unguarded(scratch({ permission: 'case:read' }, root))).toEqual([]);
  });

  it('would be missed in a schema that was built past the rule', () => {
    const built = scratch({ permission: 'case:read' });
    const [, bare] = rootFields('Query', built).toReversed();
    for (const field of rootFields('Query', built)) field.extensions = {};
    expect(bare).toBeDefined();
    expect(unguarded(built)).toEqual(['Query.bare', 'Query.base']);
  });
});

describe('the catalogue', () => {
  let db: Awaited<ReturnType<typeof createTestDatabase>>;
  let owner: Client;
  beforeAll(async () => {
    db = await createTestDatabase();
    owner = new Client({ connectionString: db.ownerUrl });
    await owner.connect();
  });
  afterAll(async () => {
    await owner.end();
    await db.drop();
  });

  const LISTS: readonly (readonly [table: string, column: string, values: readonly string[]])[] = [
    ['members', 'role', Object.keys(ROLES)],
    ['audit_logs', 'actor_kind', enumValues('ActorKind')],
    // A plain text in the API, since other modules' imports may end otherwise.
    ['import_logs', 'status', ['PENDING', 'RUNNING', 'COMPLETED', 'PARTIAL', 'FAILED']],
    ['sources', 'kind', values.SOURCE_KINDS],
    ['sources', 'reliability', RELIABILITIES],
    ['platform_users', 'flagged_by', values.FLAGGED_BY],
    ['content', 'status', values.CONTENT_STATUSES],
    ['content', 'risk_level', RISK_LEVELS],
    ['content', 'tlp', values.TLP_LEVELS],
    ['keywords', 'category', values.KEYWORD_CATEGORIES],
    ['keywords', 'match_type', MATCH_TYPES],
    ['detections', 'status', values.DETECTION_STATUSES],
    ['detections', 'origin', values.DETECTION_ORIGINS],
    ['identifiers', 'type', IDENTIFIER_TYPES],
    ['identifiers', 'tlp', values.TLP_LEVELS],
    ['osint_results', 'status', values.OSINT_STATUSES],
    ['osint_identifier_links', 'relation', values.OSINT_RELATIONS],
    ['cases', 'status', values.CASE_STATUSES],
    ['cases', 'priority', values.CASE_PRIORITIES],
    ['cases', 'severity', values.CASE_PRIORITIES],
    ['cases', 'tlp', values.TLP_LEVELS],
    ['cases', 'resolution', values.CASE_RESOLUTIONS],
    ['cases', 'impact', values.CASE_IMPACTS],
    ['case_platform_users', 'role', values.CASE_ROLES],
    ['projects', 'status', delivery.PROJECT_STATUSES],
    ['bugs', 'status', delivery.BUG_STATUSES],
    ['bugs', 'severity', delivery.BUG_SEVERITIES],
    ['bugs', 'source', delivery.IMPORT_SOURCES],
    ['bugs', 'sla_state', delivery.SLA_STATES],
    ['bug_history', 'status', delivery.BUG_STATUSES],
    ['webhook_deliveries', 'kind', DELIVERY_KINDS],
    ['webhook_deliveries', 'status', DELIVERY_STATUSES],
    ['notification_rules', 'roles', Object.keys(ROLES)],
    ['sla_policies', 'pause_on', delivery.BUG_STATUSES.filter((one) => !delivery.RESOLVED_STATUSES.includes(one))],
  ];

  it.each(LISTS)('%s.%s allows what the code knows', async (table, column, known) => {
    expect((await allowedValues(owner, table, column))?.sort()).toEqual([...known].sort());
  });

  it('has no list of values that the code does not know', async () => {
    const { rows } = await owner.query<{ table: string; column: string }>(`
      SELECT k.conrelid::regclass::text AS table, a.attname AS column FROM pg_constraint k
      JOIN pg_attribute a ON a.attrelid = k.conrelid AND k.conkey = ARRAY[a.attnum]
      WHERE k.contype = 'c' AND k.connamespace = 'public'::regnamespace
        AND pg_get_constraintdef(k.oid) LIKE ANY (ARRAY['%' || a.attname || ' = ANY%', '%' || a.attname || ' <@ ARRAY%'])
      ORDER BY 1, 2`);
    const known = LISTS.map(([table, column]) => `${table}.${column}`);
    expect(rows.map(({ table, column }) => `${table}.${column}`).filter((one) => !known.includes(one))).toEqual([]);
  });

  it('is seen to differ', async () => {
    await owner.query('BEGIN');
    await owner.query(`ALTER TABLE cases DROP CONSTRAINT cases_impact_check,
      ADD CONSTRAINT cases_impact_check CHECK (impact IN ('NO_IMPACT', 'LARGE'))`);
    expect(await allowedValues(owner, 'cases', 'impact')).toEqual(['NO_IMPACT', 'LARGE']);
    await owner.query('ALTER TABLE cases DROP CONSTRAINT cases_impact_check');
    expect(await allowedValues(owner, 'cases', 'impact')).toBeNull();
    await owner.query('ROLLBACK');
  });

  const models = Object.keys(Prisma.ModelName) as ModelName[];

  it.each(models)('%s: its columns are there, with the types that statements cast to', async (model) => {
    const table = tableOf(model);
    expect(mismatches(table, await columnsOf(owner, table.table))).toEqual([]);
  });

  it('is seen to lack a column or to have another type', async () => {
    const columns = await columnsOf(owner, 'cases');
    columns.delete('title');
    columns.set('id', 'text');
    expect(mismatches(tableOf('Case'), columns)).toEqual(['cases.id is text, not uuid', 'cases.title is not there']);
  });
});
