/* When heavy index work may run: inside the policy's window, not beside too many other builds, not while rows pour in or
 * a standby lags. */
#ifndef ENGINE_THROTTLE_H
#define ENGINE_THROTTLE_H

#include "engine/engine.h"

struct throttle {
	struct firn *f;
	const struct engine_table *table;
	int64_t deadline_ms; /* by f->clock: wait no longer; 0: none */
	int slot;            /* -1: none held */
	char reason[256];    /* why not, after *go false */
};
#define THROTTLE_INIT      \
	{                  \
		.slot = -1 \
	}

/* Asks for leave to do work of about so many seconds, and waits a while (maintain.pause_at_most) for it. With *go true a
 * build's place is held until throttle_leave, which is called in any case. */
bool throttle_enter(struct throttle *t, double expected_s, bool *go, struct err *e);
void throttle_leave(struct throttle *t);

#endif
