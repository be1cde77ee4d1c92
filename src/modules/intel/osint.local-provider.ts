import type { ReadScope } from '../../data/read-scope.ts';
import { contentGlobalId, platformUserGlobalId } from './global-ids.ts';
import type { OsintProvider } from './osint.provider.ts';

const MAX_ROWS = 50;

/** Looks a query up in what the tenant has collected: contents that hold it, accounts of that name, what stands beside it. */
export const localProvider: OsintProvider = {
  name: 'local',
  lookup: async ({ scope, queryType, normalisedQuery }) => {
    const contents =
      queryType === 'TEXT'
        ? await contentsByText(scope, normalisedQuery)
        : await contentsByIdentifier(scope, queryType, normalisedQuery);
    const accounts = await accountsNamed(scope, normalisedQuery);
    const beside = await identifiersBeside(
      scope,
      contents.map((row) => row.id),
      queryType,
      normalisedQuery,
    );
    return {
      results: {
        contents: contents.map((row) => ({
          id: contentGlobalId(row.id),
          title: row.title,
          riskLevel: row.riskLevel,
          postedAt: row.postedAt.toISOString(),
        })),
        accounts: accounts.map((row) => ({
          id: platformUserGlobalId(row.id),
          username: row.username,
          isFlagged: row.isFlagged,
        })),
        identifiers: beside.map(({ type, value, shared }) => ({ type, value, contents: shared })),
      },
      // Sharing one text says little, sharing many says more.
      found: beside.map(({ type, value, shared }) => ({
        type,
        value,
        confidence: Math.round((1 - 0.5 ** shared) * 100) / 100,
      })),
      count: contents.length + accounts.length + beside.length,
    };
  },
};

interface ContentRow {
  id: string;
  title: string | null;
  riskLevel: string;
  postedAt: Date;
}

function contentsByText(scope: ReadScope, text: string): Promise<ContentRow[]> {
  return scope.query<ContentRow>({
    text: `/* intel.osint.text */ SELECT c.id, c.title, c.risk_level AS "riskLevel", c.posted_at AS "postedAt"
      FROM search_content(p_query => $1::text, p_limit => ${MAX_ROWS}) f JOIN content c ON c.tenant_id = $2::uuid AND c.id = f.id ORDER BY f.rank DESC`,
    values: [text, scope.viewer.tenantId],
  });
}

function contentsByIdentifier(scope: ReadScope, type: string, value: string): Promise<ContentRow[]> {
  return scope.query<ContentRow>({
    text: `/* intel.osint.identifier */ SELECT c.id, c.title, c.risk_level AS "riskLevel", c.posted_at AS "postedAt"
      FROM identifiers i JOIN content_identifiers l ON l.tenant_id = i.tenant_id AND l.identifier_id = i.id
      JOIN content c ON c.tenant_id = l.tenant_id AND c.id = l.content_id
      WHERE i.tenant_id = $1::uuid AND i.type = $2::text AND i.value = $3::text ORDER BY l.created_at DESC LIMIT ${MAX_ROWS}`,
    values: [scope.viewer.tenantId, type, value],
  });
}

function accountsNamed(
  scope: ReadScope,
  name: string,
): Promise<{ id: string; username: string; isFlagged: boolean }[]> {
  return scope.query({
    text: `/* intel.osint.accounts */ SELECT id, username, is_flagged AS "isFlagged" FROM platform_users WHERE tenant_id = $1::uuid AND username = $2::text LIMIT ${MAX_ROWS}`,
    values: [scope.viewer.tenantId, name.replace(/^@/, '').slice(0, 200)],
  });
}

function identifiersBeside(
  scope: ReadScope,
  contentIds: string[],
  type: string,
  value: string,
): Promise<{ type: string; value: string; shared: number }[]> {
  return scope.query({
    text: `/* intel.osint.beside */ SELECT i.type, i.value, count(*)::int AS shared
      FROM content_identifiers l JOIN identifiers i ON i.tenant_id = l.tenant_id AND i.id = l.identifier_id
      WHERE l.tenant_id = $1::uuid AND l.content_id = ANY($2::uuid[]) AND (i.type, i.value) <> ($3::text, $4::text)
      GROUP BY i.type, i.value ORDER BY shared DESC, i.value LIMIT ${MAX_ROWS}`,
    values: [scope.viewer.tenantId, contentIds, type, value],
  });
}
