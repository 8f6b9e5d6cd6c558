-- name: erase_log
-- What a provider said of a message may hold its address. $1: user, $2: messages of that time (ms) and before.
UPDATE delivery_status_logs AS l SET details = l.details - 'detail' - 'provider_message_id'
FROM notification_messages AS m
WHERE
    m.user_id = $1::UUID AND m.created_at <= carillon_time($2)
    AND l.message_id = m.id AND l.message_created_at = m.created_at;

-- name: erase_messages
-- Messages of nobody: what statistics count of them stays, and the request, by whose id a person is not found.
UPDATE notification_messages SET
    user_id = '00000000-0000-0000-0000-000000000000',
    recipient = '',
    payload = NULL,
    status_details = NULL,
    idempotency_key = '',
    language_code = NULL,
    provider_message_id = NULL
WHERE user_id = $1::UUID AND created_at <= carillon_time($2);

-- name: erase_requests
-- Requests of nobody.
UPDATE notification_requests SET
    user_id = '00000000-0000-0000-0000-000000000000',
    idempotency_key = '',
    value = NULL
WHERE user_id = $1::UUID AND received_at <= carillon_time($2);

-- name: erase_preferences
-- What he chose. $2: at that time (ms) and before.
DELETE FROM user_notification_preferences
WHERE user_id = $1::UUID AND coalesce(updated_at, created_at) <= carillon_time($2);

-- name: erase_quiet_hours
-- When he was not to be disturbed.
DELETE FROM user_quiet_hours WHERE user_id = $1::UUID AND chosen_at <= carillon_time($2);

-- name: erase_devices
-- Devices that registered before; one that did so since is of the life after it.
DELETE FROM device_tokens WHERE user_id = $1::UUID AND coalesce(last_used_at, created_at) < carillon_time($2);

-- name: keep_unsubscribes
-- Evidence under another name, $3, without what he wrote.
INSERT INTO user_global_unsubscribes AS u (user_id, channel_type, unsubscribed_at)
SELECT $3::UUID, g.channel_type, g.unsubscribed_at
FROM user_global_unsubscribes AS g
WHERE g.user_id = $1::UUID AND g.unsubscribed_at <= carillon_time($2)
ON CONFLICT (user_id, channel_type) DO UPDATE SET unsubscribed_at = greatest(u.unsubscribed_at, excluded.unsubscribed_at);

-- name: erase_unsubscribes
-- His own rows of what is kept under the other name.
DELETE FROM user_global_unsubscribes WHERE user_id = $1::UUID AND unsubscribed_at <= carillon_time($2);

-- name: keep_consents
-- Evidence under another name, $3.
UPDATE user_consents SET user_id = $3::UUID WHERE user_id = $1::UUID AND at <= carillon_time($2);

-- name: erase_refusals
-- Records of his that Postgres took in no form.
DELETE FROM sink_refusals WHERE strpos(record, $1::TEXT) > 0;

-- name: note_erasure
-- $1: the name under which evidence stays; $2: when (ms).
INSERT INTO user_erasures (person, erased_at) VALUES ($1::UUID, carillon_time($2)) ON CONFLICT DO NOTHING;
