# A copy of the database knows the same archive: it may look and bring rows back, but of the two only the one whose turn
# it is moves and removes, until an operator decides.
. "$FIRN_SRC/tests/lib/e2e_common.sh"

fresh_db
e2e_tables 2 20
e2e_env "$(e2e_file_archive)"
ORIGINAL=$DB CLONE=${DB_NAME}_clone
at_exit psql -X -q -d "$FIRN_TEST_PG_URI" -c "DROP DATABASE IF EXISTS $CLONE WITH (FORCE)"
on_original() { DB=$ORIGINAL FIRN_DATABASE=$ORIGINAL; }
on_clone() { DB=${FIRN_TEST_PG_URI%/*}/$CLONE FIRN_DATABASE=$DB; }
clone() {
	psql -X -q -v ON_ERROR_STOP=1 -d "$FIRN_TEST_PG_URI" -c "DROP DATABASE IF EXISTS $CLONE WITH (FORCE)" \
		-c "CREATE DATABASE $CLONE TEMPLATE $DB_NAME"
}
turns() { all_objects | grep -c '/turn/'; }

ALL=$(e2e_digest)
exits "init" 0 "$FIRN" init
exits "a pass" 0 "$FIRN" pass --segment-size 8KiB --format json
is "moves what is superseded" "$(json '{rows_moved}')" 120
exits "and another" 0 "$FIRN" pass
is "leave one turn in the archive" "$(turns)" 1
ok "a copy is made" clone

# --- the original goes on ------------------------------------------------------------------------------------------
exits "the original's next pass" 0 "$FIRN" pass
on_clone
exits "the copy may look" 0 "$FIRN" verify --deep
exits "and is told by doctor" 78 "$FIRN" doctor
like "what is wrong" "$OUT" 'another copy of this database works with archive'
exits "it brings rows back" 0 "$FIRN" rehydrate --where-cold all
is "all of them" "$(e2e_digest)" "$ALL"
before=$(objects)
exits "and lists what it gave up" 0 "$FIRN" gc --horizon 0s --format json
isnt "which is much" "$(json '{removable_bytes}')" 0
exits "but must not remove it" 78 "$FIRN" gc --horizon 0s --confirm --orphans
like "and is told why" "$ERR" 'another copy of this database works with archive .* this one has come to turn'
like "and what to do" "$ERR" 'init --take-over'
exits "nor move rows" 78 "$FIRN" pass
is "which are hot" "$(e2e_digest)" "$ALL"
exits "init refuses, too" 78 "$FIRN" init
is "nothing changed in the archive" "$(objects)" "$before"
on_original
exits "the original has all" 0 "$FIRN" verify --deep

# --- the copy takes the original's place ----------------------------------------------------------------------------
on_clone
exits "take over" 0 "$FIRN" init --take-over
exits "has the copy pass" 0 "$FIRN" pass --format json
is "all that is due" "$(json '{rows_moved}')" 120
is "one turn is left" "$(turns)" 1
on_original
hot=$(e2e_digest)
exits "the original's turn is over" 78 "$FIRN" pass
is "nothing of it moved" "$(e2e_digest)" "$hot"
exits "its rows come back" 0 "$FIRN" rehydrate --where-cold all
is "every one" "$(e2e_digest)" "$ALL"
exits "it may take over again" 0 "$FIRN" init --take-over
exits "and pass" 0 "$FIRN" pass
exits "gc knows that turns are no garbage" 0 "$FIRN" gc --horizon 0s --confirm --orphans --format json
is "one is left" "$(turns)" 1

# --- both at the same turn -------------------------------------------------------------------------------------------
ok "another copy" clone
on_clone
exits "whose pass comes first" 0 "$FIRN" pass
on_original
exits "has the original's refused" 78 "$FIRN" pass
exits "until it takes over" 0 "$FIRN" init --take-over
exits "and goes on" 0 "$FIRN" pass
exits "with all that is cold" 0 "$FIRN" verify --deep

# --- turns that are none, and turns that cannot be removed -----------------------------------------------------------
folder=$(dirname "$(all_objects | grep '/turn/')")
touch "${FIRN_ARCHIVE#file://}/$folder/whatever" "${FIRN_ARCHIVE#file://}/$folder/9999999999999999999x-$(sed 1q /proc/sys/kernel/random/uuid)"
exits "other names there are no turns" 0 "$FIRN" pass
done_testing
