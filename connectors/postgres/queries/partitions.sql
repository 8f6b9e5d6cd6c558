-- name: add
-- Make partitions around a time, as `partition_rules` says; the names of the new ones.
SELECT carillon_add_partitions(carillon_time($1));

-- name: drop
-- Drop what is older than `partition_rules` keeps; the names of what is gone.
SELECT carillon_drop_partitions(carillon_time($1));
