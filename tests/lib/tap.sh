# TAP for shell tests; source it. Each assertion is one line of output, its name a sentence about behaviour.
#
#     plan 3                          say how many there will be, or call done_testing at the end
#     ok "NAME" COMMAND...            passes when COMMAND succeeds
#     not_ok "NAME" COMMAND...        passes when COMMAND fails
#     is "NAME" GOT WANTED            passes when the two are equal
#     isnt "NAME" GOT UNWANTED
#     like "NAME" GOT REGEX           extended regular expression, by grep -E
#     unlike "NAME" GOT REGEX
#     exits "NAME" STATUS COMMAND...  passes when COMMAND exits with STATUS; its output goes to $OUT and $ERR
#     diag TEXT                       a comment line, on stderr so that a run that is not verbose shows it too
#     skip "NAME" REASON              counts as passed, and says why it was not tried
#     skip_all REASON                 end here, successfully, when what the test needs cannot be had
#     done_testing                    prints the plan, exits 1 if anything failed

TAP_COUNT=0
TAP_FAILED=0
TAP_PLAN=

plan() { TAP_PLAN=$1; echo "1..$1"; }

diag() { printf '%s\n' "$*" | sed 's/^/# /' >&2; }

skip_all() { echo "1..0 # SKIP $*"; TAP_PLAN=0; exit 0; }

skip() {
	TAP_COUNT=$((TAP_COUNT + 1))
	echo "ok $TAP_COUNT - $1 # SKIP $2"
}

tap_result() { # STATUS NAME
	TAP_COUNT=$((TAP_COUNT + 1))
	if [ "$1" = 0 ]; then
		echo "ok $TAP_COUNT - $2"
	else
		echo "not ok $TAP_COUNT - $2"
		diag "not ok $TAP_COUNT - $2"
		TAP_FAILED=$((TAP_FAILED + 1))
	fi
	return 0
}

ok() {
	local name=$1 status=0 out
	shift
	out=$("$@" 2>&1 </dev/null) || status=$?
	tap_result "$status" "$name"
	[ "$status" = 0 ] || diag "failed with $status: $*
$out"
}

not_ok() {
	local name=$1 status=0
	shift
	"$@" >/dev/null 2>&1 </dev/null || status=$?
	tap_result "$([ "$status" != 0 ] && echo 0 || echo 1)" "$name"
	[ "$status" != 0 ] || diag "succeeded: $*"
}

is() {
	if [ "$2" = "$3" ]; then
		tap_result 0 "$1"
	else
		tap_result 1 "$1"
		diag "got:    $2"
		diag "wanted: $3"
	fi
}

isnt() {
	if [ "$2" != "$3" ]; then
		tap_result 0 "$1"
	else
		tap_result 1 "$1"
		diag "got what was not wanted: $2"
	fi
}

like() {
	if printf '%s\n' "$2" | grep -qE -e "$3"; then
		tap_result 0 "$1"
	else
		tap_result 1 "$1"
		diag "got:        $2"
		diag "wanted like: $3"
	fi
}

unlike() {
	if printf '%s\n' "$2" | grep -qE -e "$3"; then
		tap_result 1 "$1"
		diag "got:          $2"
		diag "wanted unlike: $3"
	else
		tap_result 0 "$1"
	fi
}

# $OUT and $ERR hold the output of the latest command run this way.
exits() {
	local name=$1 wanted=$2 status=0 dir
	shift 2
	dir=$(mktemp -d)
	"$@" >"$dir/out" 2>"$dir/err" </dev/null || status=$?
	OUT=$(tr -d '\0' <"$dir/out")
	ERR=$(tr -d '\0' <"$dir/err")
	rm -rf "$dir"
	if [ "$status" = "$wanted" ]; then
		tap_result 0 "$name"
	else
		tap_result 1 "$name"
		diag "exited with $status, not $wanted: $*"
		diag "$(printf '%s\n%s' "$OUT" "$ERR" | tail -n 40)"
	fi
}

done_testing() {
	if [ -z "$TAP_PLAN" ]; then
		TAP_PLAN=$TAP_COUNT
		echo "1..$TAP_COUNT"
	fi
	[ "$TAP_FAILED" = 0 ] && [ "$TAP_PLAN" = "$TAP_COUNT" ] || exit 1
	exit 0
}
