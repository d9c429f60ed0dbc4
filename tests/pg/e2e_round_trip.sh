# Out and back, bit for bit: values of many types and nasty ones, in a plain table with odd names and in a partitioned
# one. Then what a pass may not move, and what a rehydrate says of rows, columns and documents that changed meanwhile.
. "$FIRN_SRC/tests/lib/e2e_common.sh"

fresh_db
e2e_env "$(e2e_file_archive)"
# Three columns could be the embedding: one is named, the others are found.
unset FIRN_TABLE
printf '%s\n' 'tables:' "  - table: 'shop.\"Text Chunks\"'" '    columns: { embedding: embedding }' >"$T/firn.yaml"
export FIRN_CONFIG=$T/firn.yaml

# --- a plain table with every type at hand -------------------------------------------------------------------------
sql_file /dev/stdin <<'END'
CREATE SCHEMA shop;
CREATE TYPE shop.mood AS ENUM ('sad', 'so so', 'Happy');
CREATE TYPE shop.pair AS (a int, b text);
CREATE TABLE shop."Text Chunks" (
	"Id" bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	"documentId" int NOT NULL,
	"workspaceId" text NOT NULL,
	"embeddingVersion" text NOT NULL,
	"createdAt" timestamptz NOT NULL,
	embedding vector(24),
	half halfvec(24),
	sparse sparsevec(1000),
	gone int,
	bits bit(24),
	varbits bit varying,
	u uuid,
	"Text" text,
	j json,
	jb jsonb,
	by bytea,
	n numeric,
	f4 real,
	f8 double precision,
	b boolean,
	i2 smallint,
	i8 bigint,
	d date,
	ts timestamp,
	tz timestamptz,
	t time,
	iv interval,
	ip inet,
	net cidr,
	mac macaddr,
	ints int[],
	texts text[],
	r int4range,
	m shop.mood,
	ms shop.mood[],
	p shop.pair,
	x xml,
	pt point,
	money money,
	c char(7),
	vc varchar(40),
	tsv tsvector,
	length int GENERATED ALWAYS AS (length("Text")) STORED
);
ALTER TABLE shop."Text Chunks" DROP COLUMN gone;
CREATE INDEX ON shop."Text Chunks" USING hnsw (embedding vector_cosine_ops);
CREATE TABLE shop.workspace_index_state ("workspaceId" text PRIMARY KEY, "activeEmbeddingVersion" text NOT NULL,
	"targetEmbeddingVersion" text, "updatedAt" timestamptz NOT NULL);
INSERT INTO shop.workspace_index_state VALUES ('Größe "1"', 'new', NULL, now() - interval '1 h'),
	('two', 'new', NULL, now() - interval '1 h'), ('three', 'old', 'new', now() - interval '1 h');
INSERT INTO shop."Text Chunks" ("documentId", "workspaceId", "embeddingVersion", "createdAt", embedding, half, sparse, bits,
	varbits, u, "Text", j, jb, by, n, f4, f8, b, i2, i8, d, ts, tz, t, iv, ip, net, mac, ints, texts, r, m, ms, p, x, pt,
	money, c, vc, tsv)
