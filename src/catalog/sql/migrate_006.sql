-- Keys of encrypted segments, wrapped (sealed) by a master key that only its owner has: none of this is a secret, and none
-- of it can be made anew. FORMAT.md, "Keys".

-- The one that new keys are wrapped by; other processes see here that it was changed.
CREATE TABLE firn.master_key (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    key_id bytea NOT NULL CHECK (octet_length(key_id) = 16),
    since timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE firn.workspace_key (
    table_id bigint NOT NULL REFERENCES firn.managed_table (id),
    workspace bytea NOT NULL,                   -- as in a segment's group; '' for the table's own key
    key_id bytea NOT NULL CHECK (octet_length(key_id) = 16),    -- of the master key that wraps it
    wrapped bytea NOT NULL CHECK (octet_length(wrapped) = 72),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (table_id, workspace)
);
