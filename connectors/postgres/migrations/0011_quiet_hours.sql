-- Quiet hours: of a type as `22:00-09:00` where the user is, and a user's own, in minutes of his day.

ALTER TABLE notification_types ADD COLUMN IF NOT EXISTS quiet_hours VARCHAR(11);

-- Who chose none has no row; the same minute twice: never quiet, whatever the type says.
CREATE TABLE IF NOT EXISTS user_quiet_hours (
    user_id UUID PRIMARY KEY,
    starts SMALLINT NOT NULL CHECK (starts BETWEEN 0 AND 1439),
    ends SMALLINT NOT NULL CHECK (ends BETWEEN 0 AND 1439),
    timezone VARCHAR(64),
    chosen_at TIMESTAMPTZ NOT NULL
);
