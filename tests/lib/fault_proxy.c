#include "lib/fault_proxy.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <strings.h>
#include <time.h>

#include "lib/http_fixture.h"
#include "lib/http_message.h"

#define SCRIPTS_MAX   32
#define UPSTREAM_MS   60000
#define TRICKLE_STEPS 16
#define TRICKLE_MS    5
#define CONTROL       "/__faults/"

struct script {
	uint32_t calls;
	enum fault_kind kind;
	unsigned skip, count;
};

struct connection {
	struct fault_proxy *proxy;
	int fd;
	struct bytes in; /* read, and not used yet */
	struct connection *next;
};

struct fault_proxy {
	struct sockaddr_in server;
	int listener, port;
	pthread_t thread;
	pthread_mutex_t lock; /* over all that follows */
	pthread_cond_t gone;  /* a connection ended */
	struct connection *connections;
	bool stopping;
	struct fault_plan plan;
	uint64_t random;
	struct script scripts[SCRIPTS_MAX];
	size_t script_count;
	struct fault_counters counters;
	struct bytes list_prefix, list_body; /* of the page that was listed last */
};

/* One request, and what becomes of it. */
struct exchange {
	struct connection *c;
	struct bytes head, body;               /* as they came */
	struct bytes answer_head, answer_body; /* as they go back */
	char method[16], target[8192];
	enum fault_call call;
	enum fault_kind fault;
	uint64_t random;
};

#define BIT       FAULT_BIT
#define ALL       (BIT(CALL_COUNT) - 1)
#define WITH_BODY (BIT(CALL_PUT) | BIT(CALL_PART) | BIT(CALL_COMPLETE))
#define WITH_ANSWER                                                               \
	(BIT(CALL_GET) | BIT(CALL_CREATE) | BIT(CALL_COMPLETE) | BIT(CALL_LIST) | \
	 BIT(CALL_UPLOADS) | BIT(CALL_PARTS))

static const struct {
	const char *name;
	uint32_t calls; /* that can fail so */
} kinds[FAULT_KINDS] = {
	[FAULT_NONE] = { "none", 0 },
	[FAULT_REFUSE] = { "refuse", ALL },
	[FAULT_STALL] = { "stall", ALL },
	[FAULT_RESET_REQUEST] = { "reset-request", WITH_BODY | BIT(CALL_DELETE) },
	[FAULT_RESET_ANSWER] = { "reset-answer", WITH_ANSWER },
	[FAULT_TRUNCATE] = { "truncate", WITH_ANSWER },
	[FAULT_FLIP_ANSWER] = { "flip-answer", WITH_ANSWER },
	[FAULT_FLIP_REQUEST] = { "flip-request", WITH_BODY | BIT(CALL_DELETE) },
	[FAULT_DUPLICATE] = { "duplicate", ALL },
	[FAULT_500] = { "500", ALL },
	[FAULT_SLOW_DOWN] = { "slow-down", ALL },
	[FAULT_SLOW_DOWN_AFTER] = { "slow-down-after", ALL },
	[FAULT_TRICKLE] = { "trickle", ALL },
	[FAULT_WRONG_ETAG] = { "wrong-etag",
			       BIT(CALL_GET) | BIT(CALL_HEAD) | BIT(CALL_PUT) | BIT(CALL_PART) },
	[FAULT_COMPLETE_ERROR] = { "complete-error", BIT(CALL_COMPLETE) },
	[FAULT_COMPLETE_DONE] = { "complete-done", BIT(CALL_COMPLETE) },
	[FAULT_LIST_REPEAT] = { "list-repeat", BIT(CALL_LIST) },
	[FAULT_LIST_TOKEN] = { "list-token", BIT(CALL_LIST) },
	[FAULT_LIST_CUT] = { "list-cut", BIT(CALL_LIST) },
	[FAULT_LIST_DROP] = { "list-drop", BIT(CALL_LIST) },
	[FAULT_LOST] = { "lost", ALL },
};

static const char *const call_names[CALL_COUNT] = {
	[CALL_GET] = "get",     [CALL_HEAD] = "head",       [CALL_PUT] = "put",
	[CALL_PART] = "part",   [CALL_CREATE] = "create",   [CALL_COMPLETE] = "complete",
	[CALL_ABORT] = "abort", [CALL_COPY] = "copy",       [CALL_DELETE] = "delete",
	[CALL_LIST] = "list",   [CALL_UPLOADS] = "uploads", [CALL_PARTS] = "parts",
	[CALL_OTHER] = "other",
};

