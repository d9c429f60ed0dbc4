#include "report/chart.h"

#include <math.h>
#include <stdio.h>

#include "report/html.h"

/* Pixels: the plot, room above for the uppermost label, below for what stands under the axis. */
#define PLOT_TOP    12
#define PLOT_HEIGHT 200
#define PLOT_BOTTOM (PLOT_TOP + PLOT_HEIGHT)
#define HEIGHT      (PLOT_BOTTOM + 26)
/* Of the drawing inside the plot, which is stretched to its place. */
#define INNER 1000.0

#define MOST_STEPS 5

static double value_at(const double *values, size_t i)
{
	return values[i] > 0 && isfinite(values[i]) ? values[i] : 0;
}

static double y_of(const struct chart_axis *a, double v)
{
	return PLOT_BOTTOM - PLOT_HEIGHT * (v / a->top);
}

static void begin(struct buf *b, const char *label, const struct chart_axis *a)
{
	char text[32];

	buf_add_str(b, "<div class=\"plot\" role=\"img\" aria-label=\"");
	html_line(b, label, 0);
	buf_printf(b, "\">\n<svg class=\"scale\" width=\"76\" height=\"%d\" aria-hidden=\"true\">",
		   HEIGHT);
	for (int i = 0; i <= a->ticks; i++)
		buf_printf(b, "<text x=\"68\" y=\"%.1f\">%s</text>", y_of(a, a->step * i) + 4,
			   chart_axis_label(a, i, text, sizeof(text)));
	buf_printf(b,
		   "</svg>\n<svg class=\"field\" width=\"100%%\" height=\"%d\" "
		   "aria-hidden=\"true\">\n",
		   HEIGHT);
	for (int i = 0; i <= a->ticks; i++)
		buf_printf(b, "<line class=\"%s\" x1=\"0\" x2=\"100%%\" y1=\"%.1f\" y2=\"%.1f\"/>",
			   i == 0 ? "base" : "grid", y_of(a, a->step * i), y_of(a, a->step * i));
	buf_add_byte(b, '\n');
}

static void end(struct buf *b)
{
	buf_add_str(b, "</svg>\n</div>\n");
}

static double share_of_day(const struct chart_over_days *c, int64_t day)
{
	int64_t first = c->days[0], last = c->days[c->day_count - 1];

	return first == last ? 0.5 : (double)(day - first) / (double)(last - first);
}

static void day_scale(struct buf *b, const struct chart_over_days *c)
{
	struct chart_day_tick ticks[CHART_DAY_TICKS];
	size_t n = chart_day_ticks(c->days[0], c->days[c->day_count - 1], ticks);

	for (size_t i = 0; i < n; i++) {
		double x = share_of_day(c, ticks[i].day);

		/* Every second one gives way where it is narrow. */
		buf_printf(b,
			   "<g class=\"tick%s\"><line x1=\"%.2f%%\" x2=\"%.2f%%\" y1=\"%d\" "
			   "y2=\"%d\"/><text class=\"%s\" x=\"%.2f%%\" y=\"%d\">%s</text></g>",
			   n > 4 && i % 2 == 1 ? " spare" : "", x * 100, x * 100, PLOT_BOTTOM,
			   PLOT_BOTTOM + 5,
			   x < 0.06   ? "from"
			   : x > 0.94 ? "to"
				      : "mid",
			   x * 100, PLOT_BOTTOM + 20, ticks[i].label);
	}
	buf_add_byte(b, '\n');
}

/* What is under series s on day i, and with it. */
static double stacked_to(const struct chart_over_days *c, size_t s, size_t i)
{
	double sum = 0;

	if (!c->stacked)
		return value_at(c->series[s].values, i);
	for (size_t k = 0; k <= s; k++)
		sum += value_at(c->series[k].values, i);
	return sum;
}

static double under(const struct chart_over_days *c, size_t s, size_t i)
{
	return c->stacked && s > 0 ? stacked_to(c, s - 1, i) : 0;
}

static void add_point(struct buf *b, const struct chart_over_days *c, const struct chart_axis *a,
		      size_t i, double v)
{
	buf_printf(b, "%.1f,%.1f ", INNER * share_of_day(c, c->days[i]), INNER * (1 - v / a->top));
}

