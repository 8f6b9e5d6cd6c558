-- Erasure of a person (NS-SEC-OP-02): what he was is known by a keyed hash only.

-- Who was erased, and when: `person` is the name under which his consents and unsubscribes stay.
CREATE TABLE IF NOT EXISTS user_erasures (
    person UUID NOT NULL,
    erased_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (person, erased_at)
);

-- Requests are found by their user, to show them to him or to erase them.
CREATE INDEX IF NOT EXISTS idx_requests_user_id ON notification_requests (user_id);
