-- What messages cost: by provider's entry, in each message's row, in the hours of statistics (NS-OPS-OP-12).

-- Of one message, of a text message for each segment; NULL: not known.
ALTER TABLE provider_configs ADD COLUMN IF NOT EXISTS cost_per_message NUMERIC CHECK (cost_per_message >= 0);

-- How many sent messages of the hour have a known cost, and the sum of those costs in millionths.
ALTER TABLE notification_stats ADD COLUMN IF NOT EXISTS priced BIGINT NOT NULL DEFAULT 0;
ALTER TABLE notification_stats ADD COLUMN IF NOT EXISTS cost_micros BIGINT NOT NULL DEFAULT 0;

-- What may be spent of a channel, a provider's account, a campaign; NULL: no limit (NS-OPS-116).
CREATE TABLE IF NOT EXISTS spending_budgets (
    scope TEXT PRIMARY KEY,
    per_day NUMERIC,
    per_month NUMERIC,
    in_all NUMERIC,
    version INT NOT NULL DEFAULT 1,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ,
    deleted_at TIMESTAMPTZ
);
