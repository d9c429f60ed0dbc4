/*
 * An HTTP/1.1 proxy that fails on purpose, in front of a real S3 server: a thread a connection, on 127.0.0.1. It links
 * nothing of firn.
 *
 * Requests go on as they came, with the Host header that the client signed. What fails is said by a plan (so many
 * percent of the calls, in these ways, drawn from a seed) and by scripts (the next such call fails in that way), which
 * go first. Requests and answers are held in memory whole.
 *
 * tests/lib/fault_proxy_main.c is the same as a program, for shell tests; it is steered by URLs:
 *
 *     /__faults/plan?percent=20&kinds=refuse,lost&calls=put,part&seed=7   kinds and calls: "all" without them
 *     /__faults/script?kind=truncate&calls=get&skip=1&count=2             the second and third GET from now
 *     /__faults/clear                                                     no plan, no scripts, counters at 0
 *     /__faults/counters                                                  as JSON
 */
#ifndef LIB_FAULT_PROXY_H
#define LIB_FAULT_PROXY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fault_proxy;

/* What S3 is asked for. */
enum fault_call {
	CALL_GET,
	CALL_HEAD,
	CALL_PUT,
	CALL_PART,
	CALL_CREATE,   /* of a multipart upload */
	CALL_COMPLETE, /* of one */
	CALL_ABORT,
	CALL_COPY,
	CALL_DELETE,  /* of one object or many */
	CALL_LIST,    /* objects or their versions */
	CALL_UPLOADS, /* lists them */
	CALL_PARTS,   /* lists them */
	CALL_OTHER,
	CALL_COUNT
};

enum fault_kind {
	FAULT_NONE,
	FAULT_REFUSE,        /* reset before the body is read */
	FAULT_STALL,         /* nothing happens until the client gives up; not forwarded */
	FAULT_RESET_REQUEST, /* reset in the middle of the body */
	FAULT_RESET_ANSWER,  /* forwarded; reset in the middle of the answer's body */
	FAULT_TRUNCATE,      /* forwarded; the answer's body ends too early */
	FAULT_FLIP_ANSWER,   /* a bit of the answer's body */
	FAULT_FLIP_REQUEST,  /* a bit of the request's body */
	FAULT_DUPLICATE,     /* forwarded twice; the second answer counts */
	FAULT_500,
	FAULT_SLOW_DOWN,       /* 503 */
	FAULT_SLOW_DOWN_AFTER, /* 503 with Retry-After: 1 */
	FAULT_TRICKLE,         /* the answer comes in small pieces with pauses */
	FAULT_WRONG_ETAG,
	FAULT_COMPLETE_ERROR, /* 200 with an error in the body; not forwarded */
	FAULT_COMPLETE_DONE,  /* the same, but forwarded */
	FAULT_LIST_REPEAT,    /* a page comes again instead of the next one */
	FAULT_LIST_TOKEN,     /* a page says that the next is itself */
	FAULT_LIST_CUT,       /* a page does not say whether it is the last */
	FAULT_LIST_DROP,      /* a page lacks an object */
	FAULT_LOST,           /* forwarded; the connection is closed without an answer */
	FAULT_KINDS
};

#define FAULT_BIT(n) (UINT32_C(1) << (n))

struct fault_plan {
	unsigned percent;
	uint32_t kinds; /* FAULT_BIT of each; 0: all */
	uint32_t calls; /* FAULT_BIT of each; 0: all */
	uint64_t seed;
};

struct fault_counters {
	uint64_t requests, forwarded;
	uint64_t bytes_in, bytes_out; /* from and to clients, headers too */
	uint64_t body_bytes_in;
	uint64_t calls[CALL_COUNT];
	uint64_t faults[FAULT_KINDS]; /* that came to pass */
};

/* endpoint is "http://host:port", host an address. NULL: no socket, or no sense in the endpoint. */
struct fault_proxy *fault_proxy_start(const char *endpoint);

/* Breaks all connections off, and waits for their threads. */
void fault_proxy_stop(struct fault_proxy *p);

int fault_proxy_port(const struct fault_proxy *p);

void fault_proxy_plan(struct fault_proxy *p, const struct fault_plan *plan);

/* Of the calls in the mask, skip pass (though other scripts and the plan may want them), then count have this fault.
 * At most 32 scripts wait at a time; more are false. */
bool fault_proxy_script(struct fault_proxy *p, uint32_t calls, enum fault_kind kind, unsigned skip,
			unsigned count);

/* No plan, no scripts, counters at 0. */
void fault_proxy_clear(struct fault_proxy *p);

struct fault_counters fault_proxy_counters(struct fault_proxy *p);

/* Whether such a call can fail so. */
bool fault_applies(enum fault_kind kind, enum fault_call call);

/* "reset-answer", "complete" and so on; the numbers of these, or -1. */
const char *fault_kind_name(enum fault_kind kind);
const char *fault_call_name(enum fault_call call);
int fault_kind_by_name(const char *name, size_t len);
int fault_call_by_name(const char *name, size_t len);

#endif
