# The man pages, as man, groff and mandoc read them. No database is asked.
. "$FIRN_SRC/tests/lib/firn.sh"

SOURCE_DATE_EPOCH=1767225600 "$FIRN" help --man >"$T/firn.1"
ok "firn.yaml(5) is made of the files that show every key" sh -c 'tools/man-config 1.2.3 2026-01-01 \
	policies/firn.example.yaml policies/reference.yaml >"$0"' "$T/firn.yaml.5"

is "firn(1) has the date of the source" "$(head -n 1 "$T/firn.1" | cut -d' ' -f1-4)" '.TH FIRN 1 2026-01-01'
# has PROGRAM PAGE
has() { command -v "$1" >/dev/null 2>&1 || { skip "$1 of $2" "there is no $1: run tools/bootstrap check"; return 1; }; }
for page in firn.1 firn.yaml.5; do
	if has mandoc "$page"; then
		is "mandoc finds nothing wrong in $page" "$(mandoc -Tlint -W style "$T/$page" 2>&1)" ""
	fi
	if has groff "$page"; then
		is "groff finds nothing wrong in $page" "$(groff -ww -man -Tutf8 -z "$T/$page" 2>&1)" ""
	fi
	if has man "$page"; then
		like "man shows $page" "$(MANWIDTH=80 man -l "$T/$page" 2>&1 | cat)" '^NAME$'
	fi
done

page=$(cat "$T/firn.yaml.5")
like "a key that the example leaves out is in the page" "$page" '^\.B s3\.sse: customer$'
like "what continues on the next line is, too" "$page" 'fits into a host name$'
like "keys of a policy are" "$page" '^\.B limits\.jobs: 2$'
like "quotes of an example stay" "$page" '\(dqe5'
printf 'database: x # good\n? : what\n' >"$T/odd.yaml"
exits "a line that the page cannot show ends the build" 1 tools/man-config 1 2026-01-01 "$T/odd.yaml" policies/reference.yaml
like "and is named" "$ERR" 'odd\.yaml:2: not understood'
done_testing
