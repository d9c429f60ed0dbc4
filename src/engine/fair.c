#include "engine/fair.h"

#include <stdlib.h>

#include "base/mem.h"

/* So many turns, or a few more, until all is given out: more are fairer in the last one, and take longer. */
#define TURNS 64

struct queue {
	size_t next; /* group that is served; count: none is left */
	int64_t deficit;
};

struct share {
	struct fair_group *groups;
	size_t *following; /* of each group, the next of its workspace; count: none */
	size_t count;
	struct queue *queues;
	uint32_t workspaces;
	int64_t rows_left, bytes_left; /* -1: no limit */
};

/* What a row of the group is reckoned to take, at least 1. */
static int64_t row_bytes(const struct fair_group *g)
{
	int64_t bytes = g->rows > 0 ? (g->bytes + g->rows - 1) / g->rows : 1;

	return bytes > 0 ? bytes : 1;
}

static bool nothing_left(const struct share *s)
{
	return s->rows_left == 0 || s->bytes_left == 0;
}

/* A turn gives every group room for a row, and all of them together are done in TURNS or so. */
static int64_t quantum(const struct share *s)
{
	int64_t most = 1, total = 0, part;

	for (size_t i = 0; i < s->count; i++) {
		int64_t row = row_bytes(&s->groups[i]);

		total += s->groups[i].bytes;
		if (row > most)
			most = row;
	}
	if (s->bytes_left >= 0 && s->bytes_left < total)
		total = s->bytes_left;
	if (s->rows_left >= 0 && s->rows_left < total / most)
		total = s->rows_left * most;
	part = total / TURNS / (s->workspaces ? s->workspaces : 1);
	return part > most ? part : most;
}

/* Lines the groups up by workspace. */
static void line_up(struct share *s)
{
	for (uint32_t w = 0; w < s->workspaces; w++)
		s->queues[w].next = s->count;
	for (size_t i = s->count; i-- > 0;) {
		struct queue *q = &s->queues[s->groups[i].workspace];

		s->groups[i].quota = 0;
		s->following[i] = q->next;
		q->next = i;
	}
}

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static void take_turn(struct share *s, struct queue *q, int64_t grant)
{
	q->deficit += grant;
	while (q->next < s->count && !nothing_left(s)) {
		struct fair_group *g = &s->groups[q->next];
		int64_t each = row_bytes(g);
		int64_t n = least(g->rows - g->quota, q->deficit / each);

		if (s->rows_left >= 0)
			n = least(n, s->rows_left);
		if (s->bytes_left >= 0)
			n = least(n, (s->bytes_left + each - 1) / each);
		g->quota += n;
		q->deficit -= n * each;
		if (s->rows_left >= 0)
			s->rows_left -= n;
		if (s->bytes_left >= 0)
			s->bytes_left -= least(s->bytes_left, n * each);
		if (g->quota < g->rows)
			return;
		q->next = s->following[q->next];
	}
}

bool fair_share(struct fair_group *groups, size_t count, uint32_t workspaces,
		const struct fair_limits *limits, bool *cut_out, struct err *e)
{
	struct share s = {
		.groups = groups,
		.following = mem_new(count + 1, sizeof(*s.following), e),
		.count = count,
		.queues = mem_new(workspaces + 1, sizeof(*s.queues), e),
		.workspaces = workspaces,
		.rows_left = limits->rows,
		.bytes_left = limits->bytes,
	};
	bool ok = s.following && s.queues, waiting = true;

	if (ok) {
		int64_t grant;

		line_up(&s);
		grant = quantum(&s);
		while (waiting && !nothing_left(&s)) {
			waiting = false;
			for (uint32_t i = 0; i < workspaces; i++) {
				struct queue *q = &s.queues[(limits->first + i) % workspaces];

				if (q->next < count)
					take_turn(&s, q, grant);
				waiting |= q->next < count;
			}
		}
	}
	*cut_out = false;
	for (size_t i = 0; ok && i < count; i++)
		*cut_out |= groups[i].quota < groups[i].rows;
	free(s.following);
	free(s.queues);
	return ok;
}
