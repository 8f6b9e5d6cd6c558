-- name: by_id
-- A template in force.
SELECT * FROM notification_templates WHERE id = $1::UUID AND deleted_at IS NULL;

-- name: by_name
-- The template in force of one name, channel and language.
SELECT * FROM notification_templates
WHERE name = $1 AND channel_type = $2 AND language_code = $3 AND deleted_at IS NULL;

-- name: by_request
-- What a request with an idempotency key made, as it made it.
SELECT
    t.id, t.name, t.channel_type, t.language_code, t.created_at, t.updated_at, t.filed_version,
    v.version, v.subject, v.title, v.body, v.body_text, v.variables, v.category, v.parts
FROM notification_template_versions AS v INNER JOIN notification_templates AS t ON v.template_id = t.id
WHERE v.request_key = $1;

-- name: parts
-- Layouts and partials of a channel, in every language.
SELECT * FROM notification_templates WHERE starts_with(name, '_') AND channel_type = $1 AND deleted_at IS NULL;

-- name: using
-- Templates of a channel whose text holds a part.
SELECT * FROM notification_templates
WHERE parts ? $1 AND channel_type = $2 AND deleted_at IS NULL
ORDER BY name, language_code;

-- name: types_of
-- Notification types that send a template.
SELECT code FROM notification_types WHERE template_name = $1 AND deleted_at IS NULL ORDER BY code;

-- name: categories_of
-- Categories of all templates in force of a name, and of the notification types that send it.
SELECT category FROM notification_templates WHERE name = $1 AND deleted_at IS NULL
UNION
SELECT category FROM notification_types WHERE template_name = $1 AND deleted_at IS NULL;

-- name: languages_of
-- Languages in which a template is in force.
SELECT language_code FROM notification_templates
WHERE name = $1 AND channel_type = $2 AND deleted_at IS NULL;

-- name: text
-- One version of a template in force.
SELECT
    t.name, t.channel_type, t.language_code, v.version, v.subject, v.title, v.body, v.body_text, v.variables,
    v.category, v.parts
FROM notification_template_versions AS v INNER JOIN notification_templates AS t ON v.template_id = t.id
WHERE t.id = $1::UUID AND v.version = $2 AND t.deleted_at IS NULL;

-- name: versions
-- Versions of a template in force, the newest first; below $2, if given.
SELECT
    t.id, t.name, t.channel_type, t.language_code, v.created_at, v.author, v.version, v.subject, v.title, v.body,
    v.body_text, v.variables, v.category, v.parts
FROM notification_template_versions AS v INNER JOIN notification_templates AS t ON v.template_id = t.id
WHERE t.id = $1::UUID AND t.deleted_at IS NULL AND ($2::INT IS NULL OR v.version < $2)
ORDER BY v.version DESC LIMIT $3;

-- name: sign
-- Note who wrote a version, and the key of his request.
UPDATE notification_template_versions SET author = $3, request_key = $4 WHERE template_id = $1::UUID AND version = $2;

-- name: file
-- Note the version that the files know.
UPDATE notification_templates SET filed_version = $2 WHERE id = $1::UUID;

-- name: page
-- Templates in force by name, channel and language: behind a place ($4 to $6), or from a number on ($7).
SELECT * FROM notification_templates
WHERE
    deleted_at IS NULL
    AND ($1::TEXT IS NULL OR channel_type = $1) AND ($2::TEXT IS NULL OR language_code = $2)
    AND ($3::TEXT IS NULL OR name = $3)
    AND ($4::TEXT IS NULL OR (name, channel_type, language_code) > ($4, $5::TEXT, $6::TEXT))
ORDER BY name, channel_type, language_code OFFSET $7 LIMIT $8;

-- name: count
-- How many such templates there are.
SELECT count(*) FROM notification_templates
WHERE
    deleted_at IS NULL
    AND ($1::TEXT IS NULL OR channel_type = $1) AND ($2::TEXT IS NULL OR language_code = $2)
    AND ($3::TEXT IS NULL OR name = $3);

-- name: data_of
-- The data that a message of this template was rendered with, secrets masked.
SELECT payload FROM notification_messages WHERE message_uuid = $1::UUID AND template_name = $2 LIMIT 1;
