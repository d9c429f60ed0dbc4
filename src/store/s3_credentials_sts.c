/* Roles: AWS's Security Token Service turns keys of somebody else, or a web identity token, into
 * keys of a role for an hour. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/crypto.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/str.h"
#include "store/s3_credentials_source.h"
#include "store/s3_sign.h"
#include "store/s3_xml.h"

#define STS_TIMEOUT_MS 10000
#define STS_TRIES      3
#define STS_VERSION    "2011-06-15"
#define CHAIN_MAX      8 /* profiles one behind the other */
#define WORD_MAX       64

/* Where STS is. */
struct endpoint {
	char *url, *host, *path;
	const char *region;
};

static void endpoint_release(struct endpoint *p)
{
	free(p->url);
	free(p->host);
	free(p->path);
}

static const char *given_endpoint(const struct s3_lookup *l)
{
	const char *ignore = s3_variable("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");
	const char *url = s3_variable("AWS_ENDPOINT_URL_STS");

	if (ignore && strcasecmp(ignore, "true") == 0)
		return NULL;
	if (!url)
		url = s3_variable("AWS_ENDPOINT_URL");
	return url ? url : s3_profiles_get(&l->profiles, l->profile, "endpoint_url");
}

static bool find_endpoint(const struct s3_lookup *l, struct endpoint *out, struct err *e)
{
	const char *given = given_endpoint(l);
	struct buf url = BUF_INIT;
	const char *host;
	size_t len;

	out->region = l->region ? l->region : l->o->region;
	if (given)
		buf_add_str(&url, given);
	else if (out->region && *out->region)
		buf_printf(&url, "https://sts.%s.amazonaws.com%s", out->region,
			   str_starts_with(out->region, "cn-") ? ".cn" : "");
	else
		buf_add_str(&url, "https://sts.amazonaws.com");
	if (!out->region || !*out->region)
		out->region = "us-east-1";
	out->url = buf_take(&url, e);
	buf_release(&url);
	if (!out->url)
		return false;
	host = strstr(out->url, "://");
	if (!host ||
	    (!str_starts_with(out->url, "http://") && !str_starts_with(out->url, "https://"))) {
		err_set(e, ERR_CONFIG, "the endpoint of STS cannot be used");
		return err_hint(e, "AWS_ENDPOINT_URL_STS, AWS_ENDPOINT_URL and a profile's "
				   "endpoint_url begin with https:// or http://.");
	}
	host += 3;
	len = strcspn(host, "/?#");
	if (len == 0 || strcspn(host, "@\\ ?#") < strlen(host))
		return err_set(e, ERR_CONFIG,
			       "the endpoint of STS names no host, or more than one");
	out->host = mem_strndup(host, len, e);
	out->path = mem_strdup(host[len] ? host + len : "/", e);
	return out->host && out->path;
}

/* What STS answered: keys, or why not. */
struct answer {
	char *access_key, *secret_key, *session_token, *expires;
	char code[WORD_MAX];
};

static void answer_release(struct answer *a)
{
	char *secrets[] = { a->secret_key, a->session_token };

	for (size_t i = 0; i < 2; i++)
		if (secrets[i])
			OPENSSL_cleanse(secrets[i], strlen(secrets[i]));
	free(a->access_key);
	free(a->secret_key);
	free(a->session_token);
	free(a->expires);
}

static bool on_close(void *ctx, const char *path, const char *text, struct err *e)
{
	struct answer *a = ctx;
	const char *leaf = strrchr(path, '/');
	char **to = NULL;

	if (str_eq(path, "ErrorResponse/Error/Code")) {
		if (strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz.") ==
		    strlen(text))
			snprintf(a->code, sizeof(a->code), "%s", text);
		return true;
	}
	if (!leaf || !strstr(path, "Result/Credentials/"))
		return true;
	if (str_eq(leaf, "/AccessKeyId"))
		to = &a->access_key;
	else if (str_eq(leaf, "/SecretAccessKey"))
		to = &a->secret_key;
	else if (str_eq(leaf, "/SessionToken"))
		to = &a->session_token;
	else if (str_eq(leaf, "/Expiration"))
		to = &a->expires;
	if (!to || *to)
		return true;
	*to = mem_strdup(text, e);
	return *to != NULL;
}

