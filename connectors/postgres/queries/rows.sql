-- name: open_offset
-- Where the partition is to be read from; a partition never seen, or of another birth, begins at the given offset.
-- An empty birth was written before births were known: it may be any.
INSERT INTO sink_offsets AS s (app, topic, partition, birth, next)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (app, topic, partition) DO UPDATE SET
    birth = excluded.birth,
    next = CASE WHEN s.birth IN ('', excluded.birth) THEN s.next ELSE excluded.next END
RETURNING next;

-- name: plan_once
-- Until the end of this transaction a plan is made once and kept. Left to itself Postgres plans the check that the
-- message of a line exists anew for each line, because one partition looks cheaper than all: 42 µs a line, not 17.
SELECT set_config('plan_cache_mode', 'force_generic_plan', true);

-- name: move_offset
-- An operator's word on where the partition is to be read from; the writer that opens it next keeps to it.
INSERT INTO sink_offsets (app, topic, partition, birth, next)
VALUES ($1, $2, $3, '', $4)
ON CONFLICT (app, topic, partition) DO UPDATE SET birth = '', next = excluded.next, updated_at = now();

-- name: advance_offset
-- Move on from where this writer left the partition; no row: somebody else has it.
UPDATE sink_offsets SET next = $6, updated_at = now()
WHERE app = $1 AND topic = $2 AND partition = $3 AND birth = $4 AND next = $5;

-- name: write_requests
-- Outcomes of requests; of two for one record that came in, the later decision stays. Waiting is none: it gives way
-- to whatever follows it, by whatever clock that was decided.
INSERT INTO notification_requests AS r (
    request_id, source, idempotency_key, user_id, notification_type, category, priority,
    received_at, decided_at, outcome, reason, rule, value, origin, channels, campaign_id, campaign_label
)
SELECT
    n.request_id, n.source, n.idempotency_key, n.user_id, n.notification_type, n.category, n.priority,
    carillon_time(n.received_at), carillon_time(n.decided_at), n.outcome, n.reason, n.rule, n.value, n.origin,
    string_to_array(n.channels, ','), n.campaign_id, n.campaign_label
FROM unnest(
    $1::UUID [], $2::TEXT [], $3::TEXT [], $4::UUID [], $5::TEXT [], $6::TEXT [], $7::TEXT [],
    $8::BIGINT [], $9::BIGINT [], $10::TEXT [], $11::TEXT [], $12::TEXT [], $13::TEXT [], $14::TEXT [],
    $15::TEXT [], $16::UUID [], $17::TEXT []
) AS n (
    request_id, source, idempotency_key, user_id, notification_type, category, priority,
    received_at, decided_at, outcome, reason, rule, value, origin, channels, campaign_id, campaign_label
)
ON CONFLICT (request_id, received_at, origin) DO UPDATE SET
    decided_at = excluded.decided_at,
    outcome = excluded.outcome,
    reason = excluded.reason,
    rule = excluded.rule,
    value = excluded.value,
    category = excluded.category,
    priority = excluded.priority,
    channels = excluded.channels
WHERE r.outcome = 'waiting' OR (r.decided_at < excluded.decided_at AND excluded.outcome <> 'waiting');

-- name: write_messages
-- Snapshots of messages; a row's version only grows.
INSERT INTO notification_messages AS m (
    message_uuid, row_version, request_id, user_id, channel_type, template_id, template_name, template_version,
    recipient, status, status_reason, status_details, payload, notification_type, category, priority, source,
    idempotency_key, language_code, provider_name, provider_message_id, attempts,
    scheduled_at, created_at, sent_at, delivered_at, opened_at, clicked_at, expires_at, last_status_update_at,
    segments, campaign_id, campaign_label, variant, is_test, counted, cost
)
SELECT
    n.message_uuid, n.row_version, n.request_id, n.user_id, n.channel_type, t.id, n.template_name,
    n.template_version, n.recipient, n.status, n.status_reason, n.status_details, n.payload, n.notification_type,
    n.category, n.priority, n.source, n.idempotency_key, n.language_code, n.provider_name, n.provider_message_id,
    n.attempts,
    carillon_time(n.scheduled_at), carillon_time(n.created_at), carillon_time(n.sent_at),
    carillon_time(n.delivered_at), carillon_time(n.opened_at), carillon_time(n.clicked_at),
    carillon_time(n.expires_at), carillon_time(n.last_status_update_at), n.segments, n.campaign_id, n.campaign_label,
    n.variant, n.is_test, n.counted, n.cost
