/*
 * Gives out S3 keys as AWS's servers do: the metadata of an instance (version 2), a container's agent,
 * and STS. One request at a time, on 127.0.0.1.
 *
 *     credential_server DIR     writes its port to DIR/port, serves until it is killed
 *
 * The keys are FIRN_TEST_S3_KEY and FIRN_TEST_S3_SECRET. Files in DIR say how it behaves: "lasts", how many
 * seconds the keys are good for (3600 without it), "refuse", if there is one, that it gives none. DIR/log gets
 * a line for each request: who asked and what came of it.
 */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "lib/http_fixture.h"

#define ROLE_PATH "GET /latest/meta-data/iam/security-credentials/"

static bool starts(const char *s, const char *with)
{
	return strncmp(s, with, strlen(with)) == 0;
}

static void expiration(char out[32])
{
	FILE *file = fopen("lasts", "r");
	long lasts = 3600;
	struct tm tm;
	time_t until;

	if (file && fscanf(file, "%ld", &lasts) != 1)
		lasts = 3600;
	if (file)
		fclose(file);
	until = time(NULL) + lasts;
	gmtime_r(&until, &tm);
	strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

static void keys_as_json(char *out, size_t size)
{
	char until[32];

	expiration(until);
	snprintf(out, size,
		 "{\"Code\":\"Success\",\"AccessKeyId\":\"%s\",\"SecretAccessKey\":\"%s\","
		 "\"Token\":\"session-token\",\"Expiration\":\"%s\"}",
		 getenv("FIRN_TEST_S3_KEY"), getenv("FIRN_TEST_S3_SECRET"), until);
}

static void keys_as_xml(const char *action, char *out, size_t size)
{
	char until[32];

	expiration(until);
	snprintf(out, size,
		 "<%sResponse "
		 "xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><%sResult><Credentials>"
		 "<AccessKeyId>%s</AccessKeyId><SecretAccessKey>%s</SecretAccessKey>"
		 "<SessionToken>session-token</SessionToken><Expiration>%s</Expiration>"
		 "</Credentials></%sResult></%sResponse>",
		 action, action, getenv("FIRN_TEST_S3_KEY"), getenv("FIRN_TEST_S3_SECRET"), until,
		 action, action);
}

/* The status; who says what was asked for. */
static int answer(const char *request, const char **who, char *out, size_t size)
{
	const char *body = strstr(request, "\r\n\r\n");
	bool has_token =
		strcasestr(request, "\r\nx-aws-ec2-metadata-token: metadata-token\r\n") != NULL;
	bool is_role = starts(request, ROLE_PATH);
	char credential[200];

	out[0] = '\0';
	*who = starts(request, "PUT /latest/api/token ") ? "token"
	       : is_role                                 ? "instance"
	       : starts(request, "GET /container ")      ? "container"
	       : starts(request, "POST / ")              ? "sts"
							 : "nobody";
	if (access("refuse", F_OK) == 0)
		return 403;
	if (starts(*who, "token")) {
		snprintf(out, size, "metadata-token");
		return strcasestr(request, "\r\nx-aws-ec2-metadata-token-ttl-seconds: ") ? 200
											 : 400;
	}
	if (is_role && !has_token)
		return 401;
	if (is_role && request[strlen(ROLE_PATH)] == ' ') {
		snprintf(out, size, "firn-role");
		return 200;
	}
	if (starts(request, ROLE_PATH "firn-role ") ||
	    (starts(*who, "container") &&
	     strcasestr(request, "\r\nauthorization: let-me-in\r\n"))) {
		keys_as_json(out, size);
		return 200;
	}
	if (!starts(*who, "sts") || !body)
		return 404;
	if (strstr(body, "Action=AssumeRoleWithWebIdentity&") &&
	    strstr(body, "&WebIdentityToken=web-token")) {
		keys_as_xml("AssumeRoleWithWebIdentity", out, size);
		return 200;
	}
	snprintf(credential, sizeof(credential), "Credential=%s/", getenv("FIRN_TEST_S3_KEY"));
	if (strstr(body, "Action=AssumeRole&") && strstr(request, credential) &&
	    strstr(request, "/sts/aws4_request")) {
		keys_as_xml("AssumeRole", out, size);
		return 200;
	}
	snprintf(out, size,
		 "<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>");
	return 403;
}

static void serve(int fd)
{
	static char request[65536];
	char body[4096], text[8192];
	const char *who;
	FILE *log = fopen("log", "a");
	int status, len;

	http_fixture_read(fd, request, sizeof(request));
	status = answer(request, &who, body, sizeof(body));
	len = snprintf(text, sizeof(text),
		       "HTTP/1.1 %d Said\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s",
		       status, strlen(body), body);
	if (send(fd, text, (size_t)len, MSG_NOSIGNAL) != len)
		who = "gone";
	if (log) {
		fprintf(log, "%s %d\n", who, status);
		fclose(log);
	}
}

int main(int argc, char **argv)
{
	int number, listener = http_fixture_listen(&number), fd;
	FILE *port;

	if (argc != 2 || chdir(argv[1]) != 0 || !getenv("FIRN_TEST_S3_KEY") ||
	    !getenv("FIRN_TEST_S3_SECRET"))
		return 64;
	if (listener < 0)
		return 71;
	port = fopen("port.new", "w");
	if (!port || fprintf(port, "%d\n", number) < 0 || fclose(port) != 0 ||
	    rename("port.new", "port") != 0)
		return 73;
	while ((fd = accept(listener, NULL, NULL)) >= 0) {
		serve(fd);
		close(fd);
	}
	return 71;
}
