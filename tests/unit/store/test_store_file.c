#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/str.h"
#include "store/store_driver.h"

struct place {
	char folder[64];
	struct store *store;
};

static int set_up(void **state)
{
	static struct place place;
	char url[100];
	struct err e = { 0 };

	snprintf(place.folder, sizeof(place.folder), "/tmp/firn-store-file-XXXXXX");
	if (!mkdtemp(place.folder))
		return -1;
	snprintf(url, sizeof(url), "file://%s/archive", place.folder);
	place.store = store_open(&(struct store_options){ .url = url, .make_folder = true }, &e);
	*state = &place;
	return place.store ? 0 : -1;
}

static int tear_down(void **state)
{
	struct place *p = *state;
	struct err e = { 0 };

	store_close(p->store);
	return file_remove_tree(p->folder, &e) ? 0 : -1;
}

static bool put(struct store *s, const char *key, const char *text, struct err *e)
{
	struct io_memory memory = { .data = (const uint8_t *)text, .len = strlen(text) };
	struct io_reader reader;

	io_reader_from_memory(&reader, &memory, "text");
	return store_put(s, key, &reader, NULL, NULL, e);
}

static const char *path_in(const struct place *p, const char *name)
{
	static char path[200];

	snprintf(path, sizeof(path), "%s/%s", p->folder, name);
	return path;
}

static bool count_object(void *ctx, const struct store_object *object, struct err *e)
{
	(void)object;
	(void)e;
	(*(int *)ctx)++;
	return true;
}

static void links_never_lead_out_of_the_archive(void **state)
{
	struct place *p = *state;
	static const char *const keys[] = { "folder/secret", "link" };
	struct store_object object;
	struct buf out = BUF_INIT;
	struct err e = { 0 };
	char outside[100];
	int seen = 0;

	snprintf(outside, sizeof(outside), "%s/outside", p->folder);
	assert_int_equal(mkdir(outside, 0700), 0);
	assert_true(file_write_atomic(path_in(p, "outside/secret"), "secret", 6, &e));
	assert_int_equal(symlink(outside, path_in(p, "archive/folder")), 0);
	snprintf(outside, sizeof(outside), "%s/outside/secret", p->folder);
	assert_int_equal(symlink(outside, path_in(p, "archive/link")), 0);
	for (size_t i = 0; i < 2; i++) {
		assert_false(store_head(p->store, keys[i], &object, &e));
		assert_int_equal(e.code, ERR_NOT_FOUND);
		assert_false(store_get_range(p->store, keys[i], 0, 1, &out, &e));
		assert_int_equal(e.code, ERR_NOT_FOUND);
	}
	assert_true(store_list(p->store, "", count_object, &seen, &e));
	assert_int_equal(seen, 0);
	assert_false(put(p->store, "folder/new", "x", &e));
	assert_false(put(p->store, "link", "x", &e));
	assert_int_equal(e.code, ERR_EXISTS);
	assert_true(store_delete(p->store, keys, 1, NULL, &e));
	assert_int_equal(access(path_in(p, "outside/secret"), F_OK), 0);
	assert_int_equal(access(path_in(p, "outside/new"), F_OK), -1);
	buf_release(&out);
}

static void things_that_are_no_files_are_not_objects(void **state)
{
	struct place *p = *state;
	struct store_object object;
	struct buf out = BUF_INIT;
	struct err e = { 0 };
	int seen = 0;

	assert_int_equal(mkfifo(path_in(p, "archive/pipe"), 0600), 0);
	assert_int_equal(mkdir(path_in(p, "archive/empty"), 0700), 0);
	assert_false(store_get_range(p->store, "pipe", 0, 1, &out, &e));
	assert_int_equal(e.code, ERR_NOT_FOUND);
	assert_false(store_head(p->store, "empty", &object, &e));
	assert_int_equal(e.code, ERR_NOT_FOUND);
	assert_true(store_list(p->store, "", count_object, &seen, &e));
	assert_int_equal(seen, 0);
	buf_release(&out);
}

static void objects_are_for_their_owner_only(void **state)
{
	struct place *p = *state;
	struct err e = { 0 };
	struct stat st;

	assert_true(put(p->store, "folder/object", "x", &e));
	assert_int_equal(stat(path_in(p, "archive/folder/object"), &st), 0);
	assert_int_equal(st.st_mode & 077, 0);
	assert_int_equal(st.st_nlink, 1);
	assert_int_equal(stat(path_in(p, "archive/folder"), &st), 0);
	assert_int_equal(st.st_mode & 077, 0);
}