static void draw_over_days(struct buf *b, const struct chart_over_days *c,
			   const struct chart_axis *a)
{
	buf_printf(b,
		   "<svg x=\"0\" y=\"%d\" width=\"100%%\" height=\"%d\" viewBox=\"0 0 1000 1000\" "
		   "preserveAspectRatio=\"none\" class=\"drawing\">\n",
		   PLOT_TOP, PLOT_HEIGHT);
	for (size_t s = 0; s < c->series_count; s++) {
		if (c->stacked) {
			buf_printf(b, "<polygon class=\"area %s\" points=\"", c->series[s].style);
			for (size_t i = 0; i < c->day_count; i++)
				add_point(b, c, a, i, stacked_to(c, s, i));
			for (size_t i = c->day_count; i-- > 0;)
				add_point(b, c, a, i, under(c, s, i));
			buf_add_str(b, "\"/>\n");
		}
		buf_printf(b, "<polyline class=\"line %s\" points=\"", c->series[s].style);
		for (size_t i = 0; i < c->day_count; i++)
			add_point(b, c, a, i, stacked_to(c, s, i));
		buf_add_str(b, "\"/>\n");
	}
	buf_add_str(b, "</svg>\n");
}

static void draw_one_day(struct buf *b, const struct chart_over_days *c, const struct chart_axis *a)
{
	for (size_t s = 0; s < c->series_count; s++) {
		double top = y_of(a, stacked_to(c, s, 0)), bottom = y_of(a, under(c, s, 0));

		if (c->stacked)
			buf_printf(b,
				   "<rect class=\"area %s\" x=\"42%%\" width=\"16%%\" y=\"%.1f\" "
				   "height=\"%.1f\"/>",
				   c->series[s].style, top, bottom - top);
		buf_printf(b,
			   "<line class=\"line %s\" x1=\"42%%\" x2=\"58%%\" y1=\"%.1f\" "
			   "y2=\"%.1f\"/>\n",
			   c->series[s].style, top, top);
	}
}

/* A column for each day that reaches half way to its neighbours, to be pointed at. */
static void day_tips(struct buf *b, const struct chart_over_days *c)
{
	char text[40];

	for (size_t i = 0; i < c->day_count; i++) {
		double x = share_of_day(c, c->days[i]);
		double from = i == 0 ? 0 : (x + share_of_day(c, c->days[i - 1])) / 2;
		double to = i + 1 == c->day_count ? 1 : (x + share_of_day(c, c->days[i + 1])) / 2;

		buf_printf(b,
			   "<rect class=\"hit\" x=\"%.2f%%\" width=\"%.2f%%\" y=\"%d\" "
			   "height=\"%d\"><title>%s",
			   from * 100, (to - from) * 100, PLOT_TOP, PLOT_HEIGHT,
			   chart_day_text(c->days[i], text, sizeof(text)));
		for (size_t s = c->series_count; s-- > 0;) {
			buf_add_byte(b, '\n');
			html_line(b, c->series[s].name, 60);
			buf_printf(b, ": %s",
				   chart_value(c->unit, value_at(c->series[s].values, i), text,
					       sizeof(text)));
		}
		buf_add_str(b, "</title></rect>\n");
	}
}

void chart_over_days(struct buf *b, const struct chart_over_days *c)
{
	struct chart_axis a;
	double max = 0;

	if (c->day_count == 0 || c->series_count == 0)
		return;
	for (size_t i = 0; i < c->day_count; i++)
		for (size_t s = 0; s < c->series_count; s++)
			max = fmax(max, stacked_to(c, s, i));
	a = chart_axis_for(c->unit, max, MOST_STEPS);
	begin(b, c->label, &a);
	if (c->day_count == 1)
		draw_one_day(b, c, &a);
	else
		draw_over_days(b, c, &a);
	day_scale(b, c);
	day_tips(b, c);
	end(b);
}

