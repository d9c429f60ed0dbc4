# kill -9 of firn at every fault site of a pass; source it with $archive set, for each archive a test of its own: they
# run at the same time.
fresh_db
e2e_tables 2 30
ROWS=$(hot_rows)
ALL=$(e2e_digest)
isnt "there are fault sites to walk" "$(fault_sites move.)" ""

kind=${archive%%:*}
e2e_env "$archive"
exits "$kind: init" 0 "$FIRN" init
exits "$kind: a pass that nothing disturbs" 0 "$FIRN" pass --segment-size 8KiB --format json
is "$kind: moves what is superseded" "$(json '{rows_moved}')" 180
ok "$kind: in more segments than there are leaves" [ "$(json '{segments}')" -gt 2 ]
HOT=$(e2e_digest)
exits "$kind: which comes back" 0 "$FIRN" rehydrate --where-cold all
is "$kind: bit for bit" "$(e2e_digest)" "$ALL"
for site in $(fault_sites move.); do
	killed_at "$site" "$kind: $site" "$FIRN" pass --segment-size 8KiB
	recovered "$kind: $site"
done
# With one segment moved before, which one job makes sure of.
for site in move.after_upload move.after_delete; do
	killed_at "$site=kill:2" "$kind: $site of the second segment" "$FIRN" pass --jobs 1 --segment-size 8KiB
	isnt "$kind: the first was moved" "$(cold_rows)" 0
	recovered "$kind: $site of the second segment"
done
done_testing
