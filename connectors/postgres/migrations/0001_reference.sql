-- Reference data: what operators write and every worker reads (design, section 4). Each row carries a version that
-- grows when its content changes; the outbox hands changes to the topic `reference`.

-- The registry of notification types (NS-DATA-OP-01).
CREATE TABLE IF NOT EXISTS notification_types (
    code VARCHAR(100) PRIMARY KEY,
    title VARCHAR(255) NOT NULL,
    category VARCHAR(20) NOT NULL CHECK (category IN ('transactional', 'system', 'marketing', 'social')),
    default_channels VARCHAR(20) [] NOT NULL CHECK (default_channels <@ '{email,sms,push,in_app}'::VARCHAR(20) []),
    fallback_channels VARCHAR(20) [] NOT NULL DEFAULT '{}'
    CHECK (fallback_channels <@ '{email,sms,push,in_app}'::VARCHAR(20) []),
    default_priority VARCHAR(10) NOT NULL DEFAULT 'normal' CHECK (default_priority IN ('high', 'normal', 'low')),
    is_mandatory BOOLEAN NOT NULL DEFAULT false,
    template_name VARCHAR(255) NOT NULL,
    dedup_window INTERVAL NOT NULL DEFAULT '24 hours',
    ttl INTERVAL NOT NULL DEFAULT '24 hours',
    fallback_after INTERVAL,
    unknown_policy VARCHAR(10) CHECK (unknown_policy IN ('repeat', 'hold', 'ask')),
    allowed_senders TEXT [] NOT NULL DEFAULT '{}',
    version INT NOT NULL DEFAULT 1,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ,
    deleted_at TIMESTAMPTZ
);

-- NS-DATA-010…022. A deleted name can be used again: the unique key leaves deleted rows out (NS-DATA-OP-03).
CREATE TABLE IF NOT EXISTS notification_templates (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    name VARCHAR(255) NOT NULL,
    channel_type VARCHAR(20) NOT NULL CHECK (channel_type IN ('email', 'sms', 'push', 'in_app')),
    language_code VARCHAR(10) NOT NULL DEFAULT 'ru',
    subject VARCHAR(500),
    title VARCHAR(255),
    body TEXT NOT NULL,
    body_text TEXT,
    variables JSONB,
    category VARCHAR(20) NOT NULL DEFAULT 'transactional'
    CHECK (category IN ('transactional', 'system', 'marketing', 'social')),
    version INT NOT NULL DEFAULT 1,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ,
    deleted_at TIMESTAMPTZ
);
CREATE UNIQUE INDEX IF NOT EXISTS idx_templates_name
ON notification_templates (name, channel_type, language_code) WHERE deleted_at IS NULL;

-- Every text that was ever in force: what was sent survives edits (NS-DATA-OP-04).
CREATE TABLE IF NOT EXISTS notification_template_versions (
    template_id UUID NOT NULL REFERENCES notification_templates (id),
    version INT NOT NULL,
    subject VARCHAR(500),
    title VARCHAR(255),
    body TEXT NOT NULL,
    body_text TEXT,
    variables JSONB,
    category VARCHAR(20) NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    PRIMARY KEY (template_id, version)
);

-- Which domain event becomes which notification (NS-SND-OP-03). `data`: variable → path in the event's data.
CREATE TABLE IF NOT EXISTS notification_rules (
    topic VARCHAR(249) NOT NULL,
    event_type VARCHAR(100) NOT NULL,
    notification_type VARCHAR(100) NOT NULL,
    priority VARCHAR(10) CHECK (priority IN ('high', 'normal', 'low')),
    data JSONB NOT NULL DEFAULT '{}',
    version INT NOT NULL DEFAULT 1,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ,
    deleted_at TIMESTAMPTZ,
    PRIMARY KEY (topic, event_type)
);

-- NS-DATA-120…128. `config` holds one key, `$sealed`: base64 of the encrypted configuration (NS-DATA-OP-20).
CREATE TABLE IF NOT EXISTS provider_configs (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    channel_type VARCHAR(20) NOT NULL CHECK (channel_type IN ('email', 'sms', 'push', 'in_app')),
    provider_name VARCHAR(100) NOT NULL,
    kind VARCHAR(50) NOT NULL,
    config JSONB NOT NULL,
    is_active BOOLEAN NOT NULL DEFAULT true,
    priority INT NOT NULL DEFAULT 0,
    rate_limit INT,
    cost DOUBLE PRECISION NOT NULL DEFAULT 0,
    version INT NOT NULL DEFAULT 1,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ,
    deleted_at TIMESTAMPTZ,
    UNIQUE (channel_type, provider_name)
);

-- Where seen facts of a tag go (SEEN-OP-15).
CREATE TABLE IF NOT EXISTS seen_tags (
    tag VARCHAR(255) PRIMARY KEY,
    destinations TEXT [] NOT NULL,
    remember_for INTERVAL NOT NULL DEFAULT '30 days',
    is_enabled BOOLEAN NOT NULL DEFAULT true,
    version INT NOT NULL DEFAULT 1,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ,
    deleted_at TIMESTAMPTZ
);

-- Changes on their way to the topic `reference`. `payload` NULL is a deletion. The relay takes whatever is not
-- published, per key in version order; it keeps no cursor over ids, because ids commit out of order.
CREATE TABLE IF NOT EXISTS reference_outbox (
    id BIGSERIAL PRIMARY KEY,
    key TEXT NOT NULL,
    version INT NOT NULL,
    payload TEXT,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    published_at TIMESTAMPTZ,
    UNIQUE (key, version)
);
CREATE INDEX IF NOT EXISTS idx_reference_outbox_waiting
ON reference_outbox (key, version) WHERE published_at IS NULL;