void chart_bars(struct buf *b, const struct chart_bars *c)
{
	double max = 0, slot;
	struct chart_axis a;

	if (c->bar_count == 0)
		return;
	/* Few bars are no wider than a sixth of the chart. */
	slot = 100.0 / (double)(c->bar_count < 5 ? 5 : c->bar_count);
	for (size_t i = 0; i < c->bar_count; i++)
		max = fmax(max, value_at(&c->bars[i].value, 0));
	a = chart_axis_for(c->unit, max, MOST_STEPS);
	begin(b, c->label, &a);
	for (size_t i = 0; i < c->bar_count; i++) {
		const struct chart_bar *bar = &c->bars[i];
		double v = value_at(&bar->value, 0), y = y_of(&a, v), x = slot * (double)i;

		/* What is not nothing can be seen. */
		if (v > 0 && PLOT_BOTTOM - y < 2)
			y = PLOT_BOTTOM - 2;
		buf_printf(b,
			   "<g class=\"bar\"><rect class=\"area %s\" x=\"%.2f%%\" width=\"%.2f%%\" "
			   "y=\"%.1f\" height=\"%.1f\"/>",
			   bar->style, x + slot * 0.1, slot * 0.8, y, PLOT_BOTTOM - y);
		if (bar->above) {
			buf_printf(b, "<text class=\"mid sign\" x=\"%.2f%%\" y=\"%.1f\">",
				   x + slot * 0.5, y - 3 < PLOT_TOP ? PLOT_TOP : y - 3);
			html_line(b, bar->above, 4);
			buf_add_str(b, "</text>");
		}
		if (bar->below) {
			buf_printf(b, "<text class=\"mid%s\" x=\"%.2f%%\" y=\"%d\">",
				   c->bar_count > 5 && bar->below && i % 2 == 1 ? " spare" : "",
				   x + slot * 0.5, PLOT_BOTTOM + 20);
			html_line(b, bar->below, 16);
			buf_add_str(b, "</text>");
		}
		buf_printf(b,
			   "<rect class=\"hit\" x=\"%.2f%%\" width=\"%.2f%%\" y=\"%d\" "
			   "height=\"%d\"><title>",
			   x, slot, PLOT_TOP, PLOT_HEIGHT);
		html_line(b, bar->tip, 0);
		buf_add_str(b, "</title></rect></g>\n");
	}
	if (c->cut_label) {
		double x = slot * (double)(c->cut < c->bar_count ? c->cut : c->bar_count);

		buf_printf(b,
			   "<line class=\"cut\" x1=\"%.2f%%\" x2=\"%.2f%%\" y1=\"%d\" y2=\"%d\"/>"
			   "<text class=\"cut %s\" x=\"%.2f%%\" dx=\"%d\" y=\"%d\">",
			   x, x, PLOT_TOP - 10, PLOT_BOTTOM, x > 50 ? "to" : "from", x,
			   x > 50 ? -6 : 6, PLOT_TOP - 1);
		html_line(b, c->cut_label, 40);
		buf_add_str(b, "</text>\n");
	}
	end(b);
}

void chart_strip(struct buf *b, const struct chart_part *parts, size_t part_count, double whole)
{
	double at = 0;

	buf_add_str(b, "<svg class=\"strip\" width=\"100%\" height=\"14\" aria-hidden=\"true\">");
	for (size_t i = 0; i < part_count; i++) {
		double share = whole > 0 ? value_at(&parts[i].value, 0) / whole * 100 : 0;

		if (share > 100 - at)
			share = 100 - at;
		if (share <= 0)
			continue;
		buf_printf(b,
			   "<rect class=\"area %s\" x=\"%.2f%%\" width=\"%.2f%%\" height=\"14\"/>",
			   parts[i].style, at, share);
		at += share;
	}
	buf_add_str(b, "</svg>");
}

void chart_patterns(struct buf *b)
{
	/* Told apart without colour: cold is hatched one way, what failed the other. */
	buf_add_str(b,
		    "<svg class=\"patterns\" width=\"0\" height=\"0\" aria-hidden=\"true\"><defs>\n"
		    "<pattern id=\"hatch-cold\" width=\"6\" height=\"6\" "
		    "patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">"
		    "<rect class=\"cold-ground\" width=\"6\" height=\"6\"/>"
		    "<rect class=\"cold-stroke\" width=\"2.5\" height=\"6\"/></pattern>\n"
		    "<pattern id=\"hatch-failed\" width=\"6\" height=\"6\" "
		    "patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(-45)\">"
		    "<rect class=\"failed-ground\" width=\"6\" height=\"6\"/>"
		    "<rect class=\"failed-stroke\" width=\"2.5\" height=\"6\"/></pattern>\n"
		    "</defs></svg>\n");
}
