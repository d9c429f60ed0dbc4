/* Credentials that a container's agent or the machine's own metadata service gives out. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "store/s3_credentials_source.h"

#define CONTAINER_HOST       "http://169.254.170.2"
#define CONTAINER_TIMEOUT_MS 2000
#define CONTAINER_TRIES      3
#define INSTANCE_URL         "http://169.254.169.254"
#define INSTANCE_URL_IPV6    "http://[fd00:ec2::254]"
#define INSTANCE_PATH        "/latest/meta-data/iam/security-credentials/"
#define INSTANCE_TOKEN_S     "21600"
#define ROLE_MAX             128
/* What an instance gives out may have expired when the service behind it is down; S3 bears with
 * it then, so it is used, and asked for again after this long. */
#define OUTAGE_S 300

bool s3_check_container_url(const char *url, char host[256], struct err *e)
{
	static const char *const allowed[] = { "169.254.170.2", "169.254.170.23",
					       "[fd00:ec2::23]" };
	bool plain = str_starts_with(url, "http://");
	const char *at = url + strlen(plain ? "http://" : "https://");
	size_t len, name_len;

	host[0] = '\0';
	if (!plain && !str_starts_with(url, "https://"))
		return err_set(e, ERR_CONFIG, "it begins with neither http:// nor https://");
	len = strcspn(at, "/?#");
	/* No user and no backslash: what we take for the host must be what curl connects to. */
	if (len == 0 || len >= 256 || strcspn(at, "@\\ ") < len)
		return err_set(e, ERR_CONFIG, "it names no host");
	memcpy(host, at, len);
	host[len] = '\0';
	if (!plain)
		return true;
	name_len = *at == '[' ? strcspn(at, "]") + 1 : strcspn(at, ":");
	if (name_len > len)
		name_len = len;
	if (http_is_loopback(host, len))
		return true;
	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
		if (strlen(allowed[i]) == name_len && strncasecmp(host, allowed[i], name_len) == 0)
			return true;
	return err_set(e, ERR_CONFIG,
		       "host \"%s\" is asked by https:// only: it is neither this machine nor one "
		       "of AWS's addresses for containers",
		       host);
}

