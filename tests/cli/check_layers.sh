# tools/check-layers sees what it is there to see: each rule is broken once, in a tree of its own.
. "$FIRN_SRC/tests/lib/firn.sh"

# breach NAME FILE TEXT WANTED
breach() {
	rm -rf "$T/tree"
	mkdir -p "$T/tree/$(dirname "$2")"
	printf '%b' "$3" >"$T/tree/$2"
	exits "$1 (status)" 1 "$FIRN_SRC/tools/check-layers" "$T/tree"
	is "$1" "$OUT" "$2:$4"
}

breach "base must not include store" src/base/x.c '#include "store/store.h"\n' '1: base must not include "store/store.h"'
breach "segment must not include store" src/segment/x.c 'int x;\n#include "store/store.h"\n' \
	'2: segment must not include "store/store.h"'
breach "report must not include engine" src/report/x.c '#include "engine/plan.h"\n' \
	'1: report must not include "engine/plan.h"'
breach "cli must not include catalog" src/cli/x.c '#include "catalog/pg.h"\n' '1: cli must not include "catalog/pg.h"'
breach "the public API must not include base" include/firn/x.h '#include "base/err.h"\n' \
	'1: firn must not include "base/err.h"'
breach "base sees only the errors of the public API" src/base/x.c '#include "firn/firn.h"\n' \
	'1: base may include firn/err.h only, not "firn/firn.h"'
breach "libpq stays in catalog" src/engine/x.c '#include <libpq-fe.h>\n' \
	'1: <libpq-fe.h> may be included in catalog only'
breach "LMDB stays in segment" src/engine/x.c '#include <lmdb.h>\n' '1: <lmdb.h> may be included in segment only'
breach "libcurl stays in store" src/engine/x.c '#include <curl/curl.h>\n' \
	'1: <curl/curl.h> may be included in store only'
breach "a layer must be a known one" src/utils/x.c 'int x;\n' '1: "utils" is no layer'
breach "banned functions are seen" src/base/x.c 'int f(const char *s) { return atoi(s); }\n' '1: banned function atoi()'
breach "unfinished work is seen" src/base/x.c '/* TO''DO */\n' '1: unfinished work'
breach "a long file is seen" src/base/x.c "$(printf 'int x;\\n%.0s' $(seq 1001))" \
	'1001: the file is longer than 1000 lines'

rm -rf "$T/tree"
mkdir -p "$T/tree/src/base" "$T/tree/src/store"
touch "$T/tree/src/base/x.h" "$T/tree/src/store/x.h"
exits "basenames are unique (status)" 1 "$FIRN_SRC/tools/check-layers" "$T/tree"
is "basenames are unique" "$OUT" 'src/store/x.h:1: its basename is also that of src/base/x.h'

rm -rf "$T/tree"
mkdir -p "$T/tree/src/base"
touch "$T/tree/src/base/x.h"
echo '#include <stdio.h>' >"$T/tree/src/base/x.c"
exits "a file includes its own header first (status)" 1 "$FIRN_SRC/tools/check-layers" "$T/tree"
is "a file includes its own header first" "$OUT" 'src/base/x.c:1: the first include must be "base/x.h"'

cat >"$T/tree/src/base/x.c" <<'END'
#include "base/x.h"

#include <time.h>

/* Never sprintf() here; "atoi(" in a string is no call either. */
void x_print(char *s, struct tm *t, const time_t *now)
{
	x_show("atoi(");
	x_strtok_like(s);
	strtok_r(s, ",", &s);
	gmtime_r(now, t);
}
END
exits "what is allowed passes" 0 "$FIRN_SRC/tools/check-layers" "$T/tree"
is "and nothing is printed" "$OUT$ERR" ""
done_testing
