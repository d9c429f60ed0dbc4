/* What storage costs, against figures reckoned by hand. */
#include "engine/bill.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/money.h"

#define GIB (1ll << 30)

static void hot_is_each_part_in_each_copy_with_wal_and_memory(void **state)
{
	const struct bill_prices p = {
		.hot_gib_nano = 100000000, /* 0.10 */
		.wal_gib_nano = 20000000,  /* 0.02 */
		.ram_gib_nano = 2000000000,
		.copies = 3,
		.wal_share = 1.5,
		.memory_share = 0.5,
	};
	const struct bill_hot hot = { { 4 * GIB, 2 * GIB, 2 * GIB }, GIB, 0 };
	struct firn_cost c = { 0 };

	(void)state;
	bill_hot(&p, &hot, &c);
	assert_int_equal(c.heap_nano, 400000000);
	assert_int_equal(c.toast_nano, 200000000);
	assert_int_equal(c.index_nano, 200000000);
	assert_int_equal(c.replicas_nano, 1600000000); /* 8 GiB twice more */
	assert_int_equal(c.wal_nano, 240000000);       /* 12 GiB */
	assert_int_equal(c.ram_nano, 3000000000);      /* half a GiB in three copies */
	assert_int_equal(c.hot_nano, 5640000000);
}

static void small_and_young_objects_are_billed_at_their_least(void **state)
{
	const struct bill_class ia = {
		.priced = true,
		.gib_nano = 12500000,
		.least_days = 30,
		.least_bytes = 128 << 10,
	};
	struct firn_cost c = { 0 };

	(void)state;
	assert_int_equal(bill_object_bytes(&ia, 1), 128 << 10);
	assert_int_equal(bill_object_bytes(&ia, 1 << 20), 1 << 20);
	bill_objects(&ia, 4 * GIB, 10, &c);
	assert_int_equal(c.objects_nano, 50000000);
	assert_int_equal(c.cold_nano, 50000000);
	assert_int_equal(c.early_nano, 32854209); /* 20 of 30.4375 days */
	bill_objects(&ia, 4 * GIB, 30, &c);
	assert_int_equal(c.objects_nano, 100000000);
	assert_int_equal(c.early_nano, 32854209);
}

static void what_came_back_would_fill_free_room_first(void **state)
{
	const struct bill_per_row row = { 300, 500, 200, 100 };
	struct bill_hot extra = bill_extra(&row, 1000, 250000, 30000);

	(void)state;
	assert_int_equal(extra.size.heap_bytes, 225000); /* three quarters: 750,000 of 1,000,000 */
	assert_int_equal(extra.size.toast_bytes, 375000);
	assert_int_equal(extra.size.index_bytes, 150000);
	assert_int_equal(extra.vector_index_bytes, 70000); /* what is dead in the index is in memory already */
	assert_int_equal(bill_extra(&row, 1000, 250000, 100000).vector_index_bytes, 0);
	assert_int_equal(bill_extra(&row, 1000, 250000, 200000).vector_index_bytes, 0);
	assert_int_equal(bill_extra(&row, 1000, 2000000, 0).size.heap_bytes, 0);
	assert_int_equal(bill_extra(&(struct bill_per_row){ 0 }, 1000, 0, 0).size.heap_bytes, 0);
}

static void saved_is_all_hot_less_what_is_paid(void **state)
{
	const struct bill_prices p = { .hot_gib_nano = 100000000, .copies = 2 };
	const struct bill_hot extra = { { 10 * GIB, 0, 0 }, 0, 0 };
	struct firn_cost c = { .hot_nano = 500000000, .cold_nano = 40000000 };

	(void)state;
	bill_compare(&p, &extra, &c);
	assert_int_equal(c.all_hot_nano, 2500000000);
	assert_int_equal(c.saved_nano, 1960000000);
}

static void moving_pays_after_what_it_cost_once(void **state)
{
	/* Hot 2 a day, cold 0.5 a day, in billionths of a month of 30.4375 days. */
	struct bill_move m = { .hot_month_nano = 60875000, .cold_month_nano = 15218750 };

	(void)state;
	m.once_nano = 3000000;
	assert_true(bill_break_even_days(&m) > 1.99 && bill_break_even_days(&m) < 2.01);
	/* Half of it comes back, for 6,000: another 3,000. */
	m.back_nano = 6000000;
	m.back_share = 0.5;
	assert_true(bill_break_even_days(&m) > 3.99 && bill_break_even_days(&m) < 4.01);
	/* 30 days are billed in any case: 6,000 + 15,000 against 2,000 a day. */
	m.least_days = 30;
	assert_true(bill_break_even_days(&m) > 10.49 && bill_break_even_days(&m) < 10.51);
}

static void moving_to_what_costs_more_never_pays(void **state)
{
	const struct bill_move dear = { .hot_month_nano = 100,
					.cold_month_nano = 200,
					.once_nano = 1 };
	const struct bill_move nothing = { .cold_month_nano = 1 };

	(void)state;
	assert_true(bill_break_even_days(&dear) < 0);
	assert_true(bill_break_even_days(&nothing) < 0);
}

