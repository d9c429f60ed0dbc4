# tools/embed-sql: the C strings are byte for byte what the files hold.
. "$FIRN_SRC/tests/lib/firn.sh"

mkdir "$T/sql" "$T/gen"
printf 'SELECT '"'"'a\\b"c??(d'"'"';\n\tSELECT %%s, $1;\n\n-- naïve\n' >"$T/sql/odd.sql"
: >"$T/sql/empty.sql"
for n in 001 002 010; do echo "SELECT $n;" >"$T/sql/migrate_$n.sql"; done
ok "writes its two files" "$FIRN_SRC/tools/embed-sql" "$T/gen" "$T"/sql/*.sql

cat >"$T/main.c" <<'END'
#include <stdio.h>
#include <string.h>

#include "sql.h"

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "odd") == 0)
		fputs(sql_odd, stdout);
	else if (argc > 1 && strcmp(argv[1], "empty") == 0)
		fputs(sql_empty, stdout);
	else
		for (int i = 0; sql_migrations[i] || i < sql_migration_count; i++)
			fputs(sql_migrations[i], stdout);
	return 0;
}
END
ok "what it wrote compiles without a warning" \
	"${CC:-cc}" -std=c11 -Wall -Wextra -Werror -I"$T/gen" -o "$T/main" "$T/main.c" "$T/gen/sql.c"
"$T/main" odd >"$T/odd.out"
ok "quotes, backslashes, trigraphs, tabs and UTF-8 come back" cmp "$T/odd.out" "$T/sql/odd.sql"
is "an empty file is an empty string" "$("$T/main" empty)" ""
is "migrations are in numeric order" "$("$T/main")" "$(cat "$T"/sql/migrate_*.sql)"

touch "$T/sql/Bad-name.sql"
exits "a name that is no C identifier is refused" 65 "$FIRN_SRC/tools/embed-sql" "$T/gen" "$T/sql/Bad-name.sql"
like "and named" "$ERR" 'Bad-name.sql'
done_testing
