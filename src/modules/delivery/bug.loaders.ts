import type { SlaPolicyVersion } from '../../../generated/prisma/client.ts';
import { type LoaderContext, loaderOf } from '../../data/loaders.ts';
import type { SlaRules } from './sla/clock.ts';
import { compiledRules } from './sla.rules.ts';

/** Labels of a bug, in alphabetical order: one statement for all bugs. */
export function labelsOf(ctx: LoaderContext, bugId: string): Promise<string[]> {
  return loaderOf(ctx, labelsOf, async (ids) => {
    const rows = await ctx.scope.query<{ bugId: string; name: string }>({
      name: 'delivery_bug_labels',
      text: `/* Bug.labels */ SELECT bug_id AS "bugId", name FROM bug_labels
        WHERE tenant_id = $1::uuid AND bug_id = ANY($2::uuid[]) ORDER BY name`,
      values: [ctx.scope.viewer.tenantId, ids],
    });
    const byBug = Map.groupBy(rows, (row) => row.bugId);
    return ids.map((id) => (byBug.get(id) ?? []).map(({ name }) => name));
  }).load(bugId);
}

/** The SLA rules that a bug is under: one statement for all bugs, each version compiled once. */
export function rulesOf(
  ctx: LoaderContext,
  bug: { slaPolicyId: string | null; slaRulesVersion: number | null },
): Promise<SlaRules | null> {
  if (!bug.slaPolicyId || !bug.slaRulesVersion) return Promise.resolve(null);
  return loaderOf(ctx, rulesOf, async (keys) => {
    const { tenantId } = ctx.scope.viewer;
    const pairs = keys.map((key) => key.split(':'));
    const rows = await ctx.scope.query<{ policyId: string; rulesVersion: number; rules: SlaPolicyVersion['rules'] }>({
      name: 'delivery_bug_rules',
      text: `/* Bug.slaRules */ SELECT v.policy_id AS "policyId", v.rules_version AS "rulesVersion", v.rules
        FROM unnest($2::uuid[], $3::int4[]) w (policy_id, rules_version) JOIN sla_policy_versions v
          ON v.tenant_id = $1::uuid AND v.policy_id = w.policy_id AND v.rules_version = w.rules_version`,
      values: [tenantId, pairs.map(([id]) => id), pairs.map(([, version]) => Number(version))],
    });
    const found = new Map(
      rows.map((row) => [`${row.policyId}:${row.rulesVersion}`, compiledRules({ ...row, tenantId })]),
    );
    return keys.map((key) => found.get(key) ?? null);
  }).load(`${bug.slaPolicyId}:${bug.slaRulesVersion}`);
}
