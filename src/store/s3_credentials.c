#include "store/s3_credentials.h"

#include <inttypes.h>
#include <jansson.h>
#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/str.h"
#include "store/s3_credentials_source.h"

/* As long before the end as AWS's tools insist on newer ones; of short-lived ones a quarter of
 * what is left, so that a source which gives out the same again is not asked at each call. */
#define RENEW_AHEAD_S 600
#define RENEW_SHARE   4
#define RETRY_SOON_S  30

static void wipe(char **s)
{
	if (*s)
		OPENSSL_cleanse(*s, strlen(*s));
	free(*s);
	*s = NULL;
}

void s3_credentials_release(struct s3_credentials *c)
{
	wipe(&c->access_key);
	wipe(&c->secret_key);
	wipe(&c->session_token);
	wipe(&c->region);
	c->expires_s = c->renew_s = 0;
	c->source[0] = '\0';
}

enum s3_found s3_lookup_nothing(struct s3_lookup *l, const char *fmt, ...)
{
	char text[ERR_MESSAGE_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	buf_printf(&l->tried, "%s%.300s", l->tried.len ? "; " : "", text);
	return S3_NOTHING;
}

const char *s3_variable(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

bool s3_parse_expiration(const char *text, int64_t *seconds_out)
{
	struct tm tm = { 0 };
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	int hours, minutes, used = 0;
	int64_t offset = 0;

	if (!rest)
		return false;
	if (*rest == '.')
		rest += 1 + strspn(rest + 1, "0123456789");
	if (*rest == '+' || *rest == '-') {
		if ((sscanf(rest + 1, "%2d:%2d%n", &hours, &minutes, &used) != 2 || used != 5) &&
		    (sscanf(rest + 1, "%2d%2d%n", &hours, &minutes, &used) != 2 || used != 4))
			return false;
		offset = (int64_t)hours * 3600 + (int64_t)minutes * 60;
		offset = *rest == '-' ? -offset : offset;
		rest += 1 + used;
	} else if (*rest == 'Z') {
		rest++;
	}
	if (*rest)
		return false;
	*seconds_out = (int64_t)timegm(&tm) - offset;
	return true;
}

/* Header values, so neither line ends nor spaces may be in them. */
static bool is_clean(const char *s)
{
	for (; s && *s; s++)
		if ((unsigned char)*s <= ' ' || (unsigned char)*s >= 0x7f)
			return false;
	return true;
}

bool s3_credentials_take(struct s3_credentials *c, const char *access_key, const char *secret_key,
			 const char *session_token, const char *expires, struct err *e)
{
	int64_t expires_s = 0;

	if (!access_key || !*access_key || !secret_key || !*secret_key)
		return err_set(e, ERR_DATA, "there is no %s in what it gave",
			       access_key && *access_key ? "secret access key" : "access key id");
	if (!is_clean(access_key) || !is_clean(secret_key) || !is_clean(session_token) ||
	    strchr(access_key, '/'))
		return err_set(e, ERR_DATA, "a key holds a character that cannot be in it");
	if (expires && *expires && !s3_parse_expiration(expires, &expires_s))
		return err_set(e, ERR_DATA, "the expiration is no time");
	c->access_key = mem_strdup(access_key, e);
	c->secret_key = mem_strdup(secret_key, e);
	c->expires_s = expires_s;
	if (!c->access_key || !c->secret_key)
		return false;
	if (session_token && *session_token) {
		c->session_token = mem_strdup(session_token, e);
		return c->session_token != NULL;
	}
	return true;
}

static const char *member(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

bool s3_credentials_take_json(struct s3_credentials *c, const void *text, size_t len,
			      const char *token_name, bool version, struct err *e)
{
	json_error_t where;
	json_t *root = len ? json_loadb(text, len, 0, &where) : NULL;
	const char *code = member(root, "Code");
	bool ok;

	if (!json_is_object(root))
		ok = err_set(e, ERR_DATA, "what it gave is no JSON object");
	else if (version && json_integer_value(json_object_get(root, "Version")) != 1)
		ok = err_set(e, ERR_DATA, "what it gave is not of \"Version\": 1");
	else if (code && !str_eq(code, "Success"))
		ok = err_set(e, ERR_DENIED, "it has no credentials to give: \"%.64s\"",
			     is_clean(code) ? code : "");
	else
		ok = s3_credentials_take(c, member(root, "AccessKeyId"),
					 member(root, "SecretAccessKey"), member(root, token_name),
					 member(root, "Expiration"), e);
	json_decref(root);
	return ok;
}

enum s3_found s3_from_environment(struct s3_lookup *l, struct s3_credentials *c, struct err *e)
{
	const char *access_key = s3_variable("AWS_ACCESS_KEY_ID");
	const char *secret_key = s3_variable("AWS_SECRET_ACCESS_KEY");
	const char *token =
		s3_variable("AWS_SECURITY_TOKEN"); /* its old name comes first there too */

	if (!access_key && !secret_key)
		return s3_lookup_nothing(l, "environment: AWS_ACCESS_KEY_ID is not set");
	if (!access_key || !secret_key) {
		err_set(e, ERR_CONFIG,
			"of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY only one is set");
		return S3_FAILED;
	}
	if (!token)
		token = s3_variable("AWS_SESSION_TOKEN");
	if (!s3_credentials_take(c, access_key, secret_key, token,
				 s3_variable("AWS_CREDENTIAL_EXPIRATION"), e)) {
		e->code = e->code == ERR_DATA ? ERR_CONFIG : e->code;
		err_wrap(e, "the S3 credentials of the environment cannot be used");
		return S3_FAILED;
	}
	snprintf(c->source, sizeof(c->source), "environment (AWS_ACCESS_KEY_ID)");
	return S3_FOUND;
}

/* The profile's keys in one of the files. */
static enum s3_found from_file(struct s3_lookup *l, enum s3_profile_file file, const char *profile,
			       struct s3_credentials *c, struct err *e)
{
	const struct s3_profiles *p = &l->profiles;
	const struct s3_setting *key = s3_profiles_find_in(p, file, profile, "aws_access_key_id");
	const struct s3_setting *secret =
		s3_profiles_find_in(p, file, profile, "aws_secret_access_key");
	const struct s3_setting *token = s3_profiles_find_in(p, file, profile, "aws_session_token");

	if (!token)
		token = s3_profiles_find_in(p, file, profile, "aws_security_token");
	if (!key && !secret && !p->paths[file])
		return s3_lookup_nothing(l, "profile \"%s\": no home folder", profile);
	if (!key && !secret)
		return s3_lookup_nothing(l, "profile \"%s\": %s \"%s\"", profile,
					 p->unreadable[file] ? "no permission to read"
							     : "no keys in",
					 p->paths[file]);
	if (!key || !secret) {
		err_set(e, ERR_CONFIG,
			"\"%s\", line %u: of access key and secret profile \"%s\" has only one",
			p->paths[file], key ? key->line : secret->line, profile);
		return S3_FAILED;
	}
	if (!s3_credentials_take(c, key->value, secret->value, token ? token->value : NULL, NULL,
				 e)) {
		e->code = e->code == ERR_DATA ? ERR_CONFIG : e->code;
		err_wrap(e, "\"%s\", line %u: profile \"%s\"", p->paths[file], key->line, profile);
		return S3_FAILED;
	}
	snprintf(c->source, sizeof(c->source), "profile \"%.64s\" of \"%.300s\"", profile,
		 p->paths[file]);
	return S3_FOUND;
}

static enum s3_found refuse_sso(struct s3_lookup *l, const char *profile, struct err *e)
{
	static const char *const settings[] = { "sso_session", "sso_start_url", "sso_account_id",
						"sso_role_name" };

	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		const struct s3_setting *s = s3_profiles_find(&l->profiles, profile, settings[i]);

		if (!s)
			continue;
		err_set(e, ERR_CONFIG,
			"profile \"%s\" (\"%s\", line %u) signs in by IAM Identity Center, which "
			"firn does not speak",
			profile, l->profiles.paths[s->file], s->line);
		err_hint(e,
			 "Let AWS's own tool do it, from another profile: credential_process = aws "
			 "configure export-credentials --profile %s",
			 profile);
		return S3_FAILED;
	}
	return S3_NOTHING;
}

static enum s3_found from_profile(struct s3_lookup *l, const char *profile, bool environment,
				  struct s3_credentials *c, struct err *e)
{
	enum s3_found found = s3_from_web_identity(l, profile, environment, c, e);

	if (found == S3_NOTHING)
		found = refuse_sso(l, profile, e);
	if (found == S3_NOTHING)
		found = from_file(l, S3_CREDENTIALS_FILE, profile, c, e);
	if (found == S3_NOTHING)
		found = s3_from_process(l, profile, c, e);
	if (found == S3_NOTHING)
		found = from_file(l, S3_CONFIG_FILE, profile, c, e);
	return found;
}

enum s3_found s3_from_profile(struct s3_lookup *l, const char *profile, struct s3_credentials *c,
			      struct err *e)
{
	return from_profile(l, profile, false, c, e);
}

/* A name that somebody gave has to mean something; "default" need not. */
static bool check_profile(const struct s3_lookup *l, bool given, struct err *e)
{
	if (!given || s3_profiles_have(&l->profiles, l->profile))
		return true;
	err_set(e, ERR_CONFIG, "profile \"%s\" is neither in \"%s\" nor in \"%s\"", l->profile,
		l->profiles.paths[S3_CREDENTIALS_FILE] ? l->profiles.paths[S3_CREDENTIALS_FILE]
						       : "~/.aws/credentials",
		l->profiles.paths[S3_CONFIG_FILE] ? l->profiles.paths[S3_CONFIG_FILE]
						  : "~/.aws/config");
	return err_hint(e,
			"AWS_SHARED_CREDENTIALS_FILE and AWS_CONFIG_FILE say where else the "
			"files are; in the config file the heading is [profile %s].",
			l->profile);
}

static bool none_found(struct s3_lookup *l, struct err *e)
{
	err_set(e, ERR_DENIED, "no S3 credentials were found: %s", buf_str(&l->tried));
	return err_hint(e,
			"Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or put them into "
			"profile \"%s\" of ~/.aws/credentials; the README lists every source.",
			l->profile);
}

/* In AWS's order: see the header. */
static bool search(struct s3_lookup *l, struct s3_credentials *c, struct err *e)
{
	enum s3_found found = S3_NOTHING;
	const char *given = l->o->profile ? l->o->profile : s3_variable("AWS_DEFAULT_PROFILE");

	if (!given)
		given = s3_variable("AWS_PROFILE");
	l->profile = given ? given : "default";
	l->by_name = l->o->profile != NULL;
	if (!l->by_name)
		found = s3_from_environment(l, c, e);
	if (found == S3_FAILED || !s3_profiles_load(&l->profiles, e))
		return false;
	l->region = s3_variable("AWS_REGION");
	if (!l->region)
		l->region = s3_variable("AWS_DEFAULT_REGION");
	if (!l->region)
		l->region = s3_profiles_get(&l->profiles, l->profile, "region");
	if (found == S3_NOTHING && !check_profile(l, given != NULL, e))
		return false;
	if (found == S3_NOTHING)
		found = s3_from_assume_role(l, c, e);
	if (found == S3_NOTHING)
		found = from_profile(l, l->profile, !l->by_name, c, e);
	if (found == S3_NOTHING)
		found = s3_from_container(l, c, e);
	if (found == S3_NOTHING)
		found = s3_from_instance(l, c, e);
	if (found == S3_NOTHING)
		return none_found(l, e);
	if (found == S3_FAILED)
		return false;
	if (!is_clean(l->region))
		return err_set(e, ERR_CONFIG, "the region holds a character that cannot be in it");
	c->region = mem_strdup(l->region, e);
	return c->region || !l->region;
}

/* When they end, and when to look for others. */
static bool plan_renewal(struct s3_credentials *c, const struct s3_credential_options *o,
			 struct err *e)
{
	int64_t left = c->expires_s - clock_wall_s(o->clock), ahead;
	char when[32];

	if (!c->expires_s) {
		log_info(o->log, "archive: credentials from %s", c->source);
		return true;
	}
	str_format_time(c->expires_s, when, sizeof(when));
	if (left <= 0) {
		err_set(e, ERR_DENIED, "the S3 credentials from %s expired at %s", c->source, when);
		return err_hint(e, "Renew them where they come from, and see that this machine's "
				   "clock is right.");
	}
	ahead = left / RENEW_SHARE < RENEW_AHEAD_S ? left / RENEW_SHARE : RENEW_AHEAD_S;
	c->renew_s = c->expires_s - (ahead > 0 ? ahead : 1);
	log_info(o->log, "archive: credentials from %s, valid until %s", c->source, when);
	return true;
}

static bool load(struct s3_credentials *c, const struct s3_credential_options *o, bool again,
		 struct err *e)
{
	struct s3_lookup l = { .o = o, .again = again };
	bool ok = search(&l, c, e) && plan_renewal(c, o, e);

	if (!ok && e->code == ERR_DATA)
		e->code = ERR_DENIED; /* no damage of the archive's */
	s3_profiles_release(&l.profiles);
	buf_release(&l.tried);
	return ok;
}

bool s3_credentials_load(struct s3_credentials *c, const struct s3_credential_options *o,
			 struct err *e)
{
	return load(c, o, false, e);
}

bool s3_credentials_copy(struct s3_credentials *c, const struct s3_credentials *from, struct err *e)
{
	*c = *from;
	c->access_key = mem_strdup(from->access_key, e);
	c->secret_key = mem_strdup(from->secret_key, e);
	c->session_token = mem_strdup(from->session_token, e);
	c->region = mem_strdup(from->region, e);
	return c->access_key && c->secret_key && (c->session_token || !from->session_token) &&
	       (c->region || !from->region);
}

/* Moves other into c. */
static void replace(struct s3_credentials *c, struct s3_credentials *other)
{
	s3_credentials_release(c);
	*c = *other;
	*other = (struct s3_credentials){ .expires_s = 0 };
}

bool s3_credentials_keep(struct s3_credentials *c, const struct s3_credential_options *o,
			 struct err *e)
{
	int64_t now = clock_wall_s(o->clock), left, pause;
	struct s3_credentials other = { .expires_s = 0 };
	struct err why = { 0 };

	if (!c->renew_s || now < c->renew_s)
		return true;
	if (load(&other, o, true, &why)) {
		replace(c, &other);
		return true;
	}
	s3_credentials_release(&other);
	left = c->expires_s - clock_wall_s(o->clock);
	if (left <= 0 || why.code == ERR_INTERRUPTED) {
		*e = why;
		return err_wrap(e, "the S3 credentials from %s have expired", c->source);
	}
	pause = left / 2 < RETRY_SOON_S ? left / 2 : RETRY_SOON_S;
	c->renew_s = now + (pause > 0 ? pause : 1);
	log_warning(o->log,
		    "archive: no newer credentials yet, the present ones are good for another "
		    "%" PRId64 " s: %s",
		    left, why.message);
	return true;
}

bool s3_credentials_renew(struct s3_credentials *c, const struct s3_credential_options *o,
			  struct err *e)
{
	struct s3_credentials other = { .expires_s = 0 };
	struct err why = { 0 };

	if (!load(&other, o, true, &why)) {
		s3_credentials_release(&other);
		*e = why;
		return err_wrap(e, "the archive says that the S3 credentials have expired, and no "
				   "others could be had");
	}
	if (str_eq(other.access_key, c->access_key) &&
	    str_eq(other.session_token, c->session_token)) {
		if (e->code == ERR_DENIED) /* else it is the clock */
			err_hint(e,
				 "The credentials are from %s, which gives no others: renew them "
				 "there.",
				 c->source);
		s3_credentials_release(&other);
		return false;
	}
	replace(c, &other);
	return true;
}