SELECT g / 4,
	(ARRAY['Größe "1"', 'two', 'three'])[1 + g / 4 % 3], (ARRAY['old', 'new'])[1 + g % 2],
	timestamptz '2026-03-01 00:00+00' + g * interval '1 s 17 us',
	CASE WHEN g % 7 <> 0 THEN (SELECT array_agg(CASE WHEN i = 3 THEN '-0' ELSE sin(g * 24 + i)::real END)
		FROM generate_series(1, 24) i)::vector END,
	CASE WHEN g % 5 <> 0 THEN (SELECT array_agg(sin(g + i)::real) FROM generate_series(1, 24) i)::vector::halfvec END,
	CASE WHEN g % 11 <> 0 THEN ('{' || 1 + g % 900 || ':1.5,' || 901 + g % 99 || ':-2.25}/1000')::sparsevec
		ELSE '{}/1000'::sparsevec END,
	CASE WHEN g % 3 <> 0 THEN (g * 7919)::bit(24) END,
	CASE WHEN g % 4 <> 0 THEN substring((g * 104729)::bit(32) FROM 1 FOR g % 33) END,
	CASE WHEN g % 6 <> 0 THEN md5('u' || g)::uuid END,
	CASE g % 8 WHEN 0 THEN NULL WHEN 1 THEN '' WHEN 2 THEN repeat('long ', 3000) || g WHEN 3 THEN E'tab\tline\nß\\N'
		ELSE 'some text of row ' || g END,
	CASE WHEN g % 2 = 0 THEN '{ "spaces":   "kept", "a":1, "a":2 }'::json END,
	CASE WHEN g % 3 <> 1 THEN jsonb_build_object('n', g, 'null', NULL, 'list', ARRAY[g, g + 1]) END,
	CASE g % 4 WHEN 0 THEN NULL WHEN 1 THEN ''::bytea ELSE decode(repeat(md5('b' || g), g % 90), 'hex') END,
	(ARRAY['NaN', '0', '-0.000', '1e-30', '123456789012345678901234567890.0001', 'Infinity', NULL])[1 + g % 7]::numeric,
	(ARRAY['NaN', '-0', 'Infinity', '-Infinity', '1.5', '1e-40', NULL])[1 + g % 7]::real,
	(ARRAY['NaN', '-0', 'Infinity', '-Infinity', '0.1', '5e-324', NULL])[1 + g % 7]::double precision,
	(ARRAY[true, false, NULL])[1 + g % 3],
	CASE WHEN g % 9 <> 0 THEN (g % 65536 - 32768)::smallint END,
	CASE g % 5 WHEN 0 THEN NULL WHEN 1 THEN 9223372036854775807 WHEN 2 THEN -9223372036854775808 ELSE g END,
	(ARRAY['infinity', '-infinity', '4713-01-01 BC', '2026-11-23', NULL])[1 + g % 5]::date,
	(ARRAY['infinity', '-infinity', '2026-11-23 04:05:06.789', NULL])[1 + g % 4]::timestamp,
	(ARRAY['infinity', '-infinity', '2026-11-23 04:05:06.789+02', NULL])[1 + g % 4]::timestamptz,
	CASE WHEN g % 2 = 0 THEN time '24:00' ELSE time '00:00:00.000001' END,
	(ARRAY['1 mon -3 days 00:00:00.5', '-178000000 years', '0', NULL])[1 + g % 4]::interval,
	(ARRAY['::1/128', '10.0.0.1/8', NULL])[1 + g % 3]::inet, (ARRAY['10.0.0.0/8', NULL])[1 + g % 2]::cidr,
	CASE WHEN g % 2 = 0 THEN '08:00:2b:01:02:03'::macaddr END,
	(ARRAY['{}', '{1,NULL,3}', '{{1,2},{3,4}}', '[5:6]={7,8}', NULL])[1 + g % 5]::int[],
	CASE g % 3 WHEN 0 THEN ARRAY['', NULL, 'a"b', '{'] WHEN 1 THEN '{}'::text[] END,
	(ARRAY['empty', '[1,10)', '(,5)', NULL])[1 + g % 4]::int4range,
	(ARRAY['sad', 'so so', 'Happy', NULL])[1 + g % 4]::shop.mood,
	CASE WHEN g % 2 = 0 THEN ARRAY['Happy', 'sad']::shop.mood[] END,
	CASE g % 3 WHEN 0 THEN NULL WHEN 1 THEN ROW(NULL, NULL)::shop.pair ELSE ROW(g, 'b,' || g)::shop.pair END,
	CASE WHEN g % 2 = 0 THEN '<a>' || g || '</a>' END::xml, CASE WHEN g % 2 = 0 THEN point(g, '-0') END,
	(g || '.25')::money, 'c' || g % 10, CASE WHEN g % 2 = 0 THEN '' END, to_tsvector('simple', 'words of ' || g)
FROM generate_series(0, 1199) g;
CREATE TABLE shop.nan (payload double precision);
END
# What no literal can say: a NaN with a payload.
printf 'PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0\0\001\0\0\0\010\377\370\0\0\0\0\001\043\377\377' |
	sql "COPY shop.nan FROM STDIN (FORMAT BINARY)"
sql 'UPDATE shop."Text Chunks" SET f8 = (SELECT payload FROM shop.nan) WHERE "Id" % 7 = 0'
is "a NaN has a payload" "$(sql 'SELECT DISTINCT float8send(f8) FROM shop."Text Chunks" WHERE "Id" % 7 = 0')" '\xfff8000000000123'

