# Nothing is left to say for shellcheck of any shell script, at its lowest severity; .shellcheckrc has what is not heeded, and why.
. "$FIRN_SRC/tests/lib/firn.sh"
command -v shellcheck >/dev/null || skip_all "there is no shellcheck: run tools/bootstrap check"
cd "$FIRN_SRC" || exit 1

mapfile -t scripts < <(grep -lE '^#!/bin/(ba)?sh' tools/* .ci/* 2>/dev/null)
mapfile -t tests < <(find tests -name '*.sh')
ok "there are scripts" [ ${#scripts[@]} -gt 10 -a ${#tests[@]} -gt 50 ]
# One process for all of them takes four times as long as one for each.
clean() { printf '%s\0' "${@:2}" | xargs -0 -n 1 shellcheck --severity=style ${1:+"--shell=$1"}; }
ok "tools are clean" clean "" "${scripts[@]}"
# Tests are run by "bash FILE", and begin with no #!.
ok "tests are clean" clean bash "${tests[@]}"
done_testing
