-- Flips of a workspace's active version that firn made, and rollbacks that are under way: at most one a workspace. No
-- pass moves rows of the version that one under way goes to.
CREATE TABLE firn.version_flip (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    table_id bigint NOT NULL REFERENCES firn.managed_table (id),
    workspace text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('promote', 'rollback')),
    from_version text NOT NULL,                 -- active when it began
    to_version text NOT NULL,
    began_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    flipped_at timestamptz,                     -- null: under way, or given up
    given_up_at timestamptz,
    CHECK (flipped_at IS NULL OR given_up_at IS NULL)
);
CREATE INDEX ON firn.version_flip (table_id, workspace, id);
CREATE UNIQUE INDEX ON firn.version_flip (table_id, workspace) WHERE flipped_at IS NULL AND given_up_at IS NULL;
