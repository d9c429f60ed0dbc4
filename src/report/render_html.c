/* What storage costs as one page that needs nothing else: no script, no network, well-formed as HTML and as XML. Each chart
 * has its figures in a table beside it. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/money.h"
#include "base/str.h"
#include "report/chart.h"
#include "report/html.h"
#include "report/render.h"

#define PASSES_DRAWN 40
#define NAME_CHARS   60
#define NAME_WHOLE   24 /* shorter ones are never broken */

struct page {
	struct buf b;
	const struct firn_report_result *x;
	const char *const *titles; /* of the table at hand */
	size_t column;
};

static int64_t hot_bytes(const struct firn_report_row *c)
{
	return c->hot.heap_bytes + c->hot.toast_bytes + c->hot.index_bytes;
}

/* ---- pieces ---- */

/* Begins a cell, which knows its title: where it is narrow there are no columns for titles to stand over. */
static void cell_begin(struct page *p, const char *kind, const char *title)
{
	const char *label = p->titles[p->column++];

	buf_printf(&p->b, "<td%s%s%s data-title=\"%s\"", *kind ? " class=\"" : "", kind,
		   *kind ? "\"" : "", label + (*label == '<'));
	if (title) {
		buf_add_str(&p->b, " title=\"");
		html_line(&p->b, title, 0);
		buf_add_byte(&p->b, '"');
	}
	buf_add_byte(&p->b, '>');
}

static void cell_text(struct page *p, const char *text)
{
	/* What is cut off is there to be pointed at. */
	bool whole = !text || strlen(text) <= NAME_WHOLE;

	cell_begin(p, whole ? "name whole" : "name", text);
	if (text && *text) {
		buf_add_str(&p->b, "<bdi>");
		if (whole)
			html_line(&p->b, text, 0);
		else
			html_breaking(&p->b, text, NAME_CHARS);
		buf_add_str(&p->b, "</bdi>");
	}
	buf_add_str(&p->b, "</td>");
}

/* Words, which are never cut off. */
static void cell_words(struct page *p, const char *text)
{
	cell_begin(p, "name words", NULL);
	html_line(&p->b, text, 0);
	buf_add_str(&p->b, "</td>");
}

static void cell(struct page *p, const char *text)
{
	cell_begin(p, "", NULL);
	buf_printf(&p->b, "%s</td>", text);
}

static void cell_count(struct page *p, int64_t n)
{
	char text[32];

	cell(p, str_format_count(n, text, sizeof(text)));
}

static void cell_bytes(struct page *p, int64_t n)
{
	char text[32];

	cell(p, str_format_bytes((uint64_t)n, text, sizeof(text)));
}

static void cell_money(struct page *p, int64_t nano)
{
	char text[MONEY_MAX];

	cell(p, money_short(nano, text));
}

/* Titles are ours; one that begins with "<" stands over names. They outlive the table. */
static void table_begin(struct page *p, const char *caption, const char *const *titles)
{
	buf_printf(&p->b,
		   "<div class=\"wide\" tabindex=\"0\" role=\"region\" "
		   "aria-label=\"%s\"><table>\n<thead><tr>",
		   caption);
	p->titles = titles;
	for (; *titles; titles++) {
		bool name = **titles == '<';

		buf_printf(&p->b, "<th scope=\"col\"%s>%s</th>", name ? " class=\"name\"" : "",
			   *titles + name);
	}
	buf_add_str(&p->b, "</tr></thead>\n<tbody>\n");
}

static void row_begin(struct page *p)
{
	p->column = 0;
	buf_add_str(&p->b, "<tr>");
}

static void table_end(struct buf *b)
{
	buf_add_str(b, "</tbody></table></div>\n");
}

static void section(struct buf *b, const char *title, const char *words)
{
	buf_printf(b, "<section>\n<h2>%s</h2>\n", title);
	if (words)
		buf_printf(b, "<p>%s</p>\n", words);
}

static void figures_begin(struct buf *b)
{
	buf_add_str(b, "<details><summary>Figures</summary>\n");
}

static void figures_end(struct buf *b)
{
	buf_add_str(b, "</details>\n");
}

