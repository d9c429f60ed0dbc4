# The archive's disk, and that of the cache, when they are full, read-only, or not of the kind that is expected.
. "$FIRN_SRC/tests/lib/e2e_common.sh"

# Mounts of our own, which end with this shell and are seen by nobody else.
if [ -z "${E2E_DISK-}" ]; then
	unshare -m true 2>/dev/null || skip_all "this user cannot mount anything"
	exec env E2E_DISK=1 unshare -m bash "$0"
fi

fresh_db
e2e_tables 2 300
ARCHIVE=$(e2e_file_archive)
e2e_env "$ARCHIVE"
FOLDER=${ARCHIVE#file://}
mount -t tmpfs -o size=48k,mode=755 none "$FOLDER" || skip_all "there is no tmpfs"
room() { mount -o "remount,size=$1" "$FOLDER"; }
left() { find "$FOLDER" -type f ! -name firn-archive.txt ! -path '*/turn/*' | wc -l; }
exits "init" 0 "$FIRN" init
ALL=$(e2e_digest)

# ---- the archive is full ----
exits "a pass into an archive without room" 73 "$FIRN" pass
like "says so" "$ERR" "No space left on device"
like "and what to do" "$ERR" "room on the file system"
is "every row is hot or cold" "$(($(hot_rows) + $(cold_rows)))" "$(sql "SELECT count(*) FROM document_chunk")"
is "and unchanged" "$(e2e_digest)" "$ALL"
is "nothing half done is there" "$(find "$FOLDER" -name '.firn*' -type f)" ""
exits "verify --deep" 0 "$FIRN" verify --deep
room 8m
exits "with room the next pass" 0 "$FIRN" pass --format json
ok "moves them" [ "$(json '{rows_moved}')" -gt 0 ]
COLD=$(cold_rows)
exits "verify --deep" 0 "$FIRN" verify --deep
exits "gc" 0 "$FIRN" gc --confirm --horizon 0s
is "leaves the files of active segments alone" "$(left)" "$(sql "SELECT 2 * count(*) FROM firn.segment WHERE state = 'active'")"

# ---- the archive can only be read ----
mount -o remount,ro "$FOLDER"
for command in status "verify --deep" report "plan"; do
	# shellcheck disable=SC2086 # words
	exits "$command of an archive that can only be read" 0 "$FIRN" $command
done
exits "bringing rows back from it" 0 "$FIRN" rehydrate --where-cold all --format json
is "brings them all" "$(json '{rows}')" "$COLD"
is "bit for bit" "$(e2e_digest)" "$ALL"
sql "UPDATE firn.residency SET rehydrated_at = now() - interval '9 days'"
exits "a pass into it" 78 "$FIRN" pass
like "says why" "$ERR" "Read-only file system"
is "no row is gone" "$(e2e_digest)" "$ALL"
exits "gc of it" 78 "$FIRN" gc --confirm --horizon 0s
like "says why" "$ERR" "Read-only file system"
mount -o remount,rw "$FOLDER"

# ---- the cache is full ----
mkdir "$T/small"
mount -t tmpfs -o size=16k,mode=700 none "$T/small"
exits "a pass whose cache has no room" 73 "$FIRN" pass --cache-dir "$T/small"
like "says so" "$ERR" "No space left on device"
like "and where" "$ERR" "$T/small"
is "no row is gone" "$(e2e_digest)" "$ALL"
exits "with room the pass" 0 "$FIRN" pass
exits "bringing back needs no room" 0 "$FIRN" rehydrate --where-cold all --cache-dir "$T/small"
like "only the index could not be kept" "$ERR" "warning: could not keep an index in the cache: .*No space left"
is "everything comes back" "$(e2e_digest)" "$ALL"
umount "$T/small" "$FOLDER"
done_testing