static bool take_answer(const struct http_response *r, struct s3_credentials *c, struct err *e)
{
	struct answer a = { .access_key = NULL };
	struct err ignored = { 0 };
	bool ok;

	if (r->status == 200) {
		ok = s3_xml_walk(r->body.data, r->body.len, on_close, &a, e) &&
		     s3_credentials_take(c, a.access_key, a.secret_key, a.session_token, a.expires,
					 e);
	} else {
		if (r->body.len > 0)
			s3_xml_walk(r->body.data, r->body.len, on_close, &a, &ignored);
		ok = err_set(e, ERR_DENIED, "HTTP %d%s%s", r->status, a.code[0] ? " " : "", a.code);
		if (str_eq(a.code, "IDPCommunicationError"))
			e->code = ERR_OFFLINE;
		else if (str_eq(a.code, "ExpiredTokenException") ||
			 str_eq(a.code, "InvalidIdentityToken"))
			err_hint(e,
				 "Whoever writes the web identity token has to write a new one.");
		else if (str_eq(a.code, "AccessDenied"))
			err_hint(e, "The role's trust policy has to allow this.");
	}
	answer_release(&a);
	return ok;
}

static void add_parameter(struct buf *body, const char *name, const char *value)
{
	if (!value || !*value)
		return;
	buf_printf(body, "%s%s=", body->len ? "&" : "", name);
	s3_uri_encode(body, value, false);
}

/* Signs with source's keys, where there are any. */
static bool sign(const struct endpoint *at, const char *body, const struct s3_credentials *source,
		 time_t now, struct http_header *headers, size_t *count, char date[S3_DATE_BYTES],
		 char payload[SHA256_HEX_BYTES], struct buf *authorization, struct err *e)
{
	uint8_t digest[SHA256_BYTES];

	if (!sha256_once(body, strlen(body), digest, e))
		return false;
	hex_encode(digest, sizeof(digest), payload);
	s3_format_date(now, date);
	headers[(*count)++] = (struct http_header){ "x-amz-date", date };
	headers[(*count)++] = (struct http_header){ "x-amz-content-sha256", payload };
	if (source->session_token)
		headers[(*count)++] =
			(struct http_header){ "x-amz-security-token", source->session_token };
	/* curl makes this one itself, the same. */
	headers[(*count)++] = (struct http_header){ "host", at->host };
	const struct s3_sign_request request = { .method = "POST",
						 .path = at->path,
						 .query = "",
						 .headers = headers,
						 .header_count = *count,
						 .payload_sha256 = payload,
						 .date = date,
						 .region = at->region,
						 .service = "sts",
						 .access_key = source->access_key,
						 .secret_key = source->secret_key };

	if (!s3_sign(&request, authorization, e))
		return false;
	headers[(*count)++] = (struct http_header){ "authorization", buf_str(authorization) };
	return true;
}

static bool call_sts(struct s3_lookup *l, struct buf *body, const struct s3_credentials *source,
		     struct s3_credentials *c, struct err *e)
{
	struct http_header headers[8] = {
		{ "content-type", "application/x-www-form-urlencoded; charset=utf-8" },
	};
	char date[S3_DATE_BYTES], payload[SHA256_HEX_BYTES];
	struct endpoint at = { .url = NULL };
	struct http_response r = { .status = 0 };
	struct buf authorization = BUF_INIT;
	size_t count = 1;
	bool ok = buf_ok(body, e) && find_endpoint(l, &at, e);

	if (ok && source)
		ok = sign(&at, buf_str(body), source, clock_wall_s(l->o->clock), headers, &count,
			  date, payload, &authorization, e);
	if (ok) {
		const struct s3_fetch fetch = { .method = "POST",
						.url = at.url,
						.headers = headers,
						.header_count = count,
						.body = buf_str(body),
						.timeout_ms = STS_TIMEOUT_MS,
						.tries = STS_TRIES };

		ok = s3_fetch(l, &fetch, &r, e) && take_answer(&r, c, e);
		if (!ok)
			err_wrap(e, "STS at \"%s\"", at.host);
	}
	if (r.body.data)
		s3_wipe_buf(&r.body);
	http_response_release(&r);
	buf_release(&authorization);
	endpoint_release(&at);
	return ok;
}