static void legend_item(struct buf *b, const char *style, const char *name)
{
	buf_printf(
		b,
		"<li><svg width=\"16\" height=\"14\" aria-hidden=\"true\"><rect class=\"area %s\" "
		"width=\"16\" height=\"14\"/></svg>%s</li>",
		style, name);
}

static void card(struct buf *b, const char *value, const char *words)
{
	buf_printf(b, "<li><b>%s</b><span>%s</span></li>\n", value, words);
}

static void card_money(struct page *p, int64_t nano, const char *words)
{
	char text[MONEY_MAX], value[MONEY_MAX + 8];

	snprintf(value, sizeof(value), "%s %.3s", money_short(nano, text), p->x->currency);
	card(&p->b, value, words);
}

/* ---- sections ---- */

static void totals(struct page *p)
{
	const struct firn_report_row *t = &p->x->total;
	char text[64], size[32];

	buf_add_str(&p->b, "<ul class=\"cards\">\n");
	card_money(p, t->cost.hot_nano + t->cost.cold_nano, "a month, as it is");
	card_money(p, t->cost.all_hot_nano, "a month, were all of it hot");
	card_money(p, t->cost.saved_nano, "saved a month, as it is");
	if (p->x->known_since[0]) {
		card_money(p, p->x->saved_month_nano, "saved this month so far");
		snprintf(text, sizeof(text), "saved in total since %.10s", p->x->known_since);
		card_money(p, p->x->saved_total_nano, text);
	}
	card(&p->b, str_format_bytes((uint64_t)t->reclaimable_bytes, size, sizeof(size)),
	     "reclaimable: room that rows to come fill");
	buf_add_str(&p->b, "</ul>\n");
}

static int64_t day_number(const char *day)
{
	struct chart_date d = { 0 };

	sscanf(day, "%d-%d-%d", &d.year, &d.month, &d.day);
	return chart_day_of(d);
}

static void days_table(struct page *p)
{
	static const char *const titles[] = { "<Day",      "Hot rows", "Hot",       "Cold rows",
					      "Cold",      "Moved",    "Came back", "Hot cost",
					      "Cold cost", "Saved",    NULL };
	struct buf *b = &p->b;

	figures_begin(b);
	table_begin(p, "Hot and cold by day", titles);
	for (size_t i = p->x->day_count; i-- > 0;) {
		const struct firn_usage_day *d = &p->x->days[i];

		row_begin(p);
		cell_text(p, d->day);
		cell_count(p, d->hot_rows);
		cell_bytes(p, d->hot_bytes);
		cell_count(p, d->cold_rows);
		cell_bytes(p, d->cold_bytes);
		cell_count(p, d->rows_moved);
		cell_count(p, d->rows_rehydrated);
		cell_money(p, d->hot_nano);
		cell_money(p, d->cold_nano);
		cell_money(p, d->saved_nano);
		buf_add_str(b, "</tr>\n");
	}
	table_end(b);
	figures_end(b);
}

static bool over_time(struct page *p, struct err *e)
{
	const struct firn_report_result *x = p->x;
	int64_t *days = mem_new(x->day_count + 1, sizeof(*days), e);
	double *hot = mem_new(x->day_count + 1, sizeof(*hot), e);
	double *cold = mem_new(x->day_count + 1, sizeof(*cold), e);
	bool ok = days && hot && cold;

	for (size_t i = 0; ok && i < x->day_count; i++) {
		days[i] = day_number(x->days[i].day);
		hot[i] = (double)x->days[i].hot_bytes;
		cold[i] = (double)x->days[i].cold_bytes;
	}
	if (ok) {
		const struct chart_series series[] = { { "cold", "cold", cold },
						       { "hot", "hot", hot } };
		const struct chart_over_days chart = {
			.label = "Bytes in Postgres and in the archive, by day",
			.unit = CHART_BYTES,
			.days = days,
			.day_count = x->day_count,
			.series = series,
			.series_count = 2,
			.stacked = true,
		};

		section(&p->b, "Hot and cold over time",
			x->day_count ? NULL : "No day is written down yet: passes do that.");
		if (x->day_count) {
			buf_add_str(&p->b, "<ul class=\"legend\">");
			legend_item(&p->b, "hot", "hot: heap, TOAST and indexes");
			legend_item(&p->b, "cold", "cold: objects of the archive");
			buf_add_str(&p->b, "</ul>\n");
			chart_over_days(&p->b, &chart);
			days_table(p);
		}
		buf_add_str(&p->b, "</section>\n");
	}
	free(days);
	free(hot);
	free(cold);
	return ok;
}

