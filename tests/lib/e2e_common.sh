# What end-to-end and crash tests share beyond tests/lib/firn.sh; source it instead of that.
#
#     e2e_env ARCHIVE           export FIRN_* so that "firn pass" needs no options; the policy is $T/policy.yaml
#     e2e_file_archive          print a file:// URI of a fresh folder
#     e2e_tables LEAVES DOCS    document, document_chunk (LEAVES 0: a plain table), workspace_index_state: workspaces
#                               w1..w4 with DOCS documents each; two chunks of v1 each, and of v2 in w1 to w3, whose
#                               active version that is: 6 * DOCS rows are superseded, 8 * DOCS are not
#     e2e_digest [TABLE] [KEY]  SHA-256 of all rows as COPY BINARY, in the order of KEY
#     json PATH                 the value at PATH ({a,b}) of the JSON document in $OUT
#     json_of DOC PATH          the same of another document
#     cold_rows                 rows that the catalog says are cold
#     hot_rows [TABLE]
#     objects                   keys in the archive but the marker and turns, sorted, as the archive itself lists them
#     referenced                keys of active segments, sorted, as the catalog has them
#     e2e_only_priors           after init: the cost model learns nothing
#     e2e_key FILE              a fresh master key in it, that only its owner can read
#     relay NAME MODE ARGS...   tests/lib/relay.py in the background: its port in $T/NAME.port, its log in $T/NAME.log
#     e2e_check_accounted N W   one assertion: hot and cold rows together are N; W says when

. "$FIRN_SRC/tests/lib/firn.sh"

e2e_env() {
	printf '%s\n' 'rules:' '  - name: superseded' '    match: { superseded: { grace: 0s } }' '    archive: {}' \
		'limits: { min_residency: 0s }' >"$T/policy.yaml"
	export FIRN_DATABASE=$DB FIRN_ARCHIVE=$1 FIRN_POLICY=$T/policy.yaml FIRN_TABLE=${2-public.document_chunk}
	export FIRN_CACHE_DIR=$T/cache
	case $1 in s3://*) export "${S3_ENV[@]}" ;; esac
}

e2e_file_archive() {
	local dir
	dir=$(mktemp -d "$T/archive.XXXXXX")
	echo "file://$dir"
}

e2e_tables() {
	local leaves=$1 docs=$2 i
	sql "
		CREATE TABLE document (id uuid PRIMARY KEY, workspace_id text NOT NULL, title text NOT NULL);
		CREATE TABLE document_chunk (
			id uuid NOT NULL,
			document_id uuid NOT NULL REFERENCES document (id),
			workspace_id text NOT NULL,
			chunk_index int NOT NULL,
			chunk_text text,
			embedding vector(16),
			embedding_version text NOT NULL,
			created_at timestamptz NOT NULL,
			rev int NOT NULL DEFAULT 0,
			PRIMARY KEY (workspace_id, id)
		) $([ "$leaves" = 0 ] || echo 'PARTITION BY HASH (workspace_id)');
		CREATE TABLE workspace_index_state (
			workspace_id text PRIMARY KEY,
			active_embedding_version text NOT NULL,
			target_embedding_version text,
			updated_at timestamptz NOT NULL DEFAULT now()
		)" || return 1
	for ((i = 0; i < leaves; i++)); do
		sql "CREATE TABLE document_chunk_p$i PARTITION OF document_chunk
			FOR VALUES WITH (MODULUS $leaves, REMAINDER $i)" || return 1
	done
	sql "
		INSERT INTO document SELECT md5('d' || w || '-' || d)::uuid, 'w' || w, 'title ' || d
		FROM generate_series(1, 4) w, generate_series(1, $docs) d;
		INSERT INTO document_chunk
		SELECT md5('c' || w || '-' || d || '-' || c || '-' || v)::uuid, md5('d' || w || '-' || d)::uuid, 'w' || w, c,
			CASE WHEN d % 17 = 0 THEN NULL WHEN d % 19 = 0 THEN '' ELSE
				repeat(md5('t' || d || c) || ' firn ', 1 + d % 9) END,
			CASE WHEN d % 23 <> 0 THEN
				(SELECT array_agg((sin(w * 7919 + d * 104.729 + c * 13 + v * 3 + i))::real) FROM generate_series(1, 16) i)::vector
			END,
			'v' || v, timestamptz '2026-01-01 00:00:00+00' + d * interval '17 minutes'
		FROM generate_series(1, 4) w, generate_series(1, $docs) d, generate_series(0, 1) c, generate_series(1, 2) v
		WHERE v = 1 OR w <= 3;
		INSERT INTO workspace_index_state
		SELECT 'w' || w, CASE WHEN w <= 3 THEN 'v2' ELSE 'v1' END, NULL, now() - interval '1 day'
		FROM generate_series(1, 4) w;
		ANALYZE"
}

