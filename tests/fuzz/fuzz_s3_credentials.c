/* What tells keys: a shared file, a command, a server's JSON, a URL. The first byte says which. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "store/s3_credentials_source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void parse(enum s3_profile_file file, const char *text, size_t len)
{
	struct s3_profiles p = { .count = 0 };
	struct err e = { 0 };

	s3_profiles_parse(&p, file, "file", text, len, &e);
	s3_profiles_get(&p, "default", "aws_access_key_id");
	s3_profiles_release(&p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct s3_credentials c = { .expires_s = 0 };
	struct err e = { 0 };
	char host[256], *text;
	char **words;

	if (len == 0)
		return 0;
	text = calloc(1, len);
	if (!text)
		return 0;
	memcpy(text, data + 1, len - 1);
	switch (data[0]) {
	case 's':
		parse(S3_CREDENTIALS_FILE, (const char *)data + 1, len - 1);
		break;
	case 'c':
		parse(S3_CONFIG_FILE, (const char *)data + 1, len - 1);
		break;
	case 'p':
		if (s3_split_command(text, &words, &e))
			s3_free_words(words);
		break;
	case 'j':
		s3_credentials_take_json(&c, data + 1, len - 1, "Token", false, &e);
		break;
	case 'u':
		s3_check_container_url(text, host, &e);
		break;
	}
	s3_credentials_release(&c);
	free(text);
	return 0;
}
