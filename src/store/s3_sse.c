/* Encryption by the server: its headers, and the key that goes with them. */
#include "store/s3_sse.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

#define CUSTOMER_HEADER "x-amz-server-side-encryption-customer-"

static bool take_key(struct s3_sse *sse, const struct buf *key, const char *path, struct err *e)
{
	uint8_t md5[EVP_MAX_MD_SIZE];
	unsigned len = sizeof(md5);

	if (key->len != S3_SSE_KEY_BYTES) {
		err_set(e, ERR_CONFIG, "key file \"%s\" does not hold %d bytes", path,
			S3_SSE_KEY_BYTES);
		return err_hint(e, "The key is raw, as by: head -c %d /dev/urandom",
				S3_SSE_KEY_BYTES);
	}
	if (EVP_Digest(key->data, key->len, md5, &len, EVP_md5(), NULL) != 1) {
		err_set(e, ERR_CONFIG,
			"MD5 is switched off in this machine's OpenSSL, and S3 wants it of a "
			"customer's key");
		return err_hint(e, "A FIPS mode may do this.");
	}
	EVP_EncodeBlock((unsigned char *)sse->key, key->data, (int)key->len);
	EVP_EncodeBlock((unsigned char *)sse->key_md5, md5, (int)len);
	return true;
}

static bool read_key(struct s3_sse *sse, const char *path, const struct log *log, struct err *e)
{
	struct buf key = BUF_INIT;
	struct stat st;
	bool ok;

	/* A byte more than a key shows that there is more. */
	ok = file_read(path, S3_SSE_KEY_BYTES + 1, &key, e);
	if (!ok && e->code != ERR_DATA)
		e->code = ERR_CONFIG;
	else
		ok = take_key(sse, &key, path, e);
	if (ok && stat(path, &st) == 0 && (st.st_mode & S_IRWXO))
		log_warning(log, "key file \"%s\" can be read by everybody", path);
	if (key.data)
		OPENSSL_cleanse(key.data, key.len);
	buf_release(&key);
	return ok;
}

/* As it goes into a header. */
static bool is_key_id(const char *id)
{
	for (const char *at = id; *at; at++)
		if (*at <= ' ' || *at > '~')
			return false;
	return *id != '\0';
}

static bool misfit(const char *given, const char *wanted, struct err *e)
{
	return err_set(e, ERR_CONFIG, "s3.%s is given, but s3.sse is not %s", given, wanted);
}

bool s3_sse_init(struct s3_sse *sse, const struct store_options *o, const struct log *log,
		 struct err *e)
{
	bool kms = str_eq(o->sse, "aws:kms"), customer = str_eq(o->sse, "customer");

	*sse = (struct s3_sse){ 0 };
	if (o->sse && !kms && !customer && !str_eq(o->sse, "AES256"))
		return err_set(e, ERR_CONFIG,
			       "s3.sse: \"%s\" is none of AES256, aws:kms and customer", o->sse);
	if (o->sse_kms_key_id && !kms)
		return misfit("sse_kms_key_id", "aws:kms", e);
	if (o->sse_customer_key_file && !customer)
		return misfit("sse_customer_key_file", "customer", e);
	if (customer && !o->sse_customer_key_file)
		return err_set(e, ERR_CONFIG,
			       "s3.sse is customer, but there is no s3.sse_customer_key_file");
	if (customer)
		return read_key(sse, o->sse_customer_key_file, log, e);
	if (o->sse_kms_key_id && !is_key_id(o->sse_kms_key_id))
		return err_set(e, ERR_CONFIG, "s3.sse_kms_key_id is no id of a key");
	if (o->sse)
		sse->algorithm = kms ? "aws:kms" : "AES256";
	sse->kms_key_id = mem_strdup(o->sse_kms_key_id, e);
	return !o->sse_kms_key_id || sse->kms_key_id;
}

void s3_sse_release(struct s3_sse *sse)
{
	free(sse->kms_key_id);
	OPENSSL_cleanse(sse, sizeof(*sse));
}

bool s3_sse_copy(struct s3_sse *to, const struct s3_sse *from, struct err *e)
{
	*to = *from;
	to->kms_key_id = mem_strdup(from->kms_key_id, e);
	return !from->kms_key_id || to->kms_key_id;
}

bool s3_sse_has_key(const struct s3_sse *sse)
{
	return sse->key[0] != '\0';
}

size_t s3_sse_headers(const struct s3_sse *sse, enum s3_sse_use use,
		      struct http_header out[S3_SSE_HEADERS_MAX])
{
	size_t count = 0;

	if (use == S3_SSE_NONE)
		return 0;
	if (s3_sse_has_key(sse)) {
		out[count++] = (struct http_header){ CUSTOMER_HEADER "algorithm", "AES256" };
		out[count++] = (struct http_header){ CUSTOMER_HEADER "key", sse->key };
		out[count++] = (struct http_header){ CUSTOMER_HEADER "key-md5", sse->key_md5 };
		return count;
	}
	/* Said once; a server refuses it of the calls after that. */
	if (use != S3_SSE_CREATE)
		return 0;
	if (sse->algorithm)
		out[count++] =
			(struct http_header){ "x-amz-server-side-encryption", sse->algorithm };
	if (sse->kms_key_id)
		out[count++] = (struct http_header){ "x-amz-server-side-encryption-aws-kms-key-id",
						     sse->kms_key_id };
	return count;
}