static void pays_after(struct page *p, const struct firn_report_row *c)
{
	char text[32];

	cell(p, report_days_text(c, text));
}

/* What a segment is has no hot rows, nor a price of these. */
static void hot_cells(struct page *p, const struct firn_report_row *c)
{
	char text[40], count[32];

	if (c->segment) {
		cell(p, "");
		cell(p, "");
		return;
	}
	snprintf(text, sizeof(text), "%s%s", c->hot_rows_estimated ? "~" : "",
		 str_format_count(c->hot_rows, count, sizeof(count)));
	cell(p, text);
	cell_bytes(p, hot_bytes(c));
}

static void tenants(struct page *p)
{
	static const char *const titles[] = { "<Tenant",  "<Table",    "Cost",      "Hot + cold",
					      "Hot rows", "Hot",       "Cold rows", "Cold",
					      "Hot cost", "Cold cost", "Saved",     "Pays after",
					      NULL };
	struct buf *b = &p->b;
	double most = 0;

	section(b, "Cost by tenant",
		p->x->tenant_count
			? "The ten that cost most, a month; what is marked ~ is by a sample."
			: "There are no rows.");
	if (p->x->tenant_count) {
		buf_add_str(b, "<ul class=\"legend\">");
		legend_item(b, "hot", "hot");
		legend_item(b, "cold", "cold");
		buf_add_str(b, "</ul>\n");
		table_begin(p, "Cost by tenant", titles);
	}
	for (size_t i = 0; i < p->x->tenant_count; i++) {
		const struct firn_report_row *c = &p->x->tenants[i];
		const struct chart_part parts[] = { { (double)c->cost.hot_nano, "hot" },
						    { (double)c->cost.cold_nano, "cold" } };

		if (i == 0)
			most = (double)(c->cost.hot_nano + c->cost.cold_nano);
		row_begin(p);
		cell_text(p, c->workspace);
		cell_text(p, c->table);
		cell_money(p, c->cost.hot_nano + c->cost.cold_nano);
		cell_begin(p, "strip", NULL);
		chart_strip(b, parts, 2, most);
		buf_add_str(b, "</td>");
		hot_cells(p, c);
		cell_count(p, c->cold_rows);
		cell_bytes(p, c->cold_bytes);
		cell_money(p, c->cost.hot_nano);
		cell_money(p, c->cost.cold_nano);
		cell_money(p, c->cost.saved_nano);
		pays_after(p, c);
		buf_add_str(b, "</tr>\n");
	}
	if (p->x->tenant_count)
		table_end(b);
	buf_add_str(b, "</section>\n");
}

static void heat_text(const struct firn_heat_bucket *h, char *out, size_t len)
{
	if (isinf(h->upper))
		snprintf(out, len, "%g+", h->lower);
	else
		snprintf(out, len, "%g\xe2\x80\x93%g", h->lower, h->upper);
}

static void heat_table(struct page *p)
{
	static const char *const titles[] = { "<Heat", "Chunks", NULL };
	static const char *const rules[] = { "<Rule", "Moves what is below", NULL };
	struct buf *b = &p->b;
	char text[48];

	figures_begin(b);
	table_begin(p, "Chunks by heat", titles);
	for (size_t i = 0; i < p->x->heat_count; i++) {
		heat_text(&p->x->heat[i], text, sizeof(text));
		row_begin(p);
		cell_text(p, text);
		cell_count(p, p->x->heat[i].chunks);
		buf_add_str(b, "</tr>\n");
	}
	table_end(b);
	if (p->x->cut_count) {
		table_begin(p, "Cuts of the policy", rules);
		for (size_t i = 0; i < p->x->cut_count; i++) {
			snprintf(text, sizeof(text), "%g", p->x->cuts[i].heat_below);
			row_begin(p);
			cell_text(p, p->x->cuts[i].rule);
			cell(p, text);
			buf_add_str(b, "</tr>\n");
		}
		table_end(b);
	}
	figures_end(b);
}

