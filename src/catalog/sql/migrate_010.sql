-- Leaves in which nothing was due, and until when that holds if nothing but time passes: passes need not read them before.
CREATE TABLE firn.leaf_quiet (
    table_id bigint NOT NULL REFERENCES firn.managed_table (id) ON DELETE CASCADE,
    leaf_oid oid NOT NULL,
    until timestamptz NOT NULL,
    state text NOT NULL,                        -- digest of all else that it depends on: rules, active versions, writes
    noted_at timestamptz NOT NULL DEFAULT now(),    -- of this state
    PRIMARY KEY (table_id, leaf_oid)
);
