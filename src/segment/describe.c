#include "segment/describe.h"

#include <string.h>

enum {
	COLUMN_IN_KEY = 1,
	COLUMN_NOT_NULL = 2
};

static void add_counted(const char *s, size_t len, struct buf *out)
{
	buf_add_varint(out, len);
	buf_add(out, s, len);
}

void describe_column(const struct column *column, struct buf *out)
{
	add_counted(column->name, strlen(column->name), out);
	add_counted(column->type_name, strlen(column->type_name), out);
	add_counted(column->type_full, strlen(column->type_full), out);
	buf_add_u32le(out, column->type_oid);
	buf_add_u32le(out, (uint32_t)column->typmod);
	buf_add_byte(out, (uint8_t)column->role);
	buf_add_byte(out, (uint8_t)((column->in_key ? COLUMN_IN_KEY : 0) |
				    (column->not_null ? COLUMN_NOT_NULL : 0)));
}

static void read_counted(struct cursor *c, char *out, size_t out_size)
{
	size_t len = (size_t)cursor_varint_max(c, out_size - 1);
	const uint8_t *from = cursor_take(c, len);

	if (!from || (len && memchr(from, 0, len))) {
		c->bad = true;
		len = 0;
	}
	if (len)
		memcpy(out, from, len);
	out[len] = '\0';
}

bool describe_read_column(struct cursor *c, struct column *column_out, struct err *e)
{
	uint8_t role, flags;

	*column_out = (struct column){ 0 };
	read_counted(c, column_out->name, sizeof(column_out->name));
	read_counted(c, column_out->type_name, sizeof(column_out->type_name));
	read_counted(c, column_out->type_full, sizeof(column_out->type_full));
	column_out->type_oid = cursor_u32(c);
	column_out->typmod = (int32_t)cursor_u32(c);
	role = cursor_u8(c);
	flags = cursor_u8(c);
	if (c->bad || role > COLUMN_CREATED)
		return err_set(e, ERR_DATA, "the description of a column is damaged");
	column_out->role = (enum column_role)role;
	column_out->in_key = flags & COLUMN_IN_KEY;
	column_out->not_null = flags & COLUMN_NOT_NULL;
	return true;
}

void describe_field(const struct field *f, struct buf *out)
{
	buf_add_varint(out, f->len < 0 ? 0 : (uint64_t)f->len + 1);
	if (f->len > 0)
		buf_add(out, f->data, (size_t)f->len);
}

struct field describe_read_field(struct cursor *c)
{
	uint64_t len = cursor_varint_max(c, (uint64_t)INT32_MAX + 1);

	if (c->bad || len == 0)
		return FIELD_NULL;
	return (struct field){ cursor_take(c, (size_t)len - 1), (int32_t)(len - 1) };
}

void describe_group(const struct segment_group *g, struct buf *out)
{
	describe_field(&(struct field){ g->workspace.data,
					g->workspace_null ? -1 : (int32_t)g->workspace.len },
		       out);
	describe_field(
		&(struct field){ g->version.data, g->version_null ? -1 : (int32_t)g->version.len },
		out);
	buf_add_varint(out, g->rows);
	buf_add_varint(out, g->stored_bytes);
	buf_add_varint(out, g->raw_bytes);
}

bool describe_read_group(struct cursor *c, struct group_entry *out, struct err *e)
{
	out->workspace = describe_read_field(c);
	out->version = describe_read_field(c);
	out->rows = (uint32_t)cursor_varint_max(c, SEGMENT_ROWS_MAX);
	out->stored_bytes = cursor_varint(c);
	out->raw_bytes = cursor_varint(c);
	if (c->bad || out->rows == 0)
		return err_set(e, ERR_DATA, "the description of a group is damaged");
	return true;
}

void describe_key(const struct field *workspace, const struct segment_key *key, struct buf *out)
{
	describe_field(workspace, out);
	buf_add(out, key->master_id, sizeof(key->master_id));
	buf_add(out, key->wrapped, sizeof(key->wrapped));
}

void describe_read_key(struct cursor *c, struct field *workspace_out, struct segment_key *out)
{
	const uint8_t *id, *wrapped;

	*out = (struct segment_key){ 0 };
	*workspace_out = describe_read_field(c);
	id = cursor_take(c, sizeof(out->master_id));
	wrapped = cursor_take(c, sizeof(out->wrapped));
	if (c->bad)
		return;
	memcpy(out->master_id, id, sizeof(out->master_id));
	memcpy(out->wrapped, wrapped, sizeof(out->wrapped));
}

void describe_pair(const char *name, const char *value, struct buf *out)
{
	add_counted(name, strlen(name), out);
	add_counted(value, strlen(value), out);
}
