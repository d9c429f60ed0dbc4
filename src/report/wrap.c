#include "report/wrap.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/mem.h"

struct wrap {
	FILE *out;
	size_t width;
	struct buf line; /* has no end yet */
};

static bool is_continued(char c)
{
	return ((unsigned char)c & 0xC0) == 0x80;
}

/* Where lines that go on begin. */
static size_t hanging_indent(const char *s, size_t len, size_t width)
{
	size_t leading = 0, indent, n = 0;

	while (leading < len && s[leading] == ' ')
		leading++;
	indent = leading;
	for (size_t i = leading; i + 2 < len && n < width / 2; i++) {
		n = i + 1;
		if ((s[i] == ' ' && s[i + 1] == ' ' && s[i + 2] != ' ') ||
		    (i == leading && memcmp(s + i, "-> ", 3) == 0))
			indent = i + (s[i] == ' ' ? 2 : 3);
	}
	return indent <= width / 2 ? indent : 2;
}

/* One line, without its end. */
static void put_line(const struct wrap *w, const char *s, size_t len)
{
	size_t indent = hanging_indent(s, len, w->width), at = 0, from = 0, leading = 0, width = 0;
	bool begun = false;

	for (size_t i = 0; i < len; i++)
		width += !is_continued(s[i]);
	if (width <= w->width) {
		fwrite(s, 1, len, w->out);
		return;
	}
	while (leading < len && s[leading] == ' ')
		leading++;
	if (leading > w->width / 2)
		from = leading - indent;
	while (from < len) {
		size_t blanks = 0, word, chars = 0;

		while (from + blanks < len && s[from + blanks] == ' ')
			blanks++;
		for (word = from + blanks; word < len && s[word] != ' '; word++)
			chars += !is_continued(s[word]);
		if (begun && at + blanks + chars > w->width) {
			fprintf(w->out, "\n%*s", (int)indent, "");
			at = indent;
		} else {
			fprintf(w->out, "%*s", (int)blanks, "");
			at += blanks;
		}
		fwrite(s + from + blanks, 1, word - from - blanks, w->out);
		at += chars;
		from = word;
		begun |= chars > 0;
	}
}

static ssize_t wrap_write(void *cookie, const char *text, size_t len)
{
	struct wrap *w = cookie;
	const char *end;
	size_t done = 0;

	while ((end = memchr(text + done, '\n', len - done)) != NULL) {
		size_t part = (size_t)(end - text) - done;

		buf_add(&w->line, text + done, part);
		put_line(w, buf_str(&w->line), w->line.len);
		fputc('\n', w->out);
		buf_clear(&w->line);
		done += part + 1;
	}
	buf_add(&w->line, text + done, len - done);
	return !w->line.failed && fflush(w->out) == 0 && !ferror(w->out) ? (ssize_t)len : 0;
}

static int wrap_close(void *cookie)
{
	struct wrap *w = cookie;
	bool ok;

	put_line(w, buf_str(&w->line), w->line.len);
	ok = fflush(w->out) == 0 && !ferror(w->out);
	buf_release(&w->line);
	free(w);
	return ok ? 0 : -1;
}

FILE *wrap_open(FILE *out, int width)
{
	const cookie_io_functions_t calls = { .write = wrap_write, .close = wrap_close };
	struct err ignored = { 0 };
	struct wrap *w = mem_new(1, sizeof(*w), &ignored);
	FILE *f = w ? fopencookie(w, "w", calls) : NULL;

	if (!f) {
		free(w);
		return NULL;
	}
	*w = (struct wrap){ .out = out, .width = (size_t)width, .line = BUF_INIT };
	return f;
}
