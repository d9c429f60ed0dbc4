-- Since when a segment's object has its storage class; NULL: since it was archived.
ALTER TABLE firn.segment ADD COLUMN storage_class_since timestamptz;
