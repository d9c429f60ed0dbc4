/*
 * Charts as inline SVG: figures in, markup out. Shapes are placed by shares of the width and pixels of height, so that a
 * chart is as wide as its place while its text keeps its size; colours and patterns are classes that report.css knows.
 * Each shape that stands for a figure has it as a tooltip; no script. The picture is one image to a screen reader, named
 * by `label`: the caller puts the figures into a table beside it.
 */
#ifndef REPORT_CHART_H
#define REPORT_CHART_H

#include "base/buf.h"
#include "report/chart_axis.h"

struct chart_series {
	const char *name;     /* in tooltips; ours, or else of any source */
	const char *style;    /* class: "hot", "cold", "was", "saved" */
	const double *values; /* as many as there are days, none below 0 */
};

struct chart_over_days {
	const char *label; /* what the picture says in a sentence, for screen readers */
	enum chart_unit unit;
	const int64_t *days; /* since 1970, rising; gaps are bridged by a straight line */
	size_t day_count;
	const struct chart_series *series; /* stacked: the lowest first */
	size_t series_count;
	bool stacked; /* areas upon each other; else lines */
};

/* Nothing for no days; one day is a column (or a mark for each line). */
void chart_over_days(struct buf *b, const struct chart_over_days *c);

struct chart_bar {
	double value;
	const char *style; /* class: "hot", "cold", "done", "failed" */
	const char *tip;
	const char *below; /* what stands under it, or NULL */
	const char *above; /* a sign of few characters on top of it, or NULL */
};

struct chart_bars {
	const char *label;
	enum chart_unit unit;
	const struct chart_bar *bars;
	size_t bar_count;
	/* A line before bar `cut` (from 0 to bar_count), named; cut_label NULL: none. */
	size_t cut;
	const char *cut_label;
};

/* Columns beside each other; nothing for none. */
void chart_bars(struct buf *b, const struct chart_bars *c);

/* One bar that lies, of parts that follow each other, for a row of a list that has names and figures as text: hidden from
 * screen readers. Parts are shares of `whole`; nothing below 0. */
struct chart_part {
	double value;
	const char *style;
};
void chart_strip(struct buf *b, const struct chart_part *parts, size_t part_count, double whole);

/* What styles refer to; once a page, before the first chart. */
void chart_patterns(struct buf *b);

#endif
