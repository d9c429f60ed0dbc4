#include "base/board.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/signal.h"
#include "base/str.h"

#define LINES_MAX     32
#define TEXT_MAX      512
#define WIDTH_LEAST   10
#define WIDTH_ASSUMED 80
#define ROWS_ASSUMED  24

struct line {
	bool used;
	char text[TEXT_MAX];
};

struct board {
	FILE *out;
	pthread_mutex_t mutex;
	struct line lines[LINES_MAX];
	size_t drawn;        /* lines that are on the terminal; the cursor stands below them */
	bool stopping;       /* a signal was seen: what the terminal shows since is not only ours */
	struct buf out_text; /* being put together */
};

bool board_possible(FILE *out)
{
	const char *term = getenv("TERM");

	return isatty(fileno(out)) && term && *term && !str_eq(term, "dumb");
}

struct board *board_new(FILE *out, struct err *e)
{
	struct board *b = mem_new(1, sizeof(*b), e);

	if (!b)
		return NULL;
	b->out = out;
	pthread_mutex_init(&b->mutex, NULL);
	return b;
}

static void look_at_terminal(const struct board *b, size_t *columns_out, size_t *rows_out)
{
	struct winsize size = { 0 };

	if (ioctl(fileno(b->out), TIOCGWINSZ, &size) != 0)
		size = (struct winsize){ 0 };
	*columns_out = size.ws_col ? size.ws_col : WIDTH_ASSUMED;
	*rows_out = size.ws_row ? size.ws_row : ROWS_ASSUMED;
	/* The last column is left free: some terminals go on to the next line when it is written. */
	*columns_out = *columns_out > WIDTH_LEAST ? *columns_out - 1 : WIDTH_LEAST;
}

size_t board_width(const struct board *b)
{
	size_t columns = WIDTH_ASSUMED, rows;

	if (b)
		look_at_terminal(b, &columns, &rows);
	return columns;
}

/* Up to so many characters. */
static void add_cut(struct buf *b, const char *text, size_t columns)
{
	for (size_t n = 0; *text; text++) {
		n += ((unsigned char)*text & 0xC0) != 0x80;
		if (n > columns)
			return;
		buf_add_byte(b, (uint8_t)str_shown(*text));
	}
}

/* To the first line that was drawn. */
static void go_home(struct board *b)
{
	/* The word that a signal was heard stands below: what was drawn stays above it. */
	if (!b->stopping && signal_stop_requested()) {
		b->stopping = true;
		b->drawn = 0;
	}
	buf_add_str(&b->out_text, "\r");
	if (b->drawn > 0)
		buf_printf(&b->out_text, "\033[%zuA", b->drawn);
	b->drawn = 0;
}

static void add_line(struct board *b, const char *text, size_t columns)
{
	add_cut(&b->out_text, text, columns);
	buf_add_str(&b->out_text, "\033[K\n");
}

static void add_lines(struct board *b)
{
	size_t columns, rows;

	look_at_terminal(b, &columns, &rows);
	for (size_t i = 0; i < LINES_MAX && b->drawn + 2 < rows; i++) {
		const struct line *l = &b->lines[i];

		if (!l->used || !*l->text)
			continue;
		add_line(b, l->text, columns);
		b->drawn++;
	}
	buf_add_str(&b->out_text, "\033[J");
}

/* All at once: the terminal never shows half of it. */
static void put(struct board *b)
{
	if (!b->out_text.failed)
		fwrite(b->out_text.data, 1, b->out_text.len, b->out);
	fflush(b->out);
	buf_clear(&b->out_text);
}

static void redraw(struct board *b)
{
	go_home(b);
	add_lines(b);
	put(b);
}

static void wipe(struct board *b)
{
	if (b->drawn == 0)
		return;
	go_home(b);
	buf_add_str(&b->out_text, "\033[J");
	put(b);
}

static bool anything(const struct board *b)
{
	for (size_t i = 0; i < LINES_MAX; i++)
		if (b->lines[i].used && *b->lines[i].text)
			return true;
	return false;
}

void board_free(struct board *b)
{
	if (!b)
		return;
	wipe(b);
	buf_release(&b->out_text);
	pthread_mutex_destroy(&b->mutex);
	free(b);
}

int board_open(struct board *b)
{
	int line = -1, last = -1;

	if (!b)
		return -1;
	pthread_mutex_lock(&b->mutex);
	for (int i = 0; i < LINES_MAX; i++)
		if (b->lines[i].used)
			last = i;
	/* Below the others where there is room, so that lines keep their order. */
	for (int i = 0; line < 0 && i < LINES_MAX; i++) {
		int at = (last + 1 + i) % LINES_MAX;

		if (!b->lines[at].used)
			line = at;
	}
	if (line >= 0)
		b->lines[line] = (struct line){ .used = true };
	pthread_mutex_unlock(&b->mutex);
	return line;
}

void board_set(struct board *b, int line, const char *text)
{
	if (!b || line < 0)
		return;
	pthread_mutex_lock(&b->mutex);
	snprintf(b->lines[line].text, sizeof(b->lines[line].text), "%s", text);
	redraw(b);
	pthread_mutex_unlock(&b->mutex);
}

void board_close(struct board *b, int line, const char *last)
{
	bool shown;

	if (!b || line < 0)
		return;
	pthread_mutex_lock(&b->mutex);
	shown = *b->lines[line].text;
	b->lines[line] = (struct line){ 0 };
	if (last) {
		go_home(b);
		add_line(b, last, board_width(b));
		add_lines(b);
		put(b);
	} else if (shown) {
		redraw(b);
	}
	pthread_mutex_unlock(&b->mutex);
}

void board_pause(struct board *b)
{
	if (!b)
		return;
	pthread_mutex_lock(&b->mutex);
	wipe(b);
}

void board_go_on(struct board *b)
{
	if (!b)
		return;
	/* Lines that were taken away come back. */
	if (anything(b))
		redraw(b);
	pthread_mutex_unlock(&b->mutex);
}
