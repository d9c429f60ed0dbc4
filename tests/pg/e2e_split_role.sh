# A role that is no superuser and does not own the table, but belongs to its owner, splits it; the application goes on with
# its own rights, and defaults of roles and privileges do not get into the new table.
. "$FIRN_SRC/tests/lib/e2e_common.sh"

fresh_db
e2e_tables 4 40
OWNER=firn_owner_$$ ROLE=firn_role_$$ APP=firn_app_$$
sql "CREATE ROLE $OWNER; CREATE ROLE $ROLE LOGIN IN ROLE $OWNER; CREATE ROLE $APP LOGIN"
at_exit psql -X -q -d "$DB" -c "DROP OWNED BY $OWNER, $ROLE, $APP CASCADE; DROP ROLE $OWNER, $ROLE, $APP"
sql "
	DO \$\$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO $ROLE', current_database()); END \$\$;
	GRANT USAGE, CREATE ON SCHEMA public TO $OWNER; GRANT USAGE ON SCHEMA public TO $APP;
	ALTER TABLE document OWNER TO $OWNER; ALTER TABLE document_chunk OWNER TO $OWNER; ALTER TABLE workspace_index_state OWNER TO $OWNER;
	ALTER TABLE document_chunk_p0 OWNER TO $OWNER; ALTER TABLE document_chunk_p1 OWNER TO $OWNER;
	ALTER TABLE document_chunk_p2 OWNER TO $OWNER; ALTER TABLE document_chunk_p3 OWNER TO $OWNER;
	CREATE INDEX near ON document_chunk USING hnsw (embedding vector_cosine_ops);
	GRANT SELECT, INSERT, UPDATE, DELETE ON document_chunk TO $APP; GRANT SELECT ON document TO $APP;
	ALTER ROLE $ROLE SET default_transaction_isolation = 'serializable';
	ALTER DEFAULT PRIVILEGES FOR ROLE $ROLE GRANT SELECT ON TABLES TO PUBLIC"
owned() { sql "SELECT string_agg(DISTINCT relkind::text || pg_get_userbyid(relowner) || coalesce(relacl, acldefault('r', relowner))::text, E'\n') FROM pg_class
	WHERE relname ~ '^(document_chunk|near)' AND relnamespace = 'public'::regnamespace AND relkind IN ('p', 'r')"; }
OWNED=$(owned)
ALL=$(e2e_digest)
as() { case $DB in *\?*) echo "$DB&user=$1" ;; *) echo "$DB?user=$1" ;; esac; }
e2e_env "$(e2e_file_archive)"
FIRN_DATABASE=$(as "$ROLE")
export FIRN_DATABASE
exits "init as a role" 0 "$FIRN" init
exits "a pass" 0 "$FIRN" pass
HOT=$(e2e_digest)

exits "a split that dies" 70 env FIRN_FAULT=split.after_copy=error "$FIRN" partitions split --count 3
as_app() { psql -X -q -v ON_ERROR_STOP=1 -d "$(as "$APP")" -c "$1"; }
ok "the application writes meanwhile" as_app "UPDATE document_chunk SET rev = rev + 1 WHERE workspace_id = 'w4'"
ok "and again" as_app "UPDATE document_chunk SET rev = rev - 1 WHERE workspace_id = 'w4'"
not_ok "but not into the record of changes" as_app "DELETE FROM firn_old_1.firn_changes"
exits "goes on" 0 "$FIRN" partitions split --count 3
is "with every row" "$(e2e_digest)" "$HOT"
is "owners and grants are what they were" "$(owned)" "$OWNED"
ok "the application writes" as_app "UPDATE document_chunk SET rev = rev WHERE workspace_id = 'w4'"
exits "the old table goes" 0 "$FIRN" partitions split --drop-old --confirm
exits "cold rows come back" 0 "$FIRN" rehydrate --where-cold all
is "all of them" "$(e2e_digest)" "$ALL"
exits "one that is taken back" 70 env FIRN_FAULT=split.after_copy=error "$FIRN" partitions split --count 2
exits "is" 0 "$FIRN" partitions split --rollback
is "without a trace" "$(sql "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'firn\__%'")" 0
sql "REVOKE $OWNER FROM $ROLE; GRANT ALL ON ALL TABLES IN SCHEMA public TO $ROLE"
exits "a role that may write but owns nothing" 78 "$FIRN" partitions split --count 2
like "is told so" "$ERR" "GRANT $OWNER TO $ROLE"
done_testing
