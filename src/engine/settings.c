/* The configuration that is in force, key by key, with where each value came from. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "engine/engine.h"
#include "policy/config_keys.h"

static bool is_given(const struct firn_options *o, const char *key)
{
	const struct {
		const char *key, *value;
	} overrides[] = {
		{ "database", o->database },       { "archive", o->archive },
		{ "policy", o->policy_path },      { "prices", o->prices_path },
		{ "s3.endpoint", o->s3_endpoint }, { "s3.region", o->s3_region },
		{ "s3.profile", o->s3_profile },   { "s3.ca_file", o->s3_ca_file },
		{ "cache.dir", o->cache_dir },
	};

	if (str_eq(key, "s3.path_style"))
		return o->s3_path_style != 0;
	for (size_t i = 0; i < sizeof(overrides) / sizeof(overrides[0]); i++)
		if (str_eq(key, overrides[i].key))
			return overrides[i].value && *overrides[i].value;
	return false;
}

/* Someone may have put credentials into a URL, where they do not belong. */
static char *without_user(const char *url, struct err *e)
{
	const char *host = strstr(url, "://"), *at;
	struct buf b = BUF_INIT;

	host = host ? host + strlen("://") : url;
	at = memrchr(host, '@', strcspn(host, "/?#"));
	if (!at)
		return mem_strdup(url, e);
	buf_printf(&b, "%.*s********%s", (int)(host - url), url, at);
	return buf_take(&b, e);
}

static bool is_url(const char *key)
{
	return str_eq(key, "archive") || str_eq(key, "s3.endpoint");
}

static bool add(struct firn_config *out, const char *key, const char *value, struct err *e)
{
	struct firn_setting *s = &out->settings[out->setting_count++];

	s->key = mem_strdup(key, e);
	if (!value)
		return s->key != NULL;
	s->value = str_eq(key, "database") ? pg_conninfo_shown(value, e)
		   : is_url(key)           ? without_user(value, e)
					   : mem_strdup(value, e);
	return s->key && s->value;
}

/* Whether the key is of a table that options left out. */
static bool is_left_out(const struct firn *f, const struct firn_options *o, const char *key)
{
	size_t number;

	if (!str_starts_with(key, "tables[") || o->table_count == 0)
		return false;
	number = strtoul(key + strlen("tables["), NULL, 10);
	for (size_t i = 0; i < f->table_count; i++)
		if (f->tables[i].table == f->config.tables[number].table)
			return false;
	return true;
}

static bool add_tables_given(const struct firn_options *o, struct firn_config *out, struct err *e)
{
	struct buf names = BUF_INIT;
	bool ok;

	for (size_t i = 0; i < o->table_count; i++)
		buf_printf(&names, "%s%s", i ? ", " : "", o->tables[i]);
	ok = buf_ok(&names, e) && add(out, "tables", o->table_count ? buf_str(&names) : NULL, e);
	if (ok && o->table_count)
		out->settings[out->setting_count - 1].source = FIRN_SETTING_GIVEN;
	buf_release(&names);
	return ok;
}

bool firn_config(const struct firn_options *o, struct firn_config *out, struct err *e)
{
	struct firn *f = firn_open(o, e);
	struct config_values values = { 0 };
	bool ok;

	*out = (struct firn_config){ 0 };
	ok = f && config_describe(&f->config, o->config_path, &values, e);
	if (ok) {
		out->settings = mem_new(values.count + 1, sizeof(*out->settings), e);
		ok = out->settings != NULL;
	}
	for (size_t i = 0; ok && i < values.count; i++) {
		const struct config_value *v = &values.items[i];
		struct firn_setting *s = &out->settings[out->setting_count];

		if (is_left_out(f, o, v->key))
			continue;
		ok = add(out, v->key, v->value, e);
		s->line = v->line;
		s->source = is_given(o, v->key) ? FIRN_SETTING_GIVEN
			    : v->line           ? FIRN_SETTING_FILE
						: FIRN_SETTING_DEFAULT;
	}
	if (ok && (o->table_count > 0 || f->table_count == 0))
		ok = add_tables_given(o, out, e);
	config_values_release(&values);
	firn_close(f);
	return ok;
}

void firn_config_release(struct firn_config *c)
{
	for (size_t i = 0; i < c->setting_count; i++) {
		free(c->settings[i].key);
		free(c->settings[i].value);
	}
	free(c->settings);
	*c = (struct firn_config){ 0 };
}
