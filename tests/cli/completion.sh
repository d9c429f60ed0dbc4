# Completion for bash and zsh, as the shells run it. No database is asked.
. "$FIRN_SRC/tests/lib/firn.sh"

exits "completion for bash is written" 0 firn help --bash-completion
printf '%s\n' "$OUT" >"$T/firn.bash"
exits "completion for zsh is written" 0 firn help --zsh-completion
printf '%s\n' "$OUT" >"$T/_firn"

# complete WORD...: what bash would offer for the last word, which may be empty
complete_line() {
	(cd "$T" && bash -c '. ./firn.bash; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _firn; echo "${COMPREPLY[*]}"' bash "$@")
}
like "commands are offered" "$(complete_line firn '')" '^init pass plan .* --config '
is "a command is completed" "$(complete_line firn reh)" rehydrate
is "a group is offered once" "$(complete_line firn vers)" versions
is "of a group its commands are offered" "$(complete_line firn versions pro)" promote
is "a command's options are offered" "$(complete_line firn pass --max)" "--max-rows --max-runtime"
is "options of a command in a group are" "$(complete_line firn versions promote --t)" "--to --table"
is "options of another command are not" "$(complete_line firn gc --max)" ""
is "global options are offered before the command" "$(complete_line firn --arch)" --archive
is "and behind one" "$(complete_line firn gc --arch)" --archive
is "an option's values are offered" "$(complete_line firn --format '')" "text json"
is "and narrowed" "$(complete_line firn --format j)" json
is "also where bash takes the = for a word" "$(complete_line firn --format = j)" json
is "and where nothing follows it yet" "$(complete_line firn --format =)" "text json"
is "values of a command's option are" "$(complete_line firn rehydrate --on-conflict r)" replace
touch "$T/a policy.yaml"
mkdir "$T/a folder"
is "files are offered for a file" "$(complete_line firn --policy 'a p')" "a policy.yaml"
is "folders only for a folder" "$(complete_line firn --cache-dir 'a')" "a folder"
is "nothing is offered for a value that only the user knows" "$(complete_line firn --table '')" ""
is "topics of help are offered" "$(complete_line firn help ver)" "verify versions"

if command -v zsh >/dev/null 2>&1; then
	ok "zsh takes its completion for a program" zsh -n "$T/_firn"
	# A zsh of its own behind a terminal, in which the line is typed and Tab pressed; what it offers is printed.
	cat >"$T/type.zsh" <<'END'
zmodload zsh/zpty
zpty z "TERM=dumb PS1= zsh -f -i"
zpty -w z "fpath=($1 \$fpath); autoload -U compinit; compinit -u -d $1/dump; setopt no_list_beep; LISTMAX=1000"
# The editor says when it reads keys; what is typed before that is not completed.
zpty -w z "bindkey '^I' list-choices; zle-line-init() { print -n READ''Y }; zle -N zle-line-init"
zpty -r -m z line '*READY*'
zpty -w -n z "$2"$'\t'
# The line that the next command echoes ends what Tab wrote.
zpty -w -n z $'\x15print DON''E\n'
zpty -r -m z line '*DONE*'
print -r -- $line
END
	offered() { timeout 30 zsh -f "$T/type.zsh" "$T" "$1" 2>/dev/null | tr -d '\r'; }
	like "zsh offers commands with what they do" "$(offered 'firn ')" 'rehydrate +-- bring cold chunks back'
	like "zsh offers commands of a group" "$(offered 'firn versions ')" 'promote +-- make a version active'
	like "zsh offers a command's options" "$(offered 'firn pass --max')" '\-\-max-runtime +-- begin nothing new'
	like "zsh offers options of a command in a group" "$(offered 'firn versions promote --t')" '\-\-to +-- the version'
	like "zsh offers values" "$(offered 'firn rehydrate --on-conflict=')" 'fail +replace +skip'
else
	skip "zsh completes" "there is no zsh: run tools/bootstrap check"
fi
done_testing
