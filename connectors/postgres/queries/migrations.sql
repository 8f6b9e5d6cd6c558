-- name: lock
-- One process migrates at a time; the lock ends with the transaction.
SELECT pg_advisory_xact_lock(hashtext('carillon.migrations'));

-- name: create_table
-- What has run here.
CREATE TABLE IF NOT EXISTS schema_migrations (
    name TEXT PRIMARY KEY,
    checksum TEXT NOT NULL,
    applied_at TIMESTAMPTZ NOT NULL DEFAULT now()
);

-- name: table_exists
-- Whether any migration has run.
SELECT to_regclass('schema_migrations') IS NOT NULL;

-- name: list_done
-- Every migration that has run, with the checksum of its text.
SELECT name, checksum FROM schema_migrations ORDER BY name;

-- name: record
-- One migration has run.
INSERT INTO schema_migrations (name, checksum) VALUES ($1, $2);
