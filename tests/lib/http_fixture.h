/* A server of a test's own: a socket on 127.0.0.1, and requests read whole. For programs that link nothing of firn, too. */
#ifndef LIB_HTTP_FIXTURE_H
#define LIB_HTTP_FIXTURE_H

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A listening socket on a free port; -1: it could not be had. */
static inline int http_fixture_listen(int *port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
	    listen(fd, 64) != 0 || getsockname(fd, (struct sockaddr *)&address, &len) != 0)
		return -1;
	*port = ntohs(address.sin_port);
	return fd;
}

/* The request with its body, or less when the other side gives up or size is too small; with a NUL
 * behind it. */
static inline void http_fixture_read(int fd, char *out, size_t size)
{
	size_t used = 0, wanted = size - 1;

	while (used < wanted) {
		ssize_t n = read(fd, out + used, wanted - used);
		const char *end, *length;

		if (n <= 0)
			break;
		used += (size_t)n;
		out[used] = '\0';
		end = strstr(out, "\r\n\r\n");
		if (!end)
			continue;
		length = strcasestr(out, "\r\ncontent-length:");
		wanted = (size_t)(end + 4 - out) +
			 (length && length < end ? (size_t)strtoul(length + 17, NULL, 10) : 0);
		if (wanted > size - 1)
			wanted = size - 1;
	}
	out[used] = '\0';
}

#endif
