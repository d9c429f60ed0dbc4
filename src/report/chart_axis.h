/* Axes of charts: where ticks are, and what stands at them. Pure functions of numbers. */
#ifndef REPORT_CHART_AXIS_H
#define REPORT_CHART_AXIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum chart_unit {
	CHART_COUNT,
	CHART_BYTES,   /* binary: KiB, MiB, GiB ... */
	CHART_USD,     /* dollars */
	CHART_SECONDS, /* durations: s, min, h, d */
};

/* An axis from 0 to top: a tick at every step, top is one. */
struct chart_axis {
	enum chart_unit unit;
	double step, top; /* above 0 */
	int ticks;        /* steps from 0 to top, at least 1 */
};

/* The axis that shows 0 to max with round numbers in at most `most` steps (at least 2). What is no positive number counts
 * as 0, whose axis has one step. */
struct chart_axis chart_axis_for(enum chart_unit unit, double max, int most);

/* What stands at tick i, 0 to ticks: one unit for the whole axis, as many decimals as its step needs. out_len of 32 is enough.
 * Returns out. */
const char *chart_axis_label(const struct chart_axis *a, int i, char *out, size_t out_len);

/* One value for people: "1.2 GiB", "$12.30", "2min 10s", "12,345". out_len of 40 is enough. Returns out. */
const char *chart_value(enum chart_unit unit, double v, char *out, size_t out_len);

/* Days since 1970, UTC, and the civil calendar. */
struct chart_date {
	int year, month, day; /* month and day from 1 */
};
struct chart_date chart_date_of(int64_t day);
int64_t chart_day_of(struct chart_date d);

/* "2026-03-01". out_len of 16 is enough. Returns out. */
const char *chart_day_text(int64_t day, char *out, size_t out_len);

struct chart_day_tick {
	int64_t day;
	char label[16]; /* "1 Mar", "Mar 2026", "2026" */
};

#define CHART_DAY_TICKS 9

/*
 * Ticks for first to last (not before it): at most CHART_DAY_TICKS - 1 of equal meaning (every day, second day, Monday,
 * first of a month, quarter or year), or the first and last day where none of these falls between. Returns how many.
 */
size_t chart_day_ticks(int64_t first, int64_t last, struct chart_day_tick ticks[CHART_DAY_TICKS]);

#endif
