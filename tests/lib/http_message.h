/* HTTP/1.1 messages read whole from a socket, request or answer, into memory. For programs that link nothing of firn. */
#ifndef LIB_HTTP_MESSAGE_H
#define LIB_HTTP_MESSAGE_H

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define MESSAGE_HEAD_MAX ((size_t)64 << 10)
#define MESSAGE_BODY_MAX ((size_t)1 << 30)

struct bytes {
	char *data; /* with a NUL behind it, once there is any */
	size_t len, capacity;
};

/* A test that runs out of memory may as well end here. */
static inline void bytes_reserve(struct bytes *b, size_t more)
{
	size_t wanted = b->len + more + 1;

	if (wanted <= b->capacity)
		return;
	b->capacity = wanted + wanted / 2;
	b->data = realloc(b->data, b->capacity);
	if (!b->data)
		abort();
}

static inline void bytes_add(struct bytes *b, const char *data, size_t len)
{
	bytes_reserve(b, len);
	if (len > 0)
		memcpy(b->data + b->len, data, len);
	b->len += len;
	b->data[b->len] = '\0';
}

static inline void bytes_add_text(struct bytes *b, const char *text)
{
	bytes_add(b, text, strlen(text));
}

static inline void bytes_set(struct bytes *b, const char *data, size_t len)
{
	b->len = 0;
	bytes_add(b, data, len);
}

static inline void bytes_drop(struct bytes *b, size_t at, size_t len)
{
	memmove(b->data + at, b->data + at + len, b->len - at - len);
	b->len -= len;
	b->data[b->len] = '\0';
}

static inline void bytes_release(struct bytes *b)
{
	free(b->data);
	*b = (struct bytes){ 0 };
}

static inline bool message_read_more(int fd, struct bytes *in)
{
	ssize_t n;

	bytes_reserve(in, (size_t)256 << 10);
	do {
		n = recv(fd, in->data + in->len, (size_t)256 << 10, 0);
	} while (n < 0 && errno == EINTR);
	if (n <= 0)
		return false;
	in->len += (size_t)n;
	in->data[in->len] = '\0';
	return true;
}

static inline bool message_send(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		data += n;
		len -= (size_t)n;
	}
	return true;
}

/* Up to the empty line, and with it. */
static inline bool message_read_head(int fd, struct bytes *in, struct bytes *head)
{
	char *end;

	while (in->len == 0 || !(end = memmem(in->data, in->len, "\r\n\r\n", 4)))
		if (in->len > MESSAGE_HEAD_MAX || !message_read_more(fd, in))
			return false;
	bytes_set(head, in->data, (size_t)(end + 4 - in->data));
	bytes_drop(in, 0, head->len);
	return true;
}

/* The line of the header with this name, which ends in ":"; NULL: there is none. */
static inline char *message_header(const struct bytes *head, const char *name)
{
	char line[64];
	char *at;

	snprintf(line, sizeof(line), "\r\n%s", name);
	at = strcasestr(head->data, line);
	return at ? at + 2 : NULL;
}

static inline bool message_read_length(int fd, struct bytes *in, struct bytes *body, size_t len)
{
	if (len > MESSAGE_BODY_MAX)
		return false;
	while (in->len < len)
		if (!message_read_more(fd, in))
			return false;
	bytes_add(body, in->data, len);
	if (len > 0)
		bytes_drop(in, 0, len);
	return true;
}

static inline bool message_read_chunks(int fd, struct bytes *in, struct bytes *body)
{
	for (;;) {
		char *end;
		size_t size;

		while (in->len == 0 || !(end = memmem(in->data, in->len, "\r\n", 2)))
			if (!message_read_more(fd, in))
				return false;
		size = strtoul(in->data, NULL, 16);
		bytes_drop(in, 0, (size_t)(end + 2 - in->data));
		if (!message_read_length(fd, in, body, size))
			return false;
		while (in->len < 2)
			if (!message_read_more(fd, in))
				return false;
		bytes_drop(in, 0, 2);
		if (size == 0)
			return true;
	}
}

/* What follows head; neither length nor chunks: until the other side closes, where that may be. */
static inline bool message_read_body(int fd, struct bytes *in, const struct bytes *head,
				     bool until_close, struct bytes *body)
{
	const char *length = message_header(head, "content-length:");

	bytes_set(body, "", 0);
	if (message_header(head, "transfer-encoding:"))
		return message_read_chunks(fd, in, body);
	if (length)
		return message_read_length(fd, in, body, strtoul(length + 15, NULL, 10));
	if (until_close) {
		while (message_read_more(fd, in))
			;
		bytes_add(body, in->data, in->len);
		in->len = 0;
	}
	return true;
}

#endif
