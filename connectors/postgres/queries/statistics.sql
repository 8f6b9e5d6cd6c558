-- name: delivery
-- Sums of whole hours by what the answer breaks down, and by who sent it; filters that are NULL let all pass.
SELECT
    channel_type, notification_type, provider_name,
    sum(sent)::BIGINT AS sent, sum(delivered)::BIGINT AS delivered, sum(failed)::BIGINT AS failed,
    sum(opened)::BIGINT AS opened, sum(clicked)::BIGINT AS clicked, sum(unsubscribed)::BIGINT AS unsubscribed,
    sum(skipped)::BIGINT AS skipped, sum(priced)::BIGINT AS priced, sum(cost_micros)::BIGINT AS cost_micros
FROM notification_stats
WHERE starts_at >= carillon_time($1::BIGINT) AND starts_at < carillon_time($2::BIGINT)
    AND ($3::TEXT IS NULL OR channel_type = $3)
    AND ($4::TEXT IS NULL OR notification_type = $4)
GROUP BY channel_type, notification_type, provider_name
ORDER BY channel_type, notification_type, provider_name;
