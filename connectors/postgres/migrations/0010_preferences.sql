-- What users chose, written by the sink in the order of the topic `rows`, an older change never over a newer one.

-- NS-DATA-030…036. Without the index of NS-DATA-037: it would repeat the beginning of the primary key (NS-DATA-OP-05).
CREATE TABLE IF NOT EXISTS user_notification_preferences (
    user_id UUID NOT NULL,
    notification_type VARCHAR(100) NOT NULL,
    allowed_channels VARCHAR(20) [] NOT NULL CHECK (allowed_channels <@ '{email,sms,push,in_app}'::VARCHAR(20) []),
    is_enabled BOOLEAN NOT NULL DEFAULT true,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ,
    PRIMARY KEY (user_id, notification_type)
);

-- NS-DATA-040…044. Who came back has no row.
CREATE TABLE IF NOT EXISTS user_global_unsubscribes (
    user_id UUID NOT NULL,
    channel_type VARCHAR(20) NOT NULL CHECK (channel_type IN ('email', 'push', 'sms', 'in_app', 'all_marketing')),
    reason TEXT,
    unsubscribed_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, channel_type)
);

-- Evidence (NS-DATA-OP-07): rows are only added. Of one user, purpose and channel (NULL: every channel) the newest is
-- in force.
CREATE TABLE IF NOT EXISTS user_consents (
    id UUID PRIMARY KEY,
    user_id UUID NOT NULL,
    purpose VARCHAR(100) NOT NULL,
    channel_type VARCHAR(20) CHECK (channel_type IN ('email', 'sms', 'push', 'in_app')),
    action VARCHAR(10) NOT NULL CHECK (action IN ('granted', 'revoked')),
    at TIMESTAMPTZ NOT NULL,
    source TEXT,
    text_version VARCHAR(100)
);
CREATE INDEX IF NOT EXISTS idx_user_consents_user_id ON user_consents (user_id, at);
