-- The version of an hour is the time of its change in ms: it also grows where the pipeline's own row lost its count.

ALTER TABLE notification_stats ALTER COLUMN row_version TYPE BIGINT;
