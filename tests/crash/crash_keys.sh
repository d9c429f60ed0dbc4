# kill -9 at every fault site of keys rotate: every key opens with one of the two master keys, and the same command run
# again ends where an undisturbed one does. And a pass that dies with encryption on.
. "$FIRN_SRC/tests/lib/e2e_common.sh"
. "$FIRN_SRC/tests/lib/e2e_crash.sh"

fresh_db
e2e_tables 2 30
e2e_env "$(e2e_file_archive)"
ALL=$(e2e_digest)
ROWS=$(hot_rows)
configure() { printf 'encryption: { key_file: %s }\n' "$1" >"$T/firn.yaml"; }
export FIRN_CONFIG=$T/firn.yaml
e2e_key "$T/first"
configure first
exits "init" 0 "$FIRN" init

for site in move.after_intent move.after_upload move.after_verify move.before_commit move.after_commit; do
	killed_at "$site" "$site" "$FIRN" pass
	e2e_check_accounted "$ROWS" "after $site"
	rm -rf "$T/cache"
	exits "$site: what is cold comes back" 0 "$FIRN" rehydrate --where-cold all
	is "$site: as it was" "$(e2e_digest)" "$ALL"
done
exits "a pass" 0 "$FIRN" pass
ok "moves rows" [ "$(cold_rows)" -gt 0 ]

now=first
for site in $(fault_sites keys.); do
	e2e_key "$T/$site"
	killed_at "$site" "$site" "$FIRN" keys rotate --new-key-file "$T/$site"
	case $site in *before*) left=$now ;; *) left=$site ;; esac
	configure "$left"
	rm -rf "$T/cache"
	exits "$site: all opens with one key" 0 "$FIRN" keys status
	exits "$site: and so does every row" 0 "$FIRN" verify --deep
	exits "$site: the same again" 0 "$FIRN" keys rotate --new-key-file "$T/$site"
	now=$site
	configure "$now"
	exits "$site: all opens with the new key" 0 "$FIRN" keys status --format json
	is "$site: and only that one is needed" "$(json '{master_keys,1}')" ""
	exits "$site: rows come back" 0 "$FIRN" rehydrate --where-cold all
	is "$site: as they were" "$(e2e_digest)" "$ALL"
	exits "$site: and go" 0 "$FIRN" pass
done
e2e_check_accounted "$ROWS" "in the end"
done_testing
