#include "store/s3_xml.h"

#include <expat.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"

#define DEPTH_MAX      16
#define TEXT_MAX       ((size_t)16 << 10)
#define PATH_MAX_BYTES ((size_t)1024)

struct walk {
	XML_Parser parser;
	bool (*on_close)(void *ctx, const char *path, const char *text, struct err *e);
	void *ctx;
	struct err *e;
	struct buf path, text;
	unsigned depth;
	bool failed;
};

static void stop(struct walk *w)
{
	w->failed = true;
	XML_StopParser(w->parser, XML_FALSE);
}

static void refuse(struct walk *w, const char *why)
{
	err_set(w->e, ERR_DATA, "the archive's answer is XML with %s", why);
	stop(w);
}

static void on_start(void *ctx, const XML_Char *name, const XML_Char **attributes)
{
	struct walk *w = ctx;
	const char *colon = strrchr(name, ':');

	(void)attributes;
	if (w->failed)
		return;
	if (colon)
		name = colon + 1;
	if (++w->depth > DEPTH_MAX || w->path.len + strlen(name) + 1 > PATH_MAX_BYTES) {
		refuse(w, "elements too deep or names too long");
		return;
	}
	buf_clear(&w->text);
	buf_printf(&w->path, "%s%s", w->path.len ? "/" : "", name);
	if (!buf_ok(&w->path, w->e))
		stop(w);
}

static void on_end(void *ctx, const XML_Char *name)
{
	struct walk *w = ctx;
	const char *slash;

	(void)name;
	if (w->failed)
		return;
	if (!w->on_close(w->ctx, buf_str(&w->path), buf_str(&w->text), w->e)) {
		stop(w);
		return;
	}
	slash = strrchr(buf_str(&w->path), '/');
	w->path.len = slash ? (size_t)(slash - (const char *)w->path.data) : 0;
	w->depth--;
	buf_clear(&w->text);
}

static void on_text(void *ctx, const XML_Char *text, int len)
{
	struct walk *w = ctx;

	if (w->failed)
		return;
	if ((size_t)len > TEXT_MAX - w->text.len) {
		refuse(w, "a text too long");
		return;
	}
	buf_add(&w->text, text, (size_t)len);
	if (!buf_ok(&w->text, w->e))
		stop(w);
}

static void on_doctype(void *ctx, const XML_Char *name, const XML_Char *system_id,
		       const XML_Char *public_id, int has_subset)
{
	struct walk *w = ctx;

	(void)name;
	(void)system_id;
	(void)public_id;
	(void)has_subset;
	if (!w->failed)
		refuse(w, "a document type");
}

bool s3_xml_walk(const void *xml, size_t len,
		 bool (*on_close)(void *ctx, const char *path, const char *text, struct err *e),
		 void *ctx, struct err *e)
{
	struct walk w = { .on_close = on_close, .ctx = ctx, .e = e };
	bool ok = false;

	if (len > INT_MAX)
		return err_set(e, ERR_DATA, "the archive's answer is too long");
	w.parser = XML_ParserCreate("UTF-8");
	if (!w.parser)
		return err_no_memory(e);
	XML_SetUserData(w.parser, &w);
	XML_SetElementHandler(w.parser, on_start, on_end);
	XML_SetCharacterDataHandler(w.parser, on_text);
	XML_SetStartDoctypeDeclHandler(w.parser, on_doctype);
	if (XML_Parse(w.parser, len ? xml : "", (int)len, XML_TRUE) == XML_STATUS_OK)
		ok = !w.failed;
	else if (!w.failed)
		err_set(e, ERR_DATA, "the archive's answer is not well-formed XML: %s",
			XML_ErrorString(XML_GetErrorCode(w.parser)));
	XML_ParserFree(w.parser);
	buf_release(&w.path);
	buf_release(&w.text);
	return ok;
}

void s3_xml_add_text(struct buf *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '&')
			buf_add_str(out, "&amp;");
		else if (*text == '<')
			buf_add_str(out, "&lt;");
		else if (*text == '>')
			buf_add_str(out, "&gt;");
		else if (*text == '"')
			buf_add_str(out, "&quot;");
		else
			buf_add_byte(out, (uint8_t)*text);
	}
}

