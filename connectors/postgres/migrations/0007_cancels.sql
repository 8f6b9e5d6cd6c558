-- A request that its sender took back has its end; a cancel that found nothing waiting has a row of its own.
ALTER TABLE notification_requests DROP CONSTRAINT IF EXISTS notification_requests_outcome_check;
ALTER TABLE notification_requests ADD CONSTRAINT notification_requests_outcome_check
CHECK (outcome IN ('waiting', 'accepted', 'repeated', 'skipped', 'rejected', 'expired', 'cancelled', 'noted'));
