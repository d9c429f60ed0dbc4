/*
 * Keys from servers (a container's agent, the instance's metadata, STS), and sessions that the
 * archive says are over: a server of our own in a thread that answers by a script.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/str.h"
#include "lib/aws_fixture.h"
#include "lib/http_fixture.h"
#include "store/s3_credentials_source.h"
#include "store/store_driver.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct step {
	const char *request;     /* how its first line begins */
	const char *contains[4]; /* what must be in it */
	int status;
	const char *body;
	const char *headers; /* complete lines, or NULL */
};

struct server {
	int listener;
	int port;
	pthread_t thread;
	const struct step *steps;
	size_t count, at;
	char wrong[600]; /* "" or what came instead of what should have */
};

static void take_request(struct server *s, int fd)
{
	const struct step *step = &s->steps[s->at];
	char request[8192], text[4096];
	bool right;
	int len;

	http_fixture_read(fd, request, sizeof(request));
	right = s->at < s->count && str_starts_with(request, step->request);
	for (size_t i = 0; right && i < COUNT(step->contains) && step->contains[i]; i++)
		right = strstr(request, step->contains[i]) != NULL;
	if (!right) {
		snprintf(s->wrong, sizeof(s->wrong), "request %zu: %.500s", s->at, request);
		return;
	}
	s->at++;
	len = snprintf(text, sizeof(text),
		       "HTTP/1.1 %d Said\r\nConnection: close\r\nContent-Length: %zu\r\n%s\r\n%s",
		       step->status, step->body ? strlen(step->body) : 0,
		       step->headers ? step->headers : "",
		       step->body && !str_starts_with(request, "HEAD") ? step->body : "");
	if (send(fd, text, (size_t)len, MSG_NOSIGNAL) != len)
		snprintf(s->wrong, sizeof(s->wrong), "could not send");
}

static void *serve(void *ctx)
{
	struct server *s = ctx;
	int fd;

	while ((fd = accept(s->listener, NULL, NULL)) >= 0) {
		take_request(s, fd);
		close(fd);
	}
	return NULL;
}

