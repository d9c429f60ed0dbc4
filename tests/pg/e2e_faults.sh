# A pass and the way back through a proxy that fails a fifth of the calls (tests/lib/fault_proxy.h): every row is accounted
# for throughout, everything comes back bit for bit, and lies of the archive end in success or in an error that says so.
# Stalls are left to tests/contract, since the program waits a minute for each; of "slow down", which it heeds, there are few.
. "$FIRN_SRC/tests/lib/e2e_common.sh"

for part in fault_proxy fault_proxy_main; do
	${CC:-cc} -std=c11 -D_GNU_SOURCE -I"$FIRN_SRC/tests" -O1 -pthread -c -o "$T/$part.o" "$FIRN_SRC/tests/lib/$part.c" || exit 1
done
${CC:-cc} -pthread -o "$T/fault_proxy" "$T/fault_proxy.o" "$T/fault_proxy_main.o" || exit 1
mkdir "$T/proxy"
"$T/fault_proxy" "$FIRN_TEST_S3_ENDPOINT" "$T/proxy" &
poll_until 10 [ -s "$T/proxy/port" ] || exit 1
PROXY=http://127.0.0.1:$(cat "$T/proxy/port")

steer() { curl -sS --fail -m 30 "$PROXY/__faults/$1" >"$T/steered" || exit 1; }
counted() { steer counters && grep -oE "\"$1\":[0-9]+" "$T/steered" | cut -d: -f2; }
MOST=refuse,reset-request,reset-answer,truncate,flip-answer,flip-request,duplicate,500,trickle,wrong-etag,lost
STORM="plan?percent=20&kinds=$MOST,complete-error,complete-done,list-repeat,list-token,list-cut,list-drop"

fresh_db
e2e_tables 4 200
e2e_env "$(s3_archive)"
export FIRN_S3_ENDPOINT=$PROXY
ROWS=$(hot_rows)
ALL=$(e2e_digest)
exits "init" 0 "$FIRN" init
# ---- a fifth of the calls fails ----
steer "$STORM&seed=1"
steer "script?kind=slow-down&calls=put,get,head&skip=5&count=4"
exits "a pass through it" 0 "$FIRN" -v pass --no-maintain --jobs 4 --segment-size 1KiB --format json
is "moves all that is due" "$(json '{rows_moved}')" 1200
ok "in many segments" [ "$(sql "SELECT count(*) FROM firn.segment WHERE state = 'active'")" -ge 150 ]
ok "many calls failed" [ "$(counted requests)" -gt 1500 ]
like "which is counted" "$ERR" "archive: [0-9]+ of [0-9]+ calls were made again \([0-9]+ timed out, [0-9]+ broken off"
e2e_check_accounted "$ROWS" "after it"
exits "verify --deep through it is clean" 0 "$FIRN" verify --deep
FIRN_S3_ENDPOINT=$FIRN_TEST_S3_ENDPOINT exits "and without it" 0 "$FIRN" verify --deep
exits "everything comes back through it" 0 "$FIRN" rehydrate --where-cold all --no-maintain
is "bit for bit" "$(e2e_digest)" "$ALL"
is "and nothing is cold" "$(cold_rows)" 0
for kind in ${MOST//,/ } slow-down; do
	ok "$kind came to pass" [ "$(counted "$kind")" -gt 0 ]
done

# ---- lies that do not end ----
always() { steer clear && steer "plan?percent=100&kinds=$1&calls=$2"; } # KINDS CALLS
truth() { steer clear; }
pass() { "$FIRN" pass --no-maintain --jobs 1 --segment-size 64KiB; }

always duplicate,wrong-etag all
exits "where every request arrives twice or has a wrong ETag a pass" 0 pass
e2e_check_accounted "$ROWS" "after it"
truth
exits "and what it wrote is whole" 0 "$FIRN" verify --deep
COLD=$(cold_rows)

always flip-answer get
exits "where every object comes back damaged verify" 65 "$FIRN" verify --deep
like "says that it was read again" "$ERR" "came back damaged, reading it again"
rm -rf "$T/cache"
exits "and rehydrate fails" 65 "$FIRN" rehydrate --where-cold all --no-maintain
is "with nothing brought back" "$(cold_rows)" "$COLD"
truth
exits "once it ends verify is clean" 0 "$FIRN" verify --deep
exits "and everything comes back" 0 "$FIRN" rehydrate --where-cold all --no-maintain
is "bit for bit" "$(e2e_digest)" "$ALL"

always flip-answer get
exits "where what was written cannot be read back a pass" 65 pass
is "moves nothing" "$(hot_rows) $(cold_rows)" "$ROWS 0"
always flip-request put
exits "where what is written is damaged on its way a pass" 65 pass
like "says what the archive said" "$ERR" "HTTP 400|SHA256|BadDigest|digest"
is "moves nothing" "$(hot_rows) $(cold_rows)" "$ROWS 0"
truth
exits "the next pass" 0 pass
e2e_check_accounted "$ROWS" "after it"

exits "everything comes back" 0 "$FIRN" rehydrate --where-cold all --no-maintain
steer "plan?percent=40&kinds=lost&calls=put&seed=1"
exits "where many answers to PUTs never come a pass" 0 pass
ok "moves rows" [ "$(cold_rows)" -gt 0 ]
e2e_check_accounted "$ROWS" "after it"
truth
exits "and what it wrote is whole" 0 "$FIRN" verify --deep

always list-drop list
exits "where objects are left out of every list gc" 65 "$FIRN" gc --orphans --confirm --horizon 0s
like "says so" "$ERR" "fewer objects than it says"
always flip-answer list
gc_status=0
"$FIRN" gc --orphans --confirm --horizon 0s >/dev/null 2>&1 || gc_status=$?
truth
ok "where lists name objects that are not there gc ends ($gc_status)" [ "$gc_status" -lt 128 ]
exits "with all there that is needed" 0 "$FIRN" verify --deep
exits "it all comes back" 0 "$FIRN" rehydrate --where-cold all --no-maintain
is "bit for bit" "$(e2e_digest)" "$ALL"

done_testing
