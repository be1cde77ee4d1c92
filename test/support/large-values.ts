// SQL for values of row `i` of a large table: skewed as real ones are, and the same in every run.

const EPOCH_MS = 1_735_689_600_000;

/** A number in [0, 1) that row and salt decide: the same data in every run. */
export const random = (salt: number) => `((hashint8extended(i, ${salt}) & 1048575) / 1048576.0)`;
/** One of n, 1 far more often than n: the larger the power, the more so. */
export const skewed = (n: number, salt: number, power = 3) =>
  `(1 + floor(power(${random(salt)}, ${power}) * ${n}))::bigint`;
export const one = (values: readonly string[], salt: number, power = 3) =>
  `(ARRAY['${values.join("','")}'])[${skewed(values.length, salt, power)}]`;
/** Three rows share a moment, so every page meets ties. */
export const at = (i = 'i') => `(to_timestamp(${EPOCH_MS / 1000}) + interval '20 seconds' * ((${i}) / 3))`;
export const score = (salt: number) => `round(power(${random(salt)}, 3)::numeric, 2)`;
export const maybe = (share: number, salt: number, value: string) =>
  `CASE WHEN ${random(salt)} < ${share} THEN ${value} END`;
/** The first 5,000 links go to 50 parents, 100 each: what a page under a parent must not read to the end. */
export const parent = (n: number) => `CASE WHEN i <= 5000 THEN 1 + i % 50 ELSE 1 + (i * 7919) % ${n} END`;

/** Rows of a table: SQL of its columns' values. */
export interface Fill {
  table: string;
  columns: string;
  values: string;
  count: number;
}

export const fill = (table: string, count: number, values: Record<string, string>): Fill => ({
  table,
  count,
  columns: Object.keys(values).join(', '),
  values: Object.values(values).join(', '),
});

/** Ids of a tenant: they grow with time, as UUIDv7 does, and are the same for the same row number in every table. */
export const idOf = (tenant: string) => (i: string) =>
  `(lpad(to_hex(${EPOCH_MS} + (${i})::bigint * 7000), 12, '0') || '70008' || lpad(to_hex((${i})::bigint), 14, '0')
    || '${tenant.slice(-1)}')::uuid`;
