-- name: upsert_type
-- A notification type; no row when it already says the same.
INSERT INTO notification_types AS t (
    code, title, category, default_channels, fallback_channels, default_priority, is_mandatory, template_name,
    dedup_window, ttl, unknown_policy, allowed_senders, fallback_after, quiet_hours,
    domestic_only
) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
ON CONFLICT (code) DO UPDATE SET
    title = excluded.title, category = excluded.category, default_channels = excluded.default_channels,
    fallback_channels = excluded.fallback_channels, default_priority = excluded.default_priority,
    is_mandatory = excluded.is_mandatory, template_name = excluded.template_name,
    dedup_window = excluded.dedup_window, ttl = excluded.ttl, unknown_policy = excluded.unknown_policy,
    allowed_senders = excluded.allowed_senders, fallback_after = excluded.fallback_after,
    quiet_hours = excluded.quiet_hours, domestic_only = excluded.domestic_only,
    version = t.version + 1, updated_at = now(), deleted_at = NULL
WHERE (
    t.title, t.category, t.default_channels, t.fallback_channels, t.default_priority, t.is_mandatory,
    t.template_name, t.dedup_window, t.ttl, t.unknown_policy, t.allowed_senders, t.fallback_after,
    t.quiet_hours, t.domestic_only, t.deleted_at
) IS DISTINCT FROM (
    excluded.title, excluded.category, excluded.default_channels, excluded.fallback_channels,
    excluded.default_priority, excluded.is_mandatory, excluded.template_name, excluded.dedup_window,
    excluded.ttl, excluded.unknown_policy, excluded.allowed_senders, excluded.fallback_after,
    excluded.quiet_hours, excluded.domestic_only, excluded.deleted_at
)
RETURNING version;

-- name: upsert_template
-- A template, with its text kept for ever; no row when it already says the same. The versions of a name used again
-- after a deletion go on from the deleted ones (NS-DATA-OP-03, NS-DATA-OP-04).
WITH written AS (
    INSERT INTO notification_templates AS t (
        name, channel_type, language_code, subject, title, body, body_text, variables, category, parts, version
    )
    SELECT
        $1::TEXT, $2::TEXT, $3::TEXT, $4::TEXT, $5::TEXT, $6::TEXT, $7::TEXT, $8::JSONB, $9::TEXT, $10::JSONB,
        coalesce(max(d.version), 0) + 1
    FROM notification_templates AS d
    WHERE d.name = $1 AND d.channel_type = $2 AND d.language_code = $3
    ON CONFLICT (name, channel_type, language_code) WHERE deleted_at IS NULL DO UPDATE SET
        subject = excluded.subject, title = excluded.title, body = excluded.body, body_text = excluded.body_text,
        variables = excluded.variables, category = excluded.category, parts = excluded.parts,
        version = t.version + 1, updated_at = now()
    WHERE (t.subject, t.title, t.body, t.body_text, t.variables, t.category, t.parts) IS DISTINCT FROM (
        excluded.subject, excluded.title, excluded.body, excluded.body_text, excluded.variables, excluded.category,
        excluded.parts
    )
    RETURNING *
)
INSERT INTO notification_template_versions (
    template_id, version, subject, title, body, body_text, variables, category, parts
)
SELECT id, version, subject, title, body, body_text, variables, category, parts FROM written
RETURNING version;

-- name: upsert_rule
-- What an event becomes; no row when it already says the same.
INSERT INTO notification_rules AS t (topic, event_type, notification_type, priority, data)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (topic, event_type) DO UPDATE SET
    notification_type = excluded.notification_type, priority = excluded.priority, data = excluded.data,
    version = t.version + 1, updated_at = now(), deleted_at = NULL
WHERE (t.notification_type, t.priority, t.data, t.deleted_at)
    IS DISTINCT FROM (excluded.notification_type, excluded.priority, excluded.data, excluded.deleted_at)
RETURNING version;