static void start(struct server *s, const struct step *steps, size_t count)
{
	*s = (struct server){ .steps = steps, .count = count };
	s->listener = http_fixture_listen(&s->port);
	assert_true(s->listener >= 0);
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

/* Every step was taken, and nothing else came. */
static void finish(struct server *s)
{
	shutdown(s->listener, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	close(s->listener);
	assert_string_equal(s->wrong, "");
	assert_int_equal(s->at, s->count);
}

static int64_t now_ms;

static int64_t fake_now(void *ctx)
{
	return *(int64_t *)ctx;
}

static time_t fake_wall(void *ctx)
{
	return (time_t)(1700000000 + *(int64_t *)ctx / 1000);
}

static void fake_sleep(void *ctx, int64_t ms)
{
	*(int64_t *)ctx += ms;
}

static const struct clock fake_clock = { fake_now, fake_wall, fake_sleep, &now_ms };
static const struct s3_credential_options options = { .clock = &fake_clock };

static char folder[64];

static int set_up(void **state)
{
	(void)state;
	if (!aws_fixture_make(folder))
		return -1;
	/* A proxy that nobody must ask. */
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	now_ms = 0;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unsetenv("http_proxy");
	return aws_fixture_remove(folder);
}

/* Where the server is, as a variable. */
static void point(const char *variable, const struct server *s, const char *path)
{
	char url[100];

	snprintf(url, sizeof(url), "http://127.0.0.1:%d%s", s->port, path);
	setenv(variable, url, 1);
}

static void write_name(const char *name, const char *text, char path[100])
{
	struct err e = { 0 };

	snprintf(path, 100, "%s/%s", folder, name);
	assert_true(file_write_atomic(path, text, strlen(text), &e));
}

static void expect_keys(const char *access_key, const char *token, int64_t lasts_s,
			const char *source)
{
	struct s3_credentials c = { 0 };
	struct err e = { 0 };

	if (!s3_credentials_load(&c, &options, &e))
		fail_msg("%s", e.message);
	assert_string_equal(c.access_key, access_key);
	assert_string_equal(c.secret_key, "HUSH");
	assert_string_equal(c.session_token, token);
	assert_int_equal(c.expires_s, lasts_s ? 1700000000 + lasts_s : 0);
	assert_string_equal(c.source, source);
	s3_credentials_release(&c);
}

static void expect_error(enum err_code code, const char *says)
{
	struct s3_credentials c = { 0 };
	struct err e = { 0 };

	assert_false(s3_credentials_load(&c, &options, &e));
	if (e.code != code || !strstr(e.message, says))
		fail_msg("%d: %s", e.code, e.message);
	assert_null(strstr(e.message, "HUSH"));
	assert_null(strstr(e.hint, "HUSH"));
	s3_credentials_release(&c);
}

#define JSON(key, token)                                                                  \
	"{\"Code\":\"Success\",\"AccessKeyId\":\"" key "\",\"SecretAccessKey\":\"HUSH\"," \
	"\"Token\":\"" token "\",\"Expiration\":\"2023-11-14T23:13:20Z\"}"

static void an_instance_is_asked_for_a_token_a_role_and_its_keys(void **state)
{
	static const struct step steps[] = {
		{ "PUT /latest/api/token ",
		  { "x-aws-ec2-metadata-token-ttl-seconds: 21600\r\n" },
		  200,
		  "token-1==",
		  NULL },
		{ "GET /latest/meta-data/iam/security-credentials/ ",
		  { "x-aws-ec2-metadata-token: token-1==\r\n" },
		  200,
		  "my-role\n",
		  NULL },
		{ "GET /latest/meta-data/iam/security-credentials/my-role ",
		  { "x-aws-ec2-metadata-token: token-1==\r\n" },
		  200,
		  JSON("I", "IT"),
		  NULL },
	};
	struct server server;

	(void)state;
	start(&server, steps, COUNT(steps));
	unsetenv("AWS_EC2_METADATA_DISABLED");
	point("AWS_EC2_METADATA_SERVICE_ENDPOINT", &server, "/");
	expect_keys("I", "IT", 3600, "instance metadata, role \"my-role\"");
	finish(&server);
}

static void an_instance_without_a_role_is_named_among_what_was_tried(void **state)
{
	static const struct step steps[] = {
		{ "PUT /latest/api/token ", { NULL }, 200, "t", NULL },
		{ "GET /latest/meta-data/iam/security-credentials/ ", { NULL }, 404, "no", NULL },
		{ "PUT /latest/api/token ", { NULL }, 403, "", NULL },
		{ "PUT /latest/api/token ", { NULL }, 200, "t", NULL },
		{ "GET /latest/meta-data/iam/security-credentials/ ", { NULL }, 200, "r", NULL },
		{ "GET /latest/meta-data/iam/security-credentials/r ",
		  { NULL },
		  200,
		  "{\"Code\":\"AssumeRoleUnauthorizedAccess\",\"Message\":\"HUSH\"}",
		  NULL },
	};
	struct server server;

	(void)state;
	start(&server, steps, COUNT(steps));
	unsetenv("AWS_EC2_METADATA_DISABLED");
	point("AWS_EC2_METADATA_SERVICE_ENDPOINT", &server, "");
	expect_error(ERR_DENIED, "instance metadata: it answered GET "
				 "/latest/meta-data/iam/security-credentials/ with HTTP 404");
	expect_error(ERR_DENIED, "it answered PUT /latest/api/token with HTTP 403");
	expect_error(ERR_DENIED, "no credentials to give: \"AssumeRoleUnauthorizedAccess\"");
	finish(&server);
}

static void a_container_is_asked_with_its_token_which_is_read_anew(void **state)
{
	static const struct step steps[] = {
		{ "GET /v1/c?x=1 ",
		  { "authorization: from-file\r\n", "accept: application/json\r\n" },
		  200,
		  JSON("C", "CT"),
		  NULL },
		{ "GET /v1/c?x=1 ", { "authorization: from-variable\r\n" }, 500, "", NULL },
		{ "GET /v1/c?x=1 ", { NULL }, 200, JSON("D", "DT"), NULL },
		{ "GET /v1/c?x=1 ", { NULL }, 403, "HUSH", NULL },
		{ "GET /v1/c?x=1 ", { NULL }, 200, "{\"HUSH\":1}", NULL },
	};
	struct server server;
	char path[100], source[100];

	(void)state;
	start(&server, steps, COUNT(steps));
	point("AWS_CONTAINER_CREDENTIALS_FULL_URI", &server, "/v1/c?x=1");
	snprintf(source, sizeof(source), "container credentials of \"127.0.0.1:%d\"", server.port);
	write_name("token", "from-file\n", path);
	setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", path, 1);
	setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "from-variable", 1);
	expect_keys("C", "CT", 3600, source);
	unsetenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
	expect_keys("D", "DT", 3600, source);
	expect_error(ERR_DENIED, "could not get the container's S3 credentials from \"127.0.0.1:");
	expect_error(ERR_DENIED, "there is no access key id in what it gave");
	setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "HUSH\r\nx: y", 1);
	expect_error(ERR_CONFIG, "holds a line break");
	unsetenv("AWS_CONTAINER_AUTHORIZATION_TOKEN");
	setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://example.invalid/HUSH", 1);
	expect_error(ERR_CONFIG, "host \"example.invalid\" is asked by https:// only");
	finish(&server);
}

