#include "report/chart_axis.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

#define DAY_S 86400.0

static const char *const byte_units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };

static const struct {
	double seconds;
	const char *name;
} time_units[] = { { 1, "s" }, { 60, "min" }, { 3600, "h" }, { DAY_S, "d" } };

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

/* The smallest of 1, 2, 5 times a power of ten that is not below v. */
static double round_step(double v)
{
	double power = pow(10, floor(log10(v)));

	/* What is left by floating point must not turn 5 into 10. */
	for (int i = 0; i < 4; i++) {
		static const double nice[] = { 1, 2, 5, 10 };

		if (v <= power * nice[i] * (1 + 1e-9))
			return power * nice[i];
	}
	return power * 10;
}

static double byte_step(double v)
{
	double unit = 1;
	double step;

	while (v > unit * 500)
		unit *= 1024;
	step = round_step(v / unit);
	return unit * (unit == 1 && step < 1 ? 1 : step);
}

static double time_step(double v)
{
	static const double steps[] = { 1,    2,        5,        10,       15,        30,
					60,   120,      300,      600,      900,       1800,
					3600, 2 * 3600, 3 * 3600, 6 * 3600, 12 * 3600, DAY_S };

	if (v <= 0.5)
		return round_step(v);
	for (size_t i = 0; i < COUNT_OF(steps); i++)
		if (v <= steps[i] * (1 + 1e-9))
			return steps[i];
	return DAY_S * round_step(v / DAY_S);
}

struct chart_axis chart_axis_for(enum chart_unit unit, double max, int most)
{
	struct chart_axis a = { .unit = unit, .ticks = 1 };
	double least;

	if (!(max > 0) || !isfinite(max)) {
		a.step = a.top = 1;
		return a;
	}
	least = max / (most > 2 ? most : 2);
	switch (unit) {
	case CHART_BYTES:
		a.step = byte_step(least);
		break;
	case CHART_SECONDS:
		a.step = time_step(least);
		break;
	case CHART_COUNT:
		a.step = least < 1 ? 1 : round_step(least);
		break;
	case CHART_USD:
		/* Finer than millionths of a dollar tells nobody anything. */
		a.step = round_step(least < 1e-6 ? 1e-6 : least);
		break;
	}
	a.ticks = (int)ceil(max / a.step - 1e-9);
	if (a.ticks < 1)
		a.ticks = 1;
	a.top = a.step * a.ticks;
	return a;
}

/* How many decimals show step as it is. */
static int decimals_of(double step)
{
	int n = 0;

	while (n < 6 && fabs(step - round(step)) > 1e-6 * step) {
		step *= 10;
		n++;
	}
	return n;
}

static const char *counted(double v, int decimals, char *out, size_t out_len)
{
	if (decimals == 0 && fabs(v) < 9e18)
		return str_format_count((int64_t)llround(v), out, out_len);
	snprintf(out, out_len, "%.*f", decimals, v);
	return out;
}

/* "1,000 MiB": in the largest of the units that the step still has whole ones of. */
static void unit_label(const struct chart_axis *a, double v, char *out, size_t out_len)
{
	const char *name = byte_units[0];
	double unit = 1;
	char number[32];

	if (a->unit == CHART_SECONDS) {
		name = time_units[0].name;
		for (size_t i = 1; i < COUNT_OF(time_units) && a->step >= time_units[i].seconds;
		     i++) {
			unit = time_units[i].seconds;
			name = time_units[i].name;
		}
	} else {
		for (size_t i = 1; i < COUNT_OF(byte_units) && a->step >= unit * 1024; i++) {
			unit *= 1024;
			name = byte_units[i];
		}
	}
	snprintf(out, out_len, "%s %s",
		 counted(v / unit, decimals_of(a->step / unit), number, sizeof(number)), name);
}

const char *chart_axis_label(const struct chart_axis *a, int i, char *out, size_t out_len)
{
	double v = a->step * i;
	int decimals = decimals_of(a->step);
	char number[32];

	if (a->unit == CHART_COUNT)
		return counted(v, 0, out, out_len);
	if (a->unit == CHART_USD) {
		if (decimals == 1)
			decimals = 2;
		snprintf(out, out_len, "$%s",
			 counted(v, i == 0 ? 0 : decimals, number, sizeof(number)));
	} else if (i == 0) {
		snprintf(out, out_len, "0");
	} else {
		unit_label(a, v, out, out_len);
	}
	return out;
}

