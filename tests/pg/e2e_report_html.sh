# The report as a page: of nothing, and of what a hostile database holds.
. "$FIRN_SRC/tests/lib/e2e_common.sh"

page() { /usr/bin/python3 -c '
import sys, xml.etree.ElementTree as t
p = t.parse(sys.argv[1]).getroot()
n = "{http://www.w3.org/1999/xhtml}"
tags = [e.tag.replace(n, "") for e in p.iter()]
for what in sys.argv[2:]:
    print(tags.count(what), end=" ")
' "$@"; }
chromium() {
	if command -v chromium >/dev/null && command -v chromedriver >/dev/null; then
		is "$1" "$(timeout 120 /usr/bin/python3 "$FIRN_SRC/tests/lib/page.py" "$2" 2>&1)" looked
	else
		skip "$1" "there is no chromium with chromedriver: run tools/bootstrap check"
	fi
}

fresh_db
e2e_tables 2 30
e2e_env "$(e2e_file_archive)"
exits "init" 0 "$FIRN" init
exits "a report before the first pass" 0 "$FIRN" report --format html --output "$T/empty.html"
is "is a well-formed page without charts over time" "$(page "$T/empty.html" polygon script)" "0 0 "
like "and says what is missing" "$(cat "$T/empty.html")" "There was no pass yet"
chromium "Chromium finds nothing wrong with it" "$T/empty.html"

export FIRN_PRICES=$FIRN_SRC/policies/prices/aws-eu-central-1.yaml
sql "UPDATE document_chunk SET workspace_id = '<script>document.title = 1</script>\"'' onload=\"x' || chr(8238) || repeat('x', 200) || chr(128516)
	WHERE workspace_id = 'w4'"
exits "a pass" 0 "$FIRN" pass
sql "INSERT INTO firn.usage_daily SELECT table_id, day - i, measured_at - i * interval '1 day', hot_rows, heap_bytes, toast_bytes,
		index_bytes, vector_index_bytes, reclaimable_bytes, cold_rows, cold_raw_bytes FROM firn.usage_daily, generate_series(1, 40) i;
	INSERT INTO firn.pass (table_id, epoch, started_at, finished_at, outcome)
		SELECT id, 1, now() - interval '2 days', now() - interval '1 day', '</title><img src=x onerror=alert(1)> &amp; out of space' FROM firn.managed_table;
	INSERT INTO firn.pass (table_id, epoch, started_at, finished_at, outcome)
		SELECT id, 1, now() - interval '2 days', now() - interval '1 day', 'the limit of rows a pass was reached' FROM firn.managed_table;
	INSERT INTO firn.heat SELECT id, '', i::text, i, now() FROM firn.managed_table, generate_series(1, 100) i"
printf '%s\n' 'rules: [{ name: seldom, match: { heat_below: 4, age_over: 30d }, archive: {} }]' >"$T/policy.yaml"
exits "a report" 0 "$FIRN" report --format html --explain --output "$T/full.html"
is "is well-formed, with a chart over time and no script" "$(page "$T/full.html" polygon script img)" "2 0 0 "
PAGE=$(cat "$T/full.html")
like "hostile names are text" "$PAGE" "&lt;script&gt;document.title"
like "so is why a pass ended" "$PAGE" "&lt;img src=x onerror=alert\(1\)&gt; &amp;amp; out of space"
unlike "marks that turn the direction of writing are gone" "$PAGE" "$(printf '\342\200\256')"
like "a pass says what it asked of the archive" "$PAGE" "rows moved, [0-9]+ requests for 0\.[0-9]+ USD"
is "a pass that failed has its sign, one that came to a limit has not" "$(grep -o '<g class="bar"><rect class="area [a-z]*"[^>]*/>\(<text class="mid sign"\)\?' "$T/full.html" |
	grep -oE 'area (done|was|failed)|sign' | tr '\n' ' ' | grep -o 'area done.*')" "area done area failed sign area was "
like "of tenants the cost is a figure, too" "$PAGE" '<td data-title="Cost">0\.[0-9]*[1-9][0-9]*</td><td class="strip"'
like "tables say what they would cost all hot" "$PAGE" '<td data-title="All hot">0\.[0-9]*[1-9]'
unlike "no money is a row of zeros" "$PAGE" '>-?0\.0000<'
like "names may break at their points" "$PAGE" '<bdi>&lt;script&gt;document\.<wbr/>title'
like "formulas are not cut off" "$PAGE" 'calls / 1000 x [0-9.]+ \+ [0-9]+ bytes / 2\^30 x \([0-9.]+ retrieval \+ [0-9.]+ x [0-9.]+ egress\)</td>'
like "the policy's cut is named" "$PAGE" "seldom: below 4"
ok "nothing names another place" /usr/bin/python3 -c '
import re, sys, xml.etree.ElementTree as t
for e in t.parse(sys.argv[1]).iter():
    assert not {"src", "href", "style", "srcset", "action"} & {a for a in e.attrib} and not [a for a in e.attrib if a.startswith("on")], e.attrib
    assert not e.tag.endswith("style") or not re.search(r"url\([^#]|@import", e.text)' "$T/full.html"
like "each chart has a table with its figures" "$(page "$T/full.html" details table)" "^3 [89] "
for by in leaf workspace version segment month; do
	exits "by $by" 0 "$FIRN" report --format html --by $by --output "$T/by.html"
	ok "it is well-formed" page "$T/by.html"
	[ $by != segment ] || like "segments have no hot rows" "$(cat "$T/by.html")" '<td data-title="Hot rows"></td><td data-title="Hot"></td>'
done
chromium "Chromium finds nothing wrong with it" "$T/full.html"
done_testing
