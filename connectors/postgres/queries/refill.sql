-- name: stored
-- Every reference record there was: its key in the topic, its name, its highest version, whether it is in force.
SELECT key, names, max(version) AS version, bool_or(deleted_at IS NULL) AS in_force
FROM (
    SELECT 'type:' || code AS key, ARRAY[code]::TEXT [] AS names, version, deleted_at FROM notification_types
    UNION ALL
    SELECT
        'template:' || name || '/' || channel_type || '/' || language_code,
        ARRAY[name, channel_type, language_code]::TEXT [], version, deleted_at
    FROM notification_templates
    UNION ALL
    SELECT 'rule:' || topic || '/' || event_type, ARRAY[topic, event_type]::TEXT [], version, deleted_at
    FROM notification_rules
    UNION ALL
    SELECT
        'provider:' || channel_type || '/' || provider_name, ARRAY[channel_type, provider_name]::TEXT [], version,
        deleted_at
    FROM provider_configs
    UNION ALL
    SELECT 'budget:' || scope, ARRAY[scope]::TEXT [], version, deleted_at FROM spending_budgets
    UNION ALL
    SELECT 'tag:' || tag, ARRAY[tag]::TEXT [], version, deleted_at FROM seen_tags
    UNION ALL
    SELECT 'communication:' || id, ARRAY[id]::TEXT [], version, deleted_at FROM promotions.promotions
    UNION ALL
    SELECT 'filter:' || filter_id, ARRAY[filter_id]::TEXT [], version, deleted_at FROM promotions.filters
    UNION ALL
    SELECT 'experiment:' || name, ARRAY[name]::TEXT [], version, deleted_at FROM promotions.experiments
) AS every
GROUP BY key, names;

-- name: version_type
-- Give a type the version it has in the topic.
UPDATE notification_types SET version = $1 WHERE code = $2;

-- name: version_template
-- Give a template the version it has in the topic ($1), and its text the same; $2: the version it has got here, if any.
WITH risen AS (
    UPDATE notification_templates SET version = $1
    WHERE name = $3 AND channel_type = $4 AND language_code = $5 AND deleted_at IS NULL
    RETURNING *
), moved AS (
    UPDATE notification_template_versions AS v SET version = $1
    FROM risen AS r WHERE v.template_id = r.id AND v.version = $2
    RETURNING v.version
)
INSERT INTO notification_template_versions (
    template_id, version, subject, title, body, body_text, variables, category, parts
)
SELECT id, version, subject, title, body, body_text, variables, category, parts
FROM risen WHERE NOT EXISTS (SELECT 1 FROM moved);

-- name: version_rule
-- Give a rule the version it has in the topic.
UPDATE notification_rules SET version = $1 WHERE topic = $2 AND event_type = $3;

-- name: version_provider
-- Give a provider the version it has in the topic.
UPDATE provider_configs SET version = $1 WHERE channel_type = $2 AND provider_name = $3;

-- name: version_tag
-- Give a tag the version it has in the topic.
UPDATE seen_tags SET version = $1 WHERE tag = $2;

-- name: version_budget
-- Give a budget the version it has in the topic.
UPDATE spending_budgets SET version = $1 WHERE scope = $2;

-- name: version_communication
-- Give a communication the version it has in the topic.
UPDATE promotions.promotions SET version = $1 WHERE id = $2;

-- name: version_filter
-- Give an audience filter the version it has in the topic.
UPDATE promotions.filters SET version = $1 WHERE filter_id = $2;

-- name: version_experiment
-- Give a stored filter expression the version it has in the topic.
UPDATE promotions.experiments SET version = $1 WHERE name = $2;

-- name: waiting
-- Keys with a change that the backup holds as not published yet.
SELECT DISTINCT key FROM reference_outbox WHERE published_at IS NULL;

-- name: note_published
-- The topic has this version; older ones must not follow it.
WITH older AS (
    UPDATE reference_outbox SET published_at = now() WHERE key = $1 AND version < $2 AND published_at IS NULL
)
INSERT INTO reference_outbox (key, version, payload, published_at) VALUES ($1, $2, $3, now())
ON CONFLICT (key, version) DO UPDATE SET payload = excluded.payload, published_at = excluded.published_at;