static void a_sealed_file_becomes_the_object_itself(void **state)
{
	struct place *p = *state;
	struct io_reader reader;
	struct buf out = BUF_INIT;
	struct err e = { 0 };
	struct stat sealed, object;
	uint8_t digest[SHA256_BYTES];
	int fd;

	assert_true(file_write_atomic(path_in(p, "sealed"), "whole", 5, &e));
	fd = file_open_read(path_in(p, "sealed"), &e);
	assert_true(fd >= 0);
	assert_true(io_reader_from_sealed_fd(&reader, &fd, "sealed", &e));
	assert_true(sha256_once("whole", 5, digest, &e));
	assert_true(store_put(p->store, "folder/object", &reader, digest, NULL, &e));
	assert_false(store_put(p->store, "folder/object", &reader, digest, NULL, &e));
	assert_int_equal(e.code, ERR_EXISTS);
	assert_int_equal(stat(path_in(p, "archive/folder/object"), &object), 0);
	assert_int_equal(fstat(fd, &sealed), 0);
	assert_int_equal(object.st_ino, sealed.st_ino);
	assert_int_equal(unlink(path_in(p, "sealed")), 0);
	assert_true(store_get_range(p->store, "folder/object", 0, 5, &out, &e));
	assert_memory_equal(out.data, "whole", 5);
	close(fd);
	buf_release(&out);
}

/* What a file system may lack: these stand before libc's for the store that is tested here. */
static struct {
	bool no_rename;  /* has no RENAME_NOREPLACE, as NFS */
	int link_errno;  /* what link fails with; 0: it does not */
	bool link_first; /* and makes the link all the same: the answer of the first try got lost */
} lacks;

int renameat2(int old_folder, const char *old, int new_folder, const char *new, unsigned int flags)
{
	if (lacks.no_rename) {
		errno = EINVAL;
		return -1;
	}
	return (int)syscall(SYS_renameat2, old_folder, old, new_folder, new, flags);
}

int linkat(int old_folder, const char *old, int new_folder, const char *new, int flags)
{
	if (lacks.link_errno && !lacks.link_first) {
		errno = lacks.link_errno;
		return -1;
	}
	if (syscall(SYS_linkat, old_folder, old, new_folder, new, flags) != 0)
		return -1;
	if (!lacks.link_errno)
		return 0;
	errno = lacks.link_errno;
	return -1;
}

static int reset_lacks(void **state)
{
	memset(&lacks, 0, sizeof(lacks));
	return tear_down(state);
}

static void assert_folder_holds(struct place *p, const char *only)
{
	DIR *d = opendir(path_in(p, "archive/folder"));
	struct dirent *entry;
	int count = 0;

	assert_non_null(d);
	while ((entry = readdir(d)))
		if (entry->d_name[0] != '.' || strlen(entry->d_name) > 2) {
			assert_string_equal(entry->d_name, only);
			count++;
		}
	closedir(d);
	assert_int_equal(count, 1);
}

static void without_a_rename_that_keeps_names_objects_are_not_overwritten_either(void **state)
{
	struct place *p = *state;
	struct err e = { 0 };
	struct buf out = BUF_INIT;

	lacks.no_rename = true;
	assert_true(put(p->store, "folder/object", "first", &e));
	assert_false(put(p->store, "folder/object", "other", &e));
	assert_int_equal(e.code, ERR_EXISTS);
	assert_folder_holds(p, "object");
	assert_true(store_get_range(p->store, "folder/object", 0, 5, &out, &e));
	assert_memory_equal(out.data, "first", 5);
	buf_release(&out);
}

static void a_link_whose_answer_got_lost_is_known_again(void **state)
{
	struct place *p = *state;
	struct err e = { 0 };

	lacks.no_rename = true;
	lacks.link_errno = EEXIST;
	lacks.link_first = true;
	assert_true(put(p->store, "folder/object", "first", &e));
	assert_folder_holds(p, "object");
	lacks.link_first = false;
	assert_false(put(p->store, "folder/object", "other", &e));
	assert_int_equal(e.code, ERR_EXISTS);
	assert_folder_holds(p, "object");
}

static void a_file_system_that_can_neither_is_refused(void **state)
{
	struct place *p = *state;
	struct err e = { 0 };

	assert_true(put(p->store, "folder/kept", "x", &e));
	lacks.no_rename = true;
	lacks.link_errno = EPERM;
	assert_false(put(p->store, "folder/object", "x", &e));
	assert_int_equal(e.code, ERR_DENIED);
	assert_non_null(strstr(e.hint, "neither hard links nor"));
	assert_folder_holds(p, "kept");
}

