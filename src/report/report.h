/*
 * What the calls of libfirn found or did, on paper: as text for people or as one JSON document (JSON.md) for programs.
 * Nothing here asks database or archive, and nothing goes anywhere but to report.out.
 */
#ifndef REPORT_REPORT_H
#define REPORT_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "base/err.h"
#include "firn/firn.h"

/* What report_cost writes beside text and JSON. */
enum report_other {
	REPORT_NO_OTHER,
	REPORT_CSV,
	REPORT_PROMETHEUS,
	REPORT_HTML
};

struct report {
	FILE *out;
	bool json;
	enum report_other other;
	int width; /* columns that text tables keep to; 0: nothing is cut, as for a file or a mail */
};

/*
 * Each writes one result. failure is the error of the call that filled it, or NULL: JSON then has it as "error"; as
 * text it is the caller's to show, and what the result holds in spite of it is written. false: ERR_MEMORY, or
 * ERR_IO when out cannot be written.
 */
bool report_init(const struct report *r, const struct firn_init_result *result,
		 const struct err *failure, struct err *e);
bool report_plan(const struct report *r, const struct firn_plan_result *result,
		 const struct err *failure, struct err *e);
/* dry_run: what was written is result->plan. */
bool report_pass(const struct report *r, const struct firn_pass_result *result, bool dry_run,
		 const struct err *failure, struct err *e);
bool report_touch(const struct report *r, const struct firn_touch_result *result,
		  const struct err *failure, struct err *e);
bool report_rehydrate(const struct report *r, const struct firn_rehydrate_result *result,
		      bool dry_run, const struct err *failure, struct err *e);
bool report_maintain(const struct report *r, const struct firn_maintain_result *result,
		     bool dry_run, const struct err *failure, struct err *e);
bool report_status(const struct report *r, const struct firn_status_result *result,
		   const struct err *failure, struct err *e);
bool report_verify(const struct report *r, const struct firn_verify_result *result, bool deep,
		   const struct err *failure, struct err *e);
bool report_gc(const struct report *r, const struct firn_gc_result *result,
	       const struct firn_gc_options *options, const struct err *failure, struct err *e);
bool report_forget(const struct report *r, const struct firn_forget_result *result, bool confirm,
		   const struct err *failure, struct err *e);
bool report_transition(const struct report *r, const struct firn_transition_result *result,
		       bool dry_run, const struct err *failure, struct err *e);
/* Always JSON: what the bucket takes. */
bool report_lifecycle(const struct report *r, const struct firn_lifecycle *rules,
		      const struct err *failure, struct err *e);
bool report_partitions_status(const struct report *r, const struct firn_partitions_status *result,
			      const struct err *failure, struct err *e);
bool report_partitions_advice(const struct report *r, const struct firn_partitions_advice *result,
			      const struct err *failure, struct err *e);
bool report_partitions_made(const struct report *r, const struct firn_partitions_made *result,
			    const struct err *failure, struct err *e);
bool report_indexes_made(const struct report *r, const struct firn_indexes_made *result,
			 bool dry_run, const struct err *failure, struct err *e);
bool report_indexes_status(const struct report *r, const struct firn_indexes_status *result,
			   const struct err *failure, struct err *e);
bool report_indexes_probe(const struct report *r, const struct firn_indexes_probe *result,
			  const struct err *failure, struct err *e);
bool report_partitions_split(const struct report *r, const struct firn_split_result *result,
			     const struct err *failure, struct err *e);
bool report_versions_status(const struct report *r, const struct firn_versions_status *result,
			    const struct err *failure, struct err *e);
/* command: "versions promote" or "versions rollback". */
bool report_version_change(const struct report *r, const char *command,
			   const struct firn_version_result *result, const struct err *failure,
			   struct err *e);
bool report_keys_status(const struct report *r, const struct firn_keys_status *result,
			const struct err *failure, struct err *e);
bool report_keys_rotate(const struct report *r, const struct firn_keys_rotate_result *result,
			const struct err *failure, struct err *e);
bool report_what_if(const struct report *r, const struct firn_what_if_result *result,
		    const struct err *failure, struct err *e);
bool report_cost(const struct report *r, const struct firn_report_result *result,
		 const struct err *failure, struct err *e);

/* What "config show" shows; all borrowed. */
struct report_setting {
	const char *key, *value; /* value NULL: not set */
	const char *source;      /* "default", "file", "environment" or "option" */
	const char *where; /* "firn.yaml:12", "FIRN_ARCHIVE", "--archive"; NULL for a default */
};

struct report_variable {
	const char *name, *value; /* value NULL: hidden */
	const char *reader;
};

struct report_config {
	const char *path; /* NULL: no file is read */
	const struct report_setting *settings;
	size_t setting_count;
	const struct report_variable *variables;
	size_t variable_count;
};

bool report_config(const struct report *r, const struct report_config *config,
		   const struct err *failure, struct err *e);

bool report_explain(const struct report *r, const struct firn_explain_result *result,
		    const struct err *failure, struct err *e);
bool report_policy_check(const struct report *r, const struct firn_policy_check *check,
			 const struct err *failure, struct err *e);
bool report_doctor(const struct report *r, const struct firn_doctor_result *result,
		   const struct err *failure, struct err *e);

/* For a command that came to no result: nothing as text, a document with only "command" and "error" as JSON. */
bool report_failure(const struct report *r, const char *command, const struct err *failure,
		    struct err *e);

#endif
