/** Why there is a delivery: EVENT, from the log; REPLAY, asked for again; TEST, to try the webhook. */
export const DELIVERY_KINDS = ['EVENT', 'REPLAY', 'TEST'] as const;
export type DeliveryKind = (typeof DELIVERY_KINDS)[number];

/** PENDING: to be tried, or tried again; DEAD: given up. */
export const DELIVERY_STATUSES = ['PENDING', 'DELIVERED', 'DEAD'] as const;
export type DeliveryStatus = (typeof DELIVERY_STATUSES)[number];