static bool add_authorization(struct buf *token, struct err *e)
{
	const char *file = s3_variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
	const char *text = s3_variable("AWS_CONTAINER_AUTHORIZATION_TOKEN");

	if (file)
		return s3_read_token(file, token, e) ||
		       err_wrap(e, "could not read AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
	if (!text)
		return true;
	if (strpbrk(text, "\r\n"))
		return err_set(e, ERR_CONFIG,
			       "AWS_CONTAINER_AUTHORIZATION_TOKEN holds a line break");
	buf_add_str(token, text);
	return buf_ok(token, e);
}

static bool ask_container(struct s3_lookup *l, const char *url, struct s3_credentials *c,
			  struct err *e)
{
	struct http_header headers[2] = { { "accept", "application/json" } };
	struct s3_fetch fetch = { .method = "GET",
				  .url = url,
				  .headers = headers,
				  .header_count = 1,
				  .timeout_ms = CONTAINER_TIMEOUT_MS,
				  .tries = CONTAINER_TRIES,
				  .metadata = true };
	struct http_response r = { .status = 0 };
	struct buf token = BUF_INIT;
	bool ok = add_authorization(&token, e);

	if (ok && token.len > 0) {
		headers[1] = (struct http_header){ "authorization", buf_str(&token) };
		fetch.header_count = 2;
	}
	ok = ok && s3_fetch(l, &fetch, &r, e);
	if (ok && r.status != 200)
		ok = err_set(e, ERR_DENIED, "it answered HTTP %d", r.status);
	ok = ok && s3_credentials_take_json(c, r.body.data, r.body.len, "Token", false, e);
	s3_wipe_buf(&token);
	if (r.body.data)
		s3_wipe_buf(&r.body);
	http_response_release(&r);
	return ok;
}

enum s3_found s3_from_container(struct s3_lookup *l, struct s3_credentials *c, struct err *e)
{
	const char *relative = s3_variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
	const char *full = s3_variable("AWS_CONTAINER_CREDENTIALS_FULL_URI");
	struct buf url = BUF_INIT;
	char host[256];
	bool ok;

	if (!relative && !full)
		return s3_lookup_nothing(l, "container: AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and "
					    "_FULL_URI are not set");
	if (relative)
		buf_printf(&url, CONTAINER_HOST "%s%s", *relative == '/' ? "" : "/", relative);
	else
		buf_add_str(&url, full);
	ok = buf_ok(&url, e);
	if (ok && !s3_check_container_url(buf_str(&url), host, e)) {
		err_wrap(e, "AWS_CONTAINER_CREDENTIALS_FULL_URI cannot be used");
	} else if (ok) {
		snprintf(c->source, sizeof(c->source), "container credentials of \"%s\"", host);
		if (ask_container(l, buf_str(&url), c, e)) {
			buf_release(&url);
			return S3_FOUND;
		}
		err_wrap(e, "could not get the container's S3 credentials from \"%s\"", host);
	}
	buf_release(&url);
	return S3_FAILED;
}

static int64_t instance_timeout_ms(void)
{
	const char *text = s3_variable("AWS_METADATA_SERVICE_TIMEOUT");
	struct err ignored;
	int64_t seconds;

	if (!text || !str_parse_i64(text, &seconds, &ignored) || seconds < 1 || seconds > 60)
		return 1000;
	return seconds * 1000;
}

static int instance_tries(void)
{
	const char *text = s3_variable("AWS_METADATA_SERVICE_NUM_ATTEMPTS");
	struct err ignored;
	int64_t tries;

	if (!text || !str_parse_i64(text, &tries, &ignored) || tries < 1 || tries > 20)
		return 1;
	return (int)tries;
}

/* One request of the metadata service: false with e set unless the answer is 200 and not empty. */
static bool ask_instance(struct s3_lookup *l, const char *method, const char *base,
			 const char *path, const struct http_header *header,
			 struct http_response *r, struct err *e)
{
	struct buf url = BUF_INIT;
	bool ok;

	buf_printf(&url, "%s%s", base, path);
	ok = buf_ok(&url, e);
	if (ok) {
		const struct s3_fetch fetch = { .method = method,
						.url = buf_str(&url),
						.headers = header,
						.header_count = 1,
						.timeout_ms = instance_timeout_ms(),
						.tries = instance_tries(),
						.metadata = true };

		ok = s3_fetch(l, &fetch, r, e);
	}
	buf_release(&url);
	if (ok && r->status != 200)
		return err_set(e, ERR_NOT_FOUND, "it answered %s %s with HTTP %d", method, path,
			       r->status);
	if (ok && r->body.len == 0)
		return err_set(e, ERR_NOT_FOUND, "it answered %s %s with nothing", method, path);
	return ok;
}

/* The first line of the body, which goes into a header or a path. */
static bool first_line(struct http_response *r, char *out, size_t size, struct err *e)
{
	const char *text = buf_str(&r->body);
	size_t len = strcspn(text, "\r\n");

	if (len == 0 || len >= size || strcspn(text, " /?#%") < len)
		return err_set(e, ERR_DATA, "it answered with what is neither token nor role");
	memcpy(out, text, len);
	out[len] = '\0';
	return true;
}

static bool read_instance(struct s3_lookup *l, const char *base, struct s3_credentials *c,
			  struct err *e)
{
	static const struct http_header ttl = { "x-aws-ec2-metadata-token-ttl-seconds",
						INSTANCE_TOKEN_S };
	struct http_response r = { .status = 0 };
	char token[4096], role[ROLE_MAX], path[sizeof(INSTANCE_PATH) + ROLE_MAX];
	const struct http_header header = { "x-aws-ec2-metadata-token", token };
	bool ok;

	/* The token is what keeps a request that some other program was talked into out, and may
	 * hold "/" and such. */
	ok = ask_instance(l, "PUT", base, "/latest/api/token", &ttl, &r, e);
	if (ok) {
		size_t len = strcspn(buf_str(&r.body), "\r\n");

		ok = len > 0 && len < sizeof(token);
		if (ok)
			snprintf(token, sizeof(token), "%.*s", (int)len, buf_str(&r.body));
		else
			err_set(e, ERR_DATA, "it answered with no token");
	}
	ok = ok && ask_instance(l, "GET", base, INSTANCE_PATH, &header, &r, e) &&
	     first_line(&r, role, sizeof(role), e);
	if (ok) {
		snprintf(path, sizeof(path), INSTANCE_PATH "%s", role);
		ok = ask_instance(l, "GET", base, path, &header, &r, e) &&
		     s3_credentials_take_json(c, r.body.data, r.body.len, "Token", false, e);
	}
	if (ok)
		snprintf(c->source, sizeof(c->source), "instance metadata, role \"%s\"", role);
	if (r.body.data)
		s3_wipe_buf(&r.body);
	http_response_release(&r);
	return ok;
}

enum s3_found s3_from_instance(struct s3_lookup *l, struct s3_credentials *c, struct err *e)
{
	const char *disabled = s3_variable("AWS_EC2_METADATA_DISABLED");
	const char *base = s3_variable("AWS_EC2_METADATA_SERVICE_ENDPOINT");
	const char *mode = s3_variable("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE");
	struct buf url = BUF_INIT;
	int64_t now = clock_wall_s(l->o->clock);
	enum s3_found found = S3_FOUND;

	if (disabled && strcasecmp(disabled, "true") == 0)
		return s3_lookup_nothing(l, "instance metadata: AWS_EC2_METADATA_DISABLED is true");
	if (!base)
		base = mode && strcasecmp(mode, "ipv6") == 0 ? INSTANCE_URL_IPV6 : INSTANCE_URL;
	buf_add_str(&url, base);
	while (url.len > 0 && url.data[url.len - 1] == '/')
		url.len--;
	buf_add_byte(&url, 0);
	if (!buf_ok(&url, e)) {
		found = S3_FAILED;
	} else if (!read_instance(l, (const char *)url.data, c, e)) {
		found = S3_FAILED;
		if (e->code != ERR_MEMORY && e->code != ERR_INTERRUPTED && !l->again)
			found = s3_lookup_nothing(l, "instance metadata: %s", e->message);
		else
			err_wrap(e, "could not get S3 credentials from the instance's metadata");
	} else if (c->expires_s && c->expires_s <= now) {
		c->expires_s = now + OUTAGE_S;
	}
	buf_release(&url);
	return found;
}
