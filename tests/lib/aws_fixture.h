/* AWS's environment for a test: a folder with shared files of its own, and no variable that says otherwise. */
#ifndef LIB_AWS_FIXTURE_H
#define LIB_AWS_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"

extern char **environ;

static inline void aws_fixture_clear(void)
{
	char name[100];

	for (char **at = environ; *at;) {
		size_t len = strcspn(*at, "=");

		if (str_starts_with(*at, "AWS_") && len < sizeof(name)) {
			snprintf(name, sizeof(name), "%.*s", (int)len, *at);
			unsetenv(name);
			at = environ;
		} else {
			at++;
		}
	}
}

/* Makes the folder, whose name goes to folder; the files "credentials" and "config" in it are not there yet. Nobody
 * asks the machine's metadata. */
static inline bool aws_fixture_make(char folder[64])
{
	char path[100];

	aws_fixture_clear();
	snprintf(folder, 64, "/tmp/firn-aws-XXXXXX");
	if (!mkdtemp(folder))
		return false;
	snprintf(path, sizeof(path), "%s/credentials", folder);
	setenv("AWS_SHARED_CREDENTIALS_FILE", path, 1);
	snprintf(path, sizeof(path), "%s/config", folder);
	setenv("AWS_CONFIG_FILE", path, 1);
	setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
	return true;
}

static inline int aws_fixture_remove(const char *folder)
{
	struct err e = { 0 };

	return file_remove_tree(folder, &e) ? 0 : -1;
}

#endif
