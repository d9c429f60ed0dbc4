/* COPY BINARY as a server would send it: the first byte says how many fields a row has. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/hash.h"
#include "segment/copybin.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct field fields[256];
	enum copybin_event event;
	struct err e = { 0 };
	bool header = true;
	size_t used, count;

	if (len == 0)
		return 0;
	count = data[0];
	data++;
	len--;
	while (len > 0 && copybin_parse(data, len, header, fields, count, &event, &used, &e)) {
		if (used == 0 || used > len)
			abort();
		/* Reads all that the fields claim to be. */
		if (event == COPYBIN_ROW)
			row_hash(fields, count);
		if (event == COPYBIN_END)
			break;
		header = false;
		data += used;
		len -= used;
	}
	return 0;
}
