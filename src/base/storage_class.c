#include "base/storage_class.h"

#include <stddef.h>
#include <string.h>

#define KIB ((uint64_t)1 << 10)

static const struct storage_class classes[] = {
	{ .name = "STANDARD" },
	{ .name = "INTELLIGENT_TIERING" },
	{ .name = "STANDARD_IA", .least_days = 30, .least_bytes = 128 * KIB },
	{ .name = "ONEZONE_IA", .least_days = 30, .least_bytes = 128 * KIB },
	{ .name = "GLACIER_IR", .least_days = 90, .least_bytes = 128 * KIB },
	{ .name = "GLACIER",
	  .frozen = true,
	  .least_days = 90,
	  .expedited_h = 1,
	  .standard_h = 5,
	  .bulk_h = 12 },
	{ .name = "DEEP_ARCHIVE",
	  .frozen = true,
	  .least_days = 180,
	  .standard_h = 12,
	  .bulk_h = 48 },
};

const struct storage_class *storage_class_find(const char *name)
{
	if (!name || !*name)
		return &classes[0];
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		if (strcmp(classes[i].name, name) == 0)
			return &classes[i];
	return NULL;
}

#define KNOWN ((int)(sizeof(classes) / sizeof(classes[0])))
_Static_assert(KNOWN + 1 == STORAGE_CLASSES, "a number for each, and one for others");

int storage_class_number(const char *name)
{
	const struct storage_class *c = storage_class_find(name);

	return c ? (int)(c - classes) : KNOWN;
}

const char *storage_class_name(int number)
{
	if (number == 0)
		return "";
	return number > 0 && number < KNOWN ? classes[number].name : "other";
}

bool storage_class_is_frozen(const char *name)
{
	const struct storage_class *c = storage_class_find(name);

	return c && c->frozen;
}
