# The command line when it is wrong: status, standard output and standard error, to the letter. No database is asked.
. "$FIRN_SRC/tests/lib/firn.sh"
for name in $(compgen -v FIRN_); do
	case $name in FIRN_SRC | FIRN_TEST_* | FIRN_*_BIN | FIRN_AT_EXIT) ;; *) unset "$name" ;; esac
done

# wrong NAME STATUS MESSAGE HINT ARGS...: nothing on standard output, message and hint on standard error
wrong() {
	local name=$1 status=$2 message=$3 hint=$4
	shift 4
	exits "$name (status)" "$status" firn "$@"
	is "$name (standard output)" "$OUT" ""
	is "$name" "$ERR" "firn: error: $message${hint:+
hint: $hint}"
}

wrong "no command" 64 'no command was given' 'Run "firn help" for a list.'
wrong "an unknown command" 64 '"pas" is not a command; did you mean "pass"?' 'Run "firn help" for a list.' pas
wrong "a command like none" 64 '"xyzzy" is not a command' 'Run "firn help" for a list.' xyzzy
wrong "a misspelt option" 64 '"--max-row" is not an option of pass; did you mean "--max-rows"?' \
	'Run "firn help pass".' pass --max-row=5
wrong "an option of another command" 64 '"--deep" is not an option of gc, but of verify' 'Run "firn help gc".' gc --deep
wrong "plan has no limits" 64 '"--max-rows" is not an option of plan, but of pass' 'Run "firn help plan".' \
	plan --max-rows 5
wrong "a command's option before the command" 64 '"--deep" belongs behind the command' 'Run "firn help".' --deep verify
wrong "an unknown letter" 64 '"-Z" is not an option of status' 'Run "firn help status".' status -Z
wrong "a value that is missing" 64 'option "--max-rows" needs a value' 'Run "firn help pass".' pass --max-rows
wrong "a value too many" 64 'option "--dry-run" takes no value' 'Run "firn help pass".' pass --dry-run=yes
wrong "a number that is none" 64 '--max-rows: "many" is not a whole number' 'Run "firn help pass".' pass --max-rows many
wrong "a number too small" 64 '--max-rows: 0 is less than 1' 'Run "firn help pass".' pass --max-rows 0
wrong "a duration without a unit" 64 \
	'--max-runtime: "15" is not a duration such as 90s, 15min, 12h, 7d or 1d12h' 'Run "firn help pass".' \
	pass --max-runtime 15
wrong "a size that is none" 64 '--segment-size: "big" is not a size such as 512MiB or 10GB' \
	'Run "firn help pass".' pass --segment-size big
wrong "a choice that is none" 64 '--on-conflict: "merge" is not one of skip|replace|fail' \
	'Run "firn help rehydrate".' rehydrate --on-conflict merge
wrong "a format that is none" 64 '--format: "xml" is not one of text|json' 'Run "firn help".' --format xml status
wrong "a format that report has not" 64 '--format: "pdf" is not one of text|json|csv|prometheus|html' \
	'Run "firn help report".' report --format pdf
wrong "a format that only report has" 64 'only report writes csv, prometheus and html' 'Run "firn help status".' \
	status --format html
wrong "a segment that is none" 64 '--segment: "x" is not the number of a segment' 'Run "firn help verify".' \
	verify --segment x
wrong "a word too many" 64 '"now" was not expected: pass takes options only' 'Run "firn help pass".' pass now
wrong "a connection string in the wrong place stays secret" 64 'an argument was not expected: pass takes options only' \
	'Run "firn help pass".' pass postgres://u:hunter2@h/d
wrong "two topics of help" 64 'help takes one command' 'Run "firn help".' help pass plan
wrong "help for what is no command" 64 '"vrify" is not a command; did you mean "verify"?' \
	'Run "firn help" for a list.' help vrify

exits "a bad variable is a configuration error" 78 env FIRN_MAX_ROWS=many "$FIRN" pass
is "a bad variable is named" "$ERR" 'firn: error: environment variable FIRN_MAX_ROWS: "many" is not a whole number'

for args in --help -h help; do
	exits "$args succeeds" 0 firn $args
	like "$args lists the commands" "$OUT" '^  rehydrate +bring cold chunks back$'
	is "$args says nothing on standard error" "$ERR" ""
done
for command in init pass plan rehydrate maintain status verify gc report help; do
	exits "help $command succeeds" 0 firn help $command
	like "help $command says how it is used" "$OUT" "^usage: firn \[global options\] $command "
	help=$OUT
	exits "$command --help succeeds" 0 firn $command --help
	is "$command --help is help $command" "$OUT" "$help"
done
exits "help takes options behind its topic" 0 firn help gc --quiet
exits "--version succeeds" 0 firn --version
like "--version says which" "$OUT" '^firn [0-9]+\.[0-9]+\.[0-9]+$'


exits "a full disk is noticed" 73 sh -c '"$0" help >/dev/full' "$FIRN"
done_testing
