# What the documents point to is there: files of the tree, and headings of their own page.
. "$FIRN_SRC/tests/lib/firn.sh"

cd "$FIRN_SRC" || exit 1
pages=(README.md src/README.md tests/GUARANTEES.md src/report/JSON.md)
dead_paths() {
	# A test's or tool's name without an ending is its source's.
	grep -ohE '\b(src|tests|tools|policies|include)/[A-Za-z0-9_./-]*[A-Za-z0-9_]' "${pages[@]}" | sort -u |
		while read -r path; do
			compgen -G "$path*" >/dev/null || echo "$path"
		done
}
is "every path that a document names is there" "$(dead_paths)" ""

# A heading's anchor, as the sites that show Markdown make it.
anchors() { sed -n 's/^##* //p' README.md | tr '[:upper:] ' '[:lower:]-' | tr -cd 'a-z0-9_\n-'; }
dead_links() {
	grep -oE '\]\(#[^)]*\)' README.md | sed 's/^](#//; s/)$//' | grep -vxFf <(anchors)
	grep -oE '\]\([^)#]*\)' README.md | sed 's/^](//; s/)$//' | while read -r path; do
		[ -e "$path" ] || echo "$path"
	done
}
is "every link of the README leads somewhere" "$(dead_links)" ""
is "every command is in the README's table" "$("$FIRN" help | sed -n '/^commands/,/^$/s/^  \([a-z]*\( [a-z]*\)\{0,1\}\)  .*/\1/p' |
	while read -r c; do grep -qE "^\| \`$c( |\`)" README.md || echo "$c"; done)" "help"
done_testing
