-- Audiences (AUD-100…AUD-120). A name of its own for what the existing database of promotions would hold: how
-- communications look, and under which labels and when they are published.
CREATE SCHEMA IF NOT EXISTS promotions;

-- How a communication looks (AUD-120); dates stand with its labels (AUD-116, AUD-118). `audience_labels` grows with
-- each label it is published under (AUD-103, AUD-OP-26).
CREATE TABLE IF NOT EXISTS promotions.promotions (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    content JSONB NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ,
    audience_labels TEXT [] NOT NULL DEFAULT '{}',
    version INT NOT NULL DEFAULT 1,
    deleted_at TIMESTAMPTZ
);

-- Which filters there are (AUD-OP-20).
CREATE TABLE IF NOT EXISTS promotions.filters (
    filter_id TEXT PRIMARY KEY,
    value_type TEXT NOT NULL CHECK (value_type IN ('boolean', 'string', 'number')),
    version INT NOT NULL DEFAULT 1,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ,
    deleted_at TIMESTAMPTZ
);

-- Filter expressions that operators store under a name (AUD-OP-24, CRM-021).
CREATE TABLE IF NOT EXISTS promotions.experiments (
    name TEXT PRIMARY KEY,
    filters JSONB NOT NULL,
    version INT NOT NULL DEFAULT 1,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ,
    deleted_at TIMESTAMPTZ
);

-- When and to whom a communication is shown (AUD-110…AUD-119, AUD-OP-27). `experiment` holds the filters of
-- `experiment_name` as they were when the label was published. `version` only grows.
CREATE TABLE IF NOT EXISTS promotions.audience_labels (
    audience_label TEXT PRIMARY KEY,
    campaign_label TEXT NOT NULL,
    communication_id TEXT NOT NULL,
    starts_at TIMESTAMPTZ NOT NULL,
    ends_at TIMESTAMPTZ NOT NULL,
    published_at TIMESTAMPTZ,
    experiment_name TEXT,
    experiment JSONB,
    is_test_publication BOOLEAN NOT NULL DEFAULT false,
    is_for_everyone BOOLEAN NOT NULL DEFAULT false,
    ticket TEXT,
    withdrawn_at TIMESTAMPTZ,
    version INT NOT NULL
);
CREATE INDEX IF NOT EXISTS idx_audience_labels_campaign ON promotions.audience_labels (campaign_label);
CREATE INDEX IF NOT EXISTS idx_audience_labels_communication ON promotions.audience_labels (communication_id);