static void heat(struct page *p)
{
	const struct firn_report_result *x = p->x;
	struct chart_bar bars[16];
	char below[16][48], tips[16][96], cut[96] = "", count[32];
	struct chart_bars chart = { .label = "Chunks by heat", .unit = CHART_COUNT, .bars = bars };

	section(&p->b, "Heat",
		x->heat_count
			? "Chunks by how much they were read of late: a read counts 1, and half as "
			  "much after each half-life. Those never read, or not lately, are not "
			  "here."
			: "No reads are counted yet: applications record them by firn.touch, and "
			  "passes count what was recorded by then.");
	for (size_t i = 0; i < x->heat_count && i < 16; i++) {
		heat_text(&x->heat[i], below[i], sizeof(below[i]));
		snprintf(tips[i], sizeof(tips[i]), "heat %s: %s chunks", below[i],
			 str_format_count(x->heat[i].chunks, count, sizeof(count)));
		bars[i] = (struct chart_bar){ .value = (double)x->heat[i].chunks,
					      .style = "hot",
					      .tip = tips[i],
					      .below = below[i] };
		if (x->cut_count && x->heat[i].upper <= x->cuts[0].heat_below) {
			bars[i].style = "cold";
			chart.cut = i + 1;
		}
		chart.bar_count++;
	}
	if (x->cut_count) {
		snprintf(cut, sizeof(cut), "%.40s: below %g", x->cuts[0].rule,
			 x->cuts[0].heat_below);
		chart.cut_label = cut;
	}
	if (x->heat_count) {
		chart_bars(&p->b, &chart);
		heat_table(p);
	}
	buf_add_str(&p->b, "</section>\n");
}

static const struct {
	const char *style, *sign, *legend;
} pass_ends[] = {
	[FIRN_PASS_DONE] = { "done", NULL, "done" },
	[FIRN_PASS_LIMITED] = { "was", NULL, "came to a limit, as it should: more was due" },
	[FIRN_PASS_FAILED] = { "failed", "!", "! was stopped, or failed" },
	[FIRN_PASS_RUNS] = { "failed", "?", "? runs, or died" },
};

static void passes_table(struct page *p)
{
	static const char *const titles[] = { "<Started", "<Table",       "<Outcome",
					      "Took",     "Moving",       "Rows moved",
					      "Segments", "Rows' bytes",  "Stored",
					      "Requests", "Request cost", NULL };
	struct buf *b = &p->b;
	char text[40];

	figures_begin(b);
	table_begin(p, "Passes", titles);
	for (size_t i = 0; i < p->x->pass_count; i++) {
		const struct firn_pass_record *r = &p->x->passes[i];

		row_begin(p);
		cell_text(p, r->started_at);
		cell_text(p, r->table);
		cell_text(p, r->seconds < 0 ? "runs, or died" : r->outcome);
		cell(p, r->seconds < 0
				? ""
				: chart_value(CHART_SECONDS, r->seconds, text, sizeof(text)));
		cell(p, r->move_seconds < 0
				? ""
				: chart_value(CHART_SECONDS, r->move_seconds, text, sizeof(text)));
		cell_count(p, r->rows_moved);
		cell_count(p, r->segments);
		cell_bytes(p, r->raw_bytes);
		cell_bytes(p, r->stored_bytes);
		if (r->requests < 0) {
			cell(p, "");
			cell(p, "");
		} else {
			cell_count(p, r->requests);
			cell_money(p, r->requests_nano);
		}
		buf_add_str(b, "</tr>\n");
	}
	table_end(b);
	figures_end(b);
}

