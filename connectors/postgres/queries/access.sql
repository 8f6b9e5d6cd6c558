-- name: lock_keys
-- One change of keys at a time: two at once would each see room for one more.
SELECT pg_advisory_xact_lock(hashtext('carillon.keys'));

-- name: list_keys
-- All keys, by service and age.
SELECT * FROM api_keys ORDER BY service, created_at, key_id;

-- name: keys_of_service
-- The keys of one service.
SELECT * FROM api_keys WHERE service = $1 ORDER BY created_at, key_id;

-- name: find_key
-- The key of one id.
SELECT * FROM api_keys WHERE key_id = $1;

-- name: add_key
-- A new key.
INSERT INTO api_keys (key_id, service, sha256, scopes, is_test, per_minute, created_at, expires_at, revoked_at, version)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);

-- name: end_key
-- When a key ends, or that it was revoked.
UPDATE api_keys SET expires_at = $2, revoked_at = $3, version = $4 WHERE key_id = $1;

-- name: note_used
-- The last use of keys, to the hour; several processes tell.
UPDATE api_keys AS k SET last_used_at = u.at
FROM unnest($1::TEXT [], $2::BIGINT []) AS u (key_id, at)
WHERE k.key_id = u.key_id AND (k.last_used_at IS NULL OR k.last_used_at < u.at);

-- name: log_change
-- One line of the audit log, and its way to the topic.
WITH logged AS (
    INSERT INTO audit_log (actor_id, role, action, object_type, object_id, before, after, ip)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
    RETURNING at, id
)
INSERT INTO audit_outbox (at, id) SELECT at, id FROM logged;

-- name: list_changes
-- Lines of the audit log, the newest first; NULL leaves a condition out.
SELECT * FROM audit_log
WHERE at >= $1 AND ($2::TEXT IS NULL OR actor_id = $2) AND ($3::TEXT IS NULL OR object_type = $3)
    AND ($4::TEXT IS NULL OR object_id = $4)
ORDER BY at DESC, id LIMIT $5;

-- name: lock_relay
-- One relay at a time; the lock ends with its transaction.
SELECT pg_advisory_xact_lock(hashtext('carillon.access.relay'));

-- name: wait_for_kafka
-- The lock must outlast a broker that is away: what a relay has in hand may be published after the next one's.
SET LOCAL idle_in_transaction_session_timeout = 0;

-- name: take_keys
-- Keys whose newest version the topic does not have.
SELECT * FROM api_keys WHERE published < version ORDER BY key_id LIMIT $1;

-- name: mark_keys
-- The broker has these versions.
UPDATE api_keys AS k SET published = greatest(k.published, u.version)
FROM unnest($1::TEXT [], $2::INT []) AS u (key_id, version)
WHERE k.key_id = u.key_id;

-- name: take_changes
-- Lines that the topic does not have.
SELECT l.* FROM audit_outbox AS o JOIN audit_log AS l ON l.at = o.at AND l.id = o.id
ORDER BY o.at, o.id LIMIT $1;

-- name: forget_changes
-- The broker has these.
DELETE FROM audit_outbox AS o USING unnest($1::TIMESTAMPTZ [], $2::UUID []) AS u (at, id)
WHERE o.at = u.at AND o.id = u.id;

-- name: refill_key
-- A key as the topic has it, over an older one.
INSERT INTO api_keys (key_id, service, sha256, scopes, is_test, per_minute, created_at, expires_at, revoked_at, version)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (key_id) DO UPDATE SET
    service = excluded.service, sha256 = excluded.sha256, scopes = excluded.scopes, is_test = excluded.is_test,
    per_minute = excluded.per_minute, created_at = excluded.created_at, expires_at = excluded.expires_at,
    revoked_at = excluded.revoked_at, version = excluded.version;

-- name: note_topic
-- The version of each key that stands last in the topic; 0 for what it does not have.
UPDATE api_keys AS k SET published = coalesce(
    (SELECT u.version FROM unnest($1::TEXT [], $2::INT []) AS u (key_id, version) WHERE u.key_id = k.key_id), 0
);

-- name: refill_line
-- A line as the topic has it, unless it is there; the topic rounds times to milliseconds.
INSERT INTO audit_log (id, at, actor_id, role, action, object_type, object_id, before, after, ip)
SELECT $1::UUID, $2::TIMESTAMPTZ, $3, $4, $5, $6, $7, $8::JSONB, $9::JSONB, $10
WHERE NOT EXISTS (
    SELECT FROM audit_log
    WHERE id = $1::UUID AND at BETWEEN $2::TIMESTAMPTZ - INTERVAL '1 ms' AND $2::TIMESTAMPTZ + INTERVAL '1 ms'
);
