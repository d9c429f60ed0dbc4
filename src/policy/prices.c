#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "policy/policy.h"
#include "policy/yaml_file.h"

#define KEY_MAX 64

struct raw_price {
	char *storage_class, *usd_per_gib_month, *usd_per_1000_put, *usd_per_1000_get;
	char *usd_per_1000_restore, *usd_per_gib_retrieved, *least_days, *least_bytes;
};

struct raw_prices {
	char *name, *date, *source, *currency, *hot_usd_per_gib_month;
	char *wal_usd_per_gib_month, *ram_usd_per_gib_month, *cache_usd_per_gib_month;
	char *usd_per_gib_egress;
	struct raw_price *classes;
	size_t class_count;
};

static const cyaml_schema_field_t price_fields[] = {
	YAML_STRING("storage_class", struct raw_price, storage_class),
	YAML_STRING("usd_per_gib_month", struct raw_price, usd_per_gib_month),
	YAML_STRING("usd_per_1000_put", struct raw_price, usd_per_1000_put),
	YAML_STRING("usd_per_1000_get", struct raw_price, usd_per_1000_get),
	YAML_STRING("usd_per_1000_restore", struct raw_price, usd_per_1000_restore),
	YAML_STRING("usd_per_gib_retrieved", struct raw_price, usd_per_gib_retrieved),
	YAML_STRING("least_days", struct raw_price, least_days),
	YAML_STRING("least_bytes", struct raw_price, least_bytes),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t price_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_price, price_fields),
};

static const cyaml_schema_field_t prices_fields[] = {
	YAML_STRING("name", struct raw_prices, name),
	YAML_STRING("date", struct raw_prices, date),
	YAML_STRING("source", struct raw_prices, source),
	YAML_STRING("currency", struct raw_prices, currency),
	YAML_STRING("hot_usd_per_gib_month", struct raw_prices, hot_usd_per_gib_month),
	YAML_STRING("wal_usd_per_gib_month", struct raw_prices, wal_usd_per_gib_month),
	YAML_STRING("ram_usd_per_gib_month", struct raw_prices, ram_usd_per_gib_month),
	YAML_STRING("cache_usd_per_gib_month", struct raw_prices, cache_usd_per_gib_month),
	YAML_STRING("usd_per_gib_egress", struct raw_prices, usd_per_gib_egress),
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

static bool read_decimal(struct yaml_file *f, const char *at, const char *name, const char *text,
			 double *out, struct err *e)
{
	char key[KEY_MAX + 32];

	snprintf(key, sizeof(key), "%s.%s", at, name);
	return yaml_file_decimal(f, key, text, out, e);
}

static bool is_currency(const char *s)
{
	return strlen(s) == 3 && strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 3;
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
	if (!read_decimal(f, at, "usd_per_gib_month", raw->usd_per_gib_month,
			  &price->usd_per_gib_month, e) ||
	    !read_decimal(f, at, "usd_per_1000_put", raw->usd_per_1000_put,
			  &price->usd_per_1000_put, e) ||
	    !read_decimal(f, at, "usd_per_1000_get", raw->usd_per_1000_get,
			  &price->usd_per_1000_get, e) ||
	    !read_decimal(f, at, "usd_per_1000_restore", raw->usd_per_1000_restore,
			  &price->usd_per_1000_restore, e) ||
	    !read_decimal(f, at, "usd_per_gib_retrieved", raw->usd_per_gib_retrieved,
			  &price->usd_per_gib_retrieved, e))
		return false;
	price->has_least_days = raw->least_days != NULL;
	price->has_least_bytes = raw->least_bytes != NULL;
	snprintf(key, sizeof(key), "%s.least_days", at);
	if (!yaml_file_number(f, key, raw->least_days, 0, 3650, &price->least_days, e))
		return false;
	snprintf(key, sizeof(key), "%s.least_bytes", at);
	return yaml_file_bytes(f, key, raw->least_bytes, &price->least_bytes, e) &&
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
	if (raw->currency && !is_currency(raw->currency))
		return yaml_file_error(f, e, "currency",
				       "currency: \"%s\" is not three letters such as USD",
				       raw->currency);
	if (!yaml_file_copy(raw->name, &p->name, e) || !yaml_file_copy(raw->date, &p->date, e) ||
	    !yaml_file_copy(raw->source, &p->source, e) ||
	    !yaml_file_copy(raw->currency ? raw->currency : "USD", &p->currency, e) ||
	    !yaml_file_decimal(f, "wal_usd_per_gib_month", raw->wal_usd_per_gib_month,
			       &p->wal_usd_per_gib_month, e) ||
	    !yaml_file_decimal(f, "ram_usd_per_gib_month", raw->ram_usd_per_gib_month,
			       &p->ram_usd_per_gib_month, e) ||
	    !yaml_file_decimal(f, "hot_usd_per_gib_month", raw->hot_usd_per_gib_month,
			       &p->hot_usd_per_gib_month, e) ||
	    !yaml_file_decimal(f, "usd_per_gib_egress", raw->usd_per_gib_egress,
			       &p->usd_per_gib_egress, e))
		return false;
	p->cache_usd_per_gib_month = p->hot_usd_per_gib_month;
	if (!yaml_file_decimal(f, "cache_usd_per_gib_month", raw->cache_usd_per_gib_month,
			       &p->cache_usd_per_gib_month, e))
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
		ok = yaml_file_copy("none", &p->name, e) && yaml_file_copy("USD", &p->currency, e);
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
	free(p->currency);
	*p = (struct prices){ 0 };
}

const struct price *prices_class(const struct prices *p, const char *storage_class)
{
	const char *name = storage_class && *storage_class ? storage_class : "STANDARD";

	for (size_t i = 0; i < p->class_count; i++)
		if (str_eq(p->classes[i].storage_class, name))
			return &p->classes[i];
	return NULL;
}

bool prices_find(const struct prices *p, const char *storage_class, double *usd_out)
{
	const struct price *price = prices_class(p, storage_class);

	if (price)
		*usd_out = price->usd_per_gib_month;
	return price != NULL;
}