const char *chart_value(enum chart_unit unit, double v, char *out, size_t out_len)
{
	char number[32];
	double whole, cents = modf(fabs(v), &whole);

	if (!isfinite(v))
		v = 0;
	switch (unit) {
	case CHART_BYTES:
		return str_format_bytes(v > 0 ? (uint64_t)v : 0, out, out_len);
	case CHART_COUNT:
		return counted(v, 0, out, out_len);
	case CHART_SECONDS:
		if (v < 10)
			snprintf(out, out_len, "%.*f s", v < 1 ? 3 : 1, v);
		else
			str_format_duration((int64_t)llround(v), out, out_len);
		return out;
	case CHART_USD:
		break;
	}
	/* Less than a cent is shown by two digits that say something. */
	if (v != 0 && fabs(v) < 0.995) {
		int digits = 2;

		while (digits < 6 && fabs(v) * pow(10, digits) < 9.95)
			digits++;
		snprintf(out, out_len, "%s$%.*f", v < 0 ? "-" : "", digits, fabs(v));
		return out;
	}
	if (round(cents * 100) >= 100) {
		whole++;
		cents = 0;
	}
	snprintf(out, out_len, "%s$%s.%02d", v < 0 ? "-" : "",
		 counted(whole, 0, number, sizeof(number)), (int)round(cents * 100));
	return out;
}

/* The proleptic Gregorian calendar, in eras of 400 years that begin on 1 March. */
struct chart_date chart_date_of(int64_t day)
{
	int64_t z = day + 719468, era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t of_era = z - era * 146097;
	int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
	int64_t month = (5 * of_year + 2) / 153; /* from March */
	struct chart_date d = { .day = (int)(of_year - (153 * month + 2) / 5 + 1),
				.month = (int)(month < 10 ? month + 3 : month - 9) };

	d.year = (int)(year + era * 400 + (d.month <= 2));
	return d;
}

int64_t chart_day_of(struct chart_date d)
{
	int64_t y = d.year - (d.month <= 2), era = (y >= 0 ? y : y - 399) / 400;
	int64_t of_era = y - era * 400;
	int64_t of_year = (153 * (d.month + (d.month > 2 ? -3 : 9)) + 2) / 5 + d.day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

const char *chart_day_text(int64_t day, char *out, size_t out_len)
{
	struct chart_date d = chart_date_of(day);

	snprintf(out, out_len, "%04d-%02d-%02d", d.year, d.month, d.day);
	return out;
}

static const char *const month_names[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
					   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };

static void add_tick(struct chart_day_tick *t, int64_t day, bool with_day, bool with_year)
{
	struct chart_date d = chart_date_of(day);
	char year[12] = "";

	t->day = day;
	if (with_year)
		snprintf(year, sizeof(year), "%d", d.year);
	if (with_day)
		snprintf(t->label, sizeof(t->label), "%d %s", d.day, month_names[d.month - 1]);
	else
		snprintf(t->label, sizeof(t->label), "%s%s%s",
			 d.month == 1 && d.day == 1 ? "" : month_names[d.month - 1],
			 d.month == 1 && d.day == 1 ? "" : " ", year);
}

/* Every `every` days; weeks begin on Monday (day 4 was one). */
static size_t ticks_of_days(int64_t first, int64_t last, int64_t every,
			    struct chart_day_tick ticks[CHART_DAY_TICKS])
{
	int64_t phase = every % 7 == 0 ? 4 : 0, day = first;
	size_t n = 0;

	while (every > 1 && ((day - phase) % every + every) % every != 0)
		day++;
	for (; day <= last && n < CHART_DAY_TICKS; day += every)
		add_tick(&ticks[n++], day, true, false);
	return n;
}

static size_t ticks_of_months(int64_t first, int64_t last, int every,
			      struct chart_day_tick ticks[CHART_DAY_TICKS])
{
	struct chart_date d = chart_date_of(first);
	size_t n = 0;

	if (d.day > 1)
		d.month++;
	d.day = 1;
	for (;;) {
		int past = (d.year * 12 + d.month - 1) % every;

		d.month += past == 0 ? 0 : every - past;
		while (d.month > 12) {
			d.month -= 12;
			d.year++;
		}
		if (chart_day_of(d) > last || n == CHART_DAY_TICKS)
			return n;
		add_tick(&ticks[n++], chart_day_of(d), false, true);
		d.month += every;
	}
}

size_t chart_day_ticks(int64_t first, int64_t last, struct chart_day_tick ticks[CHART_DAY_TICKS])
{
	static const int64_t days[] = { 1, 2, 7, 14 };
	static const int months[] = { 1, 3, 6, 12, 24, 60, 120 };
	int64_t most = CHART_DAY_TICKS - 1;
	size_t n = 0;

	if (first == last) {
		add_tick(&ticks[0], first, true, false);
		return 1;
	}
	for (size_t i = 0; i < COUNT_OF(days); i++)
		if ((last - first) / days[i] < most)
			return ticks_of_days(first, last, days[i], ticks);
	for (size_t i = 0; i < COUNT_OF(months); i++) {
		n = ticks_of_months(first, last, months[i], ticks);
		if (n <= (size_t)most)
			break;
	}
	if (n == 0 || n > (size_t)most) {
		add_tick(&ticks[0], first, false, true);
		add_tick(&ticks[1], last, false, true);
		n = 2;
	}
	return n;
}
