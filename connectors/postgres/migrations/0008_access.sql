-- API keys and the audit log (NS-SEC-005, NS-SEC-010, NS-SEC-OP-03).

-- A key is known by the hash of all of it. `published`: the version that the topic `access.keys` has.
CREATE TABLE IF NOT EXISTS api_keys (
    key_id TEXT PRIMARY KEY,
    service VARCHAR(100) NOT NULL,
    sha256 CHAR(64) NOT NULL UNIQUE,
    scopes TEXT [] NOT NULL,
    is_test BOOLEAN NOT NULL DEFAULT false,
    per_minute INT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    revoked_at BIGINT,
    last_used_at BIGINT,
    version INT NOT NULL DEFAULT 1,
    published INT NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS idx_api_keys_service ON api_keys (service, created_at);
CREATE INDEX IF NOT EXISTS idx_api_keys_waiting ON api_keys (key_id) WHERE published < version;

-- Who changed what. Lines are added and never changed; `before` and `after` hold nothing personal or secret.
CREATE TABLE IF NOT EXISTS audit_log (
    id UUID NOT NULL DEFAULT gen_random_uuid(),
    at TIMESTAMPTZ NOT NULL DEFAULT now(),
    actor_id TEXT NOT NULL,
    role TEXT NOT NULL,
    action TEXT NOT NULL,
    object_type TEXT NOT NULL,
    object_id TEXT NOT NULL,
    before JSONB,
    after JSONB,
    ip TEXT,
    PRIMARY KEY (at, id)
) PARTITION BY RANGE (at);
CREATE INDEX IF NOT EXISTS idx_audit_log_object ON audit_log (object_type, object_id, at);
CREATE INDEX IF NOT EXISTS idx_audit_log_actor ON audit_log (actor_id, at);
CREATE TABLE IF NOT EXISTS audit_log_default PARTITION OF audit_log DEFAULT;
INSERT INTO partition_rules (table_name, by_column, step, ahead, keep, drop_order)
VALUES ('audit_log', 'at', '1 month', 3, '3 years', 4)
ON CONFLICT (table_name) DO NOTHING;

-- Lines on their way to the topic `audit.log`; one that the topic has is deleted here.
CREATE TABLE IF NOT EXISTS audit_outbox (
    at TIMESTAMPTZ NOT NULL,
    id UUID NOT NULL,
    PRIMARY KEY (at, id)
);

-- Nobody changes a line, and nobody deletes one before its time; partitions that are too old leave whole.
CREATE OR REPLACE FUNCTION carillon_audit_stays() RETURNS TRIGGER
LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND OLD.at < now() - INTERVAL '3 years' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'audit_log only grows' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE OR REPLACE TRIGGER audit_log_stays BEFORE UPDATE OR DELETE ON audit_log
FOR EACH ROW EXECUTE FUNCTION carillon_audit_stays();
