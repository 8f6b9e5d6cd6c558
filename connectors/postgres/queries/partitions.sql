-- name: add
-- Make partitions around a time, as `partition_rules` says; the names of the new ones.
SELECT carillon_add_partitions(carillon_time($1));

-- name: keep
-- How long rows of a table stay from now on: months and days.
UPDATE partition_rules SET keep = make_interval(months => $2, days => $3)
WHERE table_name = $1 AND keep <> make_interval(months => $2, days => $3);

-- name: drop_refusals
-- Records that nobody looked at for so many days.
DELETE FROM sink_refusals WHERE at < carillon_time($1) - make_interval(days => $2);

-- name: drop
-- Drop what is older than `partition_rules` keeps; the names of what is gone.
SELECT carillon_drop_partitions(carillon_time($1));
