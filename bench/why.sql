-- $1 messages of the 30 days before the time $2 (ms), each with its request and three lines of its log. Ids are
-- md5 of a word and the number, so that who asks can compute them.
WITH numbers AS (
    SELECT
        n,
        carillon_time($2::BIGINT - 2592000000 * n / $1::BIGINT) AS at
    FROM generate_series(1, $1::BIGINT) AS n
), requests AS (
    INSERT INTO notification_requests (
        request_id, source, idempotency_key, user_id, notification_type, category, priority,
        received_at, decided_at, outcome, rule, value, origin, channels
    )
    SELECT
        md5('request-' || n)::UUID, 'orders', 'order-' || n, md5('user-' || n % 100000)::UUID,
        'order_confirmation', 'transactional', 'high', at, at + INTERVAL '7 ms',
        'accepted', 'types.default_channels', 'email', 'notification.send.request/0/' || n, '{email}'
    FROM numbers
), messages AS (
    INSERT INTO notification_messages (
        message_uuid, row_version, request_id, user_id, channel_type, template_name, template_version,
        recipient, status, payload, notification_type, category, priority, source, idempotency_key,
        language_code, provider_name, provider_message_id, attempts,
        created_at, sent_at, delivered_at, last_status_update_at
    )
    SELECT
        md5('message-' || n)::UUID, 3, md5('request-' || n)::UUID, md5('user-' || n % 100000)::UUID,
        'email', 'order_confirmation', 1, encode(sha256(n::TEXT::BYTEA), 'base64'), 'delivered',
        jsonb_build_object('OrderNumber', 'A-' || n), 'order_confirmation', 'transactional', 'high', 'orders',
        'order-' || n, 'en', 'mail', '<' || n || '@carillon.test>', 1,
        at + INTERVAL '5 ms', at + INTERVAL '60 ms', at + INTERVAL '2 s', at + INTERVAL '2 s'
    FROM numbers
    RETURNING id, created_at
)
INSERT INTO delivery_status_logs (message_id, message_created_at, event_id, status, "timestamp", details)
SELECT
    m.id, m.created_at, md5(l.status || m.id)::UUID, l.status, m.created_at + l.after,
    '{"attempt": 1, "provider": "mail"}'
FROM messages AS m
CROSS JOIN (VALUES
    ('pending', INTERVAL '0'), ('sent', INTERVAL '55 ms'), ('delivered', INTERVAL '2 s')
) AS l (status, after);
