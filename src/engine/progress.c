#include "engine/engine.h"

#include <inttypes.h>

#include "base/str.h"

/* A terminal's line is redrawn at most five times a second; a log gets a line a minute. */
#define REDRAW_MS   200
#define LOG_LINE_MS 60000

enum {
	PROGRESS_NONE,
	PROGRESS_TERMINAL,
	PROGRESS_LOG
};

void progress_start(struct progress *p, struct firn *f, const char *verb, int64_t total_rows)
{
	int64_t now = clock_now_ms(f->clock);

	*p = (struct progress){
		.f = f, .verb = verb, .total_rows = total_rows, .started_ms = now, .shown_ms = now
	};
}

static void show(struct progress *p, int64_t now)
{
	int64_t elapsed_ms = now - p->started_ms > 0 ? now - p->started_ms : 1,
		rate = p->rows * 1000 / elapsed_ms;
	char rows[32], bytes[16], per_second[32], left[48] = "", duration[32], total[40] = "";

	str_format_count(p->rows, rows, sizeof(rows));
	str_format_count(rate, per_second, sizeof(per_second));
	str_format_bytes((uint64_t)p->bytes, bytes, sizeof(bytes));
	if (p->total_rows > 0) {
		char of[32];

		snprintf(total, sizeof(total), " of %s",
			 str_format_count(p->total_rows, of, sizeof(of)));
		if (rate > 0 && p->total_rows > p->rows)
			snprintf(left, sizeof(left), ", %s left",
				 str_format_duration((p->total_rows - p->rows) / rate, duration,
						     sizeof(duration)));
	}
	if (p->f->progress == PROGRESS_TERMINAL) {
		fprintf(p->f->log.out, "\r%s: %s%s rows, %s, %s rows/s%s\033[K", p->verb, rows,
			total, bytes, per_second, left);
		fflush(p->f->log.out);
	} else {
		log_notice(&p->f->log, "%s: %s%s rows, %s, %s rows/s%s", p->verb, rows, total,
			   bytes, per_second, left);
	}
	p->shown_ms = now;
}

void progress_add(struct progress *p, int64_t rows, int64_t bytes)
{
	int64_t now;

	p->rows += rows;
	p->bytes += bytes;
	/* Looking at the clock for every row would cost more than many a row. */
	if (p->f->progress == PROGRESS_NONE || p->rows % 64 >= rows + 1)
		return;
	now = clock_now_ms(p->f->clock);
	if (now - p->shown_ms >= (p->f->progress == PROGRESS_TERMINAL ? REDRAW_MS : LOG_LINE_MS))
		show(p, now);
}

void progress_end(struct progress *p)
{
	if (p->f->progress != PROGRESS_TERMINAL || p->rows == 0)
		return;
	fprintf(p->f->log.out, "\r\033[K");
	fflush(p->f->log.out);
}
