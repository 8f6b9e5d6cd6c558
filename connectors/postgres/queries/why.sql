-- name: requests_by_id
-- Every record that came in under one of these request ids, the oldest first.
SELECT * FROM notification_requests WHERE request_id = ANY($1::UUID []) ORDER BY received_at, origin LIMIT $2;

-- name: requests_by_key
-- Every record that came in with one idempotency key, of whatever source, the newest first.
SELECT * FROM notification_requests
WHERE left(idempotency_key, 256) = left($1::TEXT, 256) AND idempotency_key = $1
ORDER BY received_at DESC, origin LIMIT $2;

-- name: messages_by_id
-- The message of one id.
SELECT * FROM notification_messages WHERE message_uuid = $1 LIMIT $2;

-- name: messages_by_request
-- The messages that requests became, the oldest first.
SELECT * FROM notification_messages WHERE request_id = ANY($1::UUID []) ORDER BY created_at, id LIMIT $2;

-- name: messages_by_provider_id
-- Messages by the id their provider gave them (NS-SND-022).
SELECT * FROM notification_messages
WHERE left(provider_message_id, 256) = left($1::TEXT, 256) AND provider_message_id = $1 LIMIT $2;

-- name: log_of_messages
-- All that became known about messages, in the order of time.
SELECT l.message_id, l.event_id, l.status, l."timestamp", l.details
FROM delivery_status_logs AS l
WHERE l.message_id = ANY($1::BIGINT []) ORDER BY l."timestamp", l.id LIMIT $2;
