# --log-format json: each line of standard error is one object with the members that JSON.md names, whatever comes of the run.
. "$FIRN_SRC/tests/lib/e2e_common.sh"

fresh_db
e2e_tables 2 200
e2e_env "$(e2e_file_archive)"
export FIRN_LOG_FORMAT=json

# What is wrong with lines on standard input, then "LEVEL..." of those that came.
cat >"$T/lines.py" <<'END'
import json, re, sys
CODES = "usage data not-found offline internal memory io exists busy fenced interrupted config denied frozen".split()
levels = set()
for n, line in enumerate(sys.stdin.buffer.read().split(b"\n")[:-1], 1):
    try:
        x = json.loads(line)
        extra = {"code", "hint"} if x["level"] == "error" else set()
        assert {"time", "level", "message"} <= set(x) <= {"time", "level", "message"} | extra, "members"
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", x["time"]), "time"
        assert x["level"] in ("error", "warning", "notice", "info", "debug"), "level"
        assert x["message"] and not re.search(r"[\x00-\x08\x0b-\x1f]|^firn: ", x["message"]), "message"
        assert x["level"] != "error" or x["code"] in CODES, "code"
        levels.add(x["level"])
    except (ValueError, KeyError, AssertionError) as e:
        print(f"line {n}: {e!r}: {line}")
print(*sorted(levels))
END
lines() { # NAME LEVELS: of $ERR
	is "$1" "$(printf '%s\n' "$ERR" | /usr/bin/python3 "$T/lines.py" 2>&1)" "$2"
}

exits "init" 0 "$FIRN" -v init
is "has nothing to say" "$ERR" ""
exits "a run that succeeds" 0 "$FIRN" -vv pass --max-rows 100 --format json
lines "writes objects" "debug info"
like "standard output is what it was" "$(json '{command}')" '^pass$'

# As on a terminal, where text would show how far it is.
cat >"$T/terminal.py" <<'END'
import os, pty, subprocess, sys
master, slave = pty.openpty()
child = subprocess.Popen(sys.argv[1:], stdin=slave, stdout=subprocess.DEVNULL, stderr=slave)
os.close(slave)
try:
    while data := os.read(master, 65536):
        sys.stderr.buffer.write(data.replace(b"\r\n", b"\n"))
except OSError:
    pass
sys.exit(child.wait())
END
exits "on a terminal, with progress, a pass" 0 /usr/bin/python3 "$T/terminal.py" "$FIRN" -v pass
lines "writes objects" "info"
exits "bringing it back there" 0 /usr/bin/python3 "$T/terminal.py" "$FIRN" -v rehydrate --where-cold all
unlike "draws nothing" "$ERR" $'[\r\033]'
exits "although it is one" 0 /usr/bin/python3 "$T/terminal.py" test -t 2

sql "ALTER TABLE firn.usage_daily ADD CHECK (hot_rows < 0) NOT VALID; DELETE FROM firn.usage_daily; DELETE FROM firn.residency"
exits "a pass that warns" 0 "$FIRN" -v pass
lines "writes that, too" "info warning"
exits "with -qq" 0 "$FIRN" -qq pass
is "it is silent" "$ERR" ""

exits "a run that fails" 78 "$FIRN" -v --archive "$(e2e_file_archive)" pass
lines "writes its error as one" "error"
like "with a code and a hint" "$ERR" '"code":"config","hint":"Use that archive'
exits "one without a database" 69 "$FIRN" -v -d "host=$T dbname=x" pass
lines "also where libpq's text has lines" "error"
# The name is not UTF-8, nor is the message then.
exits "one that names a file in another encoding" 78 "$FIRN" -v --policy "$T/$(printf 'p\351\n.yaml')" pass
lines "is still an object" "error"
exits "a table whose name has quotes and line ends" 78 "$FIRN" -v --table "$(printf 'a"b\nc')" pass
lines "is one, too" "error"
exits "a wrong command line" 64 "$FIRN" pass --no-such
like "is told as text, as JSON.md says" "$ERR" '^firn: error: "--no-such"'
done_testing
