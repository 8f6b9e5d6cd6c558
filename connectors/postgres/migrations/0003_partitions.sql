-- Partitions: made ahead of time, dropped whole when their rows are too old (NS-DATA-OP-16, NS-DATA-OP-21).

-- Which tables are partitioned, by what step, how many steps are made ahead, and how long rows stay.
CREATE TABLE IF NOT EXISTS partition_rules (
    table_name TEXT PRIMARY KEY,
    by_column TEXT NOT NULL,
    step INTERVAL NOT NULL,
    ahead INT NOT NULL,
    keep INTERVAL NOT NULL,
    drop_order INT NOT NULL
);
INSERT INTO partition_rules (table_name, by_column, step, ahead, keep, drop_order) VALUES
('notification_requests', 'received_at', '1 day', 14, '30 days', 1),
('delivery_status_logs', 'message_created_at', '1 month', 3, '12 months', 2),
('notification_messages', 'created_at', '1 month', 3, '12 months', 3)
ON CONFLICT (table_name) DO NOTHING;

-- Makes what is missing from the step before `at` to `ahead` steps after it; returns the new partitions.
-- A range of which the default partition already holds rows is left to it.
CREATE OR REPLACE FUNCTION carillon_add_partitions(at TIMESTAMPTZ) RETURNS SETOF TEXT
LANGUAGE plpgsql SET timezone = 'UTC' SET lock_timeout = '5s' AS $$
DECLARE
    rule partition_rules;
    is_daily BOOLEAN;
    starts TIMESTAMPTZ;
    name TEXT;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('carillon.partitions'));
    FOR rule IN SELECT * FROM partition_rules ORDER BY drop_order DESC LOOP
        is_daily := rule.step < '1 month';
        FOR i IN -1..rule.ahead LOOP
            starts := date_trunc(CASE WHEN is_daily THEN 'day' ELSE 'month' END, at) + i * rule.step;
            name := rule.table_name || to_char(starts, CASE WHEN is_daily THEN '_YYYYMMDD' ELSE '_YYYYMM' END);
            CONTINUE WHEN to_regclass(name) IS NOT NULL;
            BEGIN
                EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS)',
                    name, rule.table_name);
                EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                    rule.table_name, name, starts, starts + rule.step);
                RETURN NEXT name;
            EXCEPTION WHEN check_violation THEN
                RAISE NOTICE 'partition % is not made: the default partition holds rows of its range', name;
            END;
        END LOOP;
    END LOOP;
END $$;

-- Drops partitions all of whose rows are older than `keep`, and such rows of the default partitions; returns the
-- names of dropped partitions. The log goes before the messages it refers to.
CREATE OR REPLACE FUNCTION carillon_drop_partitions(at TIMESTAMPTZ) RETURNS SETOF TEXT
LANGUAGE plpgsql SET timezone = 'UTC' SET lock_timeout = '5s' AS $$
DECLARE
    rule partition_rules;
    part RECORD;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('carillon.partitions'));
    FOR rule IN SELECT * FROM partition_rules ORDER BY drop_order LOOP
        EXECUTE format('DELETE FROM %I WHERE %I < $1', rule.table_name || '_default', rule.by_column)
        USING at - rule.keep;
        FOR part IN
            SELECT c.relname AS name,
                substring(pg_get_expr(c.relpartbound, c.oid) FROM 'TO \(''([^'']+)''\)')::TIMESTAMPTZ AS ends
            FROM pg_inherits AS i
            JOIN pg_class AS c ON c.oid = i.inhrelid
            WHERE i.inhparent = to_regclass(rule.table_name)
        LOOP
            CONTINUE WHEN part.ends IS NULL OR part.ends > at - rule.keep;
            EXECUTE format('ALTER TABLE %I DETACH PARTITION %I', rule.table_name, part.name);
            EXECUTE format('DROP TABLE %I', part.name);
            RETURN NEXT part.name;
        END LOOP;
    END LOOP;
END $$;
