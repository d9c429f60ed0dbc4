/* What a refusal teaches: that this machine's clock is wrong, or that the bucket is in another region. */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "store/s3.h"

/* Servers bear 15 minutes, some of them 5. */
#define SKEW_MAX_S 300
#define REGION_MAX 63

bool s3_correct_clock(struct s3 *s, const struct s3_answer *a)
{
	const char *date = http_response_header(&a->http, "date");
	int64_t here = clock_wall_s(s->store->clock), there, off;
	bool refused = a->http.status == 403 || str_eq(a->error.code, "RequestTimeTooSkewed") ||
		       str_eq(a->error.code, "RequestExpired");

	if (!refused || !date || !http_parse_date(date, &there))
		return false;
	off = here + s->clock_offset_s - there;
	if (off >= -SKEW_MAX_S && off <= SKEW_MAX_S)
		return false;
	s->clock_offset_s = there - here;
	log_warning(s->store->log,
		    "archive: this machine's clock is %" PRId64
		    " s %s the server's: requests are signed by the server's from now on",
		    s->clock_offset_s < 0 ? -s->clock_offset_s : s->clock_offset_s,
		    s->clock_offset_s < 0 ? "ahead of" : "behind");
	return true;
}

/* Fit to become a part of a host name and of a signature. */
static bool is_region(const char *text)
{
	size_t len = strlen(text);

	for (const char *at = text; *at; at++)
		if (!islower((unsigned char)*at) && !isdigit((unsigned char)*at) && *at != '-')
			return false;
	return len > 0 && len <= REGION_MAX;
}

/* The region in a host name of Amazon's: "bucket.s3.REGION.amazonaws.com", or "s3-REGION" as it once
 * was. False for every other host, so that no request is ever signed for one. */
static bool region_of_host(const char *host, char out[REGION_MAX + 1])
{
	const char *end = strstr(host, ".amazonaws.com"), *at = host;
	size_t len;

	if (!end || (strcmp(end, ".amazonaws.com") != 0 && strcmp(end, ".amazonaws.com.cn") != 0))
		return false;
	/* The last label that begins so: a bucket's name may look like one. */
	for (const char *next = host; (next = strstr(next, "s3")) && next < end; next++)
		if (next == host || next[-1] == '.')
			at = next;
	if (!str_starts_with(at, "s3.") && !str_starts_with(at, "s3-"))
		return false;
	at += 3;
	if (at > end)
		return false;
	len = (size_t)(end - at);
	if (len > REGION_MAX)
		return false;
	memcpy(out, at, len);
	out[len] = '\0';
	return is_region(out);
}

/* From where the server sends us, which is not followed itself. */
static bool region_of_redirect(const struct s3_answer *a, char out[REGION_MAX + 1])
{
	const char *location = http_response_header(&a->http, "location");
	char host[256];

	if (region_of_host(a->error.endpoint, out))
		return true;
	if (!location || !str_starts_with(location, "https://"))
		return false;
	snprintf(host, sizeof(host), "%.*s", (int)strcspn(location + 8, "/:?#"), location + 8);
	return region_of_host(host, out);
}

bool s3_correct_region(struct s3 *s, const struct s3_answer *a)
{
	const char *header = http_response_header(&a->http, "x-amz-bucket-region");
	const char *region = a->error.region[0] ? a->error.region : header;
	int status = a->http.status;
	char of_host[REGION_MAX + 1];
	struct err e = { 0 };
	char *copy;

	if (s->region_corrected || (status != 301 && status != 307 && status != 400))
		return false;
	if (!region && s->own_endpoint && region_of_redirect(a, of_host))
		region = of_host;
	if (!region || !is_region(region) || str_eq(region, s->region))
		return false;
	copy = mem_strdup(region, &e);
	if (!copy)
		return false;
	log_warning(
		s->store->log,
		"archive: bucket \"%s\" is in region \"%s\", not \"%s\": set the archive's region",
		s->bucket, region, s->region);
	free(s->region);
	s->region = copy;
	s->region_corrected = true;
	return !s->own_endpoint || s3_set_own_address(s, &e);
}
