# "make install", "make uninstall" and "make deb": what they leave, and what systemd and lintian say of it.
. "$FIRN_SRC/tests/lib/firn.sh"

# The release, not the variant under test: as it is installed.
O=${FIRN%/*/*}
make_it() { env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make -C "$FIRN_SRC" --no-print-directory O="$O" "$@"; }
[ -x "$O/firn" ] || make_it all >/dev/null || exit 1

exits "make install" 0 make_it install PREFIX="$T/at"
exits "what it installed runs" 0 "$T/at/bin/firn" --version
ok "and finds its man page" test -s "$T/at/share/man/man1/firn.1"
like "the service runs what was installed" "$(cat "$T/at/lib/systemd/system/firn.service")" "
ExecStart=$T/at/bin/firn --config /etc/firn/firn.yaml"
if command -v systemd-analyze >/dev/null; then
	exits "systemd takes the units" 0 systemd-analyze verify --man=no "$T/at/lib/systemd/system/firn.service" \
		"$T/at/lib/systemd/system/firn.timer"
	is "without a word" "$ERR" ""
else
	skip "systemd takes the units" "there is no systemd-analyze"
fi
n=0
while read -r words; do
	n=$((n + 1))
	# It gets as far as the configuration, which is not there.
	exits "firn $words" 78 $FIRN ${words//\/etc\/firn/$T/nonesuch}
done < <(sed -n 's,^ExecStart=[^ ]*/firn ,,p' "$T/at/lib/systemd/system/firn.service"
	sed -n 's, >/dev/null$,,; s,^[^#].* firn  firn ,,p' "$T/at/share/doc/firn/examples/firn.cron")
is "each of them was tried" "$n" 6
exits "make uninstall" 0 make_it uninstall PREFIX="$T/at"
is "leaves nothing" "$(find "$T/at" ! -type d)" ""
ok "nor a folder of its own" test ! -e "$T/at/share/firn" -a ! -e "$T/at/include/firn" -a ! -e "$T/at/share/doc/firn"

if command -v dpkg-deb >/dev/null && command -v dpkg-shlibdeps >/dev/null; then
	exits "make deb" 0 make_it deb
	DEB=$(printf '%s\n' "$OUT" | tail -n 1)
	case $DEB in /*) ;; *) DEB=$FIRN_SRC/$DEB ;; esac
	LIST=$(dpkg-deb -c "$DEB")
	for path in usr/bin/firn usr/share/man/man1/firn.1.gz usr/lib/systemd/system/firn.timer usr/share/doc/firn/copyright etc/firn/; do
		like "the package has $path" "$LIST" "root/root .* ./$path"
	done
	like "it needs the libraries" "$(dpkg-deb -f "$DEB" Depends)" "libpq5.*liblmdb0|liblmdb0.*libpq5"
	if command -v lintian >/dev/null; then
		lintian --allow-root --fail-on error "$DEB" >"$T/lintian" 2>&1
		is "lintian finds no error" "$(grep '^E:' "$T/lintian")" ""
	else
		skip "lintian finds no error" "there is no lintian"
	fi
else
	skip "make deb" "there is no dpkg-dev"
fi
if command -v shellcheck >/dev/null; then
	exits "shellcheck finds no error in the tools" 0 shellcheck --severity=warning \
		$(grep -lE '^#!/bin/(ba)?sh' "$FIRN_SRC"/tools/* 2>/dev/null)
else
	skip "shellcheck finds no error in the tools" "there is no shellcheck"
fi
done_testing
