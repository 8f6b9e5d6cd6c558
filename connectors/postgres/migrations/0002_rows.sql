-- What the sink writes. Rows come from the topic `rows`; nothing here is generated that a replay would change.

-- Milliseconds since the epoch, as all records carry them.
CREATE OR REPLACE FUNCTION carillon_time(ms BIGINT) RETURNS TIMESTAMPTZ
LANGUAGE sql STABLE PARALLEL SAFE
RETURN 'epoch'::TIMESTAMPTZ + ms * INTERVAL '1 millisecond';

-- How every request ended, those too that became no message (NS-DATA-OP-21). A client may send the same request id
-- twice, so `origin` (topic/partition/offset) belongs to the key: each record that came in has its row.
CREATE TABLE IF NOT EXISTS notification_requests (
    request_id UUID NOT NULL,
    source TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    user_id UUID NOT NULL,
    notification_type VARCHAR(100) NOT NULL,
    category VARCHAR(20),
    priority VARCHAR(10) CHECK (priority IN ('high', 'normal', 'low')),
    campaign_id UUID,
    received_at TIMESTAMPTZ NOT NULL,
    decided_at TIMESTAMPTZ NOT NULL,
    outcome VARCHAR(20) NOT NULL
    CHECK (outcome IN ('accepted', 'repeated', 'skipped', 'rejected', 'expired')),
    reason VARCHAR(100),
    rule TEXT,
    value TEXT,
    origin TEXT NOT NULL DEFAULT '',
    channels VARCHAR(20) [] NOT NULL DEFAULT '{}',
    PRIMARY KEY (request_id, received_at, origin)
) PARTITION BY RANGE (received_at);
-- A key may be longer than an index entry: the index takes its beginning, the query compares all of it.
CREATE INDEX IF NOT EXISTS idx_requests_idempotency_key ON notification_requests (left(idempotency_key, 256));
CREATE TABLE IF NOT EXISTS notification_requests_default PARTITION OF notification_requests DEFAULT;

-- NS-DATA-090…104 with the columns of NS-DATA-OP-14. `row_version` never goes back. `recipient` is base64 of the
-- encrypted address (NS-DATA-OP-15). No foreign keys to templates and campaigns (NS-DATA-OP-17): the order of
-- the sink and of those writes is not fixed.
CREATE TABLE IF NOT EXISTS notification_messages (
    id BIGSERIAL,
    message_uuid UUID NOT NULL DEFAULT gen_random_uuid(),
    row_version INT NOT NULL DEFAULT 1,
    request_id UUID NOT NULL,
    user_id UUID NOT NULL,
    channel_type VARCHAR(20) NOT NULL CHECK (channel_type IN ('email', 'sms', 'push', 'in_app')),
    template_id UUID,
    template_name VARCHAR(255),
    template_version INT,
    campaign_id UUID,
    recipient TEXT NOT NULL,
    status VARCHAR(50) NOT NULL DEFAULT 'pending' CHECK (status IN (
        'pending', 'unknown', 'sent', 'failed', 'delivered', 'opened', 'clicked', 'skipped', 'expired', 'cancelled'
    )),
    status_reason VARCHAR(100),
    status_details TEXT,
    payload JSONB,
    notification_type VARCHAR(100) NOT NULL,
    category VARCHAR(20) NOT NULL,
    priority VARCHAR(10) NOT NULL CHECK (priority IN ('high', 'normal', 'low')),
    source TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    language_code VARCHAR(10),
    provider_name VARCHAR(100),
    provider_message_id TEXT,
    attempts INT NOT NULL DEFAULT 0,
    variant VARCHAR(50),
    campaign_label VARCHAR(128),
    segments INT,
    cost NUMERIC,
    is_test BOOLEAN,
    scheduled_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    sent_at TIMESTAMPTZ,
    delivered_at TIMESTAMPTZ,
    opened_at TIMESTAMPTZ,
    clicked_at TIMESTAMPTZ,
    expires_at TIMESTAMPTZ,
    last_status_update_at TIMESTAMPTZ,
    PRIMARY KEY (id, created_at),
    -- Serves look-ups by message_uuid alone too: an index of its own (NS-DATA-105) would only repeat it.
    UNIQUE (message_uuid, created_at)
) PARTITION BY RANGE (created_at);
CREATE INDEX IF NOT EXISTS idx_messages_user_id ON notification_messages (user_id);
CREATE INDEX IF NOT EXISTS idx_messages_campaign_id ON notification_messages (campaign_id)
WHERE campaign_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_messages_status ON notification_messages (status);
-- Rows arrive nearly in this order: a block-range index is a thousandth of the size and enough for ranges.
CREATE INDEX IF NOT EXISTS idx_messages_created_at ON notification_messages USING brin (created_at);
CREATE INDEX IF NOT EXISTS idx_messages_request_id ON notification_messages (request_id);
CREATE INDEX IF NOT EXISTS idx_messages_provider_message_id
ON notification_messages (left(provider_message_id, 256)) WHERE provider_message_id IS NOT NULL;
CREATE TABLE IF NOT EXISTS notification_messages_default PARTITION OF notification_messages DEFAULT;

-- NS-DATA-110…114. Partitioned as the messages are, so that a month leaves both at once (NS-DATA-OP-16); `event_id`
-- makes a repeat of a line harmless (NS-DATA-OP-18).
CREATE TABLE IF NOT EXISTS delivery_status_logs (
    id BIGSERIAL,
    message_id BIGINT NOT NULL,
    message_created_at TIMESTAMPTZ NOT NULL,
    event_id UUID NOT NULL,
    status VARCHAR(50) NOT NULL CHECK (status IN (
        'pending', 'unknown', 'sent', 'failed', 'delivered', 'opened', 'clicked', 'skipped', 'expired', 'cancelled',
        'retrying'
    )),
    "timestamp" TIMESTAMPTZ NOT NULL DEFAULT now(),
    details JSONB,
    PRIMARY KEY (id, message_created_at),
    UNIQUE (event_id, message_created_at),
    FOREIGN KEY (message_id, message_created_at) REFERENCES notification_messages (id, created_at)
) PARTITION BY RANGE (message_created_at);
CREATE INDEX IF NOT EXISTS idx_delivery_logs_message_id ON delivery_status_logs (message_id);
CREATE TABLE IF NOT EXISTS delivery_status_logs_default PARTITION OF delivery_status_logs DEFAULT;

-- How far each partition of `rows` is written, changed in the same transaction as the rows: a writer that was
-- replaced finds another `next` or `birth` and changes nothing.
CREATE TABLE IF NOT EXISTS sink_offsets (
    app TEXT NOT NULL,
    topic TEXT NOT NULL,
    partition INT NOT NULL,
    birth TEXT NOT NULL,
    next BIGINT NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    PRIMARY KEY (app, topic, partition)
);

-- Records that no form of their values lets Postgres take; kept here in the same transaction, so that the sink
-- goes on and nothing is lost. A row here is a defect of ours.
CREATE TABLE IF NOT EXISTS sink_refusals (
    id BIGSERIAL PRIMARY KEY,
    app TEXT NOT NULL,
    topic TEXT NOT NULL,
    partition INT NOT NULL,
    batch_start BIGINT NOT NULL,
    kind TEXT NOT NULL,
    record TEXT NOT NULL,
    error TEXT NOT NULL,
    at TIMESTAMPTZ NOT NULL DEFAULT now()
);
