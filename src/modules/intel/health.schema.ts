import { orNull } from '../../data/or-null.ts';
import { builder } from '../../graphql/builder.ts';
import { DatabaseHealth } from '../platform/health.schema.ts';

interface ApplicationMetrics {
  totalUsers: number;
  flaggedUsers: number;
  totalContent: number;
  highRiskContent: number;
  openCases: number;
  recentOsintSearches: number;
}

const ApplicationMetrics = builder.objectRef<ApplicationMetrics>('ApplicationMetrics').implement({
  description: 'Figures of this tenant.',
  fields: (t) => ({
    totalUsers: t.exposeInt('totalUsers', { description: 'watched accounts' }),
    flaggedUsers: t.exposeInt('flaggedUsers'),
    totalContent: t.exposeInt('totalContent'),
    highRiskContent: t.exposeInt('highRiskContent', { description: 'of level HIGH' }),
    openCases: t.exposeInt('openCases'),
    recentOsintSearches: t.exposeInt('recentOsintSearches', { description: 'of the last 24 hours' }),
  }),
});

builder.objectField(DatabaseHealth, 'applicationMetrics', (t) =>
  t.field({
    type: ApplicationMetrics,
    nullable: true,
    permission: 'statistics:read',
    resolve: async (_, _args, { scope, services }) => {
      const figures = scope.query<ApplicationMetrics>({
        name: 'intel_application_metrics',
        text: `/* intel.applicationMetrics */ SELECT
          (SELECT count(*)::int FROM platform_users WHERE tenant_id = $1::uuid) AS "totalUsers",
          (SELECT count(*)::int FROM platform_users WHERE tenant_id = $1::uuid AND is_flagged) AS "flaggedUsers",
          (SELECT count(*)::int FROM content WHERE tenant_id = $1::uuid) AS "totalContent",
          (SELECT count(*)::int FROM content WHERE tenant_id = $1::uuid AND risk_level = 'HIGH') AS "highRiskContent",
          (SELECT count(*)::int FROM cases WHERE tenant_id = $1::uuid AND status = 'OPEN') AS "openCases",
          (SELECT count(*)::int FROM osint_results WHERE tenant_id = $1::uuid AND created_at >= now() - interval '24 hours') AS "recentOsintSearches"`,
        values: [scope.viewer.tenantId],
      });
      return (await orNull(services.log, figures))?.[0] ?? null;
    },
  }),
);
