-- Destinations of seen facts in full (SEEN-OP-15) beside the plain topic names, and the share of users (SEEN-OP-21).
ALTER TABLE seen_tags ADD COLUMN IF NOT EXISTS targets JSONB NOT NULL DEFAULT '[]';
ALTER TABLE seen_tags ADD COLUMN IF NOT EXISTS percentage INT NOT NULL DEFAULT 100;