e2e_digest() {
	psql -X -q -v ON_ERROR_STOP=1 -d "$DB" -c "COPY (SELECT * FROM ${1-document_chunk}
		ORDER BY ${2-workspace_id, id}) TO STDOUT (FORMAT BINARY)" | sha256sum | cut -d' ' -f1
}

json_of() {
	psql -X -q -A -t -v ON_ERROR_STOP=1 -d "$DB" -v doc="$1" -v path="$2" <<<"SELECT :'doc'::jsonb #>> :'path'"
}
json() { json_of "$OUT" "$1"; }

e2e_key() { (umask 077; od -An -v -N32 -tx1 /dev/urandom | tr -d ' \n' >"$1"); }

hot_rows() { sql "SELECT count(*) FROM ${1-document_chunk}"; }
cold_rows() { sql "SELECT coalesce(sum(rows_live), 0) FROM firn.segment WHERE state = 'active'"; }

# What this server shows is not kept: the cost model chooses by its priors, whatever else the machine does meanwhile.
e2e_only_priors() { sql "CREATE RULE forget AS ON INSERT TO firn.maintenance_log DO INSTEAD NOTHING"; }

e2e_check_accounted() { is "hot and cold rows are all there $2" "$(($(hot_rows) + $(cold_rows)))" "$1"; }

objects() { all_objects | grep -vE '/firn-archive\.txt$|^[^/]*/turn/' || true; }

all_objects() {
	local bucket prefix page
	case $FIRN_ARCHIVE in
	file://*) (cd "${FIRN_ARCHIVE#file://}" && find . -type f | sed 's,^\./,,' | LC_ALL=C sort) ;;
	s3://*)
		bucket=${FIRN_ARCHIVE#s3://}
		prefix=${bucket#*/}
		bucket=${bucket%%/*}
		# Where a page is not enough the test made far more objects than it meant to.
		page=$(curl -sS --fail -m 60 --user "$FIRN_TEST_S3_KEY:$FIRN_TEST_S3_SECRET" \
			--aws-sigv4 "aws:amz:$FIRN_TEST_S3_REGION:s3" -H 'x-amz-content-sha256: UNSIGNED-PAYLOAD' \
			"$FIRN_TEST_S3_ENDPOINT/$bucket?list-type=2&prefix=$prefix") || return 1
		case $page in *'<IsTruncated>true'*) return 1 ;; esac
		printf '%s' "$page" | grep -o '<Key>[^<]*' | sed "s,^<Key>$prefix/,," | LC_ALL=C sort
		;;
	esac
}

referenced() {
	sql "SELECT k FROM firn.segment, unnest(ARRAY[object_key, index_key]) k WHERE state = 'active'" | LC_ALL=C sort
}

relay() {
	local name=$1 mode=$2
	shift 2
	: >"$T/$name.log"
	/usr/bin/python3 "$FIRN_SRC/tests/lib/relay.py" "$mode" "$T/$name.log" "$@" >"$T/$name.port" 2>"$T/$name.err" &
	poll_until 20 test -s "$T/$name.port" || { cat "$T/$name.err" >&2; exit 1; }
}
