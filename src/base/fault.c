#include "base/fault.h"

const char *const fault_sites[] = {
	/* engine/archive_turn.c: a pass's first */
	"move.after_turn",
	/* engine/move.c, in the order in which a segment passes them */
	"move.after_intent",
	"move.while_streaming",
	"move.after_seal",
	"move.after_upload",
	"move.after_index_upload",
	"move.after_verify",
	"move.after_delete",
	"move.before_commit",
	"move.after_commit",
	"move.before_maintain",
	/* store/s3_upload_parts.c */
	"upload.after_part",
	/* catalog/heat.c */
	"heat.before_commit",
	"heat.after_batch",
	"heat.before_prune",
	"heat.before_truncate",
	"heat.after_tidy",
	/* engine/rehydrate.c */
	"rehydrate.after_fetch",
	"rehydrate.after_stage",
	"rehydrate.after_insert",
	"rehydrate.before_commit",
	"rehydrate.after_commit",
	"rehydrate.before_maintain",
	/* engine/bulk.c, catalog/index_bulk.c */
	"bulk.before_begin",
	"bulk.after_begin",
	"bulk.after_build",
	/* engine/maintain.c, engine/upkeep.c */
	"maintain.before_reindex",
	"maintain.after_reindex",
	"maintain.before_done",
	/* engine/upkeep_reclaim.c */
	"reclaim.before_repack",
	"reclaim.after_repack",
	/* engine/index_ensure.c, engine/index_build.c */
	"indexes.after_parent",
	"indexes.before_build",
	"indexes.after_build",
	"indexes.after_attach",
	"indexes.after_exchange",
	/* engine/partition_split.c, catalog/split_tree.c */
	"split.before_begin",
	"split.after_begin",
	"split.after_batch",
	"split.after_apply",
	"split.after_copy",
	"split.after_index",
	"split.after_compare",
	"split.before_swap",
	"split.after_swap",
	"split.after_finish",
	"split.before_rollback",
	"split.before_drop",
	/* engine/version_promote.c, engine/version_rollback.c */
	"versions.before_promote",
	"versions.after_promote",
	"versions.after_begin",
	"versions.after_rehydrate",
	"versions.before_flip",
	"versions.after_flip",
	/* engine/keys.c */
	"keys.before_commit",
	"keys.after_commit",
	/* engine/transition.c */
	"transition.before_copy",
	"transition.after_copy",
	/* engine/forget.c */
	"forget.after_segment",
	"forget.after_key",
	/* engine/expire.c */
	"expire.before_commit",
	"expire.after_commit",
	/* engine/gc.c */
	"gc.after_delete",
	"gc.before_commit",
	0,
};

#ifdef FIRN_FAULTS

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"

bool fault_hit(const char *site)
{
	static atomic_int hits; /* test builds only: one fault a process */
	const char *spec = getenv("FIRN_FAULT");
	size_t len = strlen(site);
	char action[512];
	char *colon;
	long nth = 1;

	if (!spec || strncmp(spec, site, len) != 0 || spec[len] != '=')
		return false;
	snprintf(action, sizeof(action), "%s", spec + len + 1);
	colon = strchr(action, ':');
	if (str_starts_with(action, "exec:") || str_starts_with(action, "each:")) {
		bool each = action[1] == 'a';

		if ((hits++ == 0 || each) && system(action + strlen("exec:")) != 0)
			fprintf(stderr, "fault: the command at \"%s\" failed\n", site);
		return false;
	}
	if (colon) {
		*colon = '\0';
		nth = strtol(colon + 1, NULL, 10);
	}
	if (++hits != nth)
		return false;
	if (str_eq(action, "kill"))
		kill(getpid(), SIGKILL);
	if (str_eq(action, "stop"))
		kill(getpid(), SIGSTOP);
	return str_eq(action, "error");
}

#endif
