#include "report/text_table.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/money.h"
#include "base/str.h"

#define GAP       2
#define GAP_LEAST 1  /* where the terminal is too narrow for more */
#define NAME_MIN  14 /* a name is not cut to less: its end has to be told from its neighbours' */
#define NOTE_MIN  24 /* a note is, but only after names */
#define VALUE_MIN 8  /* beside the headings of a block */
#define CELL_MAX  512

void text_put(FILE *out, const char *s)
{
	for (; *s; s++)
		fputc(str_shown(*s), out);
}

void text_add(struct text_table *t, const char *s)
{
	struct err ignored = { 0 };
	char *copy;

	if (t->failed)
		return;
	copy = mem_strdup(s ? s : "", &ignored);
	if (!copy || !mem_grow((void **)&t->cells, &t->cell_capacity, t->cell_count + 1,
			       sizeof(*t->cells), &ignored)) {
		free(copy);
		t->failed = true;
		return;
	}
	for (char *c = copy; *c; c++)
		*c = str_shown(*c);
	t->cells[t->cell_count++] = copy;
}

void text_addf(struct text_table *t, const char *fmt, ...)
{
	char cell[CELL_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(cell, sizeof(cell), fmt, ap);
	va_end(ap);
	text_add(t, cell);
}

void text_add_count(struct text_table *t, int64_t n)
{
	char cell[32];

	text_add(t, str_format_count(n, cell, sizeof(cell)));
}

void text_add_estimate(struct text_table *t, int64_t n, bool estimated)
{
	char cell[32];

	text_addf(t, "%s%s", estimated ? "~" : "", str_format_count(n, cell, sizeof(cell)));
}

void text_add_bytes(struct text_table *t, int64_t bytes)
{
	char cell[32];

	text_add(t, str_format_bytes(bytes > 0 ? (uint64_t)bytes : 0, cell, sizeof(cell)));
}

void text_add_money(struct text_table *t, int64_t nano)
{
	char cell[MONEY_MAX];

	text_add(t, money_short(nano, cell));
}

size_t text_table_rows(const struct text_table *t)
{
	return t->cell_count / t->column_count;
}

/* Takes from the widest column that may be cut, a cell at a time. */
static void shrink(const struct text_table *t, size_t *widths, size_t *total, size_t limit,
		   bool names, size_t least)
{
	while (*total > limit) {
		size_t widest = t->column_count;

		for (size_t c = 0; c < t->column_count; c++) {
			enum text_kind kind = t->columns[c].kind;

			if ((kind == TEXT_NOTE || (names && kind == TEXT_NAME)) &&
			    widths[c] > least &&
			    (widest == t->column_count || widths[c] > widths[widest]))
				widest = c;
		}
		if (widest == t->column_count)
			return;
		widths[widest]--;
		(*total)--;
	}
}

/* The point of a number and what is behind it. */
static size_t decimals(const char *s)
{
	const char *point = strchr(s, '.');

	return point ? strlen(point) : 0;
}

/* What is behind the point in the cell of a column that has the most there. */
static size_t most_decimals(const struct text_table *t, size_t column)
{
	size_t most = 0;

	for (size_t i = column; i < t->cell_count; i += t->column_count)
		if (decimals(t->cells[i]) > most)
			most = decimals(t->cells[i]);
	return most;
}

/* With blanks to the right of it in place of decimals that others have. */
static size_t cell_width(const struct text_table *t, size_t column, size_t most, const char *s)
{
	return str_width(s) +
	       (*s && t->columns[column].kind == TEXT_MONEY ? most - decimals(s) : 0);
}

/* Widths of the columns, 0 for those that are empty, and their most_decimals; false where they do not fit. */
static bool measure(const struct text_table *t, size_t gap, size_t *widths, size_t *most,
		    size_t limit)
{
	size_t total = (size_t)t->indent;

	for (size_t c = 0; c < t->column_count; c++) {
		most[c] = most_decimals(t, c);
		widths[c] = 0;
		for (size_t i = c; i < t->cell_count; i += t->column_count)
			if (cell_width(t, c, most[c], t->cells[i]) > widths[c])
				widths[c] = cell_width(t, c, most[c], t->cells[i]);
		if (widths[c] && str_width(t->columns[c].title) > widths[c])
			widths[c] = str_width(t->columns[c].title);
		if (widths[c])
			total += widths[c] + gap;
	}
	total -= total > gap ? gap : 0;
	shrink(t, widths, &total, limit, false, NOTE_MIN);
	shrink(t, widths, &total, limit, true, NAME_MIN);
	return total <= limit;
}

/* The end of a name tells it from its neighbours as often as its beginning does; a schema's dot before the dots would be a fourth. */
static void print_cut(FILE *out, const char *s, size_t len, size_t width, enum text_kind kind)
{
	size_t tail = kind == TEXT_NOTE ? 0 : (width - 3) / 2, head = width - 3 - tail, n = 0;
	bool dots = false;

	if (tail > 0 && head > 1 && s[head - 1] == '.') {
		head--;
		tail++;
	}
	for (; *s; s++) {
		n += ((unsigned char)*s & 0xC0) != 0x80;
		if (n <= head || n > len - tail)
			fputc(*s, out);
		else if (!dots)
			fputs("...", out);
		dots |= n > head;
	}
}

static void print_row(const struct text_table *t, FILE *out, size_t gap, const size_t *widths,
		      const size_t *most, char *const *cells)
{
	size_t pending = (size_t)t->indent;

	for (size_t c = 0; c < t->column_count; c++) {
		const char *s = cells ? cells[c] : t->columns[c].title;
		enum text_kind kind = t->columns[c].kind;
		bool right = kind == TEXT_NUMBER || kind == TEXT_MONEY;
		size_t len = str_width(s), all = cells ? cell_width(t, c, most[c], s) : len,
		       pad = all < widths[c] ? widths[c] - all : 0;

		if (!widths[c])
			continue;
		if (right)
			pending += pad;
		/* Blanks are written when something follows them, so that no line ends in one. */
		if (*s) {
			fprintf(out, "%*s", (int)pending, "");
			pending = 0;
		}
		if (len > widths[c])
			print_cut(out, s, len, widths[c], kind);
		else
			fputs(s, out);
		pending += (right ? 0 : pad) + all - len + gap;
	}
	fputc('\n', out);
}

/* How many bytes the next line of a text takes: to the last blank that fits, or as many characters as fit. */
static size_t line_length(const char *s, size_t width)
{
	size_t n = 0, i = 0, blank = 0;

	for (; s[i]; i++) {
		if ((unsigned char)s[i] >= 0x80 && (unsigned char)s[i] < 0xC0)
			continue;
		if (s[i] == ' ')
			blank = i;
		if (n++ == width)
			return blank ? blank : i;
	}
	return i;
}

static void print_value(FILE *out, const char *s, size_t at, size_t width)
{
	for (bool first = true; *s; first = false) {
		size_t len = line_length(s, width);

		if (!first)
			fprintf(out, "%*s", (int)at, "");
		fprintf(out, "%.*s\n", (int)len, s);
		s += len;
		s += strspn(s, " ");
	}
}

/* A line "heading  value" for each cell that says something: what a terminal narrower than the table still shows. */
static void print_blocks(const struct text_table *t, FILE *out, const size_t *widths, size_t limit)
{
	size_t heading = 0, indent = (size_t)t->indent, at, room;

	for (size_t c = 0; c < t->column_count; c++)
		if (widths[c] && str_width(t->columns[c].title) > heading)
			heading = str_width(t->columns[c].title);
	at = indent + heading + GAP;
	room = limit > at + VALUE_MIN ? limit - at : VALUE_MIN;
	for (size_t i = 0; i + t->column_count <= t->cell_count; i += t->column_count) {
		if (i > 0)
			fputc('\n', out);
		for (size_t c = 0; c < t->column_count; c++) {
			size_t from = i + c;

			/* Below each other, a name is said once; here each block has its own. */
			while (c == 0 && !*t->cells[from] && from >= t->column_count)
				from -= t->column_count;
			if (!*t->cells[from])
				continue;
			fprintf(out, "%*s%-*s", (int)indent, "", (int)(heading + GAP),
				t->columns[c].title);
			print_value(out, t->cells[from] + strspn(t->cells[from], " "), at, room);
		}
	}
}

bool text_table_print(const struct text_table *t, FILE *out, int width, struct err *e)
{
	size_t *widths, *most, limit = width > 0 ? (size_t)width : SIZE_MAX, gap = GAP;
	bool fits;

	if (t->failed)
		return err_no_memory(e);
	if (t->cell_count == 0)
		return true;
	widths = mem_new(2 * t->column_count, sizeof(*widths), e);
	if (!widths)
		return false;
	most = widths + t->column_count;
	fits = measure(t, gap, widths, most, limit) ||
	       measure(t, gap = GAP_LEAST, widths, most, limit);
	if (fits) {
		print_row(t, out, gap, widths, most, NULL);
		for (size_t i = 0; i + t->column_count <= t->cell_count; i += t->column_count)
			print_row(t, out, gap, widths, most, t->cells + i);
	} else {
		print_blocks(t, out, widths, limit);
	}
	free(widths);
	return true;
}

void text_table_release(struct text_table *t)
{
	for (size_t i = 0; i < t->cell_count; i++)
		free(t->cells[i]);
	free(t->cells);
	t->cells = NULL;
	t->cell_count = t->cell_capacity = 0;
	t->failed = false;
}
