# kill -9 of firn while a segment moves to another storage class: its object is whole, in one class or the other, and the
# same command ends where an undisturbed one does.
. "$FIRN_SRC/tests/lib/e2e_common.sh"
. "$FIRN_SRC/tests/lib/e2e_crash.sh"

fresh_db
e2e_tables 1 1200
e2e_env "$(s3_archive)"
cat >"$T/policy.yaml" <<'END'
rules:
  - name: old
    match: { superseded: { grace: 0s } }
    archive: { transitions: [ { after: 1d, storage_class: STANDARD_IA } ] }
limits: { min_residency: 0s }
END
ALL=$(e2e_digest)
exits "init" 0 "$FIRN" init
exits "a pass" 0 "$FIRN" pass --no-maintain
sql "UPDATE firn.segment SET created_at = created_at - interval '2 days'"
classes() { sql "SELECT string_agg(DISTINCT coalesce(storage_class, 'none'), ' ') FROM firn.segment WHERE state = 'active'"; }
for site in $(fault_sites transition.); do
	killed_at "$site" "$site" "$FIRN" transition
	is "$site: the catalog says what it was" "$(classes)" none
	exits "$site: every row can be read" 0 "$FIRN" verify --deep
done
exits "the same again" 0 "$FIRN" transition
is "moves it on" "$(classes)" STANDARD_IA
exits "whole" 0 "$FIRN" verify --deep
exits "everything comes back" 0 "$FIRN" rehydrate --where-cold all
is "as it was" "$(e2e_digest)" "$ALL"
done_testing
