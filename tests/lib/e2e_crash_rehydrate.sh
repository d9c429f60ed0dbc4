# kill -9 of firn at every fault site of a rehydrate; source it with $archive set, for each archive a test of its own: they
# run at the same time.
fresh_db
e2e_tables 2 30
ROWS=$(hot_rows)
ALL=$(e2e_digest)
isnt "there are fault sites to walk" "$(fault_sites rehydrate.)" ""

kind=${archive%%:*}
e2e_env "$archive"
exits "$kind: init" 0 "$FIRN" init
for site in $(fault_sites rehydrate.) rehydrate.after_insert=kill:2 rehydrate.after_commit=kill:2; do
	exits "$kind: a pass" 0 "$FIRN" pass --segment-size 8KiB
	HOT=$(e2e_digest)
	is "$kind: moves what is superseded" "$(cold_rows)" 180
	killed_at "$site" "$kind: $site" "$FIRN" rehydrate --where-cold all
	e2e_check_accounted "$ROWS" "after $kind: $site"
	exits "$kind: $site: verify --deep is clean" 0 "$FIRN" verify --deep
	exits "$kind: $site: the next rehydrate" 0 "$FIRN" rehydrate --where-cold all
	is "$kind: $site: brings back every row, once" "$(e2e_digest)" "$ALL"
	is "$kind: $site: nothing is cold" "$(cold_rows)" 0
	recovered "$kind: $site"
done
done_testing
