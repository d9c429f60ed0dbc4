#include "engine/index_plan.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

int64_t index_lists_for(int64_t rows)
{
	int64_t lists = rows > 1000000 ? (int64_t)sqrt((double)rows) : rows / 1000;

	return lists < 1 ? 1 : lists > IVFFLAT_MAX_LISTS ? IVFFLAT_MAX_LISTS : lists;
}

bool index_lists_fit(int64_t lists, int64_t rows)
{
	int64_t right = index_lists_for(rows);

	return lists <= 2 * right && 2 * lists >= right;
}

static int64_t or_default(int64_t value, int64_t otherwise)
{
	return value > 0 ? value : otherwise;
}

bool index_options_fit(const char *method, const struct vector_options *o,
		       const struct index_wish *w, int64_t rows)
{
	if (str_eq(method, "hnsw"))
		return (w->m == 0 || or_default(o->m, HNSW_DEFAULT_M) == w->m) &&
		       (w->ef_construction == 0 ||
			or_default(o->ef_construction, HNSW_DEFAULT_EF_CONSTRUCTION) ==
				w->ef_construction);
	if (w->lists > 0)
		return or_default(o->lists, IVFFLAT_DEFAULT_LISTS) == w->lists;
	return w->lists == 0 || rows < 0 ||
	       index_lists_fit(or_default(o->lists, IVFFLAT_DEFAULT_LISTS), rows);
}

struct vector_options index_options_for(const char *method, const struct index_wish *w,
					const struct vector_options *before, int64_t rows)
{
	struct vector_options out = { 0 };

	if (str_eq(method, "hnsw")) {
		out.m = w->m > 0 ? w->m : before ? before->m : 0;
		out.ef_construction = w->ef_construction > 0 ? w->ef_construction
				      : before               ? before->ef_construction
							     : 0;
	} else if (w->lists > 0) {
		out.lists = w->lists;
	} else if (w->lists == 0 && before) {
		out.lists = before->lists;
	} else {
		out.lists = index_lists_for(rows);
	}
	return out;
}

/* No more than len bytes, and no part of a character. */
static int cut(const char *s, size_t len)
{
	size_t n = strlen(s);

	if (n <= len)
		return (int)n;
	while (len > 0 && ((unsigned char)s[len] & 0xC0) == 0x80)
		len--;
	return (int)len;
}

void index_name_for(char out[INDEX_NAME_MAX], const char *relation, const char *key,
		    const char *method, int nth)
{
	char tail[16] = "";
	size_t room, key_room;

	if (nth > 1)
		snprintf(tail, sizeof(tail), "_%d", nth);
	room = INDEX_NAME_MAX - 1 - 2 - strlen(method) - strlen(tail);
	/* A long relation keeps at least half of it. */
	key_room = strlen(relation) < room / 2 ? room - strlen(relation) : room - room / 2;
	key_room = (size_t)cut(key, key_room);
	snprintf(out, INDEX_NAME_MAX, "%.*s_%.*s_%s%s", cut(relation, room - key_room), relation,
		 (int)key_room, key, method, tail);
}

int64_t index_build_memory(int64_t graph_bytes, int64_t server_bytes, int64_t most_bytes)
{
	/* What the estimate does not know: hash tables, what comes in meanwhile. */
	int64_t wanted = graph_bytes + graph_bytes / 5;

	if (wanted > most_bytes)
		wanted = most_bytes;
	return wanted > server_bytes ? wanted : server_bytes;
}

/* Samples are 50 a list, 10,000 at least; of k-means the bounds of every sample to every center weigh most. */
int64_t index_lists_memory(int64_t lists, int64_t rows, int vector_bytes)
{
	int64_t samples = 50 * lists > 10000 ? 50 * lists : 10000;

	if (samples > rows)
		samples = rows;
	return samples * (vector_bytes + 16) + 2 * lists * vector_bytes + 4 * samples * lists +
	       4 * lists * lists;
}
