#include "base/file.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/io.h"
#include "base/thread.h"

static int make_folder(void **state)
{
	char *dir = strdup("/tmp/firn-test-file-XXXXXX");

	*state = dir;
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_folder(void **state)
{
	struct err e = { 0 };
	bool ok = file_remove_tree(*state, &e);

	free(*state);
	return ok ? 0 : -1;
}

static void an_atomic_write_leaves_the_whole_file_or_the_old_one(void **state)
{
	char path[256];
	struct buf b = BUF_INIT;
	struct err e = { 0 };

	snprintf(path, sizeof(path), "%s/f", (char *)*state);
	assert_true(file_write_atomic(path, "first", 5, &e));
	assert_true(file_write_atomic(path, "second!", 7, &e));
	assert_true(file_read(path, 100, &b, &e));
	assert_string_equal(buf_str(&b), "second!");
	buf_clear(&b);
	assert_false(file_read(path, 6, &b, &e));
	assert_int_equal(e.code, ERR_DATA);
	snprintf(path, sizeof(path), "%s/none/f", (char *)*state);
	assert_false(file_write_atomic(path, "x", 1, &e));
	assert_false(file_read(path, 6, &b, &e));
	assert_int_equal(e.code, ERR_NOT_FOUND);
	buf_release(&b);
}

static void folders_are_made_and_removed_without_following_links(void **state)
{
	char deep[256], outside[256], link_path[300];
	struct err e = { 0 };

	snprintf(deep, sizeof(deep), "%s/tree/b/c", (char *)*state);
	snprintf(outside, sizeof(outside), "%s/outside", (char *)*state);
	assert_true(file_make_dirs(deep, &e) && file_make_dirs(deep, &e) &&
		    file_make_dirs(outside, &e));
	snprintf(link_path, sizeof(link_path), "%s/link", deep);
	assert_int_equal(symlink(outside, link_path), 0);
	snprintf(deep, sizeof(deep), "%s/tree", (char *)*state);
	assert_true(file_remove_tree(deep, &e));
	assert_int_not_equal(access(deep, F_OK), 0);
	assert_int_equal(access(outside, F_OK), 0);
	assert_true(file_remove_tree(deep, &e));
}

struct opener {
	pthread_t thread;
	const char *parent;
	struct err e;
};

static void *open_and_use(void *arg)
{
	struct opener *o = arg;

	for (int i = 0; i < 100 && o->e.code == ERR_NONE; i++) {
		struct scratch *s = scratch_open(o->parent, &o->e);
		struct buf path = BUF_INIT;

		if (!s)
			break;
		buf_printf(&path, "%s/work", scratch_path(s));
		file_write_atomic(buf_str(&path), "x", 1, &o->e);
		buf_release(&path);
		scratch_close(s);
	}
	return NULL;
}

static void scratch_folders_opened_at_once_leave_one_another_alone(void **state)
{
	struct opener all[4] = { 0 };
	struct err e = { 0 };

	for (size_t i = 0; i < 4; i++) {
		all[i].parent = *state;
		assert_true(thread_start(&all[i].thread, open_and_use, &all[i], &e));
	}
	for (size_t i = 0; i < 4; i++)
		pthread_join(all[i].thread, NULL);
	for (size_t i = 0; i < 4; i++)
		if (all[i].e.code != ERR_NONE)
			fail_msg("%s", all[i].e.message);
}

static void a_scratch_folder_of_the_dead_is_swept_and_that_of_the_living_is_not(void **state)
{
	struct err e = { 0 };
	struct scratch *mine = scratch_open(*state, &e);
	char theirs[256] = "";
	struct scratch *next;
	int fds[2], status;
	pid_t child;
	ssize_t n;

	assert_non_null(mine);
	assert_int_equal(pipe(fds), 0);
	child = fork();
	if (child == 0) {
		struct scratch *s = scratch_open(*state, &e);

		if (!s || write(fds[1], scratch_path(s), strlen(scratch_path(s))) < 0)
			_exit(1);
		kill(getpid(), SIGKILL);
	}
	close(fds[1]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	n = read(fds[0], theirs, sizeof(theirs) - 1);
	assert_true(n > 0);
	close(fds[0]);
	assert_int_equal(access(theirs, F_OK), 0);
	next = scratch_open(*state, &e);
	assert_non_null(next);
	assert_int_not_equal(access(theirs, F_OK), 0);
	assert_int_equal(access(scratch_path(mine), F_OK), 0);
	scratch_close(next);
	scratch_close(mine);
}

static void reading_past_the_end_is_refused_before_the_reader_is_asked(void **state)
{
	struct io_memory m = { (const uint8_t *)"0123456789", 10 };
	struct io_reader r;
	struct err e = { 0 };
	char out[16];

	(void)state;
	io_reader_from_memory(&r, &m, "memory");
	assert_true(io_read_at(&r, 4, out, 6, &e));
	assert_memory_equal(out, "456789", 6);
	assert_false(io_read_at(&r, 4, out, 7, &e));
	assert_false(io_read_at(&r, 11, out, 0, &e));
	assert_false(io_read_at(&r, UINT64_MAX, out, 2, &e));
	assert_int_equal(e.code, ERR_DATA);
}

static void a_folder_takes_what_its_own_files_do(void **state)
{
	char path[256], link[256];
	struct err e = { 0 };

	snprintf(path, sizeof(path), "%s/none", (char *)*state);
	assert_int_equal(file_folder_bytes(path, 100), 0);
	assert_int_equal(file_folder_bytes(*state, 100), 0);
	snprintf(path, sizeof(path), "%s/a", (char *)*state);
	assert_true(file_write_atomic(path, "12345", 5, &e));
	snprintf(link, sizeof(link), "%s/link", (char *)*state);
	assert_int_equal(symlink(path, link), 0);
	snprintf(path, sizeof(path), "%s/b", (char *)*state);
	assert_true(file_write_atomic(path, "123", 3, &e));
	snprintf(path, sizeof(path), "%s/deeper", (char *)*state);
	assert_true(file_make_dirs(path, &e));
	snprintf(path, sizeof(path), "%s/deeper/c", (char *)*state);
	assert_true(file_write_atomic(path, "1234567", 7, &e));
	assert_int_equal(file_folder_bytes(*state, 100), 8);
	assert_int_equal(file_folder_bytes(*state, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			an_atomic_write_leaves_the_whole_file_or_the_old_one, make_folder,
			remove_folder),
		cmocka_unit_test_setup_teardown(
			folders_are_made_and_removed_without_following_links, make_folder,
			remove_folder),
		cmocka_unit_test_setup_teardown(
			a_scratch_folder_of_the_dead_is_swept_and_that_of_the_living_is_not,
			make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(
			scratch_folders_opened_at_once_leave_one_another_alone, make_folder,
			remove_folder),
		cmocka_unit_test_setup_teardown(a_folder_takes_what_its_own_files_do, make_folder,
						remove_folder),
		cmocka_unit_test(reading_past_the_end_is_refused_before_the_reader_is_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