-- name: upsert_provider
-- A provider, its configuration sealed; no row when it already says the same.
INSERT INTO provider_configs AS t (
    channel_type, provider_name, kind, config, is_active, priority, rate_limit, cost, platforms, weight, region,
    cost_per_message
) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
ON CONFLICT (channel_type, provider_name) DO UPDATE SET
    kind = excluded.kind, config = excluded.config, is_active = excluded.is_active, priority = excluded.priority,
    rate_limit = excluded.rate_limit, cost = excluded.cost, platforms = excluded.platforms,
    weight = excluded.weight, region = excluded.region, cost_per_message = excluded.cost_per_message,
    version = t.version + 1, updated_at = now(), deleted_at = NULL
WHERE (
    t.kind, t.config, t.is_active, t.priority, t.rate_limit, t.cost, t.platforms, t.weight, t.region,
    t.cost_per_message, t.deleted_at
) IS DISTINCT FROM (
    excluded.kind, excluded.config, excluded.is_active, excluded.priority, excluded.rate_limit, excluded.cost,
    excluded.platforms, excluded.weight, excluded.region, excluded.cost_per_message, excluded.deleted_at
)
RETURNING version;

-- name: upsert_budget
-- A budget; no row when it already says the same.
INSERT INTO spending_budgets AS t (scope, per_day, per_month, in_all)
VALUES ($1, $2, $3, $4)
ON CONFLICT (scope) DO UPDATE SET
    per_day = excluded.per_day, per_month = excluded.per_month, in_all = excluded.in_all,
    version = t.version + 1, updated_at = now(), deleted_at = NULL
WHERE (t.per_day, t.per_month, t.in_all, t.deleted_at)
    IS DISTINCT FROM (excluded.per_day, excluded.per_month, excluded.in_all, excluded.deleted_at)
RETURNING version;

-- name: upsert_tag
-- Where facts of a tag go; no row when it already says the same.
INSERT INTO seen_tags AS t (tag, destinations, remember_for, is_enabled, percentage, targets)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (tag) DO UPDATE SET
    destinations = excluded.destinations, remember_for = excluded.remember_for, is_enabled = excluded.is_enabled,
    percentage = excluded.percentage, targets = excluded.targets,
    version = t.version + 1, updated_at = now(), deleted_at = NULL
WHERE (t.destinations, t.remember_for, t.is_enabled, t.percentage, t.targets, t.deleted_at) IS DISTINCT FROM (
    excluded.destinations, excluded.remember_for, excluded.is_enabled, excluded.percentage, excluded.targets,
    excluded.deleted_at
)
RETURNING version;

-- name: upsert_communication
-- What can be published; no row when it already says the same. Its labels are the sink's (AUD-103).
INSERT INTO promotions.promotions AS t (id, kind, content)
VALUES ($1, $2, $3)
ON CONFLICT (id) DO UPDATE SET
    kind = excluded.kind, content = excluded.content,
    version = t.version + 1, updated_at = now(), deleted_at = NULL
WHERE (t.kind, t.content, t.deleted_at) IS DISTINCT FROM (excluded.kind, excluded.content, excluded.deleted_at)
RETURNING version;

-- name: upsert_filter
-- An audience filter; no row when it already says the same.
INSERT INTO promotions.filters AS t (filter_id, value_type)
VALUES ($1, $2)
ON CONFLICT (filter_id) DO UPDATE SET
    value_type = excluded.value_type, version = t.version + 1, updated_at = now(), deleted_at = NULL
WHERE (t.value_type, t.deleted_at) IS DISTINCT FROM (excluded.value_type, excluded.deleted_at)
RETURNING version;

-- name: upsert_experiment
-- A stored filter expression; no row when it already says the same.
INSERT INTO promotions.experiments AS t (name, filters)
VALUES ($1, $2)
ON CONFLICT (name) DO UPDATE SET
    filters = excluded.filters, version = t.version + 1, updated_at = now(), deleted_at = NULL