FROM unnest(
    $1::UUID [], $2::INT [], $3::UUID [], $4::UUID [], $5::TEXT [], $6::TEXT [], $7::INT [],
    $8::TEXT [], $9::TEXT [], $10::TEXT [], $11::TEXT [], $12::JSONB [], $13::TEXT [], $14::TEXT [],
    $15::TEXT [], $16::TEXT [], $17::TEXT [], $18::TEXT [], $19::TEXT [], $20::TEXT [], $21::INT [],
    $22::BIGINT [], $23::BIGINT [], $24::BIGINT [], $25::BIGINT [], $26::BIGINT [], $27::BIGINT [],
    $28::BIGINT [], $29::BIGINT [], $30::INT [], $31::UUID [], $32::TEXT [], $33::TEXT [], $34::BOOLEAN [],
    $35::JSONB [], $36::NUMERIC []
) AS n (
    message_uuid, row_version, request_id, user_id, channel_type, template_name, template_version,
    recipient, status, status_reason, status_details, payload, notification_type, category,
    priority, source, idempotency_key, language_code, provider_name, provider_message_id, attempts,
    scheduled_at, created_at, sent_at, delivered_at, opened_at, clicked_at,
    expires_at, last_status_update_at, segments, campaign_id, campaign_label, variant, is_test, counted, cost
)
LEFT JOIN notification_templates AS t
    ON t.name = n.template_name AND t.channel_type = n.channel_type AND t.language_code = n.language_code
        AND t.deleted_at IS NULL
ON CONFLICT (message_uuid, created_at) DO UPDATE SET
    row_version = excluded.row_version,
    template_id = excluded.template_id,
    template_name = excluded.template_name,
    template_version = excluded.template_version,
    recipient = excluded.recipient,
    status = excluded.status,
    status_reason = excluded.status_reason,
    status_details = excluded.status_details,
    payload = excluded.payload,
    language_code = excluded.language_code,
    provider_name = excluded.provider_name,
    provider_message_id = excluded.provider_message_id,
    attempts = excluded.attempts,
    scheduled_at = excluded.scheduled_at,
    sent_at = excluded.sent_at,
    delivered_at = excluded.delivered_at,
    opened_at = excluded.opened_at,
    clicked_at = excluded.clicked_at,
    expires_at = excluded.expires_at,
    last_status_update_at = excluded.last_status_update_at,
    campaign_id = excluded.campaign_id,
    campaign_label = excluded.campaign_label,
    variant = excluded.variant,
    is_test = excluded.is_test,
    counted = excluded.counted,
    cost = excluded.cost
WHERE m.row_version < excluded.row_version;

-- name: write_log
-- Lines of the log; how many of them found their message. A known event changes nothing (NS-DATA-OP-18).
WITH found AS (
    SELECT m.id, m.created_at, n.event_id, n.status, n.at, n.details
    FROM unnest(
        $1::UUID [], $2::UUID [], $3::BIGINT [], $4::TEXT [], $5::BIGINT [], $6::JSONB []
    ) AS n (event_id, message_uuid, message_created_at, status, at, details)
    CROSS JOIN LATERAL (
        SELECT k.id, k.created_at
        FROM notification_messages AS k
        WHERE k.message_uuid = n.message_uuid AND k.created_at = carillon_time(n.message_created_at)
        LIMIT 1
    ) AS m
), written AS (
    INSERT INTO delivery_status_logs (message_id, message_created_at, event_id, status, "timestamp", details)
    SELECT id, created_at, event_id, status, carillon_time(at), details FROM found
    ON CONFLICT (event_id, message_created_at) DO NOTHING
)
SELECT count(*) FROM found;

