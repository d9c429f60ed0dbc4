# firn forget: what is cold of a workspace is gone when its key is, and nothing else is; killed anywhere, the same command
# ends where an undisturbed one does.
. "$FIRN_SRC/tests/lib/e2e_common.sh"
. "$FIRN_SRC/tests/lib/e2e_crash.sh"

fresh_db
e2e_tables 1 60
e2e_env "$(e2e_file_archive)"
(umask 077 && openssl rand -hex 32 >"$T/key")
printf 'encryption: { key_file: %s }\n' "$T/key" >"$T/firn.yaml"
export FIRN_CONFIG=$T/firn.yaml
others() { sql "SELECT md5(string_agg(md5(c::text), '' ORDER BY id)) FROM document_chunk c WHERE workspace_id <> '$1'"; }
keys() { sql "SELECT count(*) FROM firn.workspace_key"; }
live_of() { sql "SELECT coalesce(sum(w.rows_live), 0) FROM firn.segment_workspace w JOIN firn.segment s ON s.id = w.segment_id
	WHERE s.state = 'active' AND w.workspace = '$1'"; }
printf 'rules: [{ name: all, match: { workspace: "*" }, archive: {} }]\nlimits: { min_residency: 0s }\n' >"$T/policy.yaml"
exits "init" 0 "$FIRN" init
OTHERS=$(others w2)
exits "a pass, in several segments" 0 "$FIRN" pass --no-maintain --segment-size 16KiB
is "everything is cold" "$(hot_rows)" 0
COLD=$(cold_rows)
GONE=$(live_of w2)
KEYS=$(keys)

exits "looking" 0 "$FIRN" forget --workspace w2
like "says what there is" "$OUT" "workspace \"w2\" of public.document_chunk: 0 hot rows, $GONE cold rows in [0-9]+ segments$"
is "and does nothing" "$(live_of w2) $(keys)" "$GONE $KEYS"
SITES=$(fault_sites forget.)
for site in $SITES; do
	killed_at "$site" "$site" "$FIRN" forget --workspace w2 --confirm
	exits "$site: what is left can be read" 0 "$FIRN" verify --deep
done
is "the key was the last to go" "$(live_of w2) $(keys)" "0 $((KEYS - 1))"
exits "the same again" 0 "$FIRN" forget --workspace w2 --confirm
like "has nothing to do" "$OUT" "it had no key"
is "nothing else is given up" "$(cold_rows)" "$((COLD - GONE))"
exits "verify" 0 "$FIRN" verify --deep
exits "everything that there is comes back" 0 "$FIRN" rehydrate --where-cold all
is "of the others, bit for bit" "$(others w2) $(sql "SELECT count(*) FROM document_chunk WHERE workspace_id = 'w2'")" "$OTHERS 0"
exits "no selection finds what is gone" 0 "$FIRN" rehydrate --workspace w2 --format json
is "in any segment" "$(json '{rows_matched}')" 0

exits "looking at a workspace with hot rows" 0 "$FIRN" forget --workspace w1
like "says that more would be refused, and why" "$OUT" \
	'^nothing was done, and --confirm would be refused: workspace "w1" has [0-9]+ hot rows\. Delete them first'
exits "a workspace with hot rows" 78 "$FIRN" forget --workspace w1 --confirm
like "is refused" "$ERR" "workspace \"w1\" has [0-9]+ hot rows"
exits "no workspace" 64 "$FIRN" forget --confirm

# ---- what was never encrypted cannot be forgotten this way ----
printf '{}\n' >"$T/plain.yaml"
exits "a pass without encryption" 0 env FIRN_CONFIG="$T/plain.yaml" "$FIRN" pass --no-maintain
exits "looking at it" 0 "$FIRN" forget --workspace w3 --format json
like "says what would refuse it" "$(json '{refused}')" 'segments with rows of workspace "w3" are not encrypted'
exits "there destroying the key would change nothing" 78 "$FIRN" forget --workspace w3 --confirm
like "which is said" "$ERR" "segments with rows of workspace \"w3\" are not encrypted"
is "and its rows stay" "$(hot_rows)" 0
exits "all of them" 0 "$FIRN" rehydrate --where-cold all
is "as they were" "$(others w2)" "$OTHERS"
done_testing
