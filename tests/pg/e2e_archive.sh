# firn moves rows only to the archive where its others are: a folder that is not mounted, or another one, gets none.
. "$FIRN_SRC/tests/lib/e2e_common.sh"

fresh_db
e2e_tables 2 40
e2e_env "$(e2e_file_archive)"
FOLDER=${FIRN_ARCHIVE#file://}
rmdir "$FOLDER"
exits "init makes the archive's folder" 0 "$FIRN" init
MARKER=$(cd "$FOLDER" && echo */firn-archive.txt)
is "and marks it with this catalog's id" "$MARKER" "$(sql "SELECT id FROM firn.catalog")/firn-archive.txt"
ROWS=$(hot_rows)
ALL=$(e2e_digest)

# ---- before anything was moved ----
mv "$FOLDER" "$FOLDER.away"
exits "a pass while the folder is away" 69 "$FIRN" pass
like "asks whether it is mounted" "$ERR" "is not there.*Is it mounted|Is it mounted"
not_ok "and does not make another" [ -e "$FOLDER" ]
mkdir "$FOLDER"
exits "a pass over an empty mount point" 69 "$FIRN" pass
like "says which archive is not the one" "$ERR" "archive \"file://$FOLDER\" is not the one of this database"
is "moves nothing" "$(hot_rows) $(find "$FOLDER" -type f | wc -l)" "$ROWS 0"
exits "gc is refused as well" 69 "$FIRN" gc --confirm
rmdir "$FOLDER"
mv "$FOLDER.away" "$FOLDER"
printf 'rules: [{ name: one, match: { superseded: { grace: 0s }, workspace: [w1] }, archive: {} }]\n' >"$T/w1.yaml"
exits "once it is back a pass" 0 "$FIRN" pass --policy "$T/w1.yaml"
COLD=$(cold_rows)
ok "moves rows" [ "$COLD" -gt 0 ]
exits "gc takes the marker for no orphan" 0 "$FIRN" gc --confirm --orphans --horizon 0s --format json
is "and leaves it" "$(cd "$FOLDER" && ls "$MARKER") $(json '{items}')" "$MARKER []"

# ---- when rows are cold ----
mv "$FOLDER" "$FOLDER.away"
mkdir "$FOLDER"
exits "another pass over an empty mount point" 69 "$FIRN" pass
exits "init does not mark that either" 69 "$FIRN" init
like "since the cold rows are not there" "$ERR" "is not the one where this database's cold rows are"
sql "CREATE TABLE other_chunk (LIKE document_chunk INCLUDING ALL)"
exits "nor for another table, which has none" 69 "$FIRN" init --table other_chunk
is "nothing moved" "$(cold_rows) $(find "$FOLDER" -type f | wc -l)" "$COLD 0"
exits "a rehydrate" 69 "$FIRN" rehydrate --where-cold all
like "says the same" "$ERR" "is not the one where this database's cold rows are"
exits "and verify" 69 "$FIRN" verify
like "does" "$ERR" "is not the one where this database's cold rows are"
is "the rows stay cold" "$(cold_rows)" "$COLD"
rm -r "$FOLDER" # init looked whether it can write there
mv "$FOLDER.away" "$FOLDER"
exits "with the archive back verify is clean" 0 "$FIRN" verify --deep

# ---- the marker is lost, or never was ----
rm "$FOLDER/$MARKER"
exits "verify needs no marker where the rows are" 0 "$FIRN" verify --deep
exits "a pass without the marker" 69 "$FIRN" pass
like "says that init writes it" "$ERR" "\"firn init\" writes that object"
exits "which it does, as the cold rows are there" 0 "$FIRN" init
exits "so that a pass goes on" 0 "$FIRN" pass
exits "and everything comes back" 0 "$FIRN" rehydrate --where-cold all
is "bit for bit" "$(e2e_digest)" "$ALL"

# ---- another database's archive ----
mv "$FOLDER/${MARKER%/*}" "$FOLDER/00000000-0000-0000-0000-000000000000"
exits "an archive that another catalog marked" 69 "$FIRN" pass
exits "may be shared after init" 0 "$FIRN" init
exits "and then used" 0 "$FIRN" pass
done_testing
