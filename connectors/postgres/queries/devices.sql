-- name: device
-- One device by its id.
SELECT
    id::TEXT, user_id::TEXT, platform, token, is_active,
    (extract(EPOCH FROM last_used_at) * 1000)::BIGINT,
    (extract(EPOCH FROM created_at) * 1000)::BIGINT,
    (extract(EPOCH FROM updated_at) * 1000)::BIGINT
FROM device_tokens
WHERE id = $1::UUID;

-- name: devices_of
-- All devices of one user, on or off, the last used one first.
SELECT
    id::TEXT, user_id::TEXT, platform, token, is_active,
    (extract(EPOCH FROM last_used_at) * 1000)::BIGINT,
    (extract(EPOCH FROM created_at) * 1000)::BIGINT,
    (extract(EPOCH FROM updated_at) * 1000)::BIGINT
FROM device_tokens
WHERE user_id = $1::UUID
ORDER BY last_used_at DESC, id;