bool fault_applies(enum fault_kind kind, enum fault_call call)
{
	return (kinds[kind].calls & BIT(call)) != 0;
}

const char *fault_kind_name(enum fault_kind kind)
{
	return kinds[kind].name;
}

const char *fault_call_name(enum fault_call call)
{
	return call_names[call];
}

static bool is_name(const char *name, const char *text, size_t len)
{
	return strlen(name) == len && memcmp(name, text, len) == 0;
}

int fault_kind_by_name(const char *name, size_t len)
{
	for (int i = 0; i < FAULT_KINDS; i++)
		if (is_name(kinds[i].name, name, len))
			return i;
	return -1;
}

int fault_call_by_name(const char *name, size_t len)
{
	for (int i = 0; i < CALL_COUNT; i++)
		if (is_name(call_names[i], name, len))
			return i;
	return -1;
}

/* --- what is asked for --- */

/* The value of a parameter of the query, as long as *len; NULL: there is none. */
static const char *parameter(const char *target, const char *name, size_t *len)
{
	const char *at = strchr(target, '?');
	size_t n = strlen(name);

	while (at && *at) {
		at++;
		if (strncmp(at, name, n) == 0 && (at[n] == '=' || at[n] == '&' || at[n] == '\0')) {
			at += n + (at[n] == '=');
			*len = strcspn(at, "&");
			return at;
		}
		at = strchr(at, '&');
	}
	return NULL;
}

static bool has(const char *target, const char *name)
{
	size_t len;

	return parameter(target, name, &len) != NULL;
}

/* Path style: "/bucket/key". */
static bool has_key(const char *target)
{
	size_t path = strcspn(target, "?");
	const char *slash = path > 1 ? memchr(target + 1, '/', path - 1) : NULL;

	return slash && slash + 1 < target + path;
}

static enum fault_call classify_get(const char *target)
{
	if (has(target, "uploadId"))
		return CALL_PARTS;
	if (has_key(target))
		return CALL_GET;
	if (has(target, "uploads"))
		return CALL_UPLOADS;
	return has(target, "list-type") || has(target, "prefix") || has(target, "versions")
		       ? CALL_LIST
		       : CALL_OTHER;
}

static enum fault_call classify(const struct exchange *x)
{
	const char *target = x->target;

	if (strcmp(x->method, "GET") == 0)
		return classify_get(target);
	if (strcmp(x->method, "HEAD") == 0)
		return CALL_HEAD;
	if (strcmp(x->method, "PUT") == 0 && has_key(target))
		return has(target, "partNumber")                        ? CALL_PART
		       : message_header(&x->head, "x-amz-copy-source:") ? CALL_COPY
									: CALL_PUT;
	if (strcmp(x->method, "POST") == 0)
		return has(target, "uploads")    ? CALL_CREATE
		       : has(target, "uploadId") ? CALL_COMPLETE
		       : has(target, "delete")   ? CALL_DELETE
						 : CALL_OTHER;
	if (strcmp(x->method, "DELETE") == 0 && has_key(target))
		return has(target, "uploadId") ? CALL_ABORT : CALL_DELETE;
	return CALL_OTHER;
}

/* --- what goes wrong --- */

