# Storage classes: segments move on by age, and come back from classes that must be restored first. Ceph keeps the classes;
# what Amazon's frozen ones add is done by a relay before it.
. "$FIRN_SRC/tests/lib/e2e_common.sh"

fresh_db
e2e_tables 2 1200
relay glacier glacier "${FIRN_TEST_S3_ENDPOINT##*:}" "$T/thawed"
e2e_env "$(s3_archive)"
cat >"$T/policy.yaml" <<'END'
rules:
  - name: old
    match: { superseded: { grace: 0s } }
    archive:
      storage_class: STANDARD_IA
      transitions:
        - { after: 31d, storage_class: GLACIER_IR }
        - { after: 365d, storage_class: GLACIER }
limits: { min_residency: 0s }
END
FIRN_S3_ENDPOINT=http://127.0.0.1:$(cat "$T/glacier.port")
export FIRN_S3_ENDPOINT
older() { sql "UPDATE firn.segment SET created_at = created_at - interval '$1', storage_class_since = storage_class_since - interval '$1'"; }
classes() { sql "SELECT string_agg(DISTINCT coalesce(storage_class, 'none'), ' ') FROM firn.segment WHERE state = 'active'"; }

ALL=$(e2e_digest)
ROWS=$(hot_rows)
exits "init" 0 "$FIRN" init
exits "a pass to STANDARD_IA" 0 "$FIRN" pass --no-maintain
is "which is what the catalog says" "$(classes)" "STANDARD_IA"
SEGMENTS=$(sql "SELECT count(*) FROM firn.segment WHERE state = 'active'")

# ---- moving on ----
exits "nothing is due at first" 0 "$FIRN" transition
like "which is said" "$OUT" "nothing is due to move on"
older "40 days"
exits "a dry run" 0 "$FIRN" transition --dry-run
like "says what is due" "$OUT" "old +40d.* STANDARD_IA +GLACIER_IR +due"
is "and moves nothing" "$(classes)" "STANDARD_IA"
exits "what is due moves on" 0 "$FIRN" transition --format json
is "all of it" "$(classes) $(json '{segments,0,moved}')" "GLACIER_IR true"
exits "once" 0 "$FIRN" transition --format json
is "nothing is left to do" "$(json '{segments}')" "[]"
exits "the objects are as they were" 0 "$FIRN" verify --deep
older "330 days"
sql "UPDATE firn.segment SET storage_class_since = now() - interval '60 days'"
exits "days that are billed at least are waited for" 0 "$FIRN" transition
like "and shown" "$OUT" "GLACIER_IR is billed for at least 90 days: it moves on in (29|30)d"
is "there nothing moves" "$(classes)" "GLACIER_IR"
sql "UPDATE firn.segment SET storage_class_since = now() - interval '100 days'"
exits "a pass moves on, too" 0 "$FIRN" pass --format json
is "to GLACIER" "$(classes) $(json '{segments_moved_on}')" "GLACIER $SEGMENTS"

# ---- coming back ----
exits "verify cannot read them" 0 "$FIRN" verify --deep --format json
is "says so, and finds no damage" "$(json '{segments_frozen}') $(json '{problems}')" "$SEGMENTS []"
exits "a dry run of the way back" 0 "$FIRN" rehydrate --where-cold all --dry-run
like "counts" "$OUT" "^[1-9].* cold rows in $SEGMENTS segments would be brought back"
is "and asks for nothing" "$(wc -l <"$T/glacier.log")" 0
exits "a rehydrate" 75 "$FIRN" rehydrate --where-cold all --restore-tier bulk --restore-days 3
like "says until when" "$OUT" "is in GLACIER: its restore was asked for, which takes up to 12 hours"
is "asks for each segment's restore" "$(grep -c '<Days>3</Days>.*<Tier>Bulk</Tier>' "$T/glacier.log")" "$SEGMENTS"
exits "called again" 75 "$FIRN" rehydrate --where-cold all --format json
is "it does not ask again" "$(wc -l <"$T/glacier.log") $(json '{segments_frozen}')" "$SEGMENTS $SEGMENTS"
is "nothing came back" "$(hot_rows)" "$((ROWS - $(cold_rows)))"
exits "a rollback is put off as well" 75 "$FIRN" versions rollback --workspace w1 --to v1
is "and flips nothing" "$(sql "SELECT active_embedding_version FROM workspace_index_state WHERE workspace_id = 'w1'")" v2
exits "promote gives it up" 0 "$FIRN" versions promote --workspace w1 --to v2
( poll_until 60 grep -q 'waiting for the restore' "$T/wait.err" && touch "$T/thawed" ) &
"$FIRN" rehydrate --where-cold all --wait --restore-poll 1s >"$T/wait.out" 2>"$T/wait.err" </dev/null
is "--wait goes on when they are there" "$? $(e2e_digest)" "0 $ALL"
wait %+ 2>/dev/null

# ---- rules of the bucket ----
exits "rules of the bucket need tags" 78 "$FIRN" transition --lifecycle-json
like "which is said" "$ERR" "object_tags"
printf 's3: { object_tags: true }\n' >"$T/firn.yaml"
exits "with them they are printed" 0 "$FIRN" -c "$T/firn.yaml" transition --lifecycle-json
is "by rule" "$(json '{Rules,0,Filter,And,Tags,0,Value}') $(json '{Rules,0,Transitions,1,Days}') $(json '{Rules,0,Transitions,1,StorageClass}')" "old 365 GLACIER"
exits "a pass writes the tags" 0 "$FIRN" -c "$T/firn.yaml" pass --no-maintain
KEY=$(sql "SELECT object_key FROM firn.segment WHERE state = 'active' LIMIT 1")
is "of segments" "$(/usr/bin/python3 "$FIRN_SRC/tests/lib/other_client.py" tags "$FIRN_TEST_S3_BUCKET" "${FIRN_ARCHIVE#s3://*/}/$KEY")" "firn-rule=old"

# ---- what the bucket did by itself is noticed ----
sql "UPDATE firn.segment SET storage_class = 'STANDARD_IA', storage_class_since = NULL, created_at = now() - interval '400 days' WHERE state = 'active'"
exits "objects that are somewhere else" 0 "$FIRN" transition --format json
is "are looked at first" "$(classes)" "GLACIER"
sql "UPDATE firn.segment SET storage_class = 'STANDARD_IA' WHERE state = 'active'"
rm "$T/thawed"
exits "and a frozen one that the catalog takes for readable is restored" 75 "$FIRN" rehydrate --where-cold all
done_testing
