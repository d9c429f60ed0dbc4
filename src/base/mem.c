#include "base/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void *mem_new(size_t count, size_t size, struct err *e)
{
	void *p = calloc(count ? count : 1, size);

	if (!p)
		err_no_memory(e);
	return p;
}

bool mem_grow(void **array, size_t *capacity, size_t needed, size_t size, struct err *e)
{
	size_t next;
	void *p;

	if (needed <= *capacity)
		return true;
	next = *capacity + *capacity / 2 + 8;
	if (next < needed)
		next = needed;
	if (next > SIZE_MAX / size)
		return err_no_memory(e);
	p = realloc(*array, next * size);
	if (!p)
		return err_no_memory(e);
	*array = p;
	*capacity = next;
	return true;
}

char *mem_strndup(const char *s, size_t len, struct err *e)
{
	char *copy = malloc(len + 1);

	if (!copy) {
		err_no_memory(e);
		return NULL;
	}
	memcpy(copy, s, len);
	copy[len] = '\0';
	return copy;
}

char *mem_strdup(const char *s, struct err *e)
{
	return s ? mem_strndup(s, strlen(s), e) : NULL;
}
