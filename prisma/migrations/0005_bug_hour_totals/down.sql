-- Undoes 0005_bug_hour_totals.
DROP TABLE bug_hour_totals;