/* So that the owner of the account sees in the trail who it was. */
static const char *session_name(const struct s3_lookup *l, const char *given, char room[64])
{
	if (given)
		return given;
	snprintf(room, 64, "firn-%" PRId64, (int64_t)clock_wall_s(l->o->clock));
	return room;
}

enum s3_found s3_from_web_identity(struct s3_lookup *l, const char *profile, bool environment,
				   struct s3_credentials *c, struct err *e)
{
	const char *file = environment ? s3_variable("AWS_WEB_IDENTITY_TOKEN_FILE") : NULL;
	const char *role = environment ? s3_variable("AWS_ROLE_ARN") : NULL;
	const char *session = environment ? s3_variable("AWS_ROLE_SESSION_NAME") : NULL;
	struct buf token = BUF_INIT, body = BUF_INIT;
	char room[64];
	bool ok;

	if (!file)
		file = s3_profiles_get(&l->profiles, profile, "web_identity_token_file");
	if (!role)
		role = s3_profiles_get(&l->profiles, profile, "role_arn");
	if (!session)
		session = s3_profiles_get(&l->profiles, profile, "role_session_name");
	if (!file)
		return s3_lookup_nothing(l, environment
						    ? "web identity: "
						      "AWS_WEB_IDENTITY_TOKEN_FILE is not set"
						    : "web identity: no web_identity_token_file");
	if (!role) {
		err_set(e, ERR_CONFIG, "there is a web identity token, but no role to go with it");
		err_hint(e, "Set AWS_ROLE_ARN, or role_arn in profile \"%s\".", profile);
		return S3_FAILED;
	}
	ok = s3_read_token(file, &token, e);
	if (ok) {
		add_parameter(&body, "Action", "AssumeRoleWithWebIdentity");
		add_parameter(&body, "RoleArn", role);
		add_parameter(&body, "RoleSessionName", session_name(l, session, room));
		add_parameter(&body, "Version", STS_VERSION);
		add_parameter(&body, "WebIdentityToken", buf_str(&token));
		ok = call_sts(l, &body, NULL, c, e);
	}
	s3_wipe_buf(&token);
	s3_wipe_buf(&body);
	if (!ok) {
		err_wrap(e, "could not get S3 credentials for role \"%.256s\" by web identity",
			 role);
		return S3_FAILED;
	}
	snprintf(c->source, sizeof(c->source), "web identity, role \"%.256s\"", role);
	return S3_FOUND;
}

static bool has_static(const struct s3_lookup *l, const char *profile)
{
	return s3_profiles_get(&l->profiles, profile, "aws_access_key_id") ||
	       s3_profiles_get(&l->profiles, profile, "aws_secret_access_key");
}

static bool has_role(const struct s3_lookup *l, const char *profile)
{
	return s3_profiles_get(&l->profiles, profile, "role_arn") &&
	       !s3_profiles_get(&l->profiles, profile, "web_identity_token_file");
}

static bool bad_profile(const struct s3_lookup *l, const char *profile, const char *setting,
			const char *what, struct err *e)
{
	const struct s3_setting *s = s3_profiles_find(&l->profiles, profile, setting);

	return err_set(e, ERR_CONFIG, "profile \"%s\" (\"%s\", line %u) %s", profile,
		       s ? l->profiles.paths[s->file] : "", s ? s->line : 0, what);
}

static bool from_named_source(struct s3_lookup *l, const char *profile, const char *name,
			      struct s3_credentials *c, struct err *e)
{
	enum s3_found found;

