#!/usr/bin/python3
"""Runs the commands of a Markdown file in their order, and compares what they print, in form, with what it shows.

    readme.py FILE PLACE=FOLDER...      TAP: one test a command
    readme.py --show FILE PLACE=FOLDER...   each command with what it prints now, to update FILE by

A command is an indented line that begins with "$ "; a line that ends with a backslash and a here-document go on with
the lines that follow. What is indented below, up to the next command or an empty line before text, is its output: none
shown, none compared. It has to succeed, unless "firn: error" is shown. Variables, functions and the current folder stay
for the commands after it. PLACE=FOLDER has each command find FOLDER where the text says PLACE.

In form: numbers, sizes, times, ids and columns' widths may be others, words not. A line that is "..." stands for any
lines, "..." in a line for any text.
"""
import os
import re
import subprocess
import sys
import tempfile

INDENT = "    "


def commands(path):
    """(line number, command, lines of output) of each command."""
    with open(path, encoding="utf-8") as file:
        lines = file.read().split("\n")
    found = []
    at = 0
    while at < len(lines):
        line = lines[at]
        at += 1
        if not line.startswith(INDENT + "$ "):
            continue
        number = at
        command = [line[len(INDENT) + 2:]]
        while command[-1].endswith("\\"):
            command.append(lines[at][len(INDENT):])
            at += 1
        end = re.search(r"<<-?'?(\w+)'?", "\n".join(command))
        while end and (len(command) == 1 or command[-1].strip() != end.group(1)):
            command.append(lines[at][len(INDENT):])
            at += 1
        shown = []
        while at < len(lines) and not lines[at].startswith(INDENT + "$ "):
            if lines[at].strip() and not lines[at].startswith(INDENT):
                break
            shown.append(lines[at][len(INDENT):])
            at += 1
        while shown and not shown[-1].strip():
            shown.pop()
        found.append((number, "\n".join(command), shown))
    return found


FORMS = (
    (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "ID"),
    (r"\b[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9:.]+(Z|\+00)?)?", "TIME"),
    (r"\b[0-9a-f]{16,}\b", "HEX"),
    (r"[0-9]+(,[0-9]{3})*(\.[0-9]+)?", "0"),
    (r"\b0 (bytes|[KMGT]iB)", "SIZE"),
    (r"~0", "0"),
    (r"\b0(ms|s|min|h|d)\b", "DURATION"),
    (r"\s+", " "),
)


def form(line):
    for pattern, name in FORMS:
        line = re.sub(pattern, name, line)
    return line.strip()


def matches(shown, printed):
    """Whether the lines printed have the form of those shown, "..." standing for any number of lines."""
    pattern = ""
    for line in shown:
        if line.strip() == "...":
            pattern += r"(?:.*\n)*?"
            continue
        pattern += ".*".join(re.escape(part) for part in form(line).split("...")) + r"\n"
    return re.fullmatch(pattern, "".join(form(line) + "\n" for line in printed)) is not None


class Shell:
    """bash that forgets nothing between two commands but its traps."""

    def __init__(self, places):
        self.state = tempfile.NamedTemporaryFile(suffix=".sh")
        self.places = places

    def run(self, command):
        """(status, lines printed by either stream)"""
        for place, folder in self.places:
            command = command.replace(place, folder)
        script = (". %s\n%s\nstatus=$?\n{ declare -p | grep -v '^declare -[a-z]*r'; declare -f; printf 'cd %%q\\n' "
                  "\"$PWD\"; } >%s 2>/dev/null\nexit $status\n")
        script %= (self.state.name, command, self.state.name)
        done = subprocess.run(["bash", "-c", script], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=300, check=False)
        text = done.stdout.decode("utf-8", "replace")
        for place, folder in self.places:
            text = text.replace(folder, place)
        return done.returncode, [line for line in text.split("\n")[:-1]]


def main():
    arguments = sys.argv[1:]
    show = arguments[0] == "--show"
    if show:
        arguments.pop(0)
    found = commands(arguments[0])
    shell = Shell([tuple(pair.split("=", 1)) for pair in arguments[1:]])
    failed = 0
    if not show:
        print("1..%d" % len(found))
    for test, (number, command, shown) in enumerate(found, 1):
        status, printed = shell.run(command)
        if show:
            print("\n".join(INDENT + line for line in ["$ " + command] + printed))
            if status:
                print("# line %d: status %d" % (number, status))
            continue
        wanted = any("firn: error" in line for line in shown)
        good = (status != 0) == wanted and (not shown or matches(shown, [l for l in printed]))
        first = command.split("\n")[0]
        print("%s %d - line %d: %s" % ("ok" if good else "not ok", test, number, first.replace("#", "\\#")))
        if not good:
            failed += 1
            print("# line %d of %s: status %d\n# shown:\n%s\n# printed:\n%s" % (
                number, os.path.basename(arguments[0]), status, "\n".join("#   " + l for l in shown),
                "\n".join("#   " + l for l in printed)), file=sys.stderr)
        sys.stdout.flush()
    return 1 if failed else 0


sys.exit(main())
