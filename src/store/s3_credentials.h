/*
 * The keys of an S3 archive: found where AWS's own tools find them, in their order, and found again
 * before they expire. They never appear in an error or a log line.
 *
 *   1. AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN (AWS_CREDENTIAL_EXPIRATION)
 *   2. the profile's role_arn, with source_profile or credential_source (STS AssumeRole)
 *   3. a web identity token: AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN, or the profile's
 *      web_identity_token_file and role_arn (STS AssumeRoleWithWebIdentity)
 *   4. the profile's keys in the credentials file
 *   5. the profile's credential_process
 *   6. the profile's keys in the config file
 *   7. a container's: AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI, with
 *      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE or AWS_CONTAINER_AUTHORIZATION_TOKEN
 *   8. the instance's metadata, version 2
 *
 * The profile is the one that is asked for, else AWS_DEFAULT_PROFILE's, else AWS_PROFILE's, else
 * "default". One that is asked for by the options puts the environment's keys (1, and the variables
 * of 3) out of play. A source that is set up but fails ends the search: with other keys than those
 * that were meant, firn would work somewhere else. Only the instance's metadata, which nobody sets
 * up, are passed over. IAM Identity Center is not spoken: such a profile is refused, with what to
 * do.
 */
#ifndef STORE_S3_CREDENTIALS_H
#define STORE_S3_CREDENTIALS_H

#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"

#define S3_SOURCE_MAX 400

struct s3_credentials {
	char *access_key, *secret_key;
	char *session_token; /* NULL: none */
	char *region; /* AWS_REGION, AWS_DEFAULT_REGION or the profile's; NULL: none of them says */
	int64_t expires_s;          /* seconds since 1970; 0: not known, or never */
	int64_t renew_s;            /* from when on newer ones are asked for; 0: never */
	char source[S3_SOURCE_MAX]; /* where they are from, for people; nothing secret */
};

struct s3_credential_options {
	const char *profile; /* NULL: none is asked for */
	const char *region;  /* of STS, where neither environment nor profile says; may be NULL */
	const struct clock *clock;
	const struct log *log; /* may be NULL; what a credential_process says on stderr */
};

/*
 * Fills c (zeroed). May ask servers and run the credential_process, each with a deadline: 1 s for
 * the instance's metadata (AWS_METADATA_SERVICE_TIMEOUT), a few for a container's, 30 for STS, 60
 * for the process. ERR_DENIED when no source has any (the message lists each and why), or when one
 * refuses; ERR_CONFIG when one is set up wrongly; ERR_OFFLINE when one cannot be reached. Release c
 * in any case.
 */
bool s3_credentials_load(struct s3_credentials *c, const struct s3_credential_options *o,
			 struct err *e);

/* For another thread. c is zeroed; release it in any case. */
bool s3_credentials_copy(struct s3_credentials *c, const struct s3_credentials *from,
			 struct err *e);

/* Before each use: looks for newer ones when the time has come, some minutes before they expire.
 * While they are valid a failure to get any is a warning in the log, and tried again later. */
bool s3_credentials_keep(struct s3_credentials *c, const struct s3_credential_options *o,
			 struct err *e);

/* When the server says that the session has expired (e holds that): true when there are other keys
 * now, with which it is worth trying again. Else e says what came in the way. */
bool s3_credentials_renew(struct s3_credentials *c, const struct s3_credential_options *o,
			  struct err *e);

/* Wipes the keys before it frees them. */
void s3_credentials_release(struct s3_credentials *c);

#endif
