#include "base/csv.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

void csv_release(struct csv *c)
{
	buf_release(&c->text);
	buf_release(&c->unquoted);
}

static bool too_long(const struct csv *c, struct err *e)
{
	return err_set(e, ERR_DATA, "line %" PRId64 ": longer than %d bytes", c->line + 1,
		       CSV_BYTES_MAX);
}

/* Appends a line to text; *end_out: nothing was left. */
static bool append_line(struct csv *c, bool *end_out, struct err *e)
{
	size_t start = c->text.len;
	int byte;

	*end_out = false;
	while ((byte = getc_unlocked(c->in)) != EOF && byte != '\n') {
		if (byte == '\0')
			return err_set(e, ERR_DATA, "line %" PRId64 ": a NUL character",
				       c->line + 1);
		if (c->text.len >= CSV_BYTES_MAX)
			return too_long(c, e);
		buf_add_byte(&c->text, (uint8_t)byte);
	}
	if (c->text.len > CSV_BYTES_MAX) /* of empty lines */
		return too_long(c, e);
	if (byte == EOF && ferror(c->in))
		return err_set_errno(e, ERR_IO, errno, "could not read line %" PRId64, c->line + 1);
	if (byte == EOF && c->text.len == start) {
		*end_out = true;
		return true;
	}
	c->line++;
	if (c->text.len > start && c->text.data[c->text.len - 1] == '\r')
		c->text.len--;
	return buf_ok(&c->text, e);
}

bool csv_line(struct csv *c, bool *end_out, struct err *e)
{
	buf_clear(&c->text);
	c->field_count = 0;
	if (!append_line(c, end_out, e))
		return false;
	c->record = c->line;
	return true;
}

/* A quoted field from *at, which is behind its first quote; leaves *at behind the last one. */
static bool take_quoted(struct csv *c, size_t *at, struct err *e)
{
	bool end;

	for (;;) {
		while (*at < c->text.len) {
			uint8_t byte = c->text.data[(*at)++];

			if (byte != '"') {
				buf_add_byte(&c->unquoted, byte);
			} else if (*at < c->text.len && c->text.data[*at] == '"') {
				buf_add_byte(&c->unquoted, '"');
				(*at)++;
			} else {
				return true;
			}
		}
		buf_add_byte(&c->text, '\n');
		buf_add_byte(&c->unquoted, '\n');
		(*at)++;
		if (!append_line(c, &end, e))
			return false;
		if (end)
			return err_set(e, ERR_DATA, "line %" PRId64 ": a quote is never closed",
				       c->record);
	}
}

static bool take_field(struct csv *c, size_t *at, struct err *e)
{
	if (*at < c->text.len && c->text.data[*at] == '"') {
		(*at)++;
		if (!take_quoted(c, at, e))
			return false;
		if (*at < c->text.len && c->text.data[*at] != ',')
			return err_set(e, ERR_DATA, "line %" PRId64 ": text behind a closing quote",
				       c->line);
		return true;
	}
	while (*at < c->text.len && c->text.data[*at] != ',') {
		if (c->text.data[*at] == '"')
			return err_set(e, ERR_DATA,
				       "line %" PRId64 ": a quote inside a field without quotes",
				       c->line);
		buf_add_byte(&c->unquoted, c->text.data[(*at)++]);
	}
	return true;
}

bool csv_split(struct csv *c, struct err *e)
{
	size_t at = 0, starts[CSV_FIELDS_MAX];

	buf_clear(&c->unquoted);
	c->field_count = 0;
	for (;;) {
		if (c->field_count == CSV_FIELDS_MAX)
			return err_set(e, ERR_DATA, "line %" PRId64 ": more than %d fields",
				       c->record, CSV_FIELDS_MAX);
		starts[c->field_count++] = c->unquoted.len;
		if (!take_field(c, &at, e))
			return false;
		buf_add_byte(&c->unquoted, 0);
		if (at >= c->text.len)
			break;
		at++; /* the comma */
	}
	if (!buf_ok(&c->unquoted, e) || !buf_ok(&c->text, e))
		return false;
	for (size_t i = 0; i < c->field_count; i++)
		c->fields[i] = (const char *)c->unquoted.data + starts[i];
	return true;
}
