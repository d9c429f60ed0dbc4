#include "engine/engine.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "base/board.h"
#include "base/str.h"

/* A terminal's line is redrawn at most five times a second; a log gets a line a minute. */
#define REDRAW_MS   200
#define LOG_LINE_MS 60000
#define LINE_BYTES  512
#define CLOCK_BYTES (1 << 20)
#define PIECES_MAX  10
#define NEVER_GOES  6 /* the rank from which on pieces stay */
/* Before that rows may have come in one piece, and say nothing of how fast, or for how long, they will. */
#define RATE_AFTER_MS 1000

/* A line is put together of pieces; where it is too wide, those go first that matter least. */
struct piece {
	int rank; /* 1: goes first */
	char text[320];
};

struct line {
	struct piece pieces[PIECES_MAX];
	size_t count;
};

static void add(struct line *l, int rank, const char *fmt, ...) PRINTF(3, 4);

static void add(struct line *l, int rank, const char *fmt, ...)
{
	struct piece *p = &l->pieces[l->count];
	va_list ap;

	if (l->count == PIECES_MAX)
		return;
	p->rank = rank;
	va_start(ap, fmt);
	vsnprintf(p->text, sizeof(p->text), fmt, ap);
	va_end(ap);
	l->count++;
}

static void add_rate(struct line *l, const struct progress *p, int64_t elapsed_ms)
{
	char text[32];

	if (p->bytes > 0)
		add(l, 4, ", %s/s",
		    str_format_bytes((uint64_t)((double)p->bytes * 1000 / (double)elapsed_ms), text,
				     sizeof(text)));
	else
		add(l, 4, ", %s %s/s",
		    str_format_count(p->rows * 1000 / elapsed_ms, text, sizeof(text)), p->unit);
}

/* Rates are those since since_ms. The first piece is the name: it is cut before it goes. */
static void describe(const struct progress *p, int64_t since_ms, int64_t now, struct line *l)
{
	int64_t elapsed_ms = now - since_ms > 0 ? now - since_ms : 1;
	bool more = p->rows > 0 && p->rows < p->total_rows;
	char text[32];

	l->count = 0;
	add(l, NEVER_GOES, "%s%.300s", p->label ? "  " : "", p->label ? p->label : p->verb);
	if (p->rows > 0)
		add(l, more ? 5 : NEVER_GOES, ": %s",
		    str_format_count(p->rows, text, sizeof(text)));
	if (p->rows > 0 && p->total_rows > 0)
		add(l, 2, " of %s", str_format_count(p->total_rows, text, sizeof(text)));
	if (p->rows > 0)
		add(l, 3, " %s", p->unit);
	if (more)
		add(l, NEVER_GOES, ", %d%%", (int)(100 * p->rows / p->total_rows));
	if (p->bytes > 0)
		add(l, 1, ", %s", str_format_bytes((uint64_t)p->bytes, text, sizeof(text)));
	if (p->parts > 1)
		add(l, 2, ", leaf %zu of %zu", p->part, p->parts);
	if (p->note)
		add(l, NEVER_GOES, "%s%s", p->rows > 0 ? ", " : ": ", p->note);
	else if (p->rows > 0 && elapsed_ms >= RATE_AFTER_MS)
		add_rate(l, p, elapsed_ms);
	if (!p->note && more && elapsed_ms >= RATE_AFTER_MS)
		add(l, 5, ", %s left",
		    str_format_duration((p->total_rows - p->rows) * elapsed_ms / p->rows / 1000,
					text, sizeof(text)));
}

static void join(const struct line *l, int least_rank, const char *name, char out[LINE_BYTES])
{
	size_t at = (size_t)snprintf(out, LINE_BYTES, "%s", name);

	for (size_t i = 1; i < l->count; i++)
		if (l->pieces[i].rank >= least_rank && at < LINE_BYTES)
			at += (size_t)snprintf(out + at, LINE_BYTES - at, "%s", l->pieces[i].text);
}

/* In so many columns. */
static void fit(const struct line *l, size_t width, char out[LINE_BYTES])
{
	const char *name = l->pieces[0].text;

	for (int rank = 1; rank <= NEVER_GOES; rank++) {
		join(l, rank, name, out);
		if (str_width(out) <= width)
			return;
	}
	/* Names of leaves differ at their ends. */
	while (*name && str_width(out) > width) {
		do
			name++;
		while (((unsigned char)*name & 0xC0) == 0x80);
		join(l, NEVER_GOES, name, out);
	}
}

static void show(struct progress *p, int64_t now)
{
	struct line l;
	char text[LINE_BYTES];

	describe(p, p->first_row_ms, now, &l);
	if (p->f->progress == PROGRESS_TERMINAL) {
		fit(&l, board_width(p->f->log.board), text);
		board_set(p->f->log.board, p->board_line, text);
	} else {
		join(&l, 1, l.pieces[0].text, text);
		log_notice(&p->f->log, "%s", text);
	}
	p->shown_ms = now;
}

void progress_start(struct progress *p, struct firn *f, const char *verb, const char *label,
		    int64_t total_rows)
{
	int64_t now = clock_now_ms(f->clock);

	*p = (struct progress){
		.f = f,
		.verb = verb,
		.unit = "rows",
		.label = label,
		.total_rows = total_rows,
		.started_ms = now,
		.shown_ms = now,
		.board_line = board_open(f->log.board),
		/* What has a label is a part of something that has its own line. */
		.shown =
			f->progress == PROGRESS_TERMINAL || (f->progress == PROGRESS_LOG && !label),
	};
}

void progress_add(struct progress *p, int64_t rows, int64_t bytes)
{
	int64_t now;

	/* What went before, the server's sorting for example, says nothing of how fast rows go. */
	if (p->rows == 0)
		p->first_row_ms = clock_now_ms(p->f->clock);
	p->rows += rows;
	p->bytes += bytes;
	p->note = NULL;
	/* Looking at the clock for every row would cost more than many a row. */
	if (!p->shown || (bytes < CLOCK_BYTES && p->rows % 64 >= rows + 1))
		return;
	now = clock_now_ms(p->f->clock);
	if (now - p->shown_ms >= (p->f->progress == PROGRESS_TERMINAL ? REDRAW_MS : LOG_LINE_MS))
		show(p, now);
}

void progress_note(struct progress *p, const char *what)
{
	p->note = what;
	if (p->f && p->f->progress == PROGRESS_TERMINAL)
		show(p, clock_now_ms(p->f->clock));
}

void progress_end(struct progress *p, bool stays)
{
	int64_t elapsed_ms = clock_now_ms(p->f->clock) - p->started_ms;
	char text[LINE_BYTES], duration[32];
	struct line l;

	if (p->f->progress != PROGRESS_TERMINAL)
		return;
	if (!stays || p->rows == 0) {
		board_close(p->f->log.board, p->board_line, NULL);
		return;
	}
	p->note = NULL;
	p->total_rows = 0;
	describe(p, p->started_ms, p->started_ms + elapsed_ms, &l);
	add(&l, NEVER_GOES, " in %s",
	    str_format_duration(elapsed_ms / 1000, duration, sizeof(duration)));
	fit(&l, board_width(p->f->log.board), text);
	board_close(p->f->log.board, p->board_line, text);
}
