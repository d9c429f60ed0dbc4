# "make install", "make uninstall" and "make deb": what they leave, and what systemd and lintian say of it.
. "$FIRN_SRC/tests/lib/firn.sh"

# The release, not the variant under test: as it is installed.
O=${FIRN%/*/*}
make_it() { env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make -C "$FIRN_SRC" --no-print-directory O="$O" "$@"; }
[ -x "$O/firn" ] || make_it all >/dev/null || exit 1
umask 077 # what is installed is for all, whatever root's umask is
unreadable() { find "$1" ! -type l \( ! -perm -o=r -o -type d ! -perm -o=x \) -printf '%m %P\n'; }

exits "make install" 0 make_it install PREFIX="$T/at"
exits "what it installed runs" 0 "$T/at/bin/firn" --version
ok "and finds its man page" test -s "$T/at/share/man/man1/firn.1"
is "others can read all of it" "$(unreadable "$T/at")" ""
UNITS=$T/at/lib/systemd/system
like "the service runs what was installed" "$(cat "$UNITS/firn.service")" "
ExecStart=$T/at/bin/firn --config /etc/firn/firn.yaml"
if command -v systemd-analyze >/dev/null; then
	exits "systemd takes the units" 0 systemd-analyze verify --man=no "$UNITS"/firn*.service "$UNITS"/firn*.timer
	is "without a word" "$ERR" ""
	for unit in "$UNITS"/firn*.service; do
		# It wants the unit's folder, for the file that all of them share.
		exits "$(basename "$unit") is exposed to little" 0 env -C "$UNITS" systemd-analyze security --offline=true --no-pager \
			--threshold=20 "$(basename "$unit")"
	done
else
	skip "systemd takes the units" "there is no systemd-analyze: run tools/bootstrap check"
fi
is "each timer has its service" "$(cd "$UNITS" && printf '%s\n' *.timer)" "$(cd "$UNITS" && printf '%s\n' *.service | sed 's/service$/timer/')"
n=0
while read -ra words; do
	n=$((n + 1))
	# It gets as far as the configuration, which is not there.
	exits "firn ${words[*]}" 78 "$FIRN" "${words[@]//\/etc\/firn/$T/nonesuch}"
done < <(sed -n 's,^ExecStart=[^ ]*/firn ,,p' "$UNITS"/firn*.service
	sed -n 's, >/dev/null$,,; s,^[^#].* firn  /[^ ]*/bin/firn ,,p' "$T/at/share/doc/firn/examples/firn.cron")
is "each of them was tried" "$n" 10
exits "make uninstall" 0 make_it uninstall PREFIX="$T/at"
is "leaves nothing" "$(find "$T/at" ! -type d)" ""
ok "nor a folder of its own" test ! -e "$T/at/share/firn" -a ! -e "$T/at/include/firn" -a ! -e "$T/at/share/doc/firn" \
	-a ! -e "$UNITS/firn-.service.d" -a ! -e "$UNITS/firn.service.d"

AT="$T/a place of its own"
exits "make install, where the name has blanks" 0 make_it install PREFIX="$AT"
exits "what it installed runs" 0 "$AT/bin/firn" --version
is "others can read all of it" "$(unreadable "$AT")" ""
is "nothing lies beside it" "$(find "$T" -maxdepth 1 -name 'a*' | LC_ALL=C sort)" "$AT
$T/at"
like "a compiler finds the library" "$(PKG_CONFIG_PATH="$AT/lib/pkgconfig" pkg-config --cflags --libs firn)" 'a\\ place\\ of\\ its\\ own/lib -lfirn'
if command -v systemd-analyze >/dev/null; then
	exits "systemd finds the program" 0 systemd-analyze verify --man=no "$AT"/lib/systemd/system/firn*.service
	is "without a word" "$ERR" ""
fi
exits "make uninstall" 0 make_it uninstall PREFIX="$AT"
is "leaves nothing" "$(find "$AT" ! -type d)" ""

if command -v dpkg-deb >/dev/null && command -v dpkg-shlibdeps >/dev/null; then
	exits "make deb" 0 make_it deb
	DEB=$(printf '%s\n' "$OUT" | tail -n 1)
	case $DEB in /*) ;; *) DEB=$FIRN_SRC/$DEB ;; esac
	LIST=$(dpkg-deb -c "$DEB")
	for path in usr/bin/firn usr/share/man/man1/firn.1.gz usr/lib/systemd/system/firn.timer usr/share/doc/firn/copyright etc/firn/; do
		like "the package has $path" "$LIST" "root/root .* ./$path"
	done
	is "all of it for everyone to read" "$(printf '%s\n' "$LIST" | grep -vE '^(drwxr-xr-x|-rw[x-]r-[x-]r-[x-]) ')" ""
	like "it needs the libraries" "$(dpkg-deb -f "$DEB" Depends)" "libpq5.*liblmdb0|liblmdb0.*libpq5"
	for script in "${DEB%/*}"/root/DEBIAN/p*; do
		ok "its $(basename "$script") is a script" sh -n "$script"
	done
	if command -v lintian >/dev/null; then
		# Whose package it is, is said by whoever builds it.
		lintian --allow-root --fail-on none --suppress-tags bogus-mail-host,root-in-contact,bogus-mail-host-in-debian-changelog "$DEB" >"$T/lintian" 2>&1
		is "lintian finds nothing wrong with it" "$(cat "$T/lintian")" ""
	else
		skip "lintian finds nothing wrong with it" "there is no lintian: run tools/bootstrap check"
	fi
else
	skip "make deb" "there is no dpkg-dev: run tools/bootstrap check"
fi
done_testing
