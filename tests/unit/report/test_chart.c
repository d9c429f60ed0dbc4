/* Axes, charts and the escaping of pages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "report/chart.h"
#include "report/html.h"

static void an_axis_has_round_steps(void **state)
{
	static const struct {
		enum chart_unit unit;
		double max;
		const char *top;
	} cases[] = {
		{ CHART_COUNT, 7, "8" },
		{ CHART_COUNT, 0, "1" },
		{ CHART_COUNT, 1234567, "1,500,000" },
		{ CHART_BYTES, 161e6, "200 MiB" },
		{ CHART_BYTES, 3, "3 B" },
		{ CHART_SECONDS, 3700, "75 min" },
		{ CHART_SECONDS, 0.3, "0.3 s" },
		{ CHART_USD, 12.3, "$15" },
		{ CHART_USD, 0.011, "$0.015" },
		{ CHART_COUNT, NAN, "1" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct chart_axis a = chart_axis_for(cases[i].unit, cases[i].max, 5);
		char text[32];

		assert_in_range(a.ticks, 1, 5);
		assert_true(isnan(cases[i].max) || a.top >= cases[i].max);
		assert_string_equal(chart_axis_label(&a, a.ticks, text, sizeof(text)),
				    cases[i].top);
	}
}

static void days_are_the_calendars(void **state)
{
	char text[16];

	(void)state;
	for (int64_t day = -200000; day < 200000; day += 37)
		assert_int_equal(chart_day_of(chart_date_of(day)), day);
	assert_string_equal(chart_day_text(0, text, sizeof(text)), "1970-01-01");
	assert_string_equal(chart_day_text(20781, text, sizeof(text)), "2026-11-24");
	assert_int_equal(chart_day_of((struct chart_date){ 2024, 2, 29 }), 19782);
}

static void ticks_of_days_fit_and_rise(void **state)
{
	(void)state;
	for (int64_t span = 0; span < 4000; span += span / 7 + 1) {
		struct chart_day_tick t[CHART_DAY_TICKS];
		size_t n = chart_day_ticks(20000, 20000 + span, t);

		assert_in_range(n, 1, CHART_DAY_TICKS);
		for (size_t i = 0; i < n; i++) {
			assert_in_range(t[i].day, 20000, 20000 + span);
			assert_true(i == 0 || t[i].day > t[i - 1].day);
			assert_true(*t[i].label);
		}
	}
}

static void text_is_escaped_and_bounded(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "a<b>&\"'c", "a&lt;b&gt;&amp;&quot;&#39;c" },
		{ "tab\there\n", "tab here " },
		{ "\xe2\x80\xae"
		  "x",
		  "x" },
		{ "\x01\xff", "\xef\xbf\xbd\xef\xbf\xbd" },
		{ "12345678901", "1234567890\xe2\x80\xa6" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct buf b = BUF_INIT;

		html_line(&b, cases[i].in, 10);
		assert_string_equal(buf_str(&b), cases[i].out);
		buf_release(&b);
	}
}

static void charts_of_nothing_and_of_little_are_whole(void **state)
{
	const int64_t days[] = { 100, 101 };
	const double values[] = { 0, 5 };
	const struct chart_series series = { "<hot>", "hot", values };
	struct chart_over_days c = {
		.label = "x", .days = days, .series = &series, .series_count = 1
	};
	struct buf b = BUF_INIT;

	(void)state;
	chart_over_days(&b, &c);
	assert_string_equal(buf_str(&b), "");
	c.day_count = 1;
	c.stacked = true;
	chart_over_days(&b, &c);
	assert_non_null(strstr(buf_str(&b), "&lt;hot&gt;: 0"));
	assert_null(strstr(buf_str(&b), "nan"));
	buf_release(&b);
	c.day_count = 2;
	chart_over_days(&b, &c);
	assert_non_null(
		strstr(buf_str(&b), "<polygon class=\"area hot\" points=\"0.0,1000.0 1000.0,0.0 "));
	buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_axis_has_round_steps),
		cmocka_unit_test(days_are_the_calendars),
		cmocka_unit_test(ticks_of_days_fit_and_rise),
		cmocka_unit_test(text_is_escaped_and_bounded),
		cmocka_unit_test(charts_of_nothing_and_of_little_are_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