static void requests_are_billed_by_kind_and_class(void **state)
{
	const struct bill_class standard = { .put_nano = 5000000, .get_nano = 400000 };
	const struct bill_class ia = {
		.put_nano = 10000000,     /* 0.01 of 1,000 */
		.get_nano = 1000000,      /* 0.001 */
		.restore_nano = 50000000, /* 0.05 */
		.retrieved_gib_nano = 10000000,
		.egress_gib_nano = 22500000, /* a quarter of 0.09 */
	};

	(void)state;
	assert_int_equal(bill_requests(&ia, &standard, "put", 3000, GIB), 30000000);
	assert_int_equal(bill_requests(&ia, &standard, "copy", 1500, 0), 15000000);
	assert_int_equal(bill_requests(&ia, &standard, "list", 2000, 0), 10000000);
	assert_int_equal(bill_requests(&ia, &standard, "restore", 100, 0), 5000000);
	assert_int_equal(bill_requests(&ia, &standard, "head", 1000, GIB), 1000000);
	assert_int_equal(bill_requests(&ia, &standard, "delete", 1000000, 0), 0);
	/* 2 x 0.001, and two GiB at 0.01 + 0.0225. */
	assert_int_equal(bill_requests(&ia, &standard, "get", 2000, 2 * GIB), 67000000);
	assert_int_equal(bill_read(&ia, 2, 2.0 * GIB), 67000000);
}

static void shared_costs_sum_up_to_the_whole(void **state)
{
	struct bill_shared s = { .requests_nano = 100, .cache_nano = 7, .weight = 3 };
	struct firn_cost sum = { 0 }, none = { .cold_nano = 5, .saved_nano = 9 };

	(void)state;
	/* Thirds that no billionth can have. */
	for (int i = 0; i < 3; i++) {
		struct firn_cost c = { .cold_nano = 10, .saved_nano = 50 };

		bill_share(&s, 1, &c);
		assert_in_range(c.requests_nano, 33, 34);
		assert_in_range(c.cache_nano, 2, 3);
		assert_int_equal(c.cold_nano, 10 + c.requests_nano + c.cache_nano);
		assert_int_equal(c.saved_nano, 50 - c.requests_nano - c.cache_nano);
		bill_add(&sum, &c);
	}
	assert_int_equal(sum.requests_nano, 100);
	assert_int_equal(sum.cache_nano, 7);
	/* Nothing to share by. */
	s = (struct bill_shared){ .requests_nano = 100 };
	bill_share(&s, 0, &none);
	assert_int_equal(none.cold_nano, 5);
	assert_int_equal(none.saved_nano, 9);
	/* Weights that were rounded up do not give more than there is. */
	s = (struct bill_shared){ .requests_nano = 100, .weight = 2 };
	sum = (struct firn_cost){ 0 };
	bill_share(&s, 1.5, &sum);
	bill_share(&s, 1.5, &sum);
	assert_int_equal(sum.requests_nano, 100);
}

static void money_is_written_without_floats(void **state)
{
	char text[MONEY_MAX];

	(void)state;
	assert_string_equal(money_decimal(23000000, text), "0.023000000");
	assert_string_equal(money_decimal(-1, text), "-0.000000001");
	assert_string_equal(money_decimal(12345678901, text), "12.345678901");
	assert_string_equal(money_decimal(INT64_MIN, text), "-9223372036.854775808");
	assert_string_equal(money_short(12345678901, text), "12.35");
	assert_string_equal(money_short(999960000, text), "1.00");
	assert_string_equal(money_short(23000000, text), "0.0230");
	assert_string_equal(money_short(-1500000000, text), "-1.50");
	assert_string_equal(money_short(0, text), "0");
	assert_string_equal(money_short(-10, text), "-0.000000010");
	assert_string_equal(money_short(5, text), "0.000000005");
	assert_string_equal(money_short(712345, text), "0.000712");
	assert_string_equal(money_short(999999, text), "0.00100");
	assert_string_equal(money_short(994999999, text), "0.995");
	assert_string_equal(money_short(1005000000, text), "1.01");
	assert_string_equal(money_short(INT64_MIN, text), "-9223372036.85");
	assert_true(money_of(0.0952) == 95200000);
	assert_true(money_times(1e30, 5) == 9200000000000000000ll);
	assert_true(money_times(0.5, 3) == 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hot_is_each_part_in_each_copy_with_wal_and_memory),
		cmocka_unit_test(small_and_young_objects_are_billed_at_their_least),
		cmocka_unit_test(what_came_back_would_fill_free_room_first),
		cmocka_unit_test(saved_is_all_hot_less_what_is_paid),
		cmocka_unit_test(moving_pays_after_what_it_cost_once),
		cmocka_unit_test(moving_to_what_costs_more_never_pays),
		cmocka_unit_test(requests_are_billed_by_kind_and_class),
		cmocka_unit_test(shared_costs_sum_up_to_the_whole),
		cmocka_unit_test(money_is_written_without_floats),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
