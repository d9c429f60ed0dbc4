/*
 * Whether another copy of this database works with the archive. A restored backup, a staging clone and a standby that was
 * promoted too soon have the same catalog id, and think that the same objects are theirs: what one of them has given up
 * the other may need. So each pass takes the next turn: it counts firn.catalog.turn up, with a fresh token, commits, and
 * only then leaves the object "<catalog id>/turn/<turn>-<token>". Who finds a turn there that its own catalog has not
 * taken, is a copy, or has one, and neither moves nor removes anything until an operator decides (take over).
 *
 * Two copies that have the same turn can both take the next one; both find the other's afterwards. That is soon enough:
 * objects have names that nobody else uses, and gc removes what one copy gave up only after the horizon, by which passes
 * have come between.
 */
#include "engine/engine.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/fault.h"
#include "base/mem.h"
#include "base/str.h"

#define TURN_DIGITS  20 /* so that names sort as turns do */
#define TURN_KEY_MAX 128

bool engine_archive_turn_prefix(struct firn *f, char out[ENGINE_MARKER_MAX], struct err *e)
{
	char id[37];

	if (!engine_pg(f, e) || !catalog_id(f->pg, id, e))
		return false;
	snprintf(out, ENGINE_MARKER_MAX, "%s/turn/", id);
	return true;
}

struct turn {
	int64_t number;
	char token[CATALOG_TOKEN_MAX];
	char *key;
	int64_t taken_s;
};

struct turns {
	size_t prefix_len;
	struct turn *items; /* in their order */
	size_t count, capacity;
};

static void release(struct turns *t)
{
	for (size_t i = 0; i < t->count; i++)
		free(t->items[i].key);
	free(t->items);
}

/* Objects with other names are nobody's turn. */
static bool visit_turn(void *ctx, const struct store_object *object, struct err *e)
{
	struct turns *t = ctx;
	const char *name = object->key + t->prefix_len;
	char digits[TURN_DIGITS + 1];
	struct turn turn = { .taken_s = object->modified_s };
	struct err ignored = { 0 };
	void *items = t->items;

	if (strlen(name) != TURN_DIGITS + 1 + CATALOG_TOKEN_MAX - 1 || name[TURN_DIGITS] != '-')
		return true;
	memcpy(digits, name, TURN_DIGITS);
	digits[TURN_DIGITS] = '\0';
	if (!str_parse_i64(digits, &turn.number, &ignored))
		return true;
	memcpy(turn.token, name + TURN_DIGITS + 1, CATALOG_TOKEN_MAX);
	if (!mem_grow(&items, &t->capacity, t->count + 1, sizeof(turn), e))
		return false;
	t->items = items;
	turn.key = mem_strdup(object->key, e);
	if (!turn.key)
		return false;
	t->items[t->count++] = turn;
	return true;
}

static bool list_turns(struct firn *f, struct turns *t, struct err *e)
{
	char prefix[ENGINE_MARKER_MAX];

	if (!engine_archive_turn_prefix(f, prefix, e))
		return false;
	t->prefix_len = strlen(prefix);
	return store_list(f->store, prefix, visit_turn, t, e);
}

/* The turn that this catalog has not taken; NULL where there is none. */
static const struct turn *not_ours(const struct turns *t, int64_t number, const char *token)
{
	for (size_t i = t->count; i-- > 0;) {
		const struct turn *turn = &t->items[i];

		if (turn->number > number ||
		    (turn->number == number && !str_eq(turn->token, token)))
			return turn;
	}
	return NULL;
}

/* The archive is looked at first: a pass of this database that takes a turn meanwhile commits it before it shows there. */
static bool look(struct firn *f, struct turns *t, struct err *e)
{
	const struct turn *other;
	int64_t number;
	char token[CATALOG_TOKEN_MAX], since[32];

	if (!list_turns(f, t, e) || !catalog_turn(f->pg, &number, token, e))
		return false;
	other = not_ours(t, number, token);
	if (!other)
		return true;
	str_format_time(other->taken_s, since, sizeof(since));
	err_set(e, ERR_CONFIG,
		"another copy of this database works with archive \"%s\": it took turn %" PRId64
		" on %s, this one has come to turn %" PRId64,
		store_url(f->store), other->number, since, number);
	return err_hint(e, "Nothing was moved or removed. If this database has taken the other's "
			   "place, or was restored from a backup, run \"firn init --take-over\"; "
			   "else leave the archive to the other.");
}

bool engine_archive_ours(struct firn *f, struct err *e)
{
	struct turns turns = { 0 };
	bool ok = engine_archive_check(f, e) && look(f, &turns, e);

	release(&turns);
	return ok;
}

/* A turn that cannot be removed, since objects are locked or this role may not, stays: it harms nobody. */
static void forget_before(struct firn *f, const struct turns *t, int64_t number)
{
	struct err e = { 0 };

	for (size_t i = 0; i < t->count && t->items[i].number < number; i++) {
		const char *key = t->items[i].key;

		if (store_delete(f->store, &key, 1, NULL, &e))
			continue;
		log_info(&f->log, "archive: object \"%s\", which is not needed any more, stays: %s",
			 key, e.message);
		err_clear(&e);
		return;
	}
}

static bool put_turn(struct firn *f, int64_t number, const char *token, struct err *e)
{
	char prefix[ENGINE_MARKER_MAX], key[TURN_KEY_MAX];
	static const char text[] = "The last copy of the database that worked here.\n";
	struct io_reader reader;
	uint8_t digest[SHA256_BYTES];

	if (!engine_archive_turn_prefix(f, prefix, e))
		return false;
	snprintf(key, sizeof(key), "%s%0*" PRId64 "-%s", prefix, TURN_DIGITS, number, token);
	io_reader_from_memory(
		&reader, &(struct io_memory){ (const uint8_t *)text, sizeof(text) - 1 }, "turn");
	return sha256_once(text, sizeof(text) - 1, digest, e) &&
	       store_put(f->store, key, &reader, digest, NULL, e);
}

static bool take(struct firn *f, const struct turns *t, int64_t beyond, struct err *e)
{
	int64_t number;
	char token[CATALOG_TOKEN_MAX];

	if (!catalog_turn_take(f->pg, beyond, &number, token, e))
		return false;
	if (FAULT("move.after_turn"))
		return err_set(e, ERR_INTERNAL, "a fault was injected");
	if (!put_turn(f, number, token, e))
		return err_wrap(e, "could not note in the archive that this database works there");
	forget_before(f, t, number);
	return true;
}

bool engine_archive_take_turn(struct firn *f, struct err *e)
{
	struct turns turns = { 0 };
	bool ok = engine_archive_check(f, e) && look(f, &turns, e) && take(f, &turns, 0, e);

	release(&turns);
	return ok;
}

bool engine_archive_take_over(struct firn *f, struct err *e)
{
	struct turns turns = { 0 };
	bool ok = engine_archive_check(f, e) && list_turns(f, &turns, e) &&
		  take(f, &turns, turns.count ? turns.items[turns.count - 1].number : 0, e);

	release(&turns);
	return ok;
}
