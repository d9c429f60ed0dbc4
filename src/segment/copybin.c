#include "segment/copybin.h"

#include <string.h>

#include "segment/wire.h"

static const uint8_t signature[11] = { 'P', 'G', 'C', 'O', 'P', 'Y', '\n', 0xff, '\r', '\n', 0 };

#define FLAG_OIDS (1u << 16)

static bool parse_header(const uint8_t *message, size_t len, size_t *used_out, struct err *e)
{
	uint32_t flags, extension;

	if (len < sizeof(signature) + 8 || memcmp(message, signature, sizeof(signature)) != 0)
		return err_set(e, ERR_DATA, "COPY BINARY does not begin with its signature");
	flags = get_u32be(message + sizeof(signature));
	extension = get_u32be(message + sizeof(signature) + 4);
	/* Bits 16 to 31 are critical: a reader must refuse those that it does not know. */
	if (flags & 0xffff0000u)
		return err_set(e, ERR_DATA,
			       flags & FLAG_OIDS ? "COPY BINARY with OIDs is not supported"
						 : "COPY BINARY has an unknown critical flag");
	if (extension > len - sizeof(signature) - 8)
		return err_set(e, ERR_DATA, "the header of COPY BINARY ends too early");
	*used_out = sizeof(signature) + 8 + extension;
	return true;
}

static uint32_t take_u32be(struct cursor *c)
{
	const uint8_t *p = cursor_take(c, 4);

	return p ? get_u32be(p) : 0;
}

bool copybin_parse(const uint8_t *message, size_t len, bool expect_header, struct field *fields,
		   size_t field_count, enum copybin_event *event_out, size_t *used_out,
		   struct err *e)
{
	struct cursor c = cursor_over(message, len);
	const uint8_t *count_at;
	uint16_t count;

	if (expect_header) {
		*event_out = COPYBIN_HEADER;
		return parse_header(message, len, used_out, e);
	}
	count_at = cursor_take(&c, 2);
	if (!count_at)
		return err_set(e, ERR_DATA, "a row of COPY BINARY ends too early");
	count = get_u16be(count_at);
	if (count == 0xffff) {
		*event_out = COPYBIN_END;
		*used_out = 2;
		return true;
	}
	if (count != field_count)
		return err_set(e, ERR_DATA, "a row of COPY BINARY has %u fields instead of %zu",
			       count, field_count);
	for (size_t i = 0; i < field_count; i++) {
		uint32_t field_len = take_u32be(&c);

		if (field_len == 0xffffffffu && !c.bad) {
			fields[i] = FIELD_NULL;
			continue;
		}
		if (field_len > INT32_MAX)
			return err_set(e, ERR_DATA, "a field of COPY BINARY has a negative length");
		fields[i] = (struct field){ cursor_take(&c, field_len), (int32_t)field_len };
		if (c.bad)
			return err_set(e, ERR_DATA, "a row of COPY BINARY ends too early");
	}
	*event_out = COPYBIN_ROW;
	*used_out = len - c.left;
	return true;
}

void copybin_add_header(struct buf *out)
{
	buf_add(out, signature, sizeof(signature));
	buf_add_u32be(out, 0);
	buf_add_u32be(out, 0);
}

void copybin_add_row(struct buf *out, const struct field *fields, size_t count)
{
	buf_add_u16be(out, (uint16_t)count);
	for (size_t i = 0; i < count; i++) {
		buf_add_u32be(out, (uint32_t)fields[i].len);
		if (fields[i].len > 0)
			buf_add(out, fields[i].data, (size_t)fields[i].len);
	}
}

void copybin_add_trailer(struct buf *out)
{
	buf_add_u16be(out, 0xffff);
}
