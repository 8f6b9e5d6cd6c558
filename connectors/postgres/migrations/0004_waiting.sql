-- A request that waits for its time or for an address has a row too, so that `why` finds it (NS-DATA-OP-21).
ALTER TABLE notification_requests DROP CONSTRAINT IF EXISTS notification_requests_outcome_check;
ALTER TABLE notification_requests ADD CONSTRAINT notification_requests_outcome_check
CHECK (outcome IN ('waiting', 'accepted', 'repeated', 'skipped', 'rejected', 'expired'));
