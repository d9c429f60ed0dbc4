#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "policy/policy.h"
#include "policy/yaml_file.h"

#define KEY_MAX 64

struct raw_price {
	char *storage_class, *usd_per_gib_month;
};

struct raw_prices {
	char *name, *date, *source, *hot_usd_per_gib_month;
	struct raw_price *classes;
	size_t class_count;
};

static const cyaml_schema_field_t price_fields[] = {
	YAML_STRING("storage_class", struct raw_price, storage_class),
	YAML_STRING("usd_per_gib_month", struct raw_price, usd_per_gib_month),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t price_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_price, price_fields),
};

static const cyaml_schema_field_t prices_fields[] = {
	YAML_STRING("name", struct raw_prices, name),
	YAML_STRING("date", struct raw_prices, date),
	YAML_STRING("source", struct raw_prices, source),
	YAML_STRING("hot_usd_per_gib_month", struct raw_prices, hot_usd_per_gib_month),
	YAML_LIST("classes", struct raw_prices, classes, class_count, &price_schema),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t prices_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct raw_prices, prices_fields),
};

static bool is_date(const char *s)
{
	static const char shape[] = "dddd-dd-dd";

	for (size_t i = 0; i < sizeof(shape); i++)
		if (shape[i] == 'd' ? s[i] < '0' || s[i] > '9' : s[i] != shape[i])
			return false;
	return true;
}

static bool need(struct yaml_file *f, const char *text, const char *where, const char *key,
		 struct err *e)
{
	return text || yaml_file_error(f, e, where, "\"%s\" is missing", key);
}

static bool read_class(struct prices *p, const struct raw_price *raw, struct yaml_file *f,
		       struct err *e)
{
	struct price *price = &p->classes[p->class_count];
	char at[KEY_MAX], key[KEY_MAX + 32];

	snprintf(at, sizeof(at), "classes[%zu]", p->class_count++);
	if (!need(f, raw->storage_class, at, "storage_class", e) ||
	    !need(f, raw->usd_per_gib_month, at, "usd_per_gib_month", e))
		return false;
	for (const struct price *other = p->classes; other < price; other++)
		if (str_eq(other->storage_class, raw->storage_class))
			return yaml_file_error(f, e, at, "storage class \"%s\" is priced twice",
					       raw->storage_class);
	snprintf(key, sizeof(key), "%s.usd_per_gib_month", at);
	return yaml_file_decimal(f, key, raw->usd_per_gib_month, &price->usd_per_gib_month, e) &&
	       yaml_file_copy(raw->storage_class, &price->storage_class, e);
}

static bool read_prices(struct prices *p, const struct raw_prices *raw, struct yaml_file *f,
			struct err *e)
{
	if (!need(f, raw->name, "", "name", e) || !need(f, raw->date, "", "date", e) ||
	    !need(f, raw->hot_usd_per_gib_month, "", "hot_usd_per_gib_month", e))
		return false;
	if (!is_date(raw->date))
		return yaml_file_error(f, e, "date",
				       "date: \"%s\" is not a date such as 2026-11-01", raw->date);
	if (!yaml_file_copy(raw->name, &p->name, e) || !yaml_file_copy(raw->date, &p->date, e) ||
	    !yaml_file_copy(raw->source, &p->source, e) ||
	    !yaml_file_decimal(f, "hot_usd_per_gib_month", raw->hot_usd_per_gib_month,
			       &p->hot_usd_per_gib_month, e))
		return false;
	p->classes = mem_new(raw->class_count, sizeof(*p->classes), e);
	if (!p->classes)
		return false;
	for (size_t i = 0; i < raw->class_count; i++)
		if (!read_class(p, &raw->classes[i], f, e))
			return false;
	return true;
}

bool prices_load(struct prices *p, const char *path, struct err *e)
{
	struct yaml_file f;
	bool ok;

	*p = (struct prices){ 0 };
	if (!path) {
		ok = yaml_file_copy("none", &p->name, e);
	} else {
		ok = yaml_file_load(&f, path, "a price list", &prices_schema, e) &&
		     read_prices(p, f.data, &f, e);
		yaml_file_release(&f);
	}
	if (!ok)
		prices_release(p);
	return ok;
}

void prices_release(struct prices *p)
{
	for (size_t i = 0; i < p->class_count; i++)
		free(p->classes[i].storage_class);
	free(p->classes);
	free(p->name);
	free(p->date);
	free(p->source);
	*p = (struct prices){ 0 };
}

bool prices_find(const struct prices *p, const char *storage_class, double *usd_out)
{
	const char *name = storage_class && *storage_class ? storage_class : "STANDARD";

	for (size_t i = 0; i < p->class_count; i++)
		if (str_eq(p->classes[i].storage_class, name)) {
			*usd_out = p->classes[i].usd_per_gib_month;
			return true;
		}
	return false;
}