ALL=$(e2e_digest 'shop."Text Chunks"' '"Id"')
exits "init finds odd names" 0 "$FIRN" init --format json
is "and the roles of columns" "$(psql -X -A -t -d "$DB" -v doc="$OUT" <<<"SELECT string_agg(c ->> 'role' || '=' || (c ->> 'name'), ' '
	ORDER BY c ->> 'role') FROM jsonb_path_query(:'doc'::jsonb, '\$.tables[0].columns[*] ? (@.role != null)') c")" \
	"created=createdAt document=documentId embedding=embedding id=Id version=embeddingVersion workspace=workspaceId"
exits "init is safe to run twice" 0 "$FIRN" init
exits "plan" 0 "$FIRN" plan --format json
PLANNED=$(json '{total_rows}')
is "plans the old version where the new one is active" "$PLANNED" 400
is "by workspace and version" "$(psql -X -A -t -d "$DB" -v doc="$OUT" <<<"SELECT string_agg(g ->> 'workspace' || '/' || (g ->> 'version')
	|| '=' || (g ->> 'rows'), ' ' ORDER BY g ->> 'workspace') FROM jsonb_array_elements(:'doc'::jsonb -> 'groups') g")" \
	'Größe "1"/old=200 two/old=200'
is "and moves nothing" "$(e2e_digest 'shop."Text Chunks"' '"Id"')" "$ALL"
exits "a dry run" 0 "$FIRN" pass --dry-run --format json
is "says the same" "$(json '{plan,total_rows}')" "$PLANNED"
is "and moves nothing either" "$(e2e_digest 'shop."Text Chunks"' '"Id"')" "$ALL"

exits "pass" 0 "$FIRN" pass --segment-size 256KiB --format json
is "moves what was planned" "$(json '{rows_moved}')" "$PLANNED"
is "and nothing else" "$(sql "SELECT count(*) FROM shop.\"Text Chunks\" c JOIN shop.workspace_index_state s
	USING (\"workspaceId\") WHERE c.\"embeddingVersion\" = 'old' AND s.\"activeEmbeddingVersion\" = 'new'")" 0
is "all the others are hot" "$(hot_rows 'shop."Text Chunks"')" 800
exits "verify --deep" 0 "$FIRN" verify --deep --format json
is "re-reads every cold row" "$(json '{rows}')" "$PLANNED"
exits "a second pass" 0 "$FIRN" pass --format json
is "moves nothing" "$(json '{rows_moved}') $(json '{segments}')" "0 0"
exits "rehydrate --where-cold all" 0 "$FIRN" rehydrate --where-cold all --format json
is "brings back as many" "$(json '{rows}')" "$PLANNED"
is "bit for bit" "$(e2e_digest 'shop."Text Chunks"' '"Id"')" "$ALL"
is "the identity goes on where it was" "$(sql "INSERT INTO shop.\"Text Chunks\" (\"documentId\", \"workspaceId\",
	\"embeddingVersion\", \"createdAt\", c) VALUES (0, 'three', 'old', now(), '') RETURNING \"Id\"")" 1201
sql 'DELETE FROM shop."Text Chunks" WHERE "Id" = 1201'

# --- narrowing, in the same table ----------------------------------------------------------------------------------
exits "pass again" 0 "$FIRN" pass --segment-size 256KiB
rehydrated() { "$FIRN" rehydrate "$@" --format json >"$T/r.json" 2>"$T/r.err" && json_of "$(cat "$T/r.json")" '{rows}'; }
ID=$(sql "SELECT \"Id\" FROM (SELECT generate_series(1, 1200) AS \"Id\" EXCEPT SELECT \"Id\" FROM shop.\"Text Chunks\") x
	ORDER BY 1 LIMIT 1")
is "a dry run counts" "$("$FIRN" rehydrate --workspace two --dry-run --format json | sed -n 's/^  "rows_matched": \([0-9]*\),$/\1/p')" 200
is "and brings back nothing" "$(hot_rows 'shop."Text Chunks"')" 800
is "--chunk brings back one" "$(rehydrated --chunk "$ID")" 1
is "once" "$(rehydrated --chunk "$ID")" 0
is "--document brings back its chunks" "$(rehydrated --document 16)" 2
is "--document of another workspace brings back none" "$(rehydrated --document 1 --workspace 'Größe "1"')" 0
is "--version of none" "$(rehydrated --version new)" 0
is "two documents" "$(rehydrated --document 1 --document 4)" 4
SEGMENT=$(sql "SELECT min(id) FROM firn.segment WHERE state = 'active'")
LIVE=$(sql "SELECT rows_live FROM firn.segment WHERE id = $SEGMENT")
is "--segment brings back what is live in it" "$(rehydrated --segment "$SEGMENT")" "$LIVE"
is "--workspace brings back the rest of it" "$(rehydrated --workspace 'Größe "1"' --version old)" \
	"$((200 - $(sql "SELECT count(*) FROM shop.\"Text Chunks\" WHERE \"workspaceId\" LIKE 'Gr%' AND \"embeddingVersion\" = 'old'") +
		$(json_of "$(cat "$T/r.json")" '{rows}')))"
