/*
 * AWS's shared files: named profiles of settings in ~/.aws/credentials and ~/.aws/config (or where
 * AWS_SHARED_CREDENTIALS_FILE and AWS_CONFIG_FILE say), as "Shared config and credentials files" of
 * AWS's SDK reference describes them. Settings may be secret: release wipes them, no error repeats
 * one.
 */
#ifndef STORE_S3_PROFILES_H
#define STORE_S3_PROFILES_H

#include <stddef.h>

#include "base/err.h"

enum s3_profile_file {
	S3_CREDENTIALS_FILE, /* "[NAME]" */
	S3_CONFIG_FILE,      /* "[profile NAME]" and "[default]" */
	S3_PROFILE_FILES
};

struct s3_setting {
	char *profile, *name; /* name "" marks the profile's heading */
	char *value;
	enum s3_profile_file file;
	unsigned line;
};

struct s3_profiles {
	char *paths[S3_PROFILE_FILES];     /* NULL: there is no home folder to look in */
	bool unreadable[S3_PROFILE_FILES]; /* in a folder of somebody else's: as if empty */
	struct s3_setting *settings;
	size_t count, capacity;
};

/* Reads both files into p (zeroed); one that is not there is empty. ERR_CONFIG names file and line
 * of what cannot be read as a setting, or a file that a variable names and that cannot be opened. Release p in any case. */
bool s3_profiles_load(struct s3_profiles *p, struct err *e);

/* The same for one file's text; path is for errors. */
bool s3_profiles_parse(struct s3_profiles *p, enum s3_profile_file file, const char *path,
		       const char *text, size_t len, struct err *e);

/* Whether either file has a heading for it. */
bool s3_profiles_have(const struct s3_profiles *p, const char *profile);

/* The setting of one file; NULL where it has none, or an empty one. */
const struct s3_setting *s3_profiles_find_in(const struct s3_profiles *p, enum s3_profile_file file,
					     const char *profile, const char *name);

/* Of either; the credentials file comes first. */
const struct s3_setting *s3_profiles_find(const struct s3_profiles *p, const char *profile,
					  const char *name);
const char *s3_profiles_get(const struct s3_profiles *p, const char *profile, const char *name);

void s3_profiles_release(struct s3_profiles *p);

#endif