#define STS(action, key)                                                                      \
	"<" action "Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><" action    \
	"Result><Credentials><AccessKeyId>" key "</AccessKeyId><SecretAccessKey>HUSH"         \
	"</SecretAccessKey><SessionToken>" key "T</SessionToken><Expiration>2023-11-14T23:13" \
	":20Z</Expiration></Credentials></" action "Result></" action "Response>"

static void a_web_identity_becomes_a_role(void **state)
{
	static const struct step steps[] = {
		{ "POST / ",
		  { "content-type: application/x-www-form-urlencoded",
		    "\r\n\r\nAction=AssumeRoleWithWebIdentity&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3A"
		    "role%2Fr&RoleSessionName=me&Version=2011-06-15&WebIdentityToken=a.b-c%3D" },
		  200,
		  STS("AssumeRoleWithWebIdentity", "W"),
		  NULL },
		{ "POST / ",
		  { NULL },
		  400,
		  "<ErrorResponse><Error><Code>ExpiredTokenException</Code><Message>HUSH</Message>"
		  "</Error></ErrorResponse>",
		  NULL },
		{ "POST / ", { NULL }, 503, "", NULL },
		{ "POST / ", { NULL }, 503, "", NULL },
		{ "POST / ", { NULL }, 503, "", NULL },
		{ "POST / ", { NULL }, 200, "<html>HUSH</html>", NULL },
	};
	struct server server;
	char path[100];

	(void)state;
	start(&server, steps, COUNT(steps));
	unsetenv("http_proxy");
	point("AWS_ENDPOINT_URL_STS", &server, "");
	setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1", 1);
	write_name("token", "a.b-c=\n", path);
	setenv("AWS_WEB_IDENTITY_TOKEN_FILE", path, 1);
	setenv("AWS_ROLE_ARN", "arn:aws:iam::1:role/r", 1);
	setenv("AWS_ROLE_SESSION_NAME", "me", 1);
	expect_keys("W", "WT", 3600, "web identity, role \"arn:aws:iam::1:role/r\"");
	expect_error(ERR_DENIED, "HTTP 400 ExpiredTokenException");
	expect_error(ERR_OFFLINE, "it answered HTTP 503");
	expect_error(ERR_DENIED, "there is no access key id");
	unlink(path);
	expect_error(ERR_CONFIG, path);
	finish(&server);
}