/* Cuts what does not fit. */
static void set_text(char *out, size_t size, const char *text)
{
	size_t len = strnlen(text, size - 1);

	memcpy(out, text, len);
	out[len] = '\0';
}

static bool take_error_field(struct s3_error *out, const char *path, const char *text)
{
	if (str_eq(path, "Error/Code"))
		set_text(out->code, sizeof(out->code), text);
	else if (str_eq(path, "Error/Message"))
		set_text(out->message, sizeof(out->message), text);
	else if (str_eq(path, "Error/Region"))
		set_text(out->region, sizeof(out->region), text);
	else if (str_eq(path, "Error/VersionId"))
		set_text(out->version, sizeof(out->version), text);
	else if (str_eq(path, "Error/Endpoint"))
		set_text(out->endpoint, sizeof(out->endpoint), text);
	else
		return false;
	return true;
}

static bool on_error(void *ctx, const char *path, const char *text, struct err *e)
{
	(void)e;
	take_error_field(ctx, path, text);
	return true;
}

void s3_parse_error(const void *xml, size_t len, struct s3_error *out)
{
	struct err ignored;

	*out = (struct s3_error){ 0 };
	if (len > 0)
		s3_xml_walk(xml, len, on_error, out, &ignored);
}

struct upload_id {
	char *id;
	size_t size;
};

static bool on_upload_id(void *ctx, const char *path, const char *text, struct err *e)
{
	struct upload_id *out = ctx;

	if (!str_eq(path, "InitiateMultipartUploadResult/UploadId"))
		return true;
	if (!*text || strlen(text) >= out->size)
		return err_set(e, ERR_DATA, "the archive gave an upload an id of %zu bytes",
			       strlen(text));
	set_text(out->id, out->size, text);
	return true;
}

bool s3_parse_upload_id(const void *xml, size_t len, char *id, size_t id_size, struct err *e)
{
	struct upload_id out = { id, id_size };

	id[0] = '\0';
	if (!s3_xml_walk(xml, len, on_upload_id, &out, e))
		return false;
	return id[0] ? true : err_set(e, ERR_DATA, "the archive began an upload without an id");
}

struct completion {
	const char *root;
	struct s3_error *error;
	bool completed;
};

static bool on_complete(void *ctx, const char *path, const char *text, struct err *e)
{
	struct completion *c = ctx;

	(void)e;
	if (str_eq(path, c->root))
		c->completed = true;
	take_error_field(c->error, path, text);
	return true;
}

bool s3_parse_result(const void *xml, size_t len, const char *root, struct s3_error *out)
{
	struct completion c = { .root = root, .error = out };
	struct err ignored;

	*out = (struct s3_error){ 0 };
	return s3_xml_walk(xml, len, on_complete, &c, &ignored) && c.completed;
}

struct deletion {
	bool (*visit)(void *ctx, const char *key, const struct s3_error *error, struct err *e);
	void *ctx;
	struct buf key;
	struct s3_error error;
	bool seen_root;
};

static bool on_delete(void *ctx, const char *path, const char *text, struct err *e)
{
	struct deletion *d = ctx;
	bool ok = true;

	if (str_eq(path, "DeleteResult")) {
		d->seen_root = true;
	} else if (str_eq(path, "DeleteResult/Error/Key")) {
		buf_clear(&d->key);
		buf_add_str(&d->key, text);
		ok = buf_ok(&d->key, e);
	} else if (str_eq(path, "DeleteResult/Error")) {
		ok = d->visit(d->ctx, buf_str(&d->key), &d->error, e);
		buf_clear(&d->key);
		d->error = (struct s3_error){ 0 };
	} else if (str_starts_with(path, "DeleteResult/")) {
		take_error_field(&d->error, path + strlen("DeleteResult/"), text);
	}
	return ok;
}

bool s3_parse_delete(const void *xml, size_t len,
		     bool (*visit)(void *ctx, const char *key, const struct s3_error *error,
				   struct err *e),
		     void *ctx, struct err *e)
{
	struct deletion d = { .visit = visit, .ctx = ctx };
	bool ok = s3_xml_walk(xml, len, on_delete, &d, e);

	if (ok && !d.seen_root)
		ok = err_set(e, ERR_DATA, "the archive answered a deletion with another document");
	buf_release(&d.key);
	return ok;
}
