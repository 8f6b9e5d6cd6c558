-- name: messages
-- Messages to a user, the oldest first; $1: the user, as in all of these.
SELECT to_jsonb(m) - 'id' - 'row_version' - 'counted' AS found
FROM notification_messages AS m
WHERE m.user_id = $1::UUID ORDER BY m.created_at, m.message_uuid;

-- name: status_log
-- What became of each of them.
SELECT to_jsonb(l) - 'id' - 'message_id' || jsonb_build_object('message_uuid', m.message_uuid) AS found
FROM notification_messages AS m
JOIN delivery_status_logs AS l ON l.message_id = m.id AND l.message_created_at = m.created_at
WHERE m.user_id = $1::UUID ORDER BY l."timestamp", l.event_id;

-- name: requests
-- Requests to notify him, those too that became no message.
SELECT to_jsonb(r) AS found
FROM notification_requests AS r
WHERE r.user_id = $1::UUID ORDER BY r.received_at, r.origin;

-- name: preferences
-- What he chose for types.
SELECT to_jsonb(p) AS found
FROM user_notification_preferences AS p
WHERE p.user_id = $1::UUID ORDER BY p.notification_type;

-- name: unsubscribes
-- What he unsubscribed from.
SELECT to_jsonb(u) AS found
FROM user_global_unsubscribes AS u
WHERE u.user_id = $1::UUID ORDER BY u.channel_type;

-- name: consents
-- Consents and withdrawals.
SELECT to_jsonb(c) AS found
FROM user_consents AS c
WHERE c.user_id = $1::UUID ORDER BY c.at, c.id;

-- name: quiet_hours
-- When he is not to be disturbed.
SELECT to_jsonb(q) AS found
FROM user_quiet_hours AS q
WHERE q.user_id = $1::UUID;

-- name: devices
-- Devices that take pushes, on or off.
SELECT to_jsonb(d) - 'token_hash' AS found
FROM device_tokens AS d
WHERE d.user_id = $1::UUID ORDER BY d.created_at, d.id;
