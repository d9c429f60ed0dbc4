"""Runs a program on a terminal of its own and prints what that shows in the end, scrolled-off lines included.

    terminal.py [--size COLUMNSxROWS] [--term NAME] [--press REGEX KEYS]... -- PROGRAM ARGS...

KEYS (Python's escapes: "\\x03" is Ctrl-C) are pressed once, when REGEX is found among the lines; one --press after the other.
The screen understands what firn writes: carriage return, line feed, cursor up, erase to the end of line or screen. Whatever else
begins with ESC is printed as <ESC...>, so that a test sees it. The status is the program's, or 128 and the signal that ended it;
125 where it does not end within two minutes.
"""
import codecs, fcntl, os, pty, re, select, signal, struct, sys, termios, time

class Screen:
    def __init__(self, columns, rows):
        self.columns, self.rows = columns, rows
        self.lines, self.top, self.y, self.x = [""], 0, 0, 0
        self.waiting = ""

    def put(self, c):
        if self.x == self.columns:
            self.feed("\r\n")
        line = self.lines[self.y].ljust(self.x)
        self.lines[self.y] = line[:self.x] + c + line[self.x + 1:]
        self.x += 1

    def feed(self, text):
        text = self.waiting + text
        self.waiting = ""
        at = 0
        while at < len(text):
            c = text[at]
            if c == "\033":
                m = re.match(r"\033\[([0-9;]*)([A-Za-z])", text[at:])
                if not m:
                    if len(text) - at < 12:
                        self.waiting = text[at:]
                        return
                    self.put("<ESC>")
                    at += 1
                    continue
                at += m.end()
                n = int(m[1]) if m[1].isdigit() else 1
                if m[2] == "A":
                    self.y = max(self.top, self.y - n)
                elif m[2] == "K" and not m[1]:
                    self.lines[self.y] = self.lines[self.y][:self.x]
                elif m[2] == "J" and not m[1]:
                    self.lines[self.y] = self.lines[self.y][:self.x]
                    del self.lines[self.y + 1:]
                else:
                    self.put(f"<ESC{m[0][1:]}>")
                continue
            at += 1
            if c == "\r":
                self.x = 0
            elif c == "\n":
                self.y += 1
                while self.y >= len(self.lines):
                    self.lines.append("")
                self.top = max(self.top, self.y - self.rows + 1)
            else:
                self.put(c)

    def text(self):
        return "\n".join(line.rstrip() for line in self.lines)

def main():
    args, columns, rows, term, presses = sys.argv[1:], 80, 24, "xterm", []
    while args[0] != "--":
        if args[0] == "--size":
            columns, rows = map(int, args[1].split("x"))
        elif args[0] == "--term":
            term = args[1]
        elif args[0] == "--press":
            presses.append((re.compile(args[1], re.M), codecs.decode(args[2], "unicode_escape").encode()))
            del args[0]
        del args[:2]
    pid, fd = pty.fork()
    if pid == 0:
        os.environ["TERM"] = term
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        os.execvp(args[1], args[1:])
    screen, decode = Screen(columns, rows), codecs.getincrementaldecoder("utf-8")("replace").decode
    deadline, widest = time.monotonic() + 120, 0
    while True:
        if not select.select([fd], [], [], max(0, deadline - time.monotonic()))[0]:
            os.kill(pid, signal.SIGKILL)
            print(screen.text())
            sys.exit(125)
        try:
            data = os.read(fd, 65536)
        except OSError:
            break
        if not data:
            break
        screen.feed(decode(data))
        if presses and presses[0][0].search(screen.text()):
            os.write(fd, presses.pop(0)[1])
    status = os.waitpid(pid, 0)[1]
    print(screen.text())
    sys.exit(128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status))

main()
