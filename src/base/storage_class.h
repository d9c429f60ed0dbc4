/* Amazon's storage classes, as far as firn has to know them. Other servers have names of their own. */
#ifndef BASE_STORAGE_CLASS_H
#define BASE_STORAGE_CLASS_H

#include <stdbool.h>
#include <stdint.h>

/* Source: "Amazon S3 storage classes" and "Archive retrieval options" in Amazon's S3 user guide. */
struct storage_class {
	const char *name;
	bool frozen;          /* cannot be read before it was restored */
	int64_t least_days;   /* that are billed */
	uint64_t least_bytes; /* of an object that are billed */
	/* How long a restore takes, in hours, by tier; 0: there is no such tier. */
	int expedited_h, standard_h, bulk_h;
};

/* "" and NULL are STANDARD. NULL: none of Amazon's, about which nothing is known. */
const struct storage_class *storage_class_find(const char *name);

/* For tables by class: a number below STORAGE_CLASSES, and what it stands for; "" is the default one, of names that are none
 * of Amazon's "other" remains. */
#define STORAGE_CLASSES 8
int storage_class_number(const char *name);
const char *storage_class_name(int number);

bool storage_class_is_frozen(const char *name);

#endif
