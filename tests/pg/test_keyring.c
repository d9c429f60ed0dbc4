#include "engine/keyring.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "catalog/key_store.h"
#include "catalog/migrate.h"
#include "lib/pg_fixture.h"

static int setup(void **state)
{
	struct err e = { 0 };
	struct pg_fixture *f;

	if (pg_fixture_setup(state) != 0)
		return -1;
	f = *state;
	if (!migrate_run(f->pg, NULL, &e))
		fail_msg("%s", e.message);
	return 0;
}

static int64_t new_table(struct pg_fixture *f)
{
	char *id = value_of(f->pg, "INSERT INTO firn.managed_table (label, archive) VALUES "
				   "('app.t' || (SELECT count(*) FROM firn.managed_table), "
				   "'file:///x') RETURNING id");
	int64_t n = strtoll(id, NULL, 10);

	free(id);
	return n;
}

static void make_master(struct master_key *m, uint8_t byte)
{
	struct err e = { 0 };

	memset(m->key, byte, sizeof(m->key));
	assert_true(seal_key_id(m->key, m->id, &e));
	hex_encode(m->id, sizeof(m->id), m->id_hex);
}

static struct keyring *ring(struct pg *pg, int64_t table, const struct master_key *master,
			    bool may_make)
{
	struct err e = { 0 };
	struct keyring *k = keyring_new(&(struct keyring_options){ .pg = pg,
								   .table_id = table,
								   .table = "app.t",
								   .master = master,
								   .may_make = may_make },
					&e);

	if (!k)
		fail_msg("%s", e.message);
	return k;
}

static bool find(struct keyring *k, const char *workspace, struct segment_key *out, struct err *e)
{
	struct field f = { (const uint8_t *)workspace,
			   workspace ? (int32_t)strlen(workspace) : -1 };

	*e = (struct err){ 0 };
	return keyring_keys(k)->find(keyring_keys(k)->ctx, &f, out, e);
}

static void must_find(struct keyring *k, const char *workspace, struct segment_key *out)
{
	struct err e;

	if (!find(k, workspace, out, &e))
		fail_msg("%s", e.message);
}

static void two_that_ask_at_once_get_the_same_key(void **state)
{
	struct pg_fixture *f = *state;
	struct pg *other = must_connect(f->conninfo);
	int64_t table = new_table(f);
	struct master_key m;
	struct segment_key x, y;
	struct err e = { 0 };
	struct keyring *a, *b;

	make_master(&m, 1);
	assert_true(key_store_claim(f->pg, m.id, &e));
	a = ring(f->pg, table, &m, true);
	b = ring(other, table, &m, true);
	must_find(a, "w", &x);
	must_find(b, "w", &y);
	assert_memory_equal(x.key, y.key, SEAL_KEY_BYTES);
	assert_memory_equal(x.wrapped, y.wrapped, sizeof(x.wrapped));
	/* NULL, the empty string and the table's own are others. */
	must_find(a, NULL, &y);
	assert_memory_not_equal(x.key, y.key, SEAL_KEY_BYTES);
	must_find(a, "", &x);
	assert_memory_not_equal(x.key, y.key, SEAL_KEY_BYTES);
	assert_true(keyring_keys(a)->find(keyring_keys(a)->ctx, NULL, &y, &e));
	assert_memory_not_equal(x.key, y.key, SEAL_KEY_BYTES);
	keyring_free(a);
	keyring_free(b);
	pg_close(other);
}

static void many_keys_stay_where_they_are(void **state)
{
	struct pg_fixture *f = *state;
	struct segment_key keys[500];
	uint8_t copies[500][SEAL_KEY_BYTES];
	struct master_key m;
	struct keyring *k, *later;
	int64_t table = new_table(f);
	char name[16];

	make_master(&m, 1);
	k = ring(f->pg, table, &m, true);
	for (int i = 0; i < 500; i++) {
		snprintf(name, sizeof(name), "w%d", i);
		must_find(k, name, &keys[i]);
		memcpy(copies[i], keys[i].key, SEAL_KEY_BYTES);
	}
	later = ring(f->pg, table, &m, false);
	for (int i = 0; i < 500; i++) {
		struct segment_key again;

		assert_memory_equal(keys[i].key, copies[i], SEAL_KEY_BYTES);
		snprintf(name, sizeof(name), "w%d", i);
		must_find(k, name, &again);
		assert_ptr_equal(again.key, keys[i].key);
		must_find(later, name, &again);
		assert_memory_equal(again.key, copies[i], SEAL_KEY_BYTES);
	}
	keyring_free(k);
	keyring_free(later);
}

static void a_reader_makes_no_key(void **state)
{
	struct pg_fixture *f = *state;
	struct segment_key key;
	struct master_key m;
	struct keyring *k;
	struct err e;

	make_master(&m, 1);
	k = ring(f->pg, new_table(f), &m, false);
	assert_false(find(k, "w", &key, &e));
	assert_int_equal(e.code, ERR_CONFIG);
	keyring_free(k);
}

static void another_master_key_opens_and_makes_nothing(void **state)
{
	struct pg_fixture *f = *state;
	int64_t table = new_table(f);
	struct master_key m, other;
	struct segment_key key;
	struct keyring *a, *b;
	struct err e;

	make_master(&m, 1);
	make_master(&other, 2);
	a = ring(f->pg, table, &m, true);
	must_find(a, "w", &key);
	b = ring(f->pg, table, &other, true);
	assert_false(find(b, "w", &key, &e));
	assert_int_equal(e.code, ERR_CONFIG);
	assert_non_null(strstr(e.message, m.id_hex));
	assert_non_null(strstr(e.message, other.id_hex));
	assert_false(find(b, "new", &key, &e));
	assert_int_equal(e.code, ERR_CONFIG);
	assert_non_null(strstr(e.message, m.id_hex));
	must_find(a, "new", &key);
	assert_memory_equal(key.master_id, m.id, sizeof(m.id));
	keyring_free(a);
	keyring_free(b);
}

/* A wrapped key is its table's and workspace's: nobody who may write to the catalog can give one another's. */
static void wrapped_keys_do_not_change_places(void **state)
{
	struct pg_fixture *f = *state;
	int64_t table = new_table(f);
	struct segment_key key;
	struct master_key m;
	struct keyring *k;
	struct err e;

	make_master(&m, 1);
	k = ring(f->pg, table, &m, true);
	must_find(k, "a", &key);
	must_find(k, "b", &key);
	keyring_free(k);
	assert_true(pg_execf(f->pg, &e,
			     "UPDATE firn.workspace_key x SET wrapped = y.wrapped FROM "
			     "firn.workspace_key y WHERE x.table_id = %lld AND y.table_id = "
			     "x.table_id AND y.workspace <> x.workspace",
			     (long long)table));
	k = ring(f->pg, table, &m, false);
	assert_false(find(k, "a", &key, &e));
	assert_int_equal(e.code, ERR_DATA);
	assert_false(find(k, "b", &key, &e));
	assert_int_equal(e.code, ERR_DATA);
	keyring_free(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_that_ask_at_once_get_the_same_key),
		cmocka_unit_test(many_keys_stay_where_they_are),
		cmocka_unit_test(a_reader_makes_no_key),
		cmocka_unit_test(another_master_key_opens_and_makes_nothing),
		cmocka_unit_test(wrapped_keys_do_not_change_places),
	};

	return cmocka_run_group_tests(tests, setup, pg_fixture_teardown);
}
