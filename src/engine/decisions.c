#include "engine/decisions.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/str.h"

/* No more kinds than this: a pass over very many leaves has its log cut. */
#define DECISIONS_MAX 20000

static bool same(const struct pass_decision *a, const struct pass_decision *b)
{
	return str_eq(a->decision, b->decision) && str_eq(a->leaf, b->leaf) &&
	       str_eq(a->rule, b->rule) && str_eq(a->reason, b->reason);
}

static bool copy(const char *text, const char **out, struct err *e)
{
	*out = mem_strdup(text, e);
	return *out || !text;
}

/* The latest ones are those that go on. */
void decisions_note(struct decisions *d, const struct pass_decision *what)
{
	struct pass_decision *item;
	void *items = d->items;
	struct err ignored = { 0 };

	for (size_t i = d->count; i-- > 0 && d->count - i < 64;) {
		item = &d->items[i];
		if (!same(item, what))
			continue;
		item->times += what->times;
		item->rows += what->rows;
		item->bytes += what->bytes;
		item->seconds += what->seconds;
		return;
	}
	if (d->count >= DECISIONS_MAX ||
	    !mem_grow(&items, &d->capacity, d->count + 1, sizeof(*item), &ignored))
		return;
	d->items = items;
	item = &d->items[d->count];
	*item = *what;
	item->leaf = item->rule = item->reason = NULL;
	if (copy(what->leaf, &item->leaf, &ignored) && copy(what->rule, &item->rule, &ignored) &&
	    copy(what->reason, &item->reason, &ignored)) {
		d->count++;
		return;
	}
	free((void *)item->leaf);
	free((void *)item->rule);
	free((void *)item->reason);
}

void decisions_release(struct decisions *d)
{
	for (size_t i = 0; i < d->count; i++) {
		free((void *)d->items[i].leaf);
		free((void *)d->items[i].rule);
		free((void *)d->items[i].reason);
	}
	free(d->items);
	*d = (struct decisions){ 0 };
}
