-- Whose turn it is to work with the archive: a copy of the database knows the same archive, and only one of the two may
-- remove what it thinks nobody needs. Each pass takes the next turn here and leaves an object of that name there.
ALTER TABLE firn.catalog
    ADD COLUMN turn bigint NOT NULL DEFAULT 0,
    ADD COLUMN turn_token uuid NOT NULL DEFAULT gen_random_uuid();