exits "no selection is a mistake" 64 "$FIRN" rehydrate
exits "an id of another type is a mistake" 64 "$FIRN" rehydrate --chunk "no-number"
exits "the rest comes back" 0 "$FIRN" rehydrate --where-cold all
is "bit for bit again" "$(e2e_digest 'shop."Text Chunks"' '"Id"')" "$ALL"

# --- what came back lately stays -----------------------------------------------------------------------------------
printf '%s\n' 'rules: [{ name: superseded, match: { superseded: { grace: 0s } }, archive: {} }]' \
	'limits: { min_residency: 1h }' >"$T/resident.yaml"
exits "a pass with a minimum residency" 0 "$FIRN" pass --policy "$T/resident.yaml" --format json
is "leaves what was brought back" "$(json '{rows_moved}')" 0
printf '%s\n' 'rules: [{ name: superseded, match: { superseded: { grace: 2h } }, archive: {} }]' \
	'limits: { min_residency: 0s }' >"$T/grace.yaml"
exits "a pass within the grace period" 0 "$FIRN" pass --policy "$T/grace.yaml" --format json
is "leaves what was superseded lately" "$(json '{rows_moved}')" 0
printf '%s\n' 'rules:' '  - { name: vip, match: { workspace: "Gr*" }, keep: true }' \
	'  - { name: superseded, match: { superseded: { grace: 0s } }, archive: {} }' \
	'limits: { min_residency: 0s }' >"$T/keep.yaml"
exits "a keep rule" 0 "$FIRN" plan --policy "$T/keep.yaml" --format json
is "keeps its workspace" "$(json '{total_rows}')" 200
exits "a pass with it" 0 "$FIRN" pass --policy "$T/keep.yaml" --format json
is "moves the others" "$(json '{rows_moved}')" 200
exits "which come back" 0 "$FIRN" rehydrate --where-cold all
printf '%s\n' 'rules: [{ name: vip, match: { workspace: "Gr*" }, keep: true }]' >"$T/keep-only.yaml"
exits "a policy that only keeps" 0 "$FIRN" pass --policy "$T/keep-only.yaml" --format json
is "moves nothing" "$(json '{rows_moved}')" 0
printf '%s\n' 'rules:' '  - { name: superseded, match: { superseded: { grace: 0s } }, archive: {} }' \
	'  - { name: rest, match: { workspace: "Gr*", age_over: 1s }, archive: {} }' 'limits: { min_residency: 0s }' >"$T/two.yaml"
exits "rules with different conditions" 0 "$FIRN" plan --policy "$T/two.yaml" --format json
PLANNED=$(json '{total_rows}')
exits "a pass by them" 0 "$FIRN" pass --policy "$T/two.yaml" --format json
is "moves what each of them matches" "$(json '{rows_moved}')" "$PLANNED"
is "and leaves no row that one does" "$(sql "SELECT count(*) FROM shop.\"Text Chunks\" WHERE \"workspaceId\" LIKE 'Gr%'")" 0
exits "all comes back" 0 "$FIRN" rehydrate --where-cold all
exits "pass --max-rows" 0 "$FIRN" pass --max-rows 30 --format json
is "stops there" "$(json '{rows_moved}') $(json '{stopped_early}')" "30 true"
exits "and comes back" 0 "$FIRN" rehydrate --where-cold all
is "bit for bit once more" "$(e2e_digest 'shop."Text Chunks"' '"Id"')" "$ALL"
done_testing
