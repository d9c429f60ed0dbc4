# firn config show: what is in force, and where it came from. Neither database nor archive is asked.
. "$FIRN_SRC/tests/lib/firn.sh"
for name in $(compgen -v FIRN_; compgen -v PG; compgen -v AWS_); do
	case $name in FIRN_SRC | FIRN_TEST_* | FIRN_*_BIN | FIRN_AT_EXIT) ;; *) unset "$name" ;; esac
done
export HOME=$T
cd "$T" || exit 1
cat >firn.yaml <<'END'
# a comment
database: "host=db user=app password='hunter two'"
archive: file:///srv/cold
segment:
  zstd_level: 9
  target_bytes: 64MiB
gc: { horizon: 36h }
tables:
  - table: public.chunk
    columns:
      id: [workspace_id, id]
  - table: public.other
END

# line KEY: value and source as text
line() { printf '%s\n' "$OUT" | awk -v k="$1" '$1 == k { $1 = ""; print substr($0, 2) }'; }

exits "the configuration is shown" 0 firn -c firn.yaml config show
is "a value of the file has its line" "$(line segment.zstd_level)" "9 file firn.yaml:5"
is "one on the line of its mapping, too" "$(line gc.horizon)" "36h file firn.yaml:7"
is "a default is one" "$(line cache.max_bytes)" "10GiB default"
is "what is not set shows as a dash" "$(line s3.endpoint)" "- default"
is "tables have a number each" "$(line 'tables[1].table')" "public.other file firn.yaml:12"
is "a list is shown whole" "$(line 'tables[0].columns.id')" "workspace_id, id file firn.yaml:11"
is "a password is hidden" "$(line database)" "user=app password=******** host=db file firn.yaml:2"
unlike "everywhere" "$OUT$ERR" 'hunter|two'

export FIRN_ARCHIVE=s3://key:sesame@bucket/prefix FIRN_S3_PATH_STYLE=yes FIRN_MAX_ROWS=5 FIRN_MAXROWS=6
export PGHOST=elsewhere PGPASSWORD=opensesame AWS_PROFILE=cold AWS_SECRET_ACCESS_KEY=opensesame
exits "with an environment" 0 firn -c firn.yaml --s3-region eu-north-1 -d 'postgresql://app:opensesame@h/d' config show
is "a variable is stronger than the file" "$(line archive)" "s3://********@bucket/prefix environment FIRN_ARCHIVE"
is "a variable that says yes is shown as the file has it" "$(line s3.path_style)" "true environment FIRN_S3_PATH_STYLE"
is "an option is named" "$(line s3.region)" "eu-north-1 option --s3-region"
is "a URI is shown without its password" "$(line database)" "user=app password=******** dbname=d host=h option --database"
is "variables of libpq are shown" "$(line PGHOST)" "elsewhere libpq"
is "secret ones are hidden" "$(line PGPASSWORD)/$(line AWS_SECRET_ACCESS_KEY)" "(hidden) libpq/(hidden) S3 archive"
is "those of other commands are" "$(line FIRN_MAX_ROWS)" "5 other commands"
is "a misspelt one is" "$(line FIRN_MAXROWS)" "6 nobody: no option is called so"
unlike "nothing of it is secret" "$OUT$ERR" 'sesame'

exits "an option that names a table leaves the others out" 0 firn -c firn.yaml --table chunk config show
is "it is shown" "$(line tables)" "chunk option --table"
is "with what the file says of it" "$(line 'tables[0].table')" "public.chunk file firn.yaml:9"
is "and nothing of the other" "$(line 'tables[1].table')" ""

exits "as JSON" 0 firn -c firn.yaml --format json config show
is "it is a document with command and file" "$(printf '%s\n' "$OUT" | sed -n '2,3p')" '  "command": "config show",
  "file": "firn.yaml",'
like "a setting has key, value, source and where" "$(printf '%s' "$OUT" | tr -d ' \n')" \
	'\{"key":"segment\.zstd_level","value":"9","source":"file","where":"firn\.yaml:5"\}'
like "what is not set is null" "$(printf '%s' "$OUT" | tr -d ' \n')" \
	'\{"key":"s3\.endpoint","value":null,"source":"default","where":null\}'
unlike "secrets are in it neither" "$OUT" 'sesame|hunter'

exits "a configuration that cannot be read fails" 78 firn -c missing.yaml config show
exits "a password in a string that is not valid stays secret" 0 firn -d 'host=db password=opensesame x' config show
is "and the string is called so" "$(line database)" "(not a valid connection string) option --database"

# Every key that there is stands in firn.yaml(5): the unit test of the table compares it with what is read.
"$FIRN_SRC/tools/man-config" 1 2026-01-01 "$FIRN_SRC/policies/firn.example.yaml" "$FIRN_SRC/policies/reference.yaml" >page
missing=
for key in $(firn -c firn.yaml config show | awk '/^[a-z]/ { print $1 }' |
	grep -v '^tables\[1\]' | sed 's/^tables\[0\]/tables[]/'); do
	grep -qF ".B $key" <(sed 's/\\-/-/g' page) || missing="$missing $key"
done
is "every key is in the man page" "$missing" ""
done_testing
