/* Records of comma-separated values, and what is said about those that are none. */
#include "base/csv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static struct csv opened(const char *text, size_t len)
{
	struct csv c = { .in = fmemopen(NULL, len + 1, "w+") };

	assert_non_null(c.in);
	assert_int_equal(fwrite(text, 1, len, c.in), len);
	/* fmemopen ends what was written with a NUL, which is not to be read. */
	rewind(c.in);
	return c;
}

static void closed(struct csv *c)
{
	fclose(c->in);
	csv_release(c);
}

/* The next record with | between its fields, or "end", or the error's message. */
static const char *next(struct csv *c, char out[256])
{
	struct err e = { 0 };
	bool end = false;

	if (!csv_line(c, &end, &e) || (!end && !csv_split(c, &e))) {
		assert_int_equal(e.code, ERR_DATA);
		snprintf(out, 256, "%s", e.message);
		return out;
	}
	if (end)
		return "end";
	out[0] = '\0';
	for (size_t i = 0; i < c->field_count; i++)
		snprintf(out + strlen(out), 256 - strlen(out), "%s%s", i ? "|" : "", c->fields[i]);
	return out;
}

static void records_are_split_as_rfc_4180_says(void **state)
{
	static const char text[] = "id,workspace\r\n"
				   "a,\n"
				   ",\n"
				   "\"b,\"\"c\"\"\",w\n"
				   "\"two\nlines\",\"\"\n"
				   "last,one";
	struct csv c = opened(text, sizeof(text) - 1);
	char out[256];

	(void)state;
	assert_string_equal(next(&c, out), "id|workspace");
	assert_string_equal(next(&c, out), "a|");
	assert_string_equal(next(&c, out), "|");
	assert_string_equal(next(&c, out), "b,\"c\"|w");
	assert_string_equal(next(&c, out), "two\nlines|");
	assert_int_equal(c.record, 5);
	assert_int_equal(c.line, 6);
	assert_string_equal(next(&c, out), "last|one");
	assert_int_equal(c.record, 7);
	assert_string_equal(next(&c, out), "end");
	closed(&c);
}

static void what_is_no_record_is_refused_with_its_line(void **state)
{
	static const struct {
		const char *text, *wanted;
		size_t len;
	} cases[] = {
		{ "a\n\"b", "line 2: a quote is never closed", 4 },
		{ "a\n\"b\nc\n", "line 2: a quote is never closed", 7 },
		{ "a\n\"b\"c\n", "line 2: text behind a closing quote", 7 },
		{ "a\nb\"c\n", "line 2: a quote inside a field without quotes", 6 },
		{ "a\nb\0c\n", "line 2: a NUL character", 6 },
		{ "a\n,,,,,,,,,,,,,,,,\n", "line 2: more than 16 fields", 19 },
	};
	char out[256];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct csv c = opened(cases[i].text, cases[i].len);

		assert_string_equal(next(&c, out), "a");
		assert_string_equal(next(&c, out), cases[i].wanted);
		closed(&c);
	}
}

static void a_line_without_an_end_takes_bounded_memory(void **state)
{
	size_t len = CSV_BYTES_MAX + 10;
	char *text = malloc(len), out[256];
	struct csv c;

	(void)state;
	assert_non_null(text);
	memset(text, 'x', len);
	c = opened(text, len);
	assert_string_equal(next(&c, out), "line 1: longer than 1048576 bytes");
	closed(&c);
	memset(text, '\n', len);
	text[0] = '"';
	c = opened(text, len);
	assert_non_null(strstr(next(&c, out), ": longer than 1048576 bytes"));
	closed(&c);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_are_split_as_rfc_4180_says),
		cmocka_unit_test(what_is_no_record_is_refused_with_its_line),
		cmocka_unit_test(a_line_without_an_end_takes_bounded_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