static void a_role_is_assumed_with_the_keys_of_its_source(void **state)
{
	static const struct step steps[] = {
		{ "POST / ",
		  { "AWS4-HMAC-SHA256 Credential=S/20231114/r-1/sts/aws4_request,SignedHeaders="
		    "content-type;host;x-amz-content-sha256;x-amz-date,",
		    "\r\n\r\nAction=AssumeRole&DurationSeconds=900&ExternalId=x&RoleArn=first&"
		    "RoleSessionName=firn-1700000000&Version=2011-06-15" },
		  200,
		  STS("AssumeRole", "A"),
		  NULL },
		{ "POST / ",
		  { "Credential=A/", "x-amz-security-token: AT\r\n", "RoleArn=second" },
		  200,
		  STS("AssumeRole", "B"),
		  NULL },
	};
	struct server server;
	char path[100];

	(void)state;
	start(&server, steps, COUNT(steps));
	unsetenv("http_proxy");
	point("AWS_ENDPOINT_URL", &server, "/");
	setenv("AWS_REGION", "r-1", 1);
	setenv("AWS_PROFILE", "two", 1);
	write_name("config",
		   "[profile two]\nrole_arn=second\nsource_profile=one\n[profile one]\nrole_arn="
		   "first\nsource_profile=base\nexternal_id=x\nduration_seconds=900\n",
		   path);
	write_name("credentials", "[base]\naws_access_key_id=S\naws_secret_access_key=HUSH\n",
		   path);
	expect_keys("B", "BT", 3600, "role \"second\" of profile \"two\"");
	finish(&server);
}

/* A process that gives the keys in the file "session", whose name is the key's and the token's. */
static void write_session(const char *name)
{
	char path[100], text[300];

	snprintf(text, sizeof(text),
		 "{\"Version\":1,\"AccessKeyId\":\"%s\",\"SecretAccessKey\":\"HUSH\","
		 "\"SessionToken\":\"%sT\"}",
		 name, name);
	write_name("session", text, path);
	snprintf(text, sizeof(text), "[default]\ncredential_process = cat %s\n", path);
	write_name("config", text, path);
}

static struct store *open_store(const struct server *s)
{
	char endpoint[64];
	struct err e = { 0 };
	struct store *store;

	unsetenv("http_proxy");
	snprintf(endpoint, sizeof(endpoint), "http://127.0.0.1:%d", s->port);
	store = store_open(&(struct store_options){ .url = "s3://bucket/p",
						    .endpoint = endpoint,
						    .region = "here",
						    .path_style = true,
						    .call_timeout_ms = 1000,
						    .max_tries = 2,
						    .clock = &fake_clock },
			   &e);
	if (!store)
		fail_msg("%s", e.message);
	return store;
}

#define EXPIRED "<Error><Code>ExpiredToken</Code><Token-0>HUSH</Token-0></Error>"

static bool pass_over(void *ctx, const struct store_object *object, struct err *e)
{
	(void)ctx;
	(void)object;
	(void)e;
	return true;
}

