#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <limits.h>

static void sizes_know_both_kinds_of_units(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} good[] = {
		{ "0", 0 },
		{ "4096", 4096 },
		{ "512B", 512 },
		{ "128MiB", 128ull << 20 },
		{ "10 GiB", 10ull << 30 },
		{ "5MB", 5000000 },
		{ "2k", 2048 },
		{ "1TiB", 1ull << 40 },
	};
	static const char *const bad[] = { "",           "MiB",         "-1",
					   "1.5GiB",     "10 potatoes", "99999999999999999999",
					   "20000000TiB" };
	struct err e = { 0 };
	uint64_t bytes;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(str_parse_bytes(good[i].text, &bytes, &e));
		assert_int_equal(bytes, good[i].bytes);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		err_clear(&e);
		assert_false(str_parse_bytes(bad[i], &bytes, &e));
		assert_int_equal(e.code, ERR_DATA);
	}
}

static void durations_need_a_unit(void **state)
{
	static const struct {
		const char *text;
		int64_t seconds;
	} good[] = { { "0", 0 },       { "90s", 90 },     { "15min", 900 },   { "12h", 43200 },
		     { "7d", 604800 }, { "2w", 1209600 }, { "1d12h", 129600 } };
	static const char *const bad[] = { "",     "7",           "-1d", "d", "3 fortnights",
					   "7d x", "99999999999d" };
	struct err e = { 0 };
	int64_t seconds;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(str_parse_duration(good[i].text, &seconds, &e));
		assert_int_equal(seconds, good[i].seconds);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		err_clear(&e);
		assert_false(str_parse_duration(bad[i], &seconds, &e));
		assert_int_equal(e.code, ERR_DATA);
	}
}

static void numbers_are_whole_strings_in_range(void **state)
{
	struct err e = { 0 };
	int64_t i;
	uint64_t u;
	bool b;

	(void)state;
	assert_true(str_parse_i64("-9223372036854775808", &i, &e));
	assert_int_equal(i, INT64_MIN);
	assert_false(str_parse_i64("9223372036854775808", &i, &e));
	assert_false(str_parse_i64("12x", &i, &e));
	assert_false(str_parse_i64("", &i, &e));
	assert_false(str_parse_i64(" 1", &i, &e));
	assert_true(str_parse_u64("18446744073709551615", &u, &e));
	assert_false(str_parse_u64("-1", &u, &e));
	assert_true(str_parse_bool("On", &b, &e) && b);
	assert_true(str_parse_bool("no", &b, &e) && !b);
	assert_false(str_parse_bool("maybe", &b, &e));
}

static void patterns_match_whole_strings(void **state)
{
	(void)state;
	assert_true(str_glob_match("globex-*", "globex-eu"));
	assert_true(str_glob_match("*", ""));
	assert_true(str_glob_match("a?c*e", "abcdde"));
	assert_true(str_glob_match("*ab", "aab"));
	assert_false(str_glob_match("acme", "acme2"));
	assert_false(str_glob_match("a?", "a"));
	assert_false(str_glob_match("", "a"));
}

static void formats_are_short_and_exact(void **state)
{
	char out[32];

	(void)state;
	assert_string_equal(str_format_bytes(512, out, sizeof(out)), "512 B");
	assert_string_equal(str_format_bytes(1536, out, sizeof(out)), "1.5 KiB");
	assert_string_equal(str_format_bytes(200ull << 20, out, sizeof(out)), "200 MiB");
	assert_string_equal(str_format_duration(5, out, sizeof(out)), "5s");
	assert_string_equal(str_format_duration(130, out, sizeof(out)), "2min 10s");
	assert_string_equal(str_format_duration(100800, out, sizeof(out)), "1d 4h");
	assert_string_equal(str_format_count(12345678, out, sizeof(out)), "12,345,678");
	assert_string_equal(str_format_count(-1000, out, sizeof(out)), "-1,000");
	assert_string_equal(str_format_count(INT64_MIN, out, sizeof(out)),
			    "-9,223,372,036,854,775,808");
}

static void words_resemble_what_differs_by_a_letter_or_two(void **state)
{
	unsigned best = UINT_MAX;

	(void)state;
	assert_true(str_resembles("idle_fro", "idle_for", &best));
	assert_int_equal(best, 1); /* two letters swapped are one mistake */
	assert_false(
		str_resembles("idle_fro", "idle_far", &best)); /* no better than what was found */
	best = UINT_MAX;
	assert_true(str_resembles("PAS", "pass", &best));
	best = UINT_MAX;
	assert_false(str_resembles("where", "version", &best));
	assert_false(str_resembles("x", "y", &best));
	assert_false(str_resembles("", "a", &best));
	assert_true(str_resembles("a_word_that_is_much_longer_than_thirty-two",
				  "a_word_that_is_much_longer_than_thirty", &best));
}

static void times_are_iso_8601_and_utc_unless_they_say_otherwise(void **state)
{
	static const struct {
		const char *text;
		int64_t us;
	} good[] = {
		{ "1970-01-01", 0 },
		{ "1970-01-01T00:00:01Z", 1000000 },
		{ "1970-01-01 00:01", 60000000 },
		{ "1970-01-01T00:00:00.25", 250000 },
		{ "1970-01-01T00:00:00.0000019Z", 1 },
		{ "1970-01-01T02:00:00+02:00", 0 },
		{ "1970-01-01T02:00:00+0200", 0 },
		{ "1969-12-31T18:30:00-05:30", 0 },
		{ "1970-01-01T01:00+01", 0 },
		{ "2024-02-29T00:00:00Z", INT64_C(1709164800000000) },
		{ "2026-03-03T23:46:23+00:00", INT64_C(1772581583000000) },
	};
	static const char *const bad[] = { "",
					   "now",
					   "2026",
					   "2026-13-01",
					   "2026-00-10",
					   "2026-02-29",
					   "2026-02-00",
					   "0000-01-01",
					   "2026-03-01T",
					   "2026-03-01T24:00",
					   "2026-03-01T12:60",
					   "2026-03-01T12:00:00 Z",
					   "2026-03-01T12:00:00Zulu",
					   "2026-03-01T12:00:00+2",
					   "2026-03-01+02",
					   "infinity",
					   "12026-03-01" };
	struct err e = { 0 };
	int64_t us = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(str_parse_time(good[i].text, &us, &e));
		assert_int_equal(us, good[i].us);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(str_parse_time(bad[i], &us, &e));
		assert_int_equal(e.code, ERR_DATA);
		err_clear(&e);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_know_both_kinds_of_units),
		cmocka_unit_test(durations_need_a_unit),
		cmocka_unit_test(numbers_are_whole_strings_in_range),
		cmocka_unit_test(patterns_match_whole_strings),
		cmocka_unit_test(times_are_iso_8601_and_utc_unless_they_say_otherwise),
		cmocka_unit_test(formats_are_short_and_exact),
		cmocka_unit_test(words_resemble_what_differs_by_a_letter_or_two),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
