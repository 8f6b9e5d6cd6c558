-- What providers report of a message and what moves no status of it: such lines of the log have words of their own.

ALTER TABLE delivery_status_logs DROP CONSTRAINT IF EXISTS delivery_status_logs_status_check;
ALTER TABLE delivery_status_logs ADD CONSTRAINT delivery_status_logs_status_check CHECK (status IN (
    'pending', 'unknown', 'sent', 'failed', 'delivered', 'opened', 'clicked', 'skipped', 'expired', 'cancelled',
    'retrying', 'opened_by_machine', 'clicked_by_machine', 'complained', 'unsubscribed'
)) NOT VALID;
