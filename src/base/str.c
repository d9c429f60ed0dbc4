#include "base/str.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

bool str_eq(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

bool str_starts_with(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool str_parse_i64(const char *s, int64_t *out, struct err *e)
{
	char *end;
	long long v;

	errno = 0;
	v = strtoll(s, &end, 10);
	if (isspace((unsigned char)s[0]) || end == s || *end || errno)
		return err_set(e, ERR_DATA, "\"%s\" is not a whole number", s);
	*out = v;
	return true;
}

bool str_parse_u64(const char *s, uint64_t *out, struct err *e)
{
	char *end;
	unsigned long long v;

	errno = 0;
	v = strtoull(s, &end, 10);
	if (!isdigit((unsigned char)s[0]) || *end || errno)
		return err_set(e, ERR_DATA, "\"%s\" is not a whole number of 0 or more", s);
	*out = v;
	return true;
}

bool str_parse_bool(const char *s, bool *out, struct err *e)
{
	static const struct {
		const char *name;
		bool value;
	} names[] = {
		{ "true", true },   { "yes", true }, { "on", true },   { "1", true },
		{ "false", false }, { "no", false }, { "off", false }, { "0", false },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcasecmp(s, names[i].name) == 0) {
			*out = names[i].value;
			return true;
		}
	return err_set(e, ERR_DATA, "\"%s\" is neither true nor false", s);
}

struct unit {
	const char *name;
	uint64_t factor;
};

static const struct unit *find_unit(const struct unit *units, size_t count, const char *s,
				    size_t len)
{
	for (size_t i = 0; i < count; i++)
		if (strlen(units[i].name) == len && strncasecmp(units[i].name, s, len) == 0)
			return &units[i];
	return NULL;
}

/* Digits, and one of the units, which may be set off by blanks. */
static bool parse_with_unit(const char *s, const struct unit *units, size_t count, uint64_t *out)
{
	const struct unit *unit;
	char *end;
	unsigned long long v;

	errno = 0;
	v = strtoull(s, &end, 10);
	if (!isdigit((unsigned char)s[0]) || errno)
		return false;
	while (*end == ' ')
		end++;
	unit = find_unit(units, count, end, strlen(end));
	if (!unit || v > UINT64_MAX / unit->factor)
		return false;
	*out = v * unit->factor;
	return true;
}

bool str_parse_bytes(const char *s, uint64_t *bytes_out, struct err *e)
{
	static const struct unit units[] = {
		{ "", 1 },
		{ "B", 1 },
		{ "K", 1ull << 10 },
		{ "KiB", 1ull << 10 },
		{ "KB", 1000ull },
		{ "M", 1ull << 20 },
		{ "MiB", 1ull << 20 },
		{ "MB", 1000000ull },
		{ "G", 1ull << 30 },
		{ "GiB", 1ull << 30 },
		{ "GB", 1000000000ull },
		{ "T", 1ull << 40 },
		{ "TiB", 1ull << 40 },
		{ "TB", 1000000000000ull },
	};

	return parse_with_unit(s, units, sizeof(units) / sizeof(units[0]), bytes_out) ||
	       err_set(e, ERR_DATA, "\"%s\" is not a size such as 512MiB or 10GB", s);
}

bool str_parse_count(const char *s, uint64_t *out, struct err *e)
{
	static const struct unit units[] = {
		{ "", 1 }, { "k", 1000 }, { "M", 1000000 }, { "G", 1000000000 }
	};

	return parse_with_unit(s, units, sizeof(units) / sizeof(units[0]), out) ||
	       err_set(e, ERR_DATA, "\"%s\" is not a number such as 250000, 25M or 1G", s);
}

bool str_parse_duration(const char *s, int64_t *seconds_out, struct err *e)
{
	static const struct unit units[] = {
		{ "s", 1 },    { "sec", 1 },   { "m", 60 },        { "min", 60 },
		{ "h", 3600 }, { "d", 86400 }, { "w", 7 * 86400 }, { "y", 365 * 86400 },
	};
	const char *at = s;
	int64_t total = 0;

	if (str_eq(s, "0")) {
		*seconds_out = 0;
		return true;
	}
	if (!*s)
		goto bad;
	while (*at) {
		const struct unit *unit;
		char *end;
		long long v;
		size_t len = 0;

		errno = 0;
		v = strtoll(at, &end, 10);
		if (!isdigit((unsigned char)*at) || errno || v > INT32_MAX)
			goto bad;
		while (isalpha((unsigned char)end[len]))
			len++;
		unit = find_unit(units, sizeof(units) / sizeof(units[0]), end, len);
		if (!unit)
			goto bad;
		total += v * (int64_t)unit->factor;
		at = end + len;
		while (*at == ' ')
			at++;
	}
	*seconds_out = total;
	return true;
bad:
	return err_set(e, ERR_DATA, "\"%s\" is not a duration such as 90s, 15min, 12h, 7d or 1d12h",
		       s);
}

/* Two digits, at most max. */
static bool two_digits(const char **at, int max, int *out)
{
	const char *s = *at;

	if (!isdigit((unsigned char)s[0]) || !isdigit((unsigned char)s[1]))
		return false;
	*out = (s[0] - '0') * 10 + (s[1] - '0');
	*at += 2;
	return *out <= max;
}

/* "Z", "+02", "+0200", "-05:30" or nothing. */
static bool parse_zone(const char **at, int *seconds_out)
{
	int sign = **at == '-' ? -1 : 1, hours, minutes = 0;

	*seconds_out = 0;
	if (**at == 'Z') {
		(*at)++;
		return true;
	}
	if (**at != '+' && **at != '-')
		return true;
	(*at)++;
	if (!two_digits(at, 15, &hours))
		return false;
	if (**at == ':')
		(*at)++;
	else if (!**at)
		goto out;
	if (!two_digits(at, 59, &minutes))
		return false;
out:
	*seconds_out = sign * (hours * 3600 + minutes * 60);
	return true;
}

static bool parse_clock(const char **at, struct tm *tm, int64_t *us_out)
{
	int64_t unit = 100000;

	if (!two_digits(at, 23, &tm->tm_hour) || *(*at)++ != ':' ||
	    !two_digits(at, 59, &tm->tm_min))
		return false;
	if (**at != ':')
		return true;
	(*at)++;
	if (!two_digits(at, 59, &tm->tm_sec))
		return false;
	if (**at != '.')
		return true;
	for ((*at)++; isdigit((unsigned char)**at); (*at)++, unit /= 10)
		*us_out += (**at - '0') * unit;
	return true;
}

bool str_parse_time(const char *s, int64_t *us_out, struct err *e)
{
	struct tm tm = { 0 }, checked;
	const char *at = s;
	int century, year, month, zone = 0;
	int64_t us = 0, seconds;
	bool ok;

	ok = two_digits(&at, 99, &century) && two_digits(&at, 99, &year) && *at++ == '-' &&
	     two_digits(&at, 12, &month) && *at++ == '-' && two_digits(&at, 31, &tm.tm_mday);
	if (ok && (*at == 'T' || *at == ' ')) {
		at++;
		ok = parse_clock(&at, &tm, &us) && parse_zone(&at, &zone);
	}
	if (ok && !*at && century + year > 0) {
		tm.tm_year = century * 100 + year - 1900;
		tm.tm_mon = month - 1;
		checked = tm;
		seconds = (int64_t)timegm(&checked);
		/* A day that the month does not have was carried over. */
		if (checked.tm_mon == tm.tm_mon && checked.tm_mday == tm.tm_mday) {
			*us_out = (seconds - zone) * 1000000 + us;
			return true;
		}
	}
	return err_set(e, ERR_DATA, "\"%s\" is not a time such as 2026-03-01T12:00:00Z", s);
}

size_t str_utf8_len(const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t len = s[0] < 0x80                   ? 1
		     : s[0] >= 0xC2 && s[0] < 0xE0 ? 2
		     : (s[0] & 0xF0) == 0xE0       ? 3
						   : 4;

	if (len == 4 && (s[0] < 0xF0 || s[0] > 0xF4))
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((s[i] & 0xC0) != 0x80)
			return 0;
	if ((s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xED && s[1] > 0x9F) ||
	    (s[0] == 0xF0 && s[1] < 0x90) || (s[0] == 0xF4 && s[1] > 0x8F))
		return 0;
	return len;
}

size_t str_width(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xC0) != 0x80;
	return n;
}

char str_shown(char c)
{
	return (unsigned char)c < ' ' || c == 0x7F ? '?' : c;
}

bool str_glob_match(const char *pattern, const char *s)
{
	const char *star = NULL, *resume = NULL;

	while (*s) {
		if (*pattern == '*') {
			star = ++pattern;
			resume = s;
		} else if (*pattern == '?' || *pattern == *s) {
			pattern++;
			s++;
		} else if (star) {
			pattern = star;
			s = ++resume;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}

#define RESEMBLE_MAX 32 /* longer words are compared by their beginnings */

bool str_resembles(const char *word, const char *name, unsigned *best)
{
	unsigned rows[3][RESEMBLE_MAX + 1];
	unsigned *before = rows[0], *previous = rows[1], *current = rows[2];
	size_t word_len = strnlen(word, RESEMBLE_MAX), name_len = strnlen(name, RESEMBLE_MAX);

	for (size_t j = 0; j <= name_len; j++)
		current[j] = (unsigned)j;
	for (size_t i = 1; i <= word_len; i++) {
		int w = tolower((unsigned char)word[i - 1]);
		unsigned *spare = before;

		before = previous;
		previous = current;
		current = spare;
		current[0] = (unsigned)i;
		for (size_t j = 1; j <= name_len; j++) {
			int n = tolower((unsigned char)name[j - 1]);
			unsigned least = previous[j - 1] + (w != n);

			if (previous[j] + 1 < least)
				least = previous[j] + 1;
			if (current[j - 1] + 1 < least)
				least = current[j - 1] + 1;
			if (i > 1 && j > 1 && w == tolower((unsigned char)name[j - 2]) &&
			    n == tolower((unsigned char)word[i - 2]) && before[j - 2] + 1 < least)
				least = before[j - 2] + 1;
			current[j] = least;
		}
	}
	if (current[name_len] > 1 + word_len / 4 || current[name_len] >= word_len ||
	    current[name_len] >= *best)
		return false;
	*best = current[name_len];
	return true;
}

const char *str_format_bytes(uint64_t bytes, char *out, size_t out_len)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	double v = (double)bytes;
	size_t unit = 0;

	while (v >= 1024 && unit < 6) {
		v /= 1024;
		unit++;
	}
	snprintf(out, out_len, unit == 0 || v >= 100 ? "%.0f %s" : "%.1f %s", v, units[unit]);
	return out;
}

const char *str_format_time(int64_t seconds, char *out, size_t out_len)
{
	time_t t = (time_t)seconds;
	struct tm tm;

	if (!gmtime_r(&t, &tm) || strftime(out, out_len, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		snprintf(out, out_len, "?");
	return out;
}

const char *str_format_duration(int64_t seconds, char *out, size_t out_len)
{
	static const struct {
		const char *name;
		int64_t seconds;
	} units[] = { { "d", 86400 }, { "h", 3600 }, { "min", 60 }, { "s", 1 } };
	const char *sign = seconds < 0 ? "-" : "";
	int64_t left = seconds < 0 ? -seconds : seconds;

	for (size_t i = 0; i < 3; i++) {
		int64_t major = left / units[i].seconds, minor;

		if (major == 0)
			continue;
		minor = left % units[i].seconds / units[i + 1].seconds;
		if (minor)
			snprintf(out, out_len, "%s%" PRId64 "%s %" PRId64 "%s", sign, major,
				 units[i].name, minor, units[i + 1].name);
		else
			snprintf(out, out_len, "%s%" PRId64 "%s", sign, major, units[i].name);
		return out;
	}
	snprintf(out, out_len, "%s%" PRId64 "s", sign, left);
	return out;
}

const char *str_format_count(int64_t n, char *out, size_t out_len)
{
	char digits[24];
	size_t len, at = 0;
	uint64_t v = n < 0 ? (uint64_t)0 - (uint64_t)n : (uint64_t)n;

	len = (size_t)snprintf(digits, sizeof(digits), "%" PRIu64, v);
	if (n < 0 && at + 1 < out_len)
		out[at++] = '-';
	for (size_t i = 0; i < len && at + 2 < out_len; i++) {
		if (i && (len - i) % 3 == 0)
			out[at++] = ',';
		out[at++] = digits[i];
	}
	out[at] = '\0';
	return out;
}
