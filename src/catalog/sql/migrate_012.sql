-- Requests that a pass made, for reports: a part of firn.request_daily, which has those of all commands. A pass without rows is
-- one of an older firn, or did not come to its end.
CREATE TABLE firn.pass_request (
    pass_id bigint NOT NULL REFERENCES firn.pass (id) ON DELETE CASCADE,
    kind text NOT NULL,                         -- as in firn.request_daily
    storage_class text NOT NULL,
    calls bigint NOT NULL,
    bytes bigint NOT NULL,
    PRIMARY KEY (pass_id, kind, storage_class)
);

-- Of the local cache on the machine that measured the day; null: of days before.
ALTER TABLE firn.usage_daily ADD cache_bytes bigint;
