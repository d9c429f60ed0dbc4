/* The XML that S3 answers with: untrusted, so bounded everywhere, and without document types or
 * entities of its own. */
#ifndef STORE_S3_XML_H
#define STORE_S3_XML_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/*
 * Calls on_close at the end of each element, with the names from the root down
 * ("ListBucketResult/Contents/Key", prefixes of namespaces left out) and the text since the last
 * tag: a leaf's whole text. False (with e set) ends it. ERR_DATA: not well-formed, a document type,
 * deeper than 16 elements, or a text of more than 16 KiB.
 */
bool s3_xml_walk(const void *xml, size_t len,
		 bool (*on_close)(void *ctx, const char *path, const char *text, struct err *e),
		 void *ctx, struct err *e);

/* Appends text as an element's content, with what means something in XML escaped. */
void s3_xml_add_text(struct buf *out, const char *text);

struct s3_error {
	char code[64];      /* "NoSuchKey"; "" when the body held none */
	char message[256];  /* as the server says it: may echo anything, so see s3_call.c before it
			      is shown */
	char region[64];    /* where the bucket is, if it says so */
	char version[256];  /* of the object, in the answer to DeleteObjects */
	char endpoint[256]; /* the host to ask instead, if it says so */
};

/* Reads an error document as far as it can be read; what it does not find is "". Never fails. */
void s3_parse_error(const void *xml, size_t len, struct s3_error *out);

/* The id in the answer to CreateMultipartUpload. ERR_DATA. */
bool s3_parse_upload_id(const void *xml, size_t len, char *id, size_t id_size, struct err *e);

/* The answer to CompleteMultipartUpload or CopyObject, which can be an error in spite of its status
 * 200: true when it is a success, which has this root element, false when out says what went wrong
 * (with an empty code: nothing that makes sense). */
bool s3_parse_result(const void *xml, size_t len, const char *root, struct s3_error *out);

/* The answer to DeleteObjects: visit is called for each object that is still there. ERR_DATA. */
bool s3_parse_delete(const void *xml, size_t len,
		     bool (*visit)(void *ctx, const char *key, const struct s3_error *error,
				   struct err *e),
		     void *ctx, struct err *e);

#endif
