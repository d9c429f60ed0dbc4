#include "store/s3_profiles.h"

#include <ctype.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

#define FILE_MAX_BYTES (1 << 20)

void s3_profiles_release(struct s3_profiles *p)
{
	for (size_t i = 0; i < p->count; i++) {
		struct s3_setting *s = &p->settings[i];

		if (s->value)
			OPENSSL_cleanse(s->value, strlen(s->value));
		free(s->profile);
		free(s->name);
		free(s->value);
	}
	free(p->settings);
	for (size_t i = 0; i < S3_PROFILE_FILES; i++)
		free(p->paths[i]);
	*p = (struct s3_profiles){ .count = 0 };
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

/* What one line is being read for. */
struct parser {
	struct s3_profiles *to;
	enum s3_profile_file file;
	const char *path;
	unsigned line;
	char *profile; /* NULL: a section that is no profile, or none yet */
	bool in_section;
};

static bool bad_line(const struct parser *r, const char *what, struct err *e)
{
	err_set(e, ERR_CONFIG, "\"%s\", line %u: %s", r->path, r->line, what);
	return err_hint(e,
			"A profile is a line [%sNAME], settings are lines NAME = VALUE, comments "
			"begin with #.",
			r->file == S3_CONFIG_FILE ? "profile " : "");
}

/* Owns profile and value. */
static bool add_owned(struct parser *r, struct span name, char *value_owned, struct err *e)
{
	void *settings = r->to->settings;
	struct s3_setting s = { .file = r->file, .line = r->line, .value = value_owned };

	s.profile = mem_strdup(r->profile, e);
	s.name = mem_strndup(name.at, name.len, e);
	if (!s.profile || !s.name || !s.value ||
	    !mem_grow(&settings, &r->to->capacity, r->to->count + 1, sizeof(s), e)) {
		free(s.profile);
		free(s.name);
		free(s.value);
		return false;
	}
	r->to->settings = settings;
	r->to->settings[r->to->count++] = s;
	return true;
}

/* The name in quotes may hold anything but them. */
static struct span unquote(struct span name)
{
	if (name.len >= 2 && (*name.at == '"' || *name.at == '\'') &&
	    name.at[name.len - 1] == *name.at)
		return trim(name.at + 1, name.at + name.len - 1);
	return name;
}

static bool begin_section(struct parser *r, struct span line, struct err *e)
{
	const char *close = memchr(line.at, ']', line.len);
	struct span name, rest;

	if (!close)
		return bad_line(r, "the heading has no \"]\"", e);
	rest = trim(close + 1, line.at + line.len);
	if (rest.len > 0 && *rest.at != '#' && *rest.at != ';')
		return bad_line(r, "something follows the heading", e);
	name = trim(line.at + 1, close);
	if (name.len == 0)
		return bad_line(r, "the heading is empty", e);
	free(r->profile);
	r->profile = NULL;
	r->in_section = true;
	if (r->file == S3_CONFIG_FILE) {
		/* Other sections ([sso-session x], [services x], [plugins]) are not profiles. */
		if (name.len > 8 && memcmp(name.at, "profile", 7) == 0 &&
		    isspace((unsigned char)name.at[7]))
			name = unquote(trim(name.at + 8, name.at + name.len));
		else if (name.len != 7 || memcmp(name.at, "default", 7) != 0)
			return true;
	}
	r->profile = mem_strndup(name.at, name.len, e);
	return r->profile && add_owned(r, (struct span){ "", 0 }, mem_strdup("", e), e);
}

/* A comment may follow a space, but for in commands, where a "#" may mean something. */
static struct span without_comment(struct span name, struct span value)
{
	if (name.len == 18 && strncasecmp(name.at, "credential_process", 18) == 0)
		return value;
	for (size_t i = 1; i < value.len; i++)
		if ((value.at[i] == '#' || value.at[i] == ';') &&
		    isspace((unsigned char)value.at[i - 1]))
			return trim(value.at, value.at + i);
	return value;
}

static bool take_setting(struct parser *r, struct span line, struct err *e)
{
	const char *equals = memchr(line.at, '=', line.len);
	struct span name, value;

	if (!equals)
		return bad_line(r, "neither a heading, a setting nor a comment", e);
	name = trim(line.at, equals);
	value = without_comment(name, trim(equals + 1, line.at + line.len));
	if (name.len == 0)
		return bad_line(r, "the setting has no name", e);
	if (!r->in_section)
		return bad_line(r, "a setting before the first heading", e);
	if (memchr(line.at, '\0', line.len))
		return bad_line(r, "a NUL byte", e);
	if (!r->profile)
		return true;
	for (size_t i = 0; i < r->to->count; i++) {
		const struct s3_setting *s = &r->to->settings[i];

		if (s->file == r->file && str_eq(s->profile, r->profile) &&
		    strlen(s->name) == name.len && strncasecmp(s->name, name.at, name.len) == 0)
			return bad_line(r, "the profile has this setting already", e);
	}
	return add_owned(r, name, mem_strndup(value.at, value.len, e), e);
}

bool s3_profiles_parse(struct s3_profiles *p, enum s3_profile_file file, const char *path,
		       const char *text, size_t len, struct err *e)
{
	struct parser r = { .to = p, .file = file, .path = path };
	const char *at = text, *end = text + len;
	bool ok = true;

	while (ok && at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		struct span line = trim(at, newline ? newline : end);
		bool indented = line.at > at;

		at = newline ? newline + 1 : end;
		r.line++;
		if (line.len == 0 || *line.at == '#' || *line.at == ';')
			continue;
		/* Indented lines belong to the setting before them, and none of those that matter
		 * here has any. */
		if (indented && r.in_section)
			continue;
		ok = *line.at == '[' ? begin_section(&r, line, e) : take_setting(&r, line, e);
	}
	free(r.profile);
	return ok;
}

/* What the variable says, with "~/" as a shell would have it, else ~/.aws/name. Stays NULL where
 * there is no home folder. */
static bool find_path(const char *variable, const char *name, char **out, struct err *e)
{
	const char *said = getenv(variable), *home = getenv("HOME");
	struct passwd entry, *found = NULL;
	struct buf path = BUF_INIT;
	char memory[4096];

	if (said && !*said)
		said = NULL;
	if (said && !str_starts_with(said, "~/")) {
		*out = mem_strdup(said, e);
		return *out != NULL;
	}
	if (!home || !*home) {
		if (getpwuid_r(getuid(), &entry, memory, sizeof(memory), &found) != 0 || !found)
			return true;
		home = found->pw_dir;
	}
	if (said)
		buf_printf(&path, "%s%s", home, said + 1);
	else
		buf_printf(&path, "%s/.aws/%s", home, name);
	*out = buf_take(&path, e);
	buf_release(&path);
	return *out != NULL;
}

/* Another user's home folder (a service that was started by root, say) is as good as none; a file
 * that somebody named is not. */
static bool is_out_of_reach(const char *variable, const char *path)
{
	const char *said = getenv(variable);

	return (!said || !*said) && access(path, R_OK) != 0 && errno == EACCES;
}

bool s3_profiles_load(struct s3_profiles *p, struct err *e)
{
	static const struct {
		const char *variable, *name;
	} files[S3_PROFILE_FILES] = {
		[S3_CREDENTIALS_FILE] = { "AWS_SHARED_CREDENTIALS_FILE", "credentials" },
		[S3_CONFIG_FILE] = { "AWS_CONFIG_FILE", "config" },
	};

	for (int i = 0; i < S3_PROFILE_FILES; i++) {
		struct buf text = BUF_INIT;
		bool ok = find_path(files[i].variable, files[i].name, &p->paths[i], e);

		if (ok && p->paths[i]) {
			ok = file_read(p->paths[i], FILE_MAX_BYTES, &text, e);
			if (ok) {
				ok = s3_profiles_parse(p, (enum s3_profile_file)i, p->paths[i],
						       buf_str(&text), text.len, e);
			} else if (e->code == ERR_NOT_FOUND ||
				   is_out_of_reach(files[i].variable, p->paths[i])) {
				p->unreadable[i] = e->code != ERR_NOT_FOUND;
				ok = true;
				err_clear(e);
			} else {
				e->code = ERR_CONFIG;
			}
		}
		if (text.data)
			OPENSSL_cleanse(text.data, text.len);
		buf_release(&text);
		if (!ok)
			return false;
	}
	return true;
}

bool s3_profiles_have(const struct s3_profiles *p, const char *profile)
{
	for (size_t i = 0; i < p->count; i++)
		if (str_eq(p->settings[i].profile, profile))
			return true;
	return false;
}

const struct s3_setting *s3_profiles_find_in(const struct s3_profiles *p, enum s3_profile_file file,
					     const char *profile, const char *name)
{
	for (size_t i = 0; i < p->count; i++) {
		const struct s3_setting *s = &p->settings[i];

		if (s->file == file && *s->value && str_eq(s->profile, profile) &&
		    strcasecmp(s->name, name) == 0)
			return s;
	}
	return NULL;
}

const struct s3_setting *s3_profiles_find(const struct s3_profiles *p, const char *profile,
					  const char *name)
{
	const struct s3_setting *s = s3_profiles_find_in(p, S3_CREDENTIALS_FILE, profile, name);

	return s ? s : s3_profiles_find_in(p, S3_CONFIG_FILE, profile, name);
}

const char *s3_profiles_get(const struct s3_profiles *p, const char *profile, const char *name)
{
	const struct s3_setting *s = s3_profiles_find(p, profile, name);

	return s ? s->value : NULL;
}
