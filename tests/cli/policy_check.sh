# firn policy check: every shipped policy is well written; what is wrong is named with file, line and key, before a pass.
. "$FIRN_SRC/tests/lib/firn.sh"

unset FIRN_POLICY FIRN_CONFIG FIRN_DATABASE FIRN_TABLE
for policy in "$FIRN_SRC"/policies/*.yaml; do
	case $policy in */firn.example.yaml) continue ;; esac
	exits "${policy##*/}" 0 "$FIRN" policy check "$policy"
	like "${policy##*/}: is said to be" "$OUT" "${policy##*/}: well written, [0-9]+ rule"
done
exits "the reference, as JSON" 0 "$FIRN" policy check "$FIRN_SRC/policies/reference.yaml" --format json
like "names each rule, what it does and where it stands" "$(tr -d ' \n' <<<"$OUT")" '"name":"keep-vip","action":"keep","line":[0-9]+}'

exits "without a file" 0 "$FIRN" policy check
like "the built-in one" "$OUT" '^the built-in policy: well written, 1 rule'
exits "by --policy" 0 "$FIRN" policy check --policy "$FIRN_SRC/policies/idle.yaml"
like "that one" "$OUT" 'idle.yaml: well written, 2 rules'

while IFS='|' read -r name match wanted; do
	printf 'rules:\n  - name: cold\n    match: { superseded: {} }\n    archive: {}\n  - name: idle\n    match:\n      %s\n    archive: {}\n' "$match" >"$T/p.yaml"
	exits "$name" 78 "$FIRN" policy check "$T/p.yaml"
	like "$name: is named" "$ERR" "p\.yaml:$wanted"
	is "$name: nothing else is said" "$OUT" ""
done <<'END'
a key that is none|idle_fro: 60d|7: "idle_fro" is not a key of match; did you mean "idle_for"\?
a value that is none|idle_for: long|7: idle_for: "long" is not a duration
no pressure|leaf_rows_over: 25X|7: leaf_rows_over: "25X" is not a number such as
a list of nothing|document: []|7: "document" is an empty list
an empty condition|where: ""|7: where: it is empty
END
printf 'rules: [\n' >"$T/p.yaml"
exits "no YAML" 78 "$FIRN" policy check "$T/p.yaml"
like "has its line" "$ERR" "p\.yaml:[0-9]+: not YAML"
exits "as JSON" 78 "$FIRN" policy check "$T/p.yaml" --format json
like "the error is in the document" "$OUT" '"error":'
exits "a file that is not there" 78 "$FIRN" policy check "$T/none.yaml"
exits "two files" 64 "$FIRN" policy check "$T/p.yaml" "$T/p.yaml"
exits "a group without its command" 64 "$FIRN" policy

fresh_db
sql "CREATE TABLE chunk (id int8 PRIMARY KEY, tenant text NOT NULL, embedding vector(3))"
export FIRN_DATABASE=$DB FIRN_ARCHIVE=file://$T/archive FIRN_TABLE=public.chunk
mkdir "$T/archive"
cat >"$T/firn.yaml" <<'END'
tables:
  - table: public.chunk
    columns: { workspace: tenant }
END
export FIRN_CONFIG=$T/firn.yaml
exits "init" 0 "$FIRN" init
printf 'rules:\n  - name: one\n    match: { workspace: a, where: "id > 5" }\n    archive: {}\n' >"$T/p.yaml"
exits "what the table has" 0 "$FIRN" policy check "$T/p.yaml" --tables --format json
like "is said" "$OUT" '"public.chunk"'
for match in 'idle_for: 60d' 'version: a' 'document: a' 'superseded: {}' 'leaf_rows_over: 5' 'where: colour = 1' 'where: id'; do
	printf 'rules:\n  - name: one\n    match: { %s }\n    archive: {}\n' "$match" >"$T/p.yaml"
	exits "$match: the file alone is well written" 0 "$FIRN" policy check "$T/p.yaml"
	exits "$match: but not for the table" 78 "$FIRN" policy check "$T/p.yaml" --tables
	like "$match: with its place" "$ERR" 'p\.yaml:2: rule "one"'
done
done_testing
