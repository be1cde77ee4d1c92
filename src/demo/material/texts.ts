/**
 * Texts by language and tier. `{slot}` is filled in by the generator; what stands before ` | ` is the title.
 * The tier is what a text is meant to be: its risk follows from the keywords in it and the source's reliability.
 */
export const TIERS = ['none', 'low', 'medium', 'high', 'critical'] as const;
export type Tier = (typeof TIERS)[number];
export type Texts = Readonly<Record<Tier, readonly string[]>>;