/* Oldest first. */
static void draw_passes(struct page *p)
{
	size_t n = p->x->pass_count < PASSES_DRAWN ? p->x->pass_count : PASSES_DRAWN;
	struct chart_bar bars[PASSES_DRAWN];
	char tips[PASSES_DRAWN][320], when[2][8], took[40], rows[32], asked[32], money[MONEY_MAX];
	const struct chart_bars chart = {
		.label = "How long passes took", .unit = CHART_SECONDS, .bars = bars, .bar_count = n
	};

	for (size_t i = 0; i < n; i++) {
		const struct firn_pass_record *r = &p->x->passes[n - 1 - i];

		snprintf(tips[i], sizeof(tips[i]), "%.20s, %.60s: %.80s, %s, %s rows moved",
			 r->started_at, r->table, r->seconds < 0 ? "runs, or died" : r->outcome,
			 r->seconds < 0
				 ? "no end"
				 : chart_value(CHART_SECONDS, r->seconds, took, sizeof(took)),
			 str_format_count(r->rows_moved, rows, sizeof(rows)));
		if (r->requests >= 0) {
			size_t len = strlen(tips[i]);

			snprintf(tips[i] + len, sizeof(tips[i]) - len, ", %s requests for %s %.3s",
				 str_format_count(r->requests, asked, sizeof(asked)),
				 money_short(r->requests_nano, money), p->x->currency);
		}
		bars[i] = (struct chart_bar){ .value = r->seconds,
					      .style = pass_ends[r->end].style,
					      .tip = tips[i],
					      .above = pass_ends[r->end].sign };
		/* The first and the last say when: "10-25". */
		if (i == 0 || i == n - 1) {
			snprintf(when[i != 0], sizeof(when[0]), "%.5s", r->started_at + 5);
			bars[i].below = when[i != 0];
		}
	}
	chart_bars(&p->b, &chart);
}

static bool any_pass(const struct firn_report_result *x, enum firn_pass_end end)
{
	for (size_t i = 0; i < x->pass_count && i < PASSES_DRAWN; i++)
		if (x->passes[i].end == end)
			return true;
	return false;
}

static void passes(struct page *p)
{
	section(&p->b, "Passes", p->x->pass_count ? NULL : "There was no pass yet.");
	if (p->x->pass_count) {
		buf_add_str(&p->b, "<ul class=\"legend\">");
		for (size_t i = 0; i < sizeof(pass_ends) / sizeof(*pass_ends); i++)
			if (any_pass(p->x, (enum firn_pass_end)i))
				legend_item(&p->b, pass_ends[i].style, pass_ends[i].legend);
		buf_add_str(&p->b, "</ul>\n");
		draw_passes(p);
		passes_table(p);
	}
	buf_add_str(&p->b, "</section>\n");
}

static void rows(struct page *p)
{
	static const char *const parts[] = { "<Part",    "<Leaf",    "<Workspace",
					     "<Version", "<Segment", "<Month" };
	const enum firn_report_by by = p->x->by;
	const char *titles[] = { "<Table",   parts[by],   "Hot rows", "Hot",   "Cold rows",  "Cold",
				 "Hot cost", "Cold cost", "All hot",  "Saved", "Pays after", NULL };
	struct buf *b = &p->b;
	char part[32];

	if (by == FIRN_BY_TABLE)
		memmove(titles + 1, titles + 2, sizeof(titles) - 2 * sizeof(*titles));
	section(b, "Tables", NULL);
	table_begin(p, "Tables", titles);
	for (size_t i = 0; i < p->x->row_count; i++) {
		const struct firn_report_row *c = &p->x->rows[i];

		row_begin(p);
		cell_text(p, c->table);
		if (by != FIRN_BY_TABLE)
			cell_text(p, report_part_name(by, c, part));
		hot_cells(p, c);
		cell_count(p, c->cold_rows);
		cell_bytes(p, c->cold_bytes);
		if (c->segment)
			cell(p, "");
		else
			cell_money(p, c->cost.hot_nano);
		cell_money(p, c->cost.cold_nano);
		cell_money(p, c->cost.all_hot_nano);
		cell_money(p, c->cost.saved_nano);
		pays_after(p, c);
		buf_add_str(b, "</tr>\n");
	}
	table_end(b);
	buf_add_str(b, "</section>\n");
}

