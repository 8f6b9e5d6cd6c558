-- How far a run has come: requests with an ending, messages, messages that no longer wait.
select
    (select count(*) from notification_requests where outcome <> 'waiting') as requests,
    (select count(*) from notification_messages) as messages,
    (select count(*) from notification_messages where status <> 'pending') as ended
