#include "store/s3_sign.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

void s3_format_date(time_t t, char out[S3_DATE_BYTES])
{
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(out, S3_DATE_BYTES, "%Y%m%dT%H%M%SZ", &tm);
}

static bool is_unreserved(unsigned char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '.' || c == '_' || c == '~';
}

void s3_uri_encode(struct buf *out, const char *text, bool keep_slash)
{
	for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
		if (is_unreserved(*at) || (*at == '/' && keep_slash))
			buf_add_byte(out, *at);
		else
			buf_printf(out, "%%%02X", *at);
	}
}

static int compare_headers(const void *a, const void *b)
{
	const struct http_header *left = a, *right = b;

	return strcmp(left->name, right->name);
}

/* Without spaces around it, and with runs of them inside made one. */
static void add_trimmed(struct buf *out, const char *value)
{
	bool gap = false, begun = false;

	for (; *value; value++) {
		if (*value == ' ' || *value == '\t') {
			gap = true;
			continue;
		}
		if (gap && begun)
			buf_add_byte(out, ' ');
		gap = false;
		begun = true;
		buf_add_byte(out, (uint8_t)*value);
	}
}

static void add_signed_names(struct buf *out, const struct http_header *sorted, size_t count)
{
	for (size_t i = 0; i < count; i++)
		buf_printf(out, "%s%s", i ? ";" : "", sorted[i].name);
}

/* Hex digest of the canonical request. */
static bool hash_request(const struct s3_sign_request *r, const struct http_header *sorted,
			 char hex[SHA256_HEX_BYTES], struct err *e)
{
	struct buf text = BUF_INIT;
	uint8_t digest[SHA256_BYTES];
	bool ok;

	buf_printf(&text, "%s\n%s\n%s\n", r->method, r->path, r->query);
	for (size_t i = 0; i < r->header_count; i++) {
		buf_printf(&text, "%s:", sorted[i].name);
		add_trimmed(&text, sorted[i].value);
		buf_add_byte(&text, '\n');
	}
	buf_add_byte(&text, '\n');
	add_signed_names(&text, sorted, r->header_count);
	buf_printf(&text, "\n%s", r->payload_sha256);
	ok = buf_ok(&text, e) && sha256_once(text.data, text.len, digest, e);
	if (ok)
		hex_encode(digest, sizeof(digest), hex);
	if (text.data)
		OPENSSL_cleanse(text.data, text.len); /* it holds the session token */
	buf_release(&text);
	return ok;
}

/* The key for one day, region and service. */
static bool derive_key(const struct s3_sign_request *r, uint8_t key[SHA256_BYTES], struct err *e)
{
	const char *service = r->service ? r->service : "s3";
	struct buf seed = BUF_INIT;
	uint8_t other[SHA256_BYTES];
	bool ok;

	buf_printf(&seed, "AWS4%s", r->secret_key);
	ok = buf_ok(&seed, e) && hmac_sha256(seed.data, seed.len, r->date, 8, key, e) &&
	     hmac_sha256(key, SHA256_BYTES, r->region, strlen(r->region), other, e) &&
	     hmac_sha256(other, sizeof(other), service, strlen(service), key, e) &&
	     hmac_sha256(key, SHA256_BYTES, "aws4_request", 12, other, e);
	if (ok)
		memcpy(key, other, sizeof(other));
	if (seed.data)
		OPENSSL_cleanse(seed.data, seed.len);
	OPENSSL_cleanse(other, sizeof(other));
	buf_release(&seed);
	return ok;
}

bool s3_sign(const struct s3_sign_request *r, struct buf *authorization, struct err *e)
{
	struct http_header sorted[S3_SIGN_HEADERS_MAX];
	struct buf scope = BUF_INIT, text = BUF_INIT;
	uint8_t key[SHA256_BYTES], mac[SHA256_BYTES];
	char hex[SHA256_HEX_BYTES];
	bool ok = false;

	if (r->header_count > S3_SIGN_HEADERS_MAX || strlen(r->date) != S3_DATE_BYTES - 1)
		return err_set(e, ERR_INTERNAL, "cannot sign a request with %zu headers of \"%s\"",
			       r->header_count, r->date);
	memcpy(sorted, r->headers, r->header_count * sizeof(*sorted));
	qsort(sorted, r->header_count, sizeof(*sorted), compare_headers);
	if (!hash_request(r, sorted, hex, e))
		goto out;
	buf_printf(&scope, "%.8s/%s/%s/aws4_request", r->date, r->region,
		   r->service ? r->service : "s3");
	buf_printf(&text, "AWS4-HMAC-SHA256\n%s\n%s\n%s", r->date, buf_str(&scope), hex);
	if (!buf_ok(&scope, e) || !buf_ok(&text, e) || !derive_key(r, key, e) ||
	    !hmac_sha256(key, sizeof(key), text.data, text.len, mac, e))
		goto out;
	hex_encode(mac, sizeof(mac), hex);
	buf_printf(authorization, "AWS4-HMAC-SHA256 Credential=%s/%s,SignedHeaders=", r->access_key,
		   buf_str(&scope));
	add_signed_names(authorization, sorted, r->header_count);
	buf_printf(authorization, ",Signature=%s", hex);
	ok = buf_ok(authorization, e);
out:
	OPENSSL_cleanse(key, sizeof(key));
	buf_release(&scope);
	buf_release(&text);
	return ok;
}
