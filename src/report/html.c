#include "report/html.h"

#include <string.h>

#include "base/str.h"

#define REPLACEMENT "\xef\xbf\xbd"

/* The character that s begins with, which is one of len bytes. */
static uint32_t code_point(const unsigned char *s, size_t len)
{
	static const unsigned char first[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	uint32_t c = s[0] & first[len];

	for (size_t i = 1; i < len; i++)
		c = c << 6 | (s[i] & 0x3f);
	return c;
}

/* The character at s, and how many bytes it takes; 0 for one that must not be in a page. */
static uint32_t next_char(const char *s, size_t *len)
{
	uint32_t c;

	*len = str_utf8_len(s);
	if (*len == 0) {
		*len = 1;
		return 0;
	}
	c = code_point((const unsigned char *)s, *len);
	if ((c < ' ' && c != '\t' && c != '\n') || (c >= 0x7f && c < 0xa0) ||
	    (c & 0xfffe) == 0xfffe)
		return 0;
	return c;
}

static void add_char(struct buf *b, uint32_t c, const char *s, size_t len)
{
	switch (c) {
	case 0:
		buf_add_str(b, REPLACEMENT);
		break;
	case '&':
		buf_add_str(b, "&amp;");
		break;
	case '<':
		buf_add_str(b, "&lt;");
		break;
	case '>':
		buf_add_str(b, "&gt;");
		break;
	case '"':
		buf_add_str(b, "&quot;");
		break;
	case '\'':
		buf_add_str(b, "&#39;");
		break;
	default:
		buf_add(b, s, len);
	}
}

void html_text(struct buf *b, const char *s)
{
	size_t len;

	for (; s && *s; s += len) {
		uint32_t c = next_char(s, &len);

		add_char(b, c, s, len);
	}
}

/* Embeddings, overrides, isolates and marks of direction. */
static bool turns_direction(uint32_t c)
{
	return (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0x200e ||
	       c == 0x200f || c == 0x61c;
}

static void add_line(struct buf *b, const char *s, size_t most_chars, bool breaking)
{
	size_t len, count = 0;

	for (; s && *s; s += len) {
		uint32_t c = next_char(s, &len);

		if (turns_direction(c))
			continue;
		if (most_chars > 0 && count++ == most_chars) {
			buf_add_str(b, "\xe2\x80\xa6");
			return;
		}
		if (c == '\t' || c == '\n' || c == 0x2028 || c == 0x2029)
			buf_add_byte(b, ' ');
		else
			add_char(b, c, s, len);
		if (breaking && s[len] && (c == '.' || c == '_' || c == '-'))
			buf_add_str(b, "<wbr/>");
	}
}

void html_line(struct buf *b, const char *s, size_t most_chars)
{
	add_line(b, s, most_chars, false);
}

void html_breaking(struct buf *b, const char *s, size_t most_chars)
{
	add_line(b, s, most_chars, true);
}

void html_name(struct buf *b, const char *s)
{
	buf_add_str(b, "<bdi>");
	html_text(b, s);
	buf_add_str(b, "</bdi>");
}
