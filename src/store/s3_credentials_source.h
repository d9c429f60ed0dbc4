/* What the sources of credentials share. Only the s3_credentials files and their tests include
 * this. */
#ifndef STORE_S3_CREDENTIALS_SOURCE_H
#define STORE_S3_CREDENTIALS_SOURCE_H

#include "base/buf.h"
#include "store/http.h"
#include "store/s3_credentials.h"
#include "store/s3_profiles.h"

enum s3_found {
	S3_FOUND,
	S3_NOTHING, /* the source is not set up: noted why, the next one is asked */
	S3_FAILED   /* e is set */
};

/* One search. */
struct s3_lookup {
	const struct s3_credential_options *o;
	struct s3_profiles profiles;
	const char *profile;
	const char *region; /* NULL: nothing says */
	bool by_name;       /* the options ask for the profile */
	bool again;         /* there were credentials before: an outage is one, not a "no" */
	struct buf tried;   /* "environment: ...; profile ...: ..." */
};

/* A variable of the environment; NULL: not set, or empty. */
const char *s3_variable(const char *name);

/* Adds to the list of what was tried. Returns S3_NOTHING. */
enum s3_found s3_lookup_nothing(struct s3_lookup *l, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Fills c's keys; expires NULL: not known. Each of them is a string or NULL as a source gave it:
 * ERR_DATA when a key is missing, when one holds what a header cannot, or expires is no time. */
bool s3_credentials_take(struct s3_credentials *c, const char *access_key, const char *secret_key,
			 const char *session_token, const char *expires, struct err *e);

/* Seconds since 1970 of "2024-01-31T12:00:00Z", with a fraction or an offset from UTC if need be.
 */
bool s3_parse_expiration(const char *text, int64_t *seconds_out);

/* Takes keys from a JSON document: AccessKeyId, SecretAccessKey, Expiration, and the session token
 * under the name given. With version, the document has to say "Version": 1. ERR_DATA, without a
 * word of the document. */
bool s3_credentials_take_json(struct s3_credentials *c, const void *text, size_t len,
			      const char *token_name, bool version, struct err *e);

/* The profile's own: shared by the search and by source_profile. */
enum s3_found s3_from_environment(struct s3_lookup *l, struct s3_credentials *c, struct err *e);
enum s3_found s3_from_profile(struct s3_lookup *l, const char *profile, struct s3_credentials *c,
			      struct err *e);

/* s3_credentials_process.c */
enum s3_found s3_from_process(struct s3_lookup *l, const char *profile, struct s3_credentials *c,
			      struct err *e);

/*
 * Splits a command as AWS's tools do, like a shell but without running one: at blanks, with '...',
 * "..." (in which \ stands before " and \ only) and \ before any other character. Variables,
 * patterns, pipes and "~" mean nothing. *argv_out is NULL-terminated; free it by s3_free_words.
 * ERR_CONFIG: nothing in it, or a quote without its end.
 */
bool s3_split_command(const char *text, char ***argv_out, struct err *e);
void s3_free_words(char **argv);

/* s3_credentials_sts.c */
enum s3_found s3_from_assume_role(struct s3_lookup *l, struct s3_credentials *c, struct err *e);
enum s3_found s3_from_web_identity(struct s3_lookup *l, const char *profile, bool environment,
				   struct s3_credentials *c, struct err *e);

/* s3_credentials_metadata.c */
enum s3_found s3_from_container(struct s3_lookup *l, struct s3_credentials *c, struct err *e);
enum s3_found s3_from_instance(struct s3_lookup *l, struct s3_credentials *c, struct err *e);

/* ERR_CONFIG unless a container's credentials may be asked for there: by https, or by http from
 * this machine or one of the addresses that ECS and EKS use. host gets "host:port" of it. */
bool s3_check_container_url(const char *url, char host[256], struct err *e);

/* s3_credentials_fetch.c: one small request. */
struct s3_fetch {
	const char *method, *url;
	const struct http_header *headers;
	size_t header_count;
	const char *body;
	int64_t timeout_ms; /* of each try */
	int tries;
	bool metadata; /* past proxies */
};

/* True when an answer came, whatever its status but 5xx and 429. Else ERR_OFFLINE, or ERR_CONFIG
 * where the connection cannot be made at all. AWS_CA_BUNDLE names the certificates. */
bool s3_fetch(const struct s3_lookup *l, const struct s3_fetch *f, struct http_response *r,
	      struct err *e);

/* A small secret file's text, without blanks around it. ERR_CONFIG. Wipe it with s3_wipe_buf. */
bool s3_read_token(const char *path, struct buf *out, struct err *e);
void s3_wipe_buf(struct buf *b);

#endif
