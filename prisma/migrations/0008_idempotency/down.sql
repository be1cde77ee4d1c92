-- Undoes 0008_idempotency.
DROP TABLE idempotency_keys;