	if (strcasecmp(name, "Environment") == 0)
		found = s3_from_environment(l, c, e);
	else if (strcasecmp(name, "EcsContainer") == 0)
		found = s3_from_container(l, c, e);
	else if (strcasecmp(name, "Ec2InstanceMetadata") == 0)
		found = s3_from_instance(l, c, e);
	else
		return bad_profile(l, profile, "credential_source",
				   "has a credential_source other than Environment, EcsContainer "
				   "and Ec2InstanceMetadata",
				   e);
	if (found == S3_NOTHING) {
		err_set(e, ERR_DENIED, "credential_source \"%s\" of profile \"%s\" has none: %s",
			name, profile, buf_str(&l->tried));
		return false;
	}
	return found == S3_FOUND;
}

static bool assume(struct s3_lookup *l, const char *profile, int depth, struct s3_credentials *c,
		   struct err *e);

static bool from_source_profile(struct s3_lookup *l, const char *profile, const char *source,
				int depth, struct s3_credentials *c, struct err *e)
{
	enum s3_found found;

	if (!s3_profiles_have(&l->profiles, source))
		return bad_profile(l, profile, "source_profile",
				   "has a source_profile that does not exist", e);
	if (has_role(l, source) && !has_static(l, source)) {
		if (depth >= CHAIN_MAX || str_eq(source, profile))
			return bad_profile(l, profile, "source_profile",
					   "has a source_profile that leads back to it, or through "
					   "too many others",
					   e);
		return assume(l, source, depth + 1, c, e);
	}
	found = s3_from_profile(l, source, c, e);
	if (found == S3_NOTHING)
		return bad_profile(l, profile, "source_profile",
				   "has a source_profile without credentials", e);
	return found == S3_FOUND;
}

static bool check_role(const struct s3_lookup *l, const char *profile, const char *source,
		       const char *named, struct err *e)
{
	if (s3_profiles_get(&l->profiles, profile, "mfa_serial")) {
		bad_profile(l, profile, "mfa_serial", "asks for a code of an MFA device", e);
		return err_hint(e, "firn cannot ask for one: use credential_process, or keys that "
				   "another program got.");
	}
	if (source && named)
		return bad_profile(l, profile, "source_profile",
				   "has both source_profile and credential_source", e);
	if (!source && !named)
		return bad_profile(l, profile, "role_arn",
				   "has a role_arn, but neither source_profile nor "
				   "credential_source",
				   e);
	return true;
}

static bool assume(struct s3_lookup *l, const char *profile, int depth, struct s3_credentials *c,
		   struct err *e)
{
	const char *role = s3_profiles_get(&l->profiles, profile, "role_arn");
	const char *source = s3_profiles_get(&l->profiles, profile, "source_profile");
	const char *named = s3_profiles_get(&l->profiles, profile, "credential_source");
	const char *session = s3_profiles_get(&l->profiles, profile, "role_session_name");
	struct s3_credentials with = { .expires_s = 0 };
	struct buf body = BUF_INIT;
	char room[64];
	bool ok = check_role(l, profile, source, named, e) &&
		  (named ? from_named_source(l, profile, named, &with, e)
			 : from_source_profile(l, profile, source, depth, &with, e));

	if (ok) {
		add_parameter(&body, "Action", "AssumeRole");
		add_parameter(&body, "DurationSeconds",
			      s3_profiles_get(&l->profiles, profile, "duration_seconds"));
		add_parameter(&body, "ExternalId",
			      s3_profiles_get(&l->profiles, profile, "external_id"));
		add_parameter(&body, "RoleArn", role);
		add_parameter(&body, "RoleSessionName", session_name(l, session, room));
		add_parameter(&body, "Version", STS_VERSION);
		ok = call_sts(l, &body, &with, c, e);
		if (!ok)
			err_wrap(e, "could not assume role \"%.256s\" of profile \"%.64s\"", role,
				 profile);
	}
	if (ok)
		snprintf(c->source, sizeof(c->source), "role \"%.200s\" of profile \"%.64s\"", role,
			 profile);
	s3_wipe_buf(&body);
	s3_credentials_release(&with);
	return ok;
}

enum s3_found s3_from_assume_role(struct s3_lookup *l, struct s3_credentials *c, struct err *e)
{
	if (!has_role(l, l->profile))
		return S3_NOTHING;
	return assume(l, l->profile, 0, c, e) ? S3_FOUND : S3_FAILED;
}