WHERE (t.filters, t.deleted_at) IS DISTINCT FROM (excluded.filters, excluded.deleted_at)
RETURNING version;

-- name: remove_type
-- Mark a type as deleted; no row when it is not there.
UPDATE notification_types SET version = version + 1, deleted_at = now()
WHERE code = $1 AND deleted_at IS NULL
RETURNING version;

-- name: remove_template
-- Mark a template as deleted (NS-TPL-014); no row when it is not there.
UPDATE notification_templates SET version = version + 1, deleted_at = now()
WHERE name = $1 AND channel_type = $2 AND language_code = $3 AND deleted_at IS NULL
RETURNING version;

-- name: remove_rule
-- Mark a rule as deleted; no row when it is not there.
UPDATE notification_rules SET version = version + 1, deleted_at = now()
WHERE topic = $1 AND event_type = $2 AND deleted_at IS NULL
RETURNING version;

-- name: remove_provider
-- Mark a provider as deleted; no row when it is not there.
UPDATE provider_configs SET version = version + 1, deleted_at = now()
WHERE channel_type = $1 AND provider_name = $2 AND deleted_at IS NULL
RETURNING version;

-- name: remove_budget
-- Mark a budget as deleted; no row when it is not there.
UPDATE spending_budgets SET version = version + 1, deleted_at = now()
WHERE scope = $1 AND deleted_at IS NULL
RETURNING version;

-- name: remove_tag
-- Mark a tag as deleted; no row when it is not there.
UPDATE seen_tags SET version = version + 1, deleted_at = now()
WHERE tag = $1 AND deleted_at IS NULL
RETURNING version;

-- name: remove_communication
-- Mark a communication as deleted: it cannot be published again, its labels go on; no row when it is not there.
UPDATE promotions.promotions SET version = version + 1, deleted_at = now()
WHERE id = $1 AND deleted_at IS NULL
RETURNING version;

-- name: remove_filter
-- Mark an audience filter as deleted; no row when it is not there.
UPDATE promotions.filters SET version = version + 1, deleted_at = now()
WHERE filter_id = $1 AND deleted_at IS NULL
RETURNING version;

-- name: remove_experiment
-- Mark a stored filter expression as deleted; no row when it is not there.
UPDATE promotions.experiments SET version = version + 1, deleted_at = now()
WHERE name = $1 AND deleted_at IS NULL
RETURNING version;

-- name: add_to_outbox
-- One change on its way to the topic; NULL is a deletion.
INSERT INTO reference_outbox (key, version, payload) VALUES ($1, $2, $3);

-- name: newest_in_outbox
-- What a key said last; NULL: nothing, or that it is deleted.
SELECT payload FROM reference_outbox WHERE key = $1 ORDER BY version DESC LIMIT 1;

-- name: lock_writers
-- One applies at a time: two at once would wait for each other's rows in different orders.
SELECT pg_advisory_xact_lock(hashtext('carillon.reference.apply'));

-- name: lock_relay
-- One relay at a time; the lock ends with its transaction.
SELECT pg_advisory_xact_lock(hashtext('carillon.reference.relay'));

-- name: wait_for_kafka
-- The lock must outlast a broker that is away: what a relay has in hand may be published after the next one's.
SET LOCAL idle_in_transaction_session_timeout = 0;

-- name: take_waiting
-- What is not published yet, each key in the order of its versions.
SELECT id, key, payload FROM reference_outbox WHERE published_at IS NULL ORDER BY key, version LIMIT $1;

-- name: mark_published
-- The broker has these.
UPDATE reference_outbox SET published_at = now() WHERE id = ANY($1::BIGINT []);

-- name: publish_again
-- Let the newest version of every key be published once more, for a topic that was lost.
UPDATE reference_outbox AS o SET published_at = NULL
WHERE o.version = (SELECT max(n.version) FROM reference_outbox AS n WHERE n.key = o.key) AND o.payload IS NOT NULL;
