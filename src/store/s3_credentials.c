#include "store/s3_credentials.h"

#include <ctype.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

#define FILE_MAX_BYTES (1 << 20)

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
}

struct span {
	const char *at;
	size_t len;
};

static struct span trim(const char *at, const char *end)
{
	while (at < end && isspace((unsigned char)*at))
		at++;
	while (end > at && isspace((unsigned char)end[-1]))
		end--;
	return (struct span){ at, (size_t)(end - at) };
}

static bool span_is(struct span s, const char *text)
{
	return s.len == strlen(text) && memcmp(s.at, text, s.len) == 0;
}

/* "[name]" or "[profile name]" */
static bool is_section(struct span line, const char *profile)
{
	struct span name = trim(line.at + 1, line.at + line.len - 1);

	if (span_is(name, profile))
		return true;
	if (name.len > 8 && memcmp(name.at, "profile", 7) == 0 &&
	    isspace((unsigned char)name.at[7]))
		return span_is(trim(name.at + 8, name.at + name.len), profile);
	return false;
}

static bool take_setting(struct s3_credentials *c, struct span line, struct err *e)
{
	const char *equals = memchr(line.at, '=', line.len);
	struct span name, value;
	char **to;

	if (!equals)
		return true;
	name = trim(line.at, equals);
	value = trim(equals + 1, line.at + line.len);
	/* A comment may follow a space. */
	for (size_t i = 1; i < value.len; i++)
		if ((value.at[i] == '#' || value.at[i] == ';') &&
		    isspace((unsigned char)value.at[i - 1])) {
			value = trim(value.at, value.at + i);
			break;
		}
	if (span_is(name, "aws_access_key_id"))
		to = &c->access_key;
	else if (span_is(name, "aws_secret_access_key"))
		to = &c->secret_key;
	else if (span_is(name, "aws_session_token"))
		to = &c->session_token;
	else if (span_is(name, "region"))
		to = &c->region;
	else
		return true;
	if (*to || value.len == 0)
		return true;
	*to = mem_strndup(value.at, value.len, e);
	return *to != NULL;
}

bool s3_credentials_parse(struct s3_credentials *c, const char *text, size_t len,
			  const char *profile, struct err *e)
{
	const char *at = text, *end = text + len;
	bool inside = false;

	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		const char *line_end = newline ? newline : end;
		struct span line = trim(at, line_end);
		bool indented = line.at > at;

		at = newline ? newline + 1 : end;
		if (line.len == 0 || *line.at == '#' || *line.at == ';')
			continue;
		if (*line.at == '[' && line.len >= 2 && line.at[line.len - 1] == ']')
			inside = is_section(line, profile);
		else if (inside && !indented && !take_setting(c, line, e))
			return false;
	}
	return true;
}

/* Where a shared file is: what the variable says, else ~/.aws/name. False when that cannot be told.
 */
static bool shared_path(const char *variable, const char *name, struct buf *out)
{
	const char *said = getenv(variable), *home = getenv("HOME");
	struct passwd entry, *found = NULL;
	char memory[4096];

	if (said && *said) {
		buf_add_str(out, said);
		return true;
	}
	if (!home || !*home) {
		if (getpwuid_r(getuid(), &entry, memory, sizeof(memory), &found) != 0 || !found)
			return false;
		home = found->pw_dir;
	}
	buf_printf(out, "%s/.aws/%s", home, name);
	return true;
}

static bool load_shared(struct s3_credentials *c, const char *variable, const char *name,
			const char *profile, struct err *e)
{
	struct buf path = BUF_INIT, text = BUF_INIT;
	bool ok = true;

	if (shared_path(variable, name, &path) && (ok = buf_ok(&path, e))) {
		if (file_read(buf_str(&path), FILE_MAX_BYTES, &text, e)) {
			ok = s3_credentials_parse(c, buf_str(&text), text.len, profile, e);
		} else {
			ok = e->code == ERR_NOT_FOUND;
			if (ok)
				err_clear(e);
		}
	}
	if (text.data)
		OPENSSL_cleanse(text.data, text.len);
	buf_release(&text);
	buf_release(&path);
	return ok;
}

static bool take_variable(char **to, const char *name, struct err *e)
{
	const char *value = getenv(name);

	if (*to || !value || !*value)
		return true;
	*to = mem_strdup(value, e);
	return *to != NULL;
}

/* Header values, so neither line ends nor spaces may be in them. */
static bool is_clean(const char *s)
{
	for (; s && *s; s++)
		if ((unsigned char)*s <= ' ' || (unsigned char)*s >= 0x7f)
			return false;
	return true;
}

bool s3_credentials_load(struct s3_credentials *c, const char *profile, struct err *e)
{
	struct s3_credentials keys = { 0 };
	const char *named = profile ? profile : getenv("AWS_PROFILE");

	if (!profile && (!take_variable(&c->access_key, "AWS_ACCESS_KEY_ID", e) ||
			 !take_variable(&c->secret_key, "AWS_SECRET_ACCESS_KEY", e)))
		return false;
	if (!take_variable(&c->region, "AWS_REGION", e) ||
	    !take_variable(&c->region, "AWS_DEFAULT_REGION", e))
		return false;
	if (!profile && c->access_key && c->secret_key &&
	    !take_variable(&c->session_token, "AWS_SESSION_TOKEN", e))
		return false;
	if (!named || !*named)
		named = "default";
	if (!load_shared(&keys, "AWS_SHARED_CREDENTIALS_FILE", "credentials", named, e) ||
	    !load_shared(&keys, "AWS_CONFIG_FILE", "config", named, e)) {
		s3_credentials_release(&keys);
		return false;
	}
	/* Keys go together: never half from here and half from there. */
	if (!c->access_key && !c->secret_key) {
		c->access_key = keys.access_key;
		c->secret_key = keys.secret_key;
		c->session_token = keys.session_token;
		keys.access_key = keys.secret_key = keys.session_token = NULL;
	}
	if (!c->region) {
		c->region = keys.region;
		keys.region = NULL;
	}
	s3_credentials_release(&keys);
	if (!c->access_key && !c->secret_key) {
		err_set(e, ERR_DENIED, "no S3 credentials were found");
		return err_hint(e,
				"Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or put them into "
				"profile \"%s\" of "
				"~/.aws/credentials.",
				named);
	}
	if (!c->access_key || !c->secret_key)
		return err_set(e, ERR_CONFIG,
			       "of the S3 access key and its secret only one is set");
	if (!is_clean(c->access_key) || !is_clean(c->secret_key) || !is_clean(c->session_token) ||
	    !is_clean(c->region) || strchr(c->access_key, '/'))
		return err_set(
			e, ERR_CONFIG,
			"an S3 credential or the region holds a character that cannot be in it");
	return true;
}
