/* Where the S3 keys come from: the environment, else AWS's shared files. They never appear in an
 * error. */
#ifndef STORE_S3_CREDENTIALS_H
#define STORE_S3_CREDENTIALS_H

#include "base/buf.h"

struct s3_credentials {
	char *access_key, *secret_key;
	char *session_token; /* NULL: none */
	char *region; /* AWS_REGION, AWS_DEFAULT_REGION or the profile's; NULL: none of them says */
};

/*
 * With a profile: that one of the shared files. Without: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY
 * and AWS_SESSION_TOKEN, else the profile that AWS_PROFILE names, else "default". The shared files
 * are AWS_SHARED_CREDENTIALS_FILE or ~/.aws/credentials, then AWS_CONFIG_FILE or ~/.aws/config.
 * ERR_DENIED when no keys are found; ERR_CONFIG when only one of the two is. Release it in any
 * case.
 */
bool s3_credentials_load(struct s3_credentials *c, const char *profile, struct err *e);

/* Wipes the keys before it frees them. */
void s3_credentials_release(struct s3_credentials *c);

/*
 * Reads "name = value" lines of one section, "[profile NAME]" or "[NAME]", of an INI file into c;
 * what c has already stays. Comments, other names, indented lines (nested settings) and garbage are
 * passed over.
 */
bool s3_credentials_parse(struct s3_credentials *c, const char *text, size_t len,
			  const char *profile, struct err *e);

#endif
