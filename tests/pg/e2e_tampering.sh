# Whoever may write to the archive can make firn fail, but never accept a row that is not the one that was moved.
. "$FIRN_SRC/tests/lib/e2e_common.sh"

FORGE=$(dirname "$FIRN_CHECKED_BIN")/tests/lib/e2e_forge
other() { /usr/bin/python3 "$FIRN_SRC/tests/lib/other_client.py" "$@"; }
# Objects by their key, as anyone with rights on folder or bucket gets and puts them.
fetch() {
	case $FIRN_ARCHIVE in
	file://*) cp "${FIRN_ARCHIVE#file://}/$1" "$2" ;;
	s3://*) other get "$BUCKET" "$PREFIX/$1" "$2" ;;
	esac
}
replace() {
	case $FIRN_ARCHIVE in
	file://*) cp --remove-destination "$2" "${FIRN_ARCHIVE#file://}/$1" ;;
	s3://*) other put "$BUCKET" "$PREFIX/$1" "$2" ;;
	esac
}
put_back() { replace "$SEG" "$T/good.seg" && replace "$IDX" "$T/good.idx"; }

# What was done to copies $T/seg and $T/idx goes into the archive; nothing may come of it.
refused() { # NAME
	replace "$SEG" "$T/seg" && replace "$IDX" "$T/idx" || exit 1
	rm -rf "$T/cache"
	exits "$1: rehydrate refuses" 65 "$FIRN" rehydrate --segment "$ID"
	like "and says why" "$ERR" 'error: .*(digest differs|the seal does not hold|were asked for|ends at byte|InvalidRange)'
	is "$1: nothing came back" "$(e2e_digest) $(cold_rows)" "$HOT $COLD"
	exits "$1: verify finds it" 65 "$FIRN" verify
	like "in that segment" "$OUT" "$ID"
	put_back
	cp "$T/good.seg" "$T/seg"
	cp "$T/good.idx" "$T/idx"
}

begin() { # ARCHIVE
	fresh_db
	e2e_tables 2 60
	e2e_env "$1"
	BUCKET=${1#s3://} PREFIX=${BUCKET#*/} BUCKET=${BUCKET%%/*}
	ALL=$(e2e_digest)
	exits "init" 0 "$FIRN" init
	exits "a pass" 0 "$FIRN" pass
	OLD_IDX=$(sql "SELECT index_key FROM firn.segment WHERE state = 'active' ORDER BY rows_live DESC LIMIT 1")
	exits "its rows come back" 0 "$FIRN" rehydrate --where-cold all
	exits "and go again" 0 "$FIRN" pass
	IFS='|' read -r ID SEG IDX < <(sql "SELECT id, object_key, index_key FROM firn.segment
		WHERE state = 'active' ORDER BY rows_live DESC LIMIT 1")
	IFS='|' read -r OTHER_SEG OTHER_IDX < <(sql "SELECT object_key, index_key FROM firn.segment
		WHERE state = 'active' ORDER BY rows_live LIMIT 1")
	isnt "there are two segments" "$SEG" "$OTHER_SEG"
	HOT=$(e2e_digest) COLD=$(cold_rows)
	fetch "$SEG" "$T/good.seg" && fetch "$IDX" "$T/good.idx" && fetch "$OLD_IDX" "$T/old.idx" &&
		fetch "$OTHER_SEG" "$T/other.seg" && fetch "$OTHER_IDX" "$T/other.idx" || exit 1
	cp "$T/good.seg" "$T/seg"
	cp "$T/good.idx" "$T/idx"
}

tamper_with() { # ARCHIVE
	begin "$1"
	ok "two blocks change places" "$FORGE" blocks "$T/seg" "$T/idx"
	refused "swapped blocks"
	cp "$T/other.seg" "$T/seg"
	refused "another segment's object"
	cp "$T/other.idx" "$T/idx"
	refused "another segment's index"
	cp "$T/other.seg" "$T/seg"
	cp "$T/other.idx" "$T/idx"
	refused "another segment"
	cp "$T/old.idx" "$T/idx"
	refused "an index from before"
	truncate -s 4096 "$T/seg"
	refused "a truncated segment"
	truncate -s -9 "$T/idx"
	refused "a truncated index"
	ok "a row is changed, its checksums fit" "$FORGE" row "$T/seg" "$T/idx"
	cp "$T/good.idx" "$T/idx"
	refused "a changed row"
	ok "a row is changed, and the index fits" "$FORGE" row "$T/seg" "$T/idx"
	refused "a changed row and index"

	# A segment from before there were digests in the index: the catalog has them of the whole objects.
	ok "an index without digests" "$FORGE" old "$T/idx"
	cp "$T/idx" "$T/good.idx"
	sql "UPDATE firn.segment SET index_bytes = $(stat -c %s "$T/idx"),
		index_sha256 = '\\x$(sha256sum "$T/idx" | cut -d' ' -f1)' WHERE id = $ID"
	ok "a row of such a segment is changed, its checksums fit" "$FORGE" row "$T/seg" "$T/idx"
	cp "$T/good.idx" "$T/idx"
	refused "a changed row of an old segment"
	put_back
	exits "as it was, verify finds nothing" 0 "$FIRN" verify --deep
	exits "and rows come back" 0 "$FIRN" rehydrate --where-cold all
	is "bit for bit" "$(e2e_digest)" "$ALL"
}

# Objects that are encrypted: whoever has no key has bytes to exchange, cut and change, and what there was before.
tamper_with_sealed() { # ARCHIVE
	begin "$1"
	cp "$T/other.seg" "$T/seg"
	refused "another segment's object"
	cp "$T/other.idx" "$T/idx"
	refused "another segment's index"
	cp "$T/other.seg" "$T/seg"
	cp "$T/other.idx" "$T/idx"
	refused "another segment"
	cp "$T/old.idx" "$T/idx"
	refused "an index from before"
	truncate -s 4096 "$T/seg"
	refused "a truncated segment"
	# A byte of each page: some lie in blocks.
	for ((at = 4096 + 100; at < $(stat -c %s "$T/seg"); at += 4096)); do
		printf 'x' | dd of="$T/seg" bs=1 seek="$at" conv=notrunc status=none
	done
	refused "changed bytes"
	put_back
	exits "as it was, verify finds nothing" 0 "$FIRN" verify --deep
	exits "and rows come back" 0 "$FIRN" rehydrate --where-cold all
	is "bit for bit" "$(e2e_digest)" "$ALL"
}

tamper_with "$(e2e_file_archive)"
tamper_with "$(s3_archive)"

e2e_key "$T/key"
printf 'encryption: { key_file: key }\n' >"$T/firn.yaml"
export FIRN_CONFIG=$T/firn.yaml
tamper_with_sealed "$(e2e_file_archive)"
tamper_with_sealed "$(s3_archive)"
done_testing
