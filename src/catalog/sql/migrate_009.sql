-- What passes decided, and why: one row for each kind of decision about a leaf, a rule or the pass as a whole.
CREATE TABLE firn.pass_log (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    pass_id bigint NOT NULL REFERENCES firn.pass (id) ON DELETE CASCADE,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    leaf text,                                  -- null: of the table
    rule text,                                  -- null: of none
    decision text NOT NULL,                     -- moved, changed, kept, left, held-back, paused, stopped, failed, index work
    reason text,
    times bigint NOT NULL DEFAULT 1,
    rows bigint NOT NULL DEFAULT 0,
    bytes bigint NOT NULL DEFAULT 0,
    seconds double precision NOT NULL DEFAULT 0
);
CREATE INDEX ON firn.pass_log (pass_id);
CREATE INDEX ON firn.pass_log (at);
