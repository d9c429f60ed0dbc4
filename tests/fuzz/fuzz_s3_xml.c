/* Every document that the S3 driver reads. The first byte says which. */
#include <stddef.h>
#include <stdint.h>

#include "store/s3_list.h"
#include "store/s3_xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static bool visit(void *ctx, const char *key, const struct s3_error *error, struct err *e)
{
	(void)ctx;
	(void)e;
	return key && error;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct s3_page page = { 0 };
	struct s3_error error;
	struct err e = { 0 };
	char id[32];

	if (len == 0)
		return 0;
	switch (data[0]) {
	case 'o':
		s3_parse_objects(data + 1, len - 1, &page, &e);
		break;
	case 'u':
		s3_parse_uploads(data + 1, len - 1, &page, &e);
		break;
	case 'i':
		s3_parse_upload_id(data + 1, len - 1, id, sizeof(id), &e);
		break;
	case 'c':
		s3_parse_result(data + 1, len - 1, "CompleteMultipartUploadResult", &error);
		break;
	case 'd':
		s3_parse_delete(data + 1, len - 1, visit, NULL, &e);
		break;
	default:
		s3_parse_error(data + 1, len - 1, &error);
		break;
	}
	s3_page_release(&page);
	return 0;
}
