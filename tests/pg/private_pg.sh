# tools/pg: the clusters that crash tests kill come back with what was committed, and only what was.
. "$FIRN_SRC/tests/lib/firn.sh"

export FIRN_PG_FSYNC=off
at_exit "$FIRN_SRC/tools/pg" down "$T/pg"
exits "starts a cluster and prints its URI" 0 "$FIRN_SRC/tools/pg" up "$T/pg"
DB=$OUT
like "the URI is on loopback" "$DB" '^postgresql://postgres@127\.0\.0\.1:[0-9]+/postgres$'
is "up again is the same cluster" "$("$FIRN_SRC/tools/pg" up "$T/pg")" "$DB"
ok "pgvector is there" sql "CREATE EXTENSION vector; CREATE TABLE t (v vector(3)); INSERT INTO t VALUES ('[1,2,3]')"

psql -X -q -d "$DB" -c "BEGIN; INSERT INTO t VALUES ('[4,5,6]'); SELECT pg_sleep(600)" >/dev/null 2>&1 &
asleep() { [ "$(sql "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'")" = 1 ]; }
ok "a transaction is under way" poll_until 30 asleep
ok "every process of it is killed" "$FIRN_SRC/tools/pg" kill9 "$T/pg"
not_ok "and it is gone" sql "SELECT 1"
ok "it starts again" "$FIRN_SRC/tools/pg" restart "$T/pg"
is "what was committed is there, the rest is not" "$(sql "SELECT v FROM t")" "[1,2,3]"
ok "it stops" "$FIRN_SRC/tools/pg" down "$T/pg"
not_ok "and answers no more" sql "SELECT 1"
done_testing
