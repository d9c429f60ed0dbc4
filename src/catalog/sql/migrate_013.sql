-- When a pass's moves had ended, with the totals and the outcome that stand beside it; finished_at is the end of all of it, index
-- work included. With this and without finished_at the pass does its index work, or died in it. Null: it never came so far, or
-- is of an older firn, whose finished_at was this.
ALTER TABLE firn.pass ADD moved_at timestamptz;

-- Of vector_index_bytes, what a fresh index would not take; null: of days before.
ALTER TABLE firn.usage_daily ADD vector_reclaimable_bytes bigint;