static void a_sealed_file_that_others_may_read_is_copied(void **state)
{
	struct place *p = *state;
	struct io_reader reader;
	struct err e = { 0 };
	struct stat sealed, object;
	int fd;

	assert_true(file_write_atomic(path_in(p, "sealed"), "whole", 5, &e));
	assert_int_equal(chmod(path_in(p, "sealed"), 0644), 0);
	fd = file_open_read(path_in(p, "sealed"), &e);
	assert_true(fd >= 0);
	assert_true(io_reader_from_sealed_fd(&reader, &fd, "sealed", &e));
	assert_true(store_put(p->store, "object", &reader, NULL, NULL, &e));
	assert_int_equal(stat(path_in(p, "archive/object"), &object), 0);
	assert_int_equal(fstat(fd, &sealed), 0);
	assert_int_not_equal(object.st_ino, sealed.st_ino);
	assert_int_equal(object.st_mode & 0777, 0600);
	assert_int_equal(object.st_size, 5);
	close(fd);
}

/* What put relies on when it remembers a folder; somebody may have cleaned up by hand. */
static void a_folder_that_went_away_is_made_again(void **state)
{
	struct place *p = *state;
	struct err e = { 0 };

	assert_true(put(p->store, "a/b/one", "x", &e));
	assert_true(file_remove_tree(path_in(p, "archive/a"), &e));
	assert_true(put(p->store, "a/b/two", "x", &e));
	assert_true(put(p->store, "top", "x", &e));
	assert_int_equal(access(path_in(p, "archive/a/b/two"), F_OK), 0);
}

static void long_names_are_refused_before_anything_is_written(void **state)
{
	struct place *p = *state;
	char key[300];
	struct err e = { 0 };

	memset(key, 'a', sizeof(key));
	key[225] = '\0';
	assert_true(put(p->store, key, "x", &e));
	key[225] = 'a';
	key[226] = '\0';
	assert_false(put(p->store, key, "x", &e));
	assert_int_equal(e.code, ERR_DATA);
}

static void escapes_in_the_url_are_understood(void **state)
{
	struct place *p = *state;
	char url[100];
	struct err e = { 0 };
	struct store *s;

	snprintf(url, sizeof(url), "file://%s/with%%20space%%/deep//", p->folder);
	s = store_open(&(struct store_options){ .url = url, .make_folder = true }, &e);
	assert_non_null(s);
	assert_true(put(s, "k", "x", &e));
	assert_int_equal(access(path_in(p, "with space%/deep/k"), F_OK), 0);
	store_close(s);
}

static void urls_that_cannot_be_used_are_refused_without_repeating_secrets(void **state)
{
	static const char *const urls[] = {
		"",
		"/just/a/path",
		"file://relative",
		"file:///",
		"http://host/bucket",
		"postgres://user:hush@host/db",
		"s3://",
		"s3://ab",
		"s3://key:hush@bucket/prefix",
		"s3://bucket/a/../b",
	};
	static const char *const endpoints[] = {
		"host:80",           "ftp://host",          "https://",
		"https://host/path", "https://u:hush@host", "https://host?x=hush",
		"https://ho st",
	};
	struct err e = { 0 };

	(void)state;
	setenv("AWS_ACCESS_KEY_ID", "id", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		assert_null(store_open(&(struct store_options){ .url = urls[i] }, &e));
		assert_int_equal(e.code, ERR_CONFIG);
		assert_null(strstr(e.message, "hush"));
	}
	for (size_t i = 0; i < sizeof(endpoints) / sizeof(endpoints[0]); i++) {
		assert_null(store_open(
			&(struct store_options){ .url = "s3://bucket/p", .endpoint = endpoints[i] },
			&e));
		assert_int_equal(e.code, ERR_CONFIG);
		assert_null(strstr(e.message, "hush"));
	}
}

static void a_folder_has_no_storage_classes(void **state)
{
	struct place *p = *state;
	struct err e = { 0 };

	assert_false(store_set_class(p->store, "object", "STANDARD_IA", &e));
	assert_int_equal(e.code, ERR_CONFIG);
	assert_false(store_thaw(p->store, "object", &(struct store_thaw){ "Bulk", 1 }, &e));
	assert_int_equal(e.code, ERR_CONFIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(links_never_lead_out_of_the_archive, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(things_that_are_no_files_are_not_objects, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(objects_are_for_their_owner_only, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_sealed_file_becomes_the_object_itself, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_sealed_file_that_others_may_read_is_copied,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_folder_that_went_away_is_made_again, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(long_names_are_refused_before_anything_is_written,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(escapes_in_the_url_are_understood, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(
			without_a_rename_that_keeps_names_objects_are_not_overwritten_either,
			set_up, reset_lacks),
		cmocka_unit_test_setup_teardown(a_link_whose_answer_got_lost_is_known_again, set_up,
						reset_lacks),
		cmocka_unit_test_setup_teardown(a_file_system_that_can_neither_is_refused, set_up,
						reset_lacks),
		cmocka_unit_test_setup_teardown(a_folder_has_no_storage_classes, set_up, tear_down),
		cmocka_unit_test(urls_that_cannot_be_used_are_refused_without_repeating_secrets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
