#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/process.h"

static const char *const environment[] = { "PATH=/usr/bin:/bin", NULL };

/* Room for size bytes of output. */
static bool run(const char *const *argv, size_t size, int64_t deadline_ms, struct buf *out,
		int *status, struct err *e)
{
	struct process p = {
		.argv = argv, .environment = environment, .output = out, .deadline_ms = deadline_ms
	};

	*e = (struct err){ 0 };
	buf_release(out);
	assert_non_null(buf_reserve(out, size));
	return process_run(&p, status, e);
}

static void output_is_kept_as_it_is(void **state)
{
	const char *const argv[] = { "/bin/sh", "-c", "printf 'a\\n\\0b'; exit 4", NULL };
	struct buf out = BUF_INIT;
	struct err e;
	int status;

	(void)state;
	assert_true(run(argv, 100, 0, &out, &status, &e));
	assert_int_equal(status, 4);
	assert_int_equal(out.len, 4);
	assert_memory_equal(out.data, "a\n\0b", 4);
	buf_release(&out);
}

static void more_output_than_there_is_room_for_is_an_error(void **state)
{
	const char *const argv[] = { "yes", NULL };
	struct buf out = BUF_INIT;
	struct err e;
	int status;

	(void)state;
	assert_false(run(argv, 1000, 0, &out, &status, &e));
	assert_int_equal(e.code, ERR_DATA);
	assert_true(out.len <= out.capacity);
	buf_release(&out);
}

/* The shell's child would hold the pipe for ever. */
static void at_the_deadline_all_of_it_is_killed(void **state)
{
	char path[] = "/tmp/firn-process-XXXXXX";
	const char *const argv[] = { "/bin/sh", "-c",
				     "sleep 1000 & echo $! >\"$0\"; echo text; wait", path, NULL };
	struct buf out = BUF_INIT, pid = BUF_INIT;
	int64_t give_up_ms = clock_now_ms(&clock_system) + 20000;
	struct err e;
	int status, fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	assert_false(run(argv, 1000, 5000, &out, &status, &e));
	assert_int_equal(e.code, ERR_OFFLINE);
	assert_true(file_read(path, 100, &pid, &e));
	assert_true(atol(buf_str(&pid)) > 1);
	while (kill((pid_t)atol(buf_str(&pid)), 0) == 0 &&
	       clock_now_ms(&clock_system) < give_up_ms) {
		char stat[64];
		struct buf what = BUF_INIT;
		bool gone;

		/* Nobody may be there to reap it. */
		snprintf(stat, sizeof(stat), "/proc/%ld/stat", atol(buf_str(&pid)));
		gone = !file_read(stat, 4096, &what, &e) || strstr(buf_str(&what), ") Z ");
		buf_release(&what);
		if (gone)
			break;
		clock_sleep_ms(&clock_system, 10);
	}
	assert_true(clock_now_ms(&clock_system) < give_up_ms);
	unlink(path);
	buf_release(&out);
	buf_release(&pid);
}

static void a_program_that_is_not_there_is_not_found(void **state)
{
	const char *const argv[] = { "/nonexistent/program", NULL };
	const char *const in_path[] = { "no-such-program-of-firn", NULL };
	struct buf out = BUF_INIT;
	struct err e;
	int status;

	(void)state;
	assert_false(run(argv, 100, 0, &out, &status, &e));
	assert_int_equal(e.code, ERR_NOT_FOUND);
	assert_false(run(in_path, 100, 0, &out, &status, &e));
	assert_int_equal(e.code, ERR_NOT_FOUND);
	buf_release(&out);
}

static void take_line(void *ctx, const char *line)
{
	buf_printf(ctx, "[%s]", line);
}

static void lines_of_output_and_error_are_given_one_by_one(void **state)
{
	const char *const argv[] = { "/bin/sh", "-c", "echo one; echo two >&2; printf three",
				     NULL };
	struct buf lines = BUF_INIT;
	struct process p = {
		.argv = argv, .environment = environment, .line = take_line, .ctx = &lines
	};
	struct err e = { 0 };
	int status;

	(void)state;
	assert_true(process_run(&p, &status, &e));
	assert_int_equal(status, 0);
	assert_string_equal(buf_str(&lines), "[one][two][three]");
	buf_release(&lines);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(output_is_kept_as_it_is),
		cmocka_unit_test(more_output_than_there_is_room_for_is_an_error),
		cmocka_unit_test(at_the_deadline_all_of_it_is_killed),
		cmocka_unit_test(a_program_that_is_not_there_is_not_found),
		cmocka_unit_test(lines_of_output_and_error_are_given_one_by_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