static void reclaimable(struct page *p)
{
	static const char *const titles[] = { "<Table", "<Leaf", "Takes", "Reclaimable", NULL };
	struct buf *b = &p->b;

	if (p->x->reclaimable_count == 0)
		return;
	section(b, "Reclaimable, and not reclaimed",
		"Rows to come fill it; \"firn maintain --reclaim\" gives it back, by "
		"pg_repack, which must be installed.");
	table_begin(p, "Reclaimable", titles);
	for (size_t i = 0; i < p->x->reclaimable_count; i++) {
		const struct firn_reclaimable *r = &p->x->reclaimable[i];

		row_begin(p);
		cell_text(p, r->table);
		cell_text(p, r->leaf);
		cell_bytes(p, r->bytes);
		cell_bytes(p, r->reclaimable_bytes);
		buf_add_str(b, "</tr>\n");
	}
	table_end(b);
	buf_add_str(b, "</section>\n");
}

static void requests(struct page *p)
{
	static const char *const titles[] = { "<Request", "<Storage class", "Calls",
					      "Bytes",    "Cost",           NULL };
	struct buf *b = &p->b;

	if (p->x->request_count == 0)
		return;
	buf_printf(b, "<section>\n<h2>Requests to the archive since %.10s</h2>\n", p->x->since);
	table_begin(p, "Requests", titles);
	for (size_t i = 0; i < p->x->request_count; i++) {
		const struct firn_request_count *r = &p->x->requests[i];

		row_begin(p);
		cell_text(p, r->kind);
		cell_text(p, *r->storage_class ? r->storage_class : "default");
		cell_count(p, r->calls);
		cell_bytes(p, r->bytes);
		cell_money(p, r->nano);
		buf_add_str(b, "</tr>\n");
	}
	table_end(b);
	buf_add_str(b, "</section>\n");
}

static void formulas(struct page *p)
{
	static const char *const titles[] = { "<Figure", "<Formula", "Result", NULL };
	struct buf *b = &p->b;
	char text[MONEY_MAX];

	if (p->x->formula_count == 0)
		return;
	section(b, "Formulas", NULL);
	table_begin(p, "Formulas", titles);
	for (size_t i = 0; i < p->x->formula_count; i++) {
		row_begin(p);
		cell_words(p, p->x->formulas[i].figure);
		cell_words(p, p->x->formulas[i].formula);
		cell(p, money_decimal(p->x->formulas[i].nano, text));
		buf_add_str(b, "</tr>\n");
	}
	table_end(b);
	buf_add_str(b, "</section>\n");
}

static void head(struct page *p)
{
	buf_add_str(&p->b,
		    "<!DOCTYPE html>\n<html lang=\"en\" "
		    "xmlns=\"http://www.w3.org/1999/xhtml\">\n<head>\n"
		    "<meta charset=\"utf-8\"/>\n<meta http-equiv=\"Content-Security-Policy\" "
		    "content=\"default-src 'none'; style-src 'unsafe-inline'\"/>\n"
		    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
		    "<title>firn: storage cost</title>\n<style>\n");
	buf_add_str(&p->b, html_style);
	buf_add_str(&p->b, "</style>\n</head>\n<body>\n");
	chart_patterns(&p->b);
	buf_add_str(&p->b, "<header>\n<h1>Storage cost</h1>\n<p>");
	html_text(&p->b, p->x->now);
	if (p->x->price_list_date && *p->x->price_list_date) {
		buf_add_str(&p->b, ", prices ");
		html_name(&p->b, p->x->price_list);
		buf_add_str(&p->b, " of ");
		html_text(&p->b, p->x->price_list_date);
		buf_add_str(&p->b, ", ");
		html_text(&p->b, p->x->currency);
	} else {
		buf_add_str(&p->b, "; no prices: name a list with --prices, or \"prices:\" in the "
				   "configuration");
	}
	buf_add_str(&p->b, "</p>\n</header>\n<main>\n");
}

bool html_cost(const struct report *r, const struct firn_report_result *x, struct err *e)
{
	struct page p = { .b = BUF_INIT, .x = x };
	bool ok;

	head(&p);
	totals(&p);
	ok = over_time(&p, e);
	tenants(&p);
	heat(&p);
	passes(&p);
	rows(&p);
	reclaimable(&p);
	requests(&p);
	formulas(&p);
	buf_add_str(&p.b, "</main>\n<footer>firn " FIRN_VERSION "</footer>\n</body>\n</html>\n");
	ok = ok && buf_ok(&p.b, e);
	if (ok)
		fputs(buf_str(&p.b), r->out);
	buf_release(&p.b);
	return ok;
}
