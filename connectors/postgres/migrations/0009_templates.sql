-- Templates of many writers: parts, authors, and which version the files know (NS-DATA-OP-04, NS-TPL-014).

-- Texts of layouts and partials as the version uses them: {name: {body, body_text}}.
ALTER TABLE notification_templates ADD COLUMN IF NOT EXISTS parts JSONB NOT NULL DEFAULT '{}';
ALTER TABLE notification_template_versions ADD COLUMN IF NOT EXISTS parts JSONB NOT NULL DEFAULT '{}';

-- The version that `carillon apply` or `template push` wrote or found equal last. Another one in force: somebody edited
-- it over HTTP since. Before this migration only files wrote.
ALTER TABLE notification_templates ADD COLUMN IF NOT EXISTS filed_version INT;
UPDATE notification_templates SET filed_version = version WHERE filed_version IS NULL;

-- Who wrote a version, and the idempotency key of the request that made the template.
ALTER TABLE notification_template_versions ADD COLUMN IF NOT EXISTS author TEXT;
ALTER TABLE notification_template_versions ADD COLUMN IF NOT EXISTS request_key TEXT;
CREATE UNIQUE INDEX IF NOT EXISTS idx_template_versions_request
ON notification_template_versions (request_key) WHERE request_key IS NOT NULL;

-- Templates of one name in every channel and language: whether a type still has one.
CREATE INDEX IF NOT EXISTS idx_types_template ON notification_types (template_name) WHERE deleted_at IS NULL;