/* SplitMix64. Under the lock. */
static uint64_t next_random(struct fault_proxy *p)
{
	uint64_t z = p->random += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static enum fault_kind from_scripts(struct fault_proxy *p, enum fault_call call)
{
	for (size_t i = 0; i < p->script_count; i++) {
		struct script *s = &p->scripts[i];
		enum fault_kind kind = s->kind;

		if (!(s->calls & BIT(call)))
			continue;
		if (s->skip > 0) {
			s->skip--;
			continue;
		}
		if (--s->count == 0)
			memmove(s, s + 1, (--p->script_count - i) * sizeof(*s));
		return kind;
	}
	return FAULT_NONE;
}

static enum fault_kind from_plan(struct fault_proxy *p, enum fault_call call)
{
	const struct fault_plan *plan = &p->plan;
	enum fault_kind fit[FAULT_KINDS];
	size_t count = 0;

	if (plan->percent == 0 || (plan->calls && !(plan->calls & BIT(call))) ||
	    next_random(p) % 100 >= plan->percent)
		return FAULT_NONE;
	for (int i = FAULT_NONE + 1; i < FAULT_KINDS; i++)
		if (fault_applies(i, call) && (!plan->kinds || plan->kinds & BIT(i)))
			fit[count++] = i;
	return count > 0 ? fit[next_random(p) % count] : FAULT_NONE;
}

static void choose(struct exchange *x)
{
	struct fault_proxy *p = x->c->proxy;

	pthread_mutex_lock(&p->lock);
	x->call = classify(x);
	p->counters.requests++;
	p->counters.calls[x->call]++;
	x->fault = from_scripts(p, x->call);
	if (x->fault == FAULT_NONE)
		x->fault = from_plan(p, x->call);
	x->random = next_random(p);
	pthread_mutex_unlock(&p->lock);
}

static void count(struct fault_proxy *p, uint64_t *counter, uint64_t more)
{
	pthread_mutex_lock(&p->lock);
	*counter += more;
	pthread_mutex_unlock(&p->lock);
}

/* The fault that was chosen comes to pass. */
static void happens(const struct exchange *x)
{
	count(x->c->proxy, &x->c->proxy->counters.faults[x->fault], 1);
}

static void reset(const struct connection *c)
{
	static const struct linger at_once = { 1, 0 };

	setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

/* Until the client goes away, or the proxy stops, which shuts the socket down. */
static void stall(const struct connection *c)
{
	struct pollfd fd = { .fd = c->fd, .events = POLLRDHUP };

	while (poll(&fd, 1, -1) < 0 && errno == EINTR)
		;
}

static void flip_bit(struct bytes *b, uint64_t random)
{
	b->data[random % b->len] ^= (char)(1 << (random >> 32) % 8);
}

static void pause_ms(long ms)
{
	const struct timespec t = { 0, ms * 1000000 };

	nanosleep(&t, NULL);
}

static void add_header(struct bytes *head, const char *line)
{
	head->len -= 2; /* the empty line */
	bytes_add_text(head, line);
	bytes_add_text(head, "\r\n\r\n");
}

static void drop_header(struct bytes *head, const char *name)
{
	char *at;

	while ((at = message_header(head, name)))
		bytes_drop(head, (size_t)(at - head->data), strcspn(at, "\n") + 1);
}

static void answer_error(struct exchange *x, const char *status, const char *header,
			 const char *code)
{
	char text[300];
	bool with_body = strcmp(x->method, "HEAD") != 0;
	int len;

	len = snprintf(text, sizeof(text), "HTTP/1.1 %s\r\nContent-Type: application/xml\r\n%s\r\n",
		       status, header);
	bytes_set(&x->answer_head, text, (size_t)len);
	len = snprintf(
		text, sizeof(text),
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>%s</Code><Message>On "
		"purpose</Message></Error>",
		code);
	bytes_set(&x->answer_body, text, with_body ? (size_t)len : 0);
}

/* --- lists that lie --- */

/* Remembers the page, or puts the one before in its place. */
static bool repeat_page(struct exchange *x, bool lie)
{
	struct fault_proxy *p = x->c->proxy;
	size_t len = 0;
	const char *prefix = parameter(x->target, "prefix", &len);
	bool lied = false;

	prefix = prefix ? prefix : "";
	pthread_mutex_lock(&p->lock);
	if (lie && has(x->target, "continuation-token") && p->list_body.len > 0 &&
	    p->list_prefix.len == len && memcmp(p->list_prefix.data, prefix, len) == 0) {
		bytes_set(&x->answer_body, p->list_body.data, p->list_body.len);
		lied = true;
	} else {
		bytes_set(&p->list_prefix, prefix, len);
		bytes_set(&p->list_body, x->answer_body.data, x->answer_body.len);
	}
	pthread_mutex_unlock(&p->lock);
	return lied;
}

static void replace(struct bytes *b, size_t at, size_t len, const struct bytes *with)
{
	struct bytes whole = { 0 };

	bytes_add(&whole, b->data, at);
	if (with)
		bytes_add(&whole, with->data, with->len);
	bytes_add(&whole, b->data + at + len, b->len - at - len);
	bytes_release(b);
	*b = whole;
}

static void percent_decode(const char *text, size_t len, struct bytes *out)
{
	for (size_t i = 0; i < len; i++) {
		char digits[3] = { 0 }, byte = text[i];

		if (byte == '%' && i + 2 < len) {
			memcpy(digits, text + i + 1, 2);
			byte = (char)strtoul(digits, NULL, 16);
			i += 2;
		}
		bytes_add(out, &byte, 1);
	}
}

/* The page is said to be followed by the one that was asked for. */
static bool repeat_token(struct exchange *x)
{
	static const char tag[] = "<NextContinuationToken>";
	size_t len;
	const char *token = parameter(x->target, "continuation-token", &len);
	char *at = strstr(x->answer_body.data, tag);
	struct bytes own = { 0 };

	if (!token || !at)
		return false;
	at += sizeof(tag) - 1;
	percent_decode(token, len, &own);
	replace(&x->answer_body, (size_t)(at - x->answer_body.data), strcspn(at, "<"), &own);
	bytes_release(&own);
	return true;
}

/* Without the first element between these tags. */
static bool cut_element(struct exchange *x, const char *open, const char *close)
{
	char *at = strstr(x->answer_body.data, open);
	char *end = at ? strstr(at, close) : NULL;

	if (!end)
		return false;
	bytes_drop(&x->answer_body, (size_t)(at - x->answer_body.data),
		   (size_t)(end + strlen(close) - at));
	return true;
}

/* --- one exchange --- */

static int connect_upstream(const struct fault_proxy *p)
{
	const struct timeval limit = { UPSTREAM_MS / 1000, 0 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(fd, (const struct sockaddr *)&p->server, sizeof(p->server)) == 0)
		return fd;
	close(fd);
	return -1;
}

/* Asks the server, and reads its answer whole. */
static bool forward(struct exchange *x)
{
	struct fault_proxy *p = x->c->proxy;
	int fd = connect_upstream(p);
	struct bytes in = { 0 };
	bool ok;

	if (fd < 0)
		return false;
	ok = message_send(fd, x->head.data, x->head.len) &&
	     message_send(fd, x->body.data, x->body.len);
	/* Also where sending failed: a server that refuses may answer before it has read all. */
	do {
		ok = message_read_head(fd, &in, &x->answer_head);
	} while (ok && strncmp(x->answer_head.data + 8, " 1", 2) == 0);
	if (ok && strcmp(x->method, "HEAD") != 0)
		ok = message_read_body(fd, &in, &x->answer_head,
				       strncmp(x->answer_head.data + 8, " 204", 4) != 0 &&
					       strncmp(x->answer_head.data + 8, " 304", 4) != 0,
				       &x->answer_body);
	else
		bytes_set(&x->answer_body, "", 0);
	close(fd);
	bytes_release(&in);
	if (ok)
		count(p, &p->counters.forwarded, 1);
	return ok;
}

static bool is_success(const struct exchange *x)
{
	return strncmp(x->answer_head.data + 8, " 2", 2) == 0;
}

/* What changes an answer that came whole; false: it did not fit, and nothing was changed. */
static bool change_answer(struct exchange *x)
{
	struct bytes *body = &x->answer_body;

	switch (x->fault) {
	case FAULT_FLIP_ANSWER:
		if (body->len > 0)
			flip_bit(body, x->random);
		return body->len > 0;
	case FAULT_WRONG_ETAG:
		if (!message_header(&x->answer_head, "etag:"))
			return false;
		drop_header(&x->answer_head, "etag:");
		add_header(&x->answer_head, "ETag: \"0123456789abcdef0123456789abcdef\"");
		return true;
	case FAULT_COMPLETE_DONE:
		answer_error(x, "200 OK", "", "InternalError");
		return true;
	case FAULT_LIST_TOKEN:
		return repeat_token(x);
	case FAULT_LIST_CUT:
		return cut_element(x, "<IsTruncated>true", "</IsTruncated>");
	case FAULT_LIST_DROP:
		return cut_element(x, "<Contents>", "</Contents>");
	case FAULT_RESET_ANSWER:
	case FAULT_TRUNCATE:
		return body->len > 0;
	case FAULT_DUPLICATE:
	case FAULT_TRICKLE:
	case FAULT_LOST:
		return true;
	default:
		return false;
	}
}

/* True: the connection goes on. */
static bool send_answer(struct exchange *x)
{
	struct fault_proxy *p = x->c->proxy;
	struct bytes *head = &x->answer_head, *body = &x->answer_body;
	bool broken = x->fault == FAULT_RESET_ANSWER || x->fault == FAULT_TRUNCATE;
	size_t len = broken ? body->len / 2 : body->len, step;
	char line[64];

	if (strcmp(x->method, "HEAD") != 0) {
		drop_header(head, "content-length:");
		drop_header(head, "transfer-encoding:");
		snprintf(line, sizeof(line), "Content-Length: %zu", body->len);
		if (strncmp(head->data + 8, " 204", 4) != 0 &&
		    strncmp(head->data + 8, " 304", 4) != 0)
			add_header(head, line);
	}
	drop_header(head, "connection:");
	count(p, &p->counters.bytes_out, head->len + len);
	if (x->fault != FAULT_TRICKLE) {
		if (!message_send(x->c->fd, head->data, head->len) ||
		    !message_send(x->c->fd, body->data, len))
			return false;
		if (x->fault == FAULT_RESET_ANSWER)
			reset(x->c);
		return !broken;
	}
	bytes_add(head, body->data, body->len);
	step = head->len / TRICKLE_STEPS + 1;
	for (size_t at = 0; at < head->len; at += step) {
		if (!message_send(x->c->fd, head->data + at,
				  head->len - at < step ? head->len - at : step))
			return false;
		pause_ms(TRICKLE_MS);
	}
	return true;
}

/* The fault where it is over before the server is asked. *goes_on: the connection does. */
static bool fail_early(struct exchange *x, bool *goes_on)
{
	*goes_on = true;
	switch (x->fault) {
	case FAULT_500:
		answer_error(x, "500 Internal Server Error", "", "InternalError");
		break;
	case FAULT_SLOW_DOWN:
		answer_error(x, "503 Slow Down", "", "SlowDown");
		break;
	case FAULT_SLOW_DOWN_AFTER:
		answer_error(x, "503 Slow Down", "Retry-After: 1\r\n", "SlowDown");
		break;
	case FAULT_COMPLETE_ERROR:
		answer_error(x, "200 OK", "", "InternalError");
		break;
	case FAULT_STALL:
		happens(x);
		stall(x->c);
		*goes_on = false;
		return true;
	default:
		return false;
	}
	happens(x);
	*goes_on = send_answer(x);
	return true;
}

/* The request was read whole. True: the connection goes on. */
static bool answer(struct exchange *x)
{
	bool goes_on, done;

	if (fail_early(x, &goes_on))
		return goes_on;
	if (x->fault == FAULT_FLIP_REQUEST && x->body.len > 0) {
		happens(x);
		flip_bit(&x->body, x->random);
	}
	if ((x->fault == FAULT_DUPLICATE && !forward(x)) || !forward(x))
		return false;
	/* A refusal is left as it is: what it says is what the test is about. */
	done = x->fault != FAULT_NONE &&
	       (is_success(x) || x->fault == FAULT_DUPLICATE || x->fault == FAULT_TRICKLE ||
		x->fault == FAULT_LOST) &&
	       change_answer(x);
	if (x->call == CALL_LIST && is_success(x))
		done = repeat_page(x, x->fault == FAULT_LIST_REPEAT) || done;
	if (done)
		happens(x);
	else
		x->fault = FAULT_NONE;
	return x->fault == FAULT_LOST ? false : send_answer(x);
}

/* --- steering --- */

static uint64_t number(const char *target, const char *name, uint64_t otherwise)
{
	size_t len;
	const char *value = parameter(target, name, &len);

	return value ? strtoull(value, NULL, 10) : otherwise;
}

/* A mask of names with commas between them; 0: "all", or not said; false: a name is none. */
static bool mask(const char *target, const char *name, int (*by_name)(const char *, size_t),
		 uint32_t *out)
{
	size_t left;
	const char *at = parameter(target, name, &left);

	*out = 0;
	if (!at || is_name("all", at, left))
		return true;
	for (const char *end = at + left; at < end;) {
		size_t len = strcspn(at, ",&");
		int n = by_name(at, len);

		if (n < 0)
			return false;
		*out |= BIT(n);
		at += len + 1;
	}
	return true;
}

static void write_counters(struct fault_proxy *p, struct bytes *out)
{
	struct fault_counters c = fault_proxy_counters(p);
	char text[200];

	snprintf(text, sizeof(text),
		 "{\"requests\":%llu,\"forwarded\":%llu,\"bytes_in\":%llu,\"bytes_out\":%llu,"
		 "\"body_bytes_in\":%llu",
		 (unsigned long long)c.requests, (unsigned long long)c.forwarded,
		 (unsigned long long)c.bytes_in, (unsigned long long)c.bytes_out,
		 (unsigned long long)c.body_bytes_in);
	bytes_set(out, text, strlen(text));
	for (int i = 0; i < CALL_COUNT; i++) {
		snprintf(text, sizeof(text), "%s\"%s\":%llu", i == 0 ? ",\"calls\":{" : ",",
			 call_names[i], (unsigned long long)c.calls[i]);
		bytes_add_text(out, text);
	}
	for (int i = FAULT_NONE + 1; i < FAULT_KINDS; i++) {
		snprintf(text, sizeof(text), "%s\"%s\":%llu",
			 i == FAULT_NONE + 1 ? "},\"faults\":{" : ",", kinds[i].name,
			 (unsigned long long)c.faults[i]);
		bytes_add_text(out, text);
	}
	bytes_add_text(out, "}}\n");
}

static bool steer(struct exchange *x)
{
	struct fault_proxy *p = x->c->proxy;
	const char *what = x->target + strlen(CONTROL);
	uint32_t kind_mask = 0, call_mask = 0;
	bool ok = mask(x->target, "calls", fault_call_by_name, &call_mask);
	size_t len = strcspn(what, "?");

	bytes_set(&x->answer_body, "", 0);
	if (is_name("plan", what, len)) {
		ok = ok && mask(x->target, "kinds", fault_kind_by_name, &kind_mask);
		if (ok)
			fault_proxy_plan(
				p, &(struct fault_plan){
					   .percent = (unsigned)number(x->target, "percent", 0),
					   .kinds = kind_mask,
					   .calls = call_mask,
					   .seed = number(x->target, "seed", 1) });
	} else if (is_name("script", what, len)) {
		size_t name_len = 0;
		const char *name = parameter(x->target, "kind", &name_len);
		int kind = name ? fault_kind_by_name(name, name_len) : -1;

		ok = ok && kind >= 0 &&
		     fault_proxy_script(p, call_mask ? call_mask : ALL, kind,
					(unsigned)number(x->target, "skip", 0),
					(unsigned)number(x->target, "count", 1));
	} else if (is_name("clear", what, len)) {
		fault_proxy_clear(p);
	} else if (is_name("counters", what, len)) {
		write_counters(p, &x->answer_body);
	} else {
		ok = false;
	}
	bytes_set(&x->answer_head, "", 0);
	bytes_add_text(&x->answer_head,
		       ok ? "HTTP/1.1 200 OK\r\n\r\n" : "HTTP/1.1 400 Bad Request\r\n\r\n");
	return send_answer(x);
}

/* --- connections --- */

/* The body, or what of it there is before the fault. False: the connection has ended. */
static bool take_body(struct exchange *x)
{
	struct connection *c = x->c;
	const char *length = message_header(&x->head, "content-length:");
	size_t wanted = length ? strtoul(length + 15, NULL, 10) : 0;

	if (x->fault == FAULT_REFUSE || (x->fault == FAULT_RESET_REQUEST && wanted > 0)) {
		if (x->fault == FAULT_RESET_REQUEST)
			message_read_length(c->fd, &c->in, &x->body, wanted / 2);
		happens(x);
		reset(c);
		return false;
	}
	if (message_header(&x->head, "expect: 100-continue") &&
	    !message_send(c->fd, "HTTP/1.1 100 Continue\r\n\r\n", 25))
		return false;
	return message_read_body(c->fd, &c->in, &x->head, false, &x->body);
}

static bool serve_one(struct connection *c)
{
	struct exchange x = { .c = c };
	struct fault_proxy *p = c->proxy;
	bool goes_on = false;

	if (!message_read_head(c->fd, &c->in, &x.head))
		goto out;
	if (sscanf(x.head.data, "%15s %8191s", x.method, x.target) != 2)
		goto out;
	if (strncmp(x.target, CONTROL, strlen(CONTROL)) == 0) {
		goes_on = steer(&x);
		goto out;
	}
	choose(&x);
	goes_on = take_body(&x);
	count(p, &p->counters.bytes_in, x.head.len + x.body.len);
	count(p, &p->counters.body_bytes_in, x.body.len);
	goes_on = goes_on && answer(&x);
out:
	bytes_release(&x.head);
	bytes_release(&x.body);
	bytes_release(&x.answer_head);
	bytes_release(&x.answer_body);
	return goes_on;
}

static void *serve(void *ctx)
{
	struct connection *c = ctx, **at;
	struct fault_proxy *p = c->proxy;

	while (serve_one(c))
		;
	pthread_mutex_lock(&p->lock);
	for (at = &p->connections; *at != c; at = &(*at)->next)
		;
	*at = c->next;
	close(c->fd);
	pthread_cond_broadcast(&p->gone);
	pthread_mutex_unlock(&p->lock);
	bytes_release(&c->in);
	free(c);
	return NULL;
}

/* Takes fd. */
static void begin(struct fault_proxy *p, int fd)
{
	struct connection *c = calloc(1, sizeof(*c));
	pthread_attr_t detached;
	pthread_t thread;
	int one = 1;

	if (!c)
		abort();
	*c = (struct connection){ .proxy = p, .fd = fd };
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	pthread_attr_init(&detached);
	pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
	pthread_mutex_lock(&p->lock);
	if (!p->stopping && pthread_create(&thread, &detached, serve, c) == 0) {
		c->next = p->connections;
		p->connections = c;
	} else {
		close(fd);
		free(c);
	}
	pthread_mutex_unlock(&p->lock);
	pthread_attr_destroy(&detached);
}

static void *listen_for(void *ctx)
{
	struct fault_proxy *p = ctx;
	int fd;

	while ((fd = accept4(p->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0 || errno == EINTR ||
	       errno == ECONNABORTED)
		if (fd >= 0)
			begin(p, fd);
	return NULL;
}

static bool parse_endpoint(const char *endpoint, struct sockaddr_in *out)
{
	char host[64];
	unsigned port;

	if (!endpoint || sscanf(endpoint, "http://%63[0-9.]:%u", host, &port) != 2 || port > 65535)
		return false;
	*out = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	return inet_pton(AF_INET, host, &out->sin_addr) == 1;
}

struct fault_proxy *fault_proxy_start(const char *endpoint)
{
	struct fault_proxy *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->listener = -1;
	if (!parse_endpoint(endpoint, &p->server) ||
	    (p->listener = http_fixture_listen(&p->port)) < 0) {
		free(p);
		return NULL;
	}
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->gone, NULL);
	if (pthread_create(&p->thread, NULL, listen_for, p) != 0)
		abort();
	return p;
}

void fault_proxy_stop(struct fault_proxy *p)
{
	if (!p)
		return;
	shutdown(p->listener, SHUT_RDWR);
	pthread_join(p->thread, NULL);
	close(p->listener);
	pthread_mutex_lock(&p->lock);
	p->stopping = true;
	for (struct connection *c = p->connections; c; c = c->next)
		shutdown(c->fd, SHUT_RDWR);
	while (p->connections)
		pthread_cond_wait(&p->gone, &p->lock);
	pthread_mutex_unlock(&p->lock);
	pthread_mutex_destroy(&p->lock);
	pthread_cond_destroy(&p->gone);
	bytes_release(&p->list_prefix);
	bytes_release(&p->list_body);
	free(p);
}

int fault_proxy_port(const struct fault_proxy *p)
{
	return p->port;
}

void fault_proxy_plan(struct fault_proxy *p, const struct fault_plan *plan)
{
	pthread_mutex_lock(&p->lock);
	p->plan = *plan;
	p->random = plan->seed;
	pthread_mutex_unlock(&p->lock);
}

bool fault_proxy_script(struct fault_proxy *p, uint32_t calls, enum fault_kind kind, unsigned skip,
			unsigned count)
{
	bool fits;

	pthread_mutex_lock(&p->lock);
	fits = p->script_count < SCRIPTS_MAX && count > 0;
	if (fits)
		p->scripts[p->script_count++] = (struct script){ calls, kind, skip, count };
	pthread_mutex_unlock(&p->lock);
	return fits;
}

void fault_proxy_clear(struct fault_proxy *p)
{
	pthread_mutex_lock(&p->lock);
	p->plan = (struct fault_plan){ 0 };
	p->script_count = 0;
	p->counters = (struct fault_counters){ 0 };
	pthread_mutex_unlock(&p->lock);
}

struct fault_counters fault_proxy_counters(struct fault_proxy *p)
{
	struct fault_counters counters;

	pthread_mutex_lock(&p->lock);
	counters = p->counters;
	pthread_mutex_unlock(&p->lock);
	return counters;
}