-- name: write_labels
-- Labels of audiences, and each of them in its communication's list (AUD-103, AUD-110); a row's version only grows.
WITH given AS (
    SELECT * FROM unnest(
        $1::TEXT [], $2::TEXT [], $3::TEXT [], $4::BIGINT [], $5::BIGINT [], $6::BIGINT [], $7::TEXT [],
        $8::JSONB [], $9::BOOLEAN [], $10::BOOLEAN [], $11::TEXT [], $12::BIGINT [], $13::INT []
    ) AS n (
        audience_label, campaign_label, communication_id, starts_at, ends_at, published_at, experiment_name,
        experiment, is_test_publication, is_for_everyone, ticket, withdrawn_at, version
    )
), listed AS (
    UPDATE promotions.promotions AS p
    SET audience_labels = ARRAY(SELECT unnest(p.audience_labels) UNION SELECT unnest(n.labels) ORDER BY 1)
    FROM (
        SELECT g.communication_id, array_agg(g.audience_label) AS labels FROM given AS g GROUP BY g.communication_id
    ) AS n
    WHERE p.id = n.communication_id AND NOT p.audience_labels @> n.labels
)
INSERT INTO promotions.audience_labels AS l (
    audience_label, campaign_label, communication_id, starts_at, ends_at, published_at, experiment_name, experiment,
    is_test_publication, is_for_everyone, ticket, withdrawn_at, version
)
SELECT
    g.audience_label, g.campaign_label, g.communication_id, carillon_time(g.starts_at), carillon_time(g.ends_at),
    carillon_time(g.published_at), g.experiment_name, g.experiment, g.is_test_publication, g.is_for_everyone, g.ticket,
    carillon_time(g.withdrawn_at), g.version
FROM given AS g
ON CONFLICT (audience_label) DO UPDATE SET
    ends_at = excluded.ends_at, withdrawn_at = excluded.withdrawn_at, version = excluded.version
WHERE l.version < excluded.version;

-- name: write_preferences
-- Choices of users; an older one never takes the place of a newer one.
INSERT INTO user_notification_preferences AS p (
    user_id, notification_type, allowed_channels, is_enabled, created_at, updated_at
)
SELECT
    n.user_id, n.notification_type, string_to_array(n.channels, ','), n.is_enabled,
    carillon_time(n.at), carillon_time(n.at)
FROM unnest($1::UUID [], $2::TEXT [], $3::TEXT [], $4::BOOLEAN [], $5::BIGINT [])
    AS n (user_id, notification_type, channels, is_enabled, at)
ON CONFLICT (user_id, notification_type) DO UPDATE SET
    allowed_channels = excluded.allowed_channels,
    is_enabled = excluded.is_enabled,
    updated_at = excluded.updated_at
WHERE coalesce(p.updated_at, p.created_at) <= excluded.updated_at;

-- name: delete_unsubscribes
-- Users who came back, unless they left again since.
DELETE FROM user_global_unsubscribes AS u
USING unnest($1::UUID [], $2::TEXT [], $3::BIGINT []) AS n (user_id, channel_type, at)
WHERE u.user_id = n.user_id AND u.channel_type = n.channel_type AND u.unsubscribed_at <= carillon_time(n.at);

-- name: write_unsubscribes
-- Global unsubscribes; the newest says why.
INSERT INTO user_global_unsubscribes AS u (user_id, channel_type, reason, unsubscribed_at)
SELECT n.user_id, n.channel_type, n.reason, carillon_time(n.at)
FROM unnest($1::UUID [], $2::TEXT [], $3::TEXT [], $4::BIGINT []) AS n (user_id, channel_type, reason, at)
ON CONFLICT (user_id, channel_type) DO UPDATE SET
    reason = excluded.reason,
    unsubscribed_at = excluded.unsubscribed_at
WHERE u.unsubscribed_at <= excluded.unsubscribed_at;

-- name: delete_quiet_hours
-- Users for whom those of the types hold again.
DELETE FROM user_quiet_hours AS q
USING unnest($1::UUID [], $2::BIGINT []) AS n (user_id, at)
WHERE q.user_id = n.user_id AND q.chosen_at <= carillon_time(n.at);

-- name: write_quiet_hours
-- When users are not to be disturbed, in minutes of their day.
INSERT INTO user_quiet_hours AS q (user_id, starts, ends, timezone, chosen_at)
SELECT n.user_id, n.starts, n.ends, n.timezone, carillon_time(n.at)
FROM unnest($1::UUID [], $2::SMALLINT [], $3::SMALLINT [], $4::TEXT [], $5::BIGINT [])
    AS n (user_id, starts, ends, timezone, at)
ON CONFLICT (user_id) DO UPDATE SET
    starts = excluded.starts, ends = excluded.ends, timezone = excluded.timezone, chosen_at = excluded.chosen_at
WHERE q.chosen_at <= excluded.chosen_at;

