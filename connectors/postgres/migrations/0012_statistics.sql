-- Statistics by hour, written by the sink from the same totals as the topic `notification.stats` (NS-STAT-006), and what
-- each message counts as, so that rows and statistics can be compared (NS-STAT-OP-02).

-- One hour and set of dimensions; `row_version` never goes back, so a corrected hour takes the place of the one before.
CREATE TABLE IF NOT EXISTS notification_stats (
    bucket_id UUID NOT NULL,
    starts_at TIMESTAMPTZ NOT NULL,
    row_version INT NOT NULL,
    channel_type VARCHAR(20),
    notification_type VARCHAR(100),
    category VARCHAR(20),
    campaign_id TEXT,
    campaign_label VARCHAR(128),
    variant VARCHAR(50),
    provider_name VARCHAR(100),
    sent BIGINT NOT NULL,
    delivered BIGINT NOT NULL,
    failed BIGINT NOT NULL,
    opened BIGINT NOT NULL,
    clicked BIGINT NOT NULL,
    unsubscribed BIGINT NOT NULL,
    skipped BIGINT NOT NULL,
    unknown BIGINT NOT NULL,
    expired BIGINT NOT NULL,
    cancelled BIGINT NOT NULL,
    rejected BIGINT NOT NULL,
    late BIGINT NOT NULL,
    PRIMARY KEY (bucket_id, starts_at)
) PARTITION BY RANGE (starts_at);
CREATE INDEX IF NOT EXISTS idx_stats_starts_at ON notification_stats (starts_at);
CREATE TABLE IF NOT EXISTS notification_stats_default PARTITION OF notification_stats DEFAULT;
INSERT INTO partition_rules (table_name, by_column, step, ahead, keep, drop_order) VALUES
('notification_stats', 'starts_at', '1 month', 3, '12 months', 5)
ON CONFLICT (table_name) DO NOTHING;

-- What statistics count of a message, as the pipeline decided it: [metric, time in ms, provider] each.
ALTER TABLE notification_messages ADD COLUMN IF NOT EXISTS counted JSONB NOT NULL DEFAULT '[]';
ALTER TABLE notification_requests ADD COLUMN IF NOT EXISTS campaign_label VARCHAR(128);

-- Every single count of the rows that are kept, with its message or request; grouped by hour it is `notification_stats`
-- but for `unsubscribed`, which has no rows.
CREATE OR REPLACE VIEW notification_counts AS
SELECT
    carillon_time((c.cell ->> 1)::BIGINT) AS counted_at,
    c.cell ->> 0 AS metric,
    m.channel_type,
    m.notification_type,
    m.category,
    m.campaign_id::TEXT AS campaign_id,
    m.campaign_label,
    m.variant,
    c.cell ->> 2 AS provider_name,
    m.request_id,
    m.message_uuid,
    m.created_at
FROM notification_messages AS m
CROSS JOIN LATERAL jsonb_array_elements(m.counted) AS c (cell)
UNION ALL
SELECT
    r.decided_at,
    CASE r.outcome WHEN 'repeated' THEN 'skipped' ELSE r.outcome END,
    NULL,
    CASE WHEN r.category IS NOT NULL THEN r.notification_type END,
    r.category,
    r.campaign_id::TEXT,
    r.campaign_label,
    NULL,
    NULL,
    r.request_id,
    NULL,
    r.received_at
FROM notification_requests AS r
WHERE r.outcome IN ('repeated', 'skipped', 'rejected', 'expired', 'cancelled');
