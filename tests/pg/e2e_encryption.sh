# Encrypted segments: what is archived tells nothing but sizes, and opens with the right keys only.
. "$FIRN_SRC/tests/lib/e2e_common.sh"

config() { # LINES of encryption:
	printf '%s\n' 'encryption:' "$@" >"$T/firn.yaml"
	export FIRN_CONFIG=$T/firn.yaml
}
sealed() { sql "SELECT count(*) FROM firn.segment WHERE state = 'active' AND format_version = 2"; }
# The content of every object, by whatever way.
archived() {
	case $FIRN_ARCHIVE in
	file://*) find "${FIRN_ARCHIVE#file://}" -type f -not -name firn-archive.txt -exec cat {} + ;;
	s3://*)
		local key bucket=${FIRN_ARCHIVE#s3://}
		objects | while read -r key; do
			/usr/bin/python3 "$FIRN_SRC/tests/lib/other_client.py" get "${bucket%%/*}" "${bucket#*/}/$key" "$T/object" &&
				cat "$T/object"
		done
		;;
	esac
}
# Words that rows, names of columns, workspaces and versions have. They are in what is not encrypted, or the search is none.
WORDS='acme-tenant|telling-version|embedding_version|chunk_text|timestamptz|firn text'
words_found() { archived | grep -a -o -E "$WORDS" | sort -u | wc -l; }

round() { # ARCHIVE
	fresh_db
	e2e_tables 2 40
	sql "UPDATE document_chunk SET chunk_text = 'firn text of ' || id;
		ALTER TABLE document_chunk DROP CONSTRAINT document_chunk_document_id_fkey;
		UPDATE document_chunk SET workspace_id = 'acme-tenant-' || workspace_id,
			embedding_version = 'telling-version-' || embedding_version;
		UPDATE workspace_index_state SET workspace_id = 'acme-tenant-' || workspace_id,
			active_embedding_version = 'telling-version-' || active_embedding_version"
	e2e_env "$1"
	ALL=$(e2e_digest)
	unset FIRN_CONFIG
	exits "init" 0 "$FIRN" init
	exits "a pass without encryption" 0 "$FIRN" pass --max-rows 50
	ok "leaves words in the archive" [ "$(words_found)" -gt 3 ]
	exits "all comes back" 0 "$FIRN" rehydrate --where-cold all
	exits "and nothing stays" 0 "$FIRN" gc --confirm --horizon 0s

	e2e_key "$T/key"
	config "  key_file: key"
	exits "a pass with a key file" 0 "$FIRN" pass
	COLD=$(cold_rows)
	ok "moves rows" [ "$COLD" -gt 100 ]
	ok "into encrypted segments" [ "$(sealed)" -gt 0 ]
	is "no word of the rows, columns, workspaces or versions is in the archive" "$(words_found)" 0
	DUMP=$(sql "SET xmlbinary = hex; SELECT schema_to_xml('firn', true, true, '')")
	like "the catalog has the id of the key" "$DUMP" "$(sql "SELECT upper(encode(key_id, 'hex')) FROM firn.master_key")"
	is "and not the key" "$(grep -c -i "$(cat "$T/key")" <<<"$DUMP")" 0
	is "each workspace has a key, and the table" "$(sql "SELECT count(*) FROM firn.workspace_key")" 4
	exits "verify" 0 "$FIRN" verify --deep
	rm -rf "$T/cache"
	exits "one workspace comes back by ranges" 0 "$FIRN" rehydrate --workspace acme-tenant-w2 --format json
	ok "and not more than its share is fetched" [ "$(json '{bytes_fetched}')" -lt \
		"$(sql "SELECT sum(bytes + index_bytes) FROM firn.segment WHERE state = 'active'")" ]
	ok "rows are hot again" [ "$(cold_rows)" -lt "$COLD" ]
	is "the cache has no word either" "$(cat "$T"/cache/index/* | grep -a -c -E "$WORDS")" 0
	e2e_check_accounted 560 "then"
}

round "$(s3_archive)"
round "$(e2e_file_archive)"

# ---- keys that are missing, wrong, or can be read by others ----
nothing_happened() { is "$1: nothing is moved or comes back" "$(hot_rows) $(cold_rows)" "$STATE"; }
STATE="$(hot_rows) $(cold_rows)"
ID=$(psql -X -q -A -t -d "$DB" -c "SELECT encode(key_id, 'hex') FROM firn.master_key")

unset FIRN_CONFIG
rm -rf "$T/cache"
exits "without a key rows do not come back" 78 "$FIRN" rehydrate --where-cold all
like "and the key that is wanted is named" "$ERR" "master key $ID is not configured"
like "with where to set it" "$ERR" 'hint: .*encryption.key_file'
exits "verify says the same" 78 "$FIRN" verify
nothing_happened "without a key"

e2e_key "$T/other"
config "  key_file: other"
for what in "rehydrate --where-cold all" pass plan verify; do
	# shellcheck disable=SC2086 # words
	exits "with another key $what is refused" 78 "$FIRN" $what
	like "and both are named" "$ERR" "master key( is)? $ID, and the one that is configured is [0-9a-f]{32}"
done
nothing_happened "with another key"

config "  key_file: key"
chmod 640 "$T/key"
for what in plan pass "rehydrate --where-cold all"; do
	# shellcheck disable=SC2086 # words
	exits "a key file that others can read: $what is refused" 78 "$FIRN" $what
	like "with what to do" "$ERR" 'hint: Run: chmod 600'
done
chmod 600 "$T/key"
mv "$T/key" "$T/away"
exits "a key file that is not there: a pass is refused" 78 "$FIRN" pass
mv "$T/away" "$T/key"
nothing_happened "without a readable key"

# ---- a command gives it ----
config "  key_command: cat $T/key"
exits "a pass by a command's key" 0 "$FIRN" pass -vv
unlike "does not show it" "$ERR$OUT" "$(cat "$T/key")"
printf '#!/bin/sh\necho shown-by-mistake\nexit 1\n' >"$T/fails"
chmod 700 "$T/fails"
config "  key_command: $T/fails"
exits "a command that fails" 78 "$FIRN" pass -vv
unlike "is not shown either" "$ERR$OUT" shown-by-mistake

# ---- both kinds of segments side by side ----
config "  key_file: key"
exits "a workspace comes back" 0 "$FIRN" rehydrate --workspace acme-tenant-w1
unset FIRN_CONFIG
exits "a pass without encryption" 0 "$FIRN" pass
ok "beside encrypted segments" [ "$(sealed)" -gt 0 ]
config "  key_file: key"
exits "verify reads both" 0 "$FIRN" verify --deep
like "and says how many are not encrypted" "$OUT" '^[1-9][0-9]* segments? (is|are) not encrypted'
exits "status" 0 "$FIRN" status
like "says it, too" "$OUT" '^segments .*; [1-9][0-9]* not encrypted'
exits "and both come back" 0 "$FIRN" rehydrate --where-cold all
is "all rows are hot" "$(hot_rows) $(cold_rows)" "560 0"

# ---- another master key ----
exits "a pass" 0 "$FIRN" pass
COLD=$(cold_rows)
ok "moves rows" [ "$COLD" -gt 0 ]
BEFORE=$(objects)
exits "keys status" 0 "$FIRN" keys status --format json
is "knows the key that is configured, and what it wraps" \
	"$(json '{master_keys,0,id}') $(json '{master_keys,0,current}') $(json '{master_keys,0,tables}') $(json '{unopened}')" "$ID true 1 0"
exits "a new key that others can read is refused" 78 "$FIRN" keys rotate --new-key-file /etc/hostname
exits "one is asked for" 64 "$FIRN" keys rotate
e2e_key "$T/new"
KEYS=$(sql "SELECT count(*) FROM firn.workspace_key")
WRAPPED=$(sql "SELECT md5(string_agg(wrapped::text, ',' ORDER BY workspace)) FROM firn.workspace_key")
exits "keys rotate" 0 "$FIRN" keys rotate --new-key-file "$T/new" --format json
is "wraps all keys anew" "$(json '{rewrapped}')" "$KEYS"
NEW=$(json '{id}')
isnt "by a key of another id" "$NEW" "$ID"
isnt "in the catalog" "$(sql "SELECT md5(string_agg(wrapped::text, ',' ORDER BY workspace)) FROM firn.workspace_key")" "$WRAPPED"
is "and touches no object" "$(objects)" "$BEFORE"
rm -rf "$T/cache"
exits "with the old key nothing opens" 78 "$FIRN" verify --deep
like "the new one is named" "$ERR" "$NEW"
exits "nor does a pass begin" 78 "$FIRN" pass
exits "keys status says so" 78 "$FIRN" keys status
like "and shows it" "$OUT" "^$NEW +not configured"
config "  key_file: new"
exits "with the new one all does" 0 "$FIRN" verify --deep
exits "keys rotate again" 0 "$FIRN" keys rotate --new-key-file "$T/new" --format json
is "has nothing to do" "$(json '{rewrapped}')" 0
config "  key_file: new" "  old_key_file: key"
exits "the old one beside it does no harm" 0 "$FIRN" keys status
e2e_key "$T/third"
config "  key_file: third" "  old_key_file: new"
rm -rf "$T/cache"
exits "where the configuration was changed first, rows can be read" 0 "$FIRN" verify --deep
exits "but none are moved" 78 "$FIRN" pass
like "before the keys are rotated" "$ERR" 'hint: .*firn keys rotate'
exits "rotate by a command" 0 "$FIRN" keys rotate --new-key-command "cat $T/third"
config "  key_file: third"
exits "rows come back" 0 "$FIRN" rehydrate --where-cold all
is "all rows are hot again" "$(hot_rows) $(cold_rows)" "560 0"
exits "and go again" 0 "$FIRN" pass

# A pass that is under way when the key changes moves nothing that could not be opened.
exits "rows come back once more" 0 "$FIRN" rehydrate --where-cold all
e2e_key "$T/fourth"
exits "a pass whose master key is changed before it reads back" 78 \
	env FIRN_FAULT="move.after_index_upload=exec:'$FIRN' keys rotate --new-key-file '$T/fourth' >'$T/rotated' 2>&1" "$FIRN" pass --jobs 1
like "was changed" "$(cat "$T/rotated")" 'keys were wrapped anew'
is "it deleted nothing" "$(hot_rows) $(cold_rows)" "560 0"
config "  key_file: fourth"
exits "the next pass moves them" 0 "$FIRN" pass

# A key that is gone from the catalog is not made anew for what it sealed.
sql "DELETE FROM firn.workspace_key WHERE workspace <> '' AND ctid IN (SELECT min(ctid) FROM firn.workspace_key WHERE workspace <> '')"
rm -rf "$T/cache"
exits "a workspace whose key is gone is found by verify" 65 "$FIRN" verify --deep
like "in words" "$OUT" 'no key of a workspace'
exits "and does not come back" 65 "$FIRN" rehydrate --where-cold all
sql "UPDATE firn.workspace_key SET wrapped = set_byte(wrapped, 30, get_byte(wrapped, 30) # 1)"
exits "a wrapped key that was changed is refused" 65 "$FIRN" rehydrate --where-cold all
like "as damaged" "$ERR" 'a key of table .* in the catalog is damaged'
done_testing