-- name: write_consents
-- Evidence: each consent and each withdrawal once, never changed.
INSERT INTO user_consents (id, user_id, purpose, channel_type, action, at, source, text_version)
SELECT n.id, n.user_id, n.purpose, n.channel_type, n.action, carillon_time(n.at), n.source, n.text_version
FROM unnest(
    $1::UUID [], $2::UUID [], $3::TEXT [], $4::TEXT [], $5::TEXT [], $6::BIGINT [], $7::TEXT [], $8::TEXT []
) AS n (id, user_id, purpose, channel_type, action, at, source, text_version)
ON CONFLICT (id) DO NOTHING;

-- name: write_stats
-- Hours of statistics; of a bucket the highest version stays.
INSERT INTO notification_stats AS s (
    bucket_id, starts_at, row_version, channel_type, notification_type, category, campaign_id, campaign_label, variant,
    provider_name, sent, delivered, failed, opened, clicked, unsubscribed, skipped, unknown, expired, cancelled,
    rejected, late, priced, cost_micros
)
SELECT
    n.bucket_id, carillon_time(n.starts_at), n.row_version, n.channel_type, n.notification_type, n.category,
    n.campaign_id, n.campaign_label, n.variant, n.provider_name, n.sent, n.delivered, n.failed, n.opened, n.clicked,
    n.unsubscribed, n.skipped, n.unknown, n.expired, n.cancelled, n.rejected, n.late, n.priced,
    n.cost_micros
FROM unnest(
    $1::UUID [], $2::BIGINT [], $3::BIGINT [], $4::TEXT [], $5::TEXT [], $6::TEXT [], $7::TEXT [], $8::TEXT [],
    $9::TEXT [], $10::TEXT [], $11::BIGINT [], $12::BIGINT [], $13::BIGINT [], $14::BIGINT [], $15::BIGINT [],
    $16::BIGINT [], $17::BIGINT [], $18::BIGINT [], $19::BIGINT [], $20::BIGINT [], $21::BIGINT [], $22::BIGINT [],
    $23::BIGINT [], $24::BIGINT []
) AS n (
    bucket_id, starts_at, row_version, channel_type, notification_type, category, campaign_id, campaign_label, variant,
    provider_name, sent, delivered, failed, opened, clicked, unsubscribed, skipped, unknown, expired, cancelled,
    rejected, late, priced, cost_micros
)
ON CONFLICT (bucket_id, starts_at) DO UPDATE SET
    row_version = excluded.row_version,
    sent = excluded.sent,
    delivered = excluded.delivered,
    failed = excluded.failed,
    opened = excluded.opened,
    clicked = excluded.clicked,
    unsubscribed = excluded.unsubscribed,
    skipped = excluded.skipped,
    unknown = excluded.unknown,
    expired = excluded.expired,
    cancelled = excluded.cancelled,
    rejected = excluded.rejected,
    late = excluded.late,
    priced = excluded.priced,
    cost_micros = excluded.cost_micros
WHERE s.row_version < excluded.row_version;

-- name: write_devices
-- Devices as they are now: all of a user come by one partition, so the last row is the newest.
INSERT INTO device_tokens AS d (
    id, user_id, platform, token, token_hash, is_active, last_used_at, created_at, updated_at
)
SELECT
    n.id, n.user_id, n.platform, n.token, n.token_hash, n.is_active, carillon_time(n.used_at),
    carillon_time(n.created_at), carillon_time(n.changed_at)
FROM unnest(
    $1::UUID [], $2::UUID [], $3::TEXT [], $4::TEXT [], $5::TEXT [], $6::BOOLEAN [], $7::BIGINT [], $8::BIGINT [],
    $9::BIGINT []
) AS n (id, user_id, platform, token, token_hash, is_active, used_at, created_at, changed_at)
ON CONFLICT (id) DO UPDATE SET
    token = excluded.token,
    is_active = excluded.is_active,
    last_used_at = excluded.last_used_at,
    updated_at = excluded.updated_at;

-- name: delete_devices
-- Devices that were silent for too long, or whose user was deleted.
DELETE FROM device_tokens WHERE id = any($1::UUID []);

-- name: keep_refusal
-- A record that Postgres takes in no form, kept for a person to look at.
INSERT INTO sink_refusals (app, topic, partition, batch_start, kind, record, error)
VALUES ($1, $2, $3, $4, $5, $6, $7);