static void an_expired_session_is_renewed_once_and_the_call_sent_again(void **state)
{
	static const struct step steps[] = {
		{ "GET /bucket/p/k ",
		  { "Credential=K1/", "x-amz-security-token: K1T\r\n" },
		  400,
		  EXPIRED,
		  NULL },
		{ "GET /bucket/p/k ",
		  { "Credential=K2/", "x-amz-security-token: K2T\r\n" },
		  206,
		  "abc",
		  "Content-Range: bytes 2-4/9\r\n" },
		{ "HEAD /bucket/p/k ", { "Credential=K2/" }, 400, "", NULL },
		{ "GET /bucket/p/k ", { "Credential=K2/" }, 400, EXPIRED, NULL },
		{ "GET /bucket/p/k ",
		  { "Credential=K3/" },
		  206,
		  "a",
		  "Content-Range: bytes 0-0/9\r\n" },
		{ "HEAD /bucket/p/k ", { "Credential=K3/" }, 200, NULL, NULL },
		{ "GET /bucket/?", { "Credential=K3/" }, 400, EXPIRED, NULL },
		{ "GET /bucket/?",
		  { "Credential=K4/" },
		  200,
		  "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>",
		  NULL },
	};
	struct store_object object;
	struct buf out = BUF_INIT;
	struct server server;
	struct store *s;
	struct err e = { 0 };

	(void)state;
	start(&server, steps, COUNT(steps));
	write_session("K1");
	s = open_store(&server);
	assert_string_equal(store_credentials_source(s),
			    "credential_process of profile \"default\"");
	write_session("K2");
	if (!store_get_range(s, "k", 2, 3, &out, &e))
		fail_msg("%s", e.message);
	assert_string_equal(buf_str(&out), "abc");
	write_session("K3");
	if (!store_head(s, "k", &object, &e))
		fail_msg("%s", e.message);
	write_session("K4");
	if (!store_list(s, "", pass_over, NULL, &e))
		fail_msg("%s", e.message);
	assert_int_equal(store_counters(s).retries, 0);
	buf_release(&out);
	store_close(s);
	finish(&server);
}

static void an_expired_session_without_a_successor_ends_in_a_clear_error(void **state)
{
	static const struct step steps[] = {
		{ "GET /bucket/p/k ", { "Credential=K1/" }, 400, EXPIRED, NULL },
		{ "GET /bucket/p/k ", { "Credential=K1/" }, 400, EXPIRED, NULL },
		{ "GET /bucket/p/k ", { "Credential=K1/" }, 400, EXPIRED, NULL },
		{ "GET /bucket/p/k ", { "Credential=K2/" }, 400, EXPIRED, NULL },
		{ "HEAD /bucket/p/k ", { "Credential=K2/" }, 400, "", NULL },
		{ "GET /bucket/p/k ", { "Credential=K2/" }, 400, EXPIRED, NULL },
	};
	struct store_object object;
	struct buf out = BUF_INIT;
	struct server server;
	char path[100];
	struct store *s;
	struct err e = { 0 };

	(void)state;
	start(&server, steps, COUNT(steps));
	write_session("K1");
	s = open_store(&server);
	/* The same again. */
	assert_false(store_get_range(s, "k", 0, 1, &out, &e));
	assert_int_equal(e.code, ERR_DENIED);
	assert_non_null(strstr(e.message, "ExpiredToken"));
	assert_non_null(strstr(e.hint, "credential_process of profile \"default\", which gives no "
				       "others"));
	/* None at all. */
	write_name("session", "not now", path);
	assert_false(store_get_range(s, "k", 0, 1, &out, &e));
	assert_int_equal(e.code, ERR_DENIED);
	assert_non_null(strstr(e.message, "have expired, and no others could be had"));
	/* Others, which the archive calls expired too. */
	write_session("K2");
	assert_false(store_get_range(s, "k", 0, 1, &out, &e));
	assert_int_equal(e.code, ERR_DENIED);
	assert_false(store_head(s, "k", &object, &e));
	assert_int_equal(e.code, ERR_DENIED);
	assert_non_null(strstr(e.message, "ExpiredToken"));
	assert_null(strstr(e.message, "HUSH"));
	assert_int_equal(store_counters(s).retries, 0);
	buf_release(&out);
	store_close(s);
	finish(&server);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_instance_is_asked_for_a_token_a_role_and_its_keys),
		TEST(an_instance_without_a_role_is_named_among_what_was_tried),
		TEST(a_container_is_asked_with_its_token_which_is_read_anew),
		TEST(a_web_identity_becomes_a_role),
		TEST(a_role_is_assumed_with_the_keys_of_its_source),
		TEST(an_expired_session_is_renewed_once_and_the_call_sent_again),
		TEST(an_expired_session_without_a_successor_ends_in_a_clear_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
