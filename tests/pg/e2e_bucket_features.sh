# Buckets that keep versions, and Object Lock: gc leaves nothing behind, and puts off what is locked.
. "$FIRN_SRC/tests/lib/e2e_common.sh"

bucket() { echo "firn-$1-$$-$(od -An -N4 -tx4 /dev/urandom | tr -d ' ')"; }

# ---- versions ----
fresh_db
e2e_tables 2 20
VERSIONED=$(bucket versioned)
ok "a bucket that keeps versions" other versioned "$VERSIONED"
e2e_env "s3://$VERSIONED/a b"
ALL=$(e2e_digest)
exits "init" 0 "$FIRN" init
is "leaves only the marker, and no version of what it tried" "$(other versions "$VERSIONED" "")" 1
exits "a pass" 0 "$FIRN" pass
ok "moves rows" [ "$(cold_rows)" -gt 0 ]
KEY=$(sql "SELECT index_key FROM firn.segment WHERE state = 'active' ORDER BY id LIMIT 1")
exits "rows come back" 0 "$FIRN" rehydrate --where-cold all
is "bit for bit" "$(e2e_digest)" "$ALL"
ok "one of the objects is hidden by somebody else" other hide "$VERSIONED" "a b/$KEY"
exits "gc removes them" 0 "$FIRN" gc --confirm --horizon 0s
is "with every version and delete marker, but for the marker and the turn" "$(other versions "$VERSIONED" "")" 2
exits "and has nothing left to do" 0 "$FIRN" gc --confirm --horizon 0s --orphans

# ---- Object Lock ----
LOCKED=$(bucket locked)
ok "a bucket with Object Lock" other locked "$LOCKED"
exits "init there" 0 "$FIRN" init --archive "s3://$LOCKED/p"
like "says that an object of its check stays" "$ERR" "warning: archive: a small object of the check stays: .*locked until 20"
export FIRN_ARCHIVE=s3://$LOCKED/p
exits "a pass" 0 "$FIRN" pass
exits "rows come back" 0 "$FIRN" rehydrate --where-cold all
is "bit for bit again" "$(e2e_digest)" "$ALL"
COUNT=$(other versions "$LOCKED" "")
exits "gc puts off what is locked" 75 "$FIRN" gc --confirm --horizon 0s --format json
is "nothing is removed" "$(json '{removed_bytes}') $(other versions "$LOCKED" "")" "0 $COUNT"
RETIRED=$(sql "SELECT count(*) FROM firn.segment WHERE state = 'retired'")
is "each segment is put off" "$(json '{put_off}')" "$RETIRED"
like "says until when" "$(json '{items,0,reason}')" "is locked until 20[0-9-]*T[0-9:]*Z"
exits "the same for people" 75 "$FIRN" gc --confirm --horizon 0s
like "in words" "$OUT" "$RETIRED are put off"
ok "a legal hold" other hold "$LOCKED" "p/" on
ok "and the end of the retention" other unlock "$LOCKED" "p/"
held() { "$FIRN" gc --confirm --horizon 0s --format json >"$T/held.json"; grep -q 'by a legal hold' "$T/held.json"; }
ok "leave them held" poll_until 20 held
ok "the hold is lifted" other hold "$LOCKED" "p/" off
ok "the retention of the last one ends, too" poll_until 30 "$FIRN" gc --confirm --horizon 0s
exits "and gc has removed them" 0 "$FIRN" gc --confirm --horizon 0s --format json
is "all of them" "$(json '{put_off}') $(sql "SELECT count(*) FROM firn.segment WHERE state = 'retired'")" "0 0"
is "leaving the marker, the turn and what init's check left" "$(other versions "$LOCKED" "")" 3
done_testing
