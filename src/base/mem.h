/* Heap memory with overflow-checked sizes. Release with free(3). */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

#include "base/err.h"

/* count zeroed elements of size bytes; NULL and e set when there is no room. count 0 gives a valid pointer. */
void *mem_new(size_t count, size_t size, struct err *e);

/* Makes *array (of *capacity elements) hold at least needed; grows by half at least. false and e set on failure;
 * the old contents stay valid then. */
bool mem_grow(void **array, size_t *capacity, size_t needed, size_t size, struct err *e);

/* A copy of s on the heap; NULL and e set on failure. s NULL gives NULL without an error. */
char *mem_strdup(const char *s, struct err *e);

/* A copy of len bytes with a NUL after them. */
char *mem_strndup(const char *s, size_t len, struct err *e);

#endif
