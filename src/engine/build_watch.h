/* A thread that looks on while a connection builds an index or vacuums: it shows how far that is, and cancels it when a signal
 * asks this process to stop, which the connection itself cannot hear until it is done (ERR_BUSY then). */
#ifndef ENGINE_BUILD_WATCH_H
#define ENGINE_BUILD_WATCH_H

#include <pthread.h>

#include "engine/engine.h"

struct build_watch {
	struct firn *f;
	struct pg *pg;
	int pid;        /* of the session that is looked at */
	char what[256]; /* "index X on Y" */
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool running, done; /* done: under lock */
	int board_line;
	int64_t logged_ms;
};

/* Needs a further connection; where there is none, the work goes on without anyone looking on. Never fails. */
void build_watch_start(struct build_watch *w, struct firn *f, const char *what);
void build_watch_stop(struct build_watch *w);

#endif
