-- name: one_moment
-- The queries that follow in this transaction see the same state.
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY;

-- name: kinds
-- Notification types that are in force.
SELECT code, title, category, is_mandatory, default_channels, fallback_channels
FROM notification_types
WHERE deleted_at IS NULL
ORDER BY code;

-- name: types_of
-- Choices of one user by type.
SELECT
    notification_type, allowed_channels, is_enabled,
    (extract(EPOCH FROM coalesce(updated_at, created_at)) * 1000)::BIGINT
FROM user_notification_preferences
WHERE user_id = $1::UUID
ORDER BY notification_type;

-- name: unsubscribes_of
-- Global unsubscribes of one user that are in force.
SELECT channel_type, reason, (extract(EPOCH FROM unsubscribed_at) * 1000)::BIGINT
FROM user_global_unsubscribes
WHERE user_id = $1::UUID
ORDER BY channel_type;

-- name: consents_of
-- The newest word of one user on each purpose and channel; of two at one time the withdrawal counts.
SELECT DISTINCT ON (purpose, channel_type)
    purpose, channel_type, action = 'granted', (extract(EPOCH FROM at) * 1000)::BIGINT, source, text_version
FROM user_consents
WHERE user_id = $1::UUID
ORDER BY purpose, channel_type, at DESC, action DESC;
