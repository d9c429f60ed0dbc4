# Alert rules and dashboard, as Prometheus reads them where promtool is; without it, as far as a look at their text goes.
# Debian's package of promtool starts a server, so tools/bootstrap does not install it. No database is asked.
. "$FIRN_SRC/tests/lib/firn.sh"

look() { /usr/bin/python3 "$FIRN_SRC/tests/lib/alerts.py" "$@" 2>&1; }
RULES=$FIRN_SRC/tools/prometheus/firn.rules.yml
BOARD=$FIRN_SRC/tools/grafana/firn.json

is "nothing is wrong with the rules" "$(look rules "$RULES")" ""
is "nor with the dashboard" "$(look dashboard "$BOARD" "$T/queries.yml")" ""
names() { sed -n "s/^ *-\{0,1\} *[{]\{0,1\} *$1: \([A-Za-z]*\).*/\1/p" "$2" | sort -u; }
is "each alert is tried" "$(names alert "$RULES")" "$(sed -n 's/.*alertname: \([A-Za-z]*\).*/\1/p' "$FIRN_SRC/tests/cli/alerts.yml" | sort -u)"

# What has to be found, so that the look is not a blind one.
bad() { # NAME SED WHAT KIND FILE
	sed "$2" "$5" >"$T/bad"
	like "$1" "$(look "$4" "$T/bad")" "$3"
}
bad "a metric that is none of firn's is found" 's/firn_orphan_objects > /firm_orphans > /' 'FirnOrphans: firm_orphans is neither' rules "$RULES"
bad "so is a bracket too few" 's/\[1d\]) > 1000/[1d] > 1000/' 'FirnColdReadStorm: \) is missing' rules "$RULES"
bad "and a severity that nobody routes" 's/severity: critical/severity: loud/' 'FirnVerifyFailed: severity' rules "$RULES"
bad "and a panel with a source of its own" '0,/"uid": "${datasource}"/! s/"uid": "${datasource}"/"uid": "x"/' "its source is" dashboard "$BOARD"
bad "and one without a unit" 's/"unit": "bytes"/"unit": ""/' "6 .*: has no unit" dashboard "$BOARD"

if command -v promtool >/dev/null; then
	exits "promtool takes the rules" 0 promtool check rules "$RULES"
	exits "and the dashboard's queries" 0 promtool check rules "$T/queries.yml"
	exits "alerts fire when they should, and not else" 0 promtool test rules "$FIRN_SRC/tests/cli/alerts.yml"
else
	diag "no promtool here: rules and queries are looked at only by tests/lib/alerts.py"
fi
done_testing
