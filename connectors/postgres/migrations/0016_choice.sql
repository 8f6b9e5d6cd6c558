-- What the choice of a provider goes by: devices it takes, its share, where it processes data (NS-SEC-OP-08).

ALTER TABLE provider_configs ADD COLUMN IF NOT EXISTS platforms TEXT[] NOT NULL DEFAULT '{}';
ALTER TABLE provider_configs ADD COLUMN IF NOT EXISTS weight INT CHECK (weight > 0);
ALTER TABLE provider_configs ADD COLUMN IF NOT EXISTS region VARCHAR(10)
CHECK (region IN ('domestic', 'foreign'));

ALTER TABLE notification_types ADD COLUMN IF NOT EXISTS domestic_only BOOLEAN NOT NULL DEFAULT false;
