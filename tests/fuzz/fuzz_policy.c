/* Any bytes as policy, configuration and price list: each is taken or refused with a place, and nothing leaks. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "policy/config.h"
#include "policy/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_refusal(bool ok, const struct err *e, const char *path)
{
	if (!ok && (e->code != ERR_CONFIG || strncmp(e->message, path, strlen(path)) != 0))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("policy", MFD_CLOEXEC);
	char path[64];
	struct err e = { 0 };
	struct policy policy;
	struct config config;
	struct prices prices;
	bool ok;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ok = policy_load(&policy, path, &e);
	check_refusal(ok, &e, path);
	if (ok)
		policy_release(&policy);
	ok = config_load(&config, path, &e);
	check_refusal(ok, &e, path);
	if (ok)
		config_release(&config);
	ok = prices_load(&prices, path, &e);
	check_refusal(ok, &e, path);
	if (ok)
		prices_release(&prices);
	close(fd);
	return 0;
}
