/* The two ways of writing a result; report.c chooses. Signatures are those of report.h. */
#ifndef REPORT_RENDER_H
#define REPORT_RENDER_H

#include "report/report.h"

/* Whether the row is to say from when on what it moved pays: not where nothing was moved, nor beside a saving that is none,
 * since the room that was left is still paid for. */
bool report_pays_after(const struct firn_report_row *row);
/* That, as people read it: "0.4 d", "never", or nothing. Returns out, or a literal. */
const char *report_days_text(const struct firn_report_row *row, char out[32]);
/* What of the table the row is about, beside the table's name: "" by table. Returns out, or what is the row's. */
const char *report_part_name(enum firn_report_by by, const struct firn_report_row *row,
			     char out[32]);

bool text_init(const struct report *r, const struct firn_init_result *x, struct err *e);
bool text_plan(const struct report *r, const struct firn_plan_result *x, struct err *e);
bool text_pass(const struct report *r, const struct firn_pass_result *x, bool dry_run, bool failed,
	       struct err *e);
bool text_touch(const struct report *r, const struct firn_touch_result *x, bool failed);
bool text_rehydrate(const struct report *r, const struct firn_rehydrate_result *x, bool dry_run,
		    bool failed, struct err *e);
bool text_maintain(const struct report *r, const struct firn_maintain_result *x, bool dry_run,
		   bool failed, struct err *e);
bool text_status(const struct report *r, const struct firn_status_result *x, struct err *e);
bool text_verify(const struct report *r, const struct firn_verify_result *x, bool deep, bool failed,
		 struct err *e);
bool text_gc(const struct report *r, const struct firn_gc_result *x,
	     const struct firn_gc_options *options, struct err *e);
bool text_partitions_status(const struct report *r, const struct firn_partitions_status *x,
			    struct err *e);
bool text_partitions_advice(const struct report *r, const struct firn_partitions_advice *x);
bool text_partitions_made(const struct report *r, const struct firn_partitions_made *x,
			  bool failed);
bool text_indexes_made(const struct report *r, const struct firn_indexes_made *x, bool dry_run,
		       bool failed, struct err *e);
bool text_indexes_status(const struct report *r, const struct firn_indexes_status *x,
			 struct err *e);
bool text_indexes_probe(const struct report *r, const struct firn_indexes_probe *x, struct err *e);
bool text_partitions_split(const struct report *r, const struct firn_split_result *x);
bool text_versions_status(const struct report *r, const struct firn_versions_status *x,
			  struct err *e);
bool text_version_change(const struct report *r, const struct firn_version_result *x, bool failed);
bool text_keys_status(const struct report *r, const struct firn_keys_status *x, struct err *e);
bool text_keys_rotate(const struct report *r, const struct firn_keys_rotate_result *x, bool failed);
bool html_cost(const struct report *r, const struct firn_report_result *x, struct err *e);
bool csv_cost(const struct report *r, const struct firn_report_result *x);
bool prometheus_cost(const struct report *r, const struct firn_report_result *x);
bool text_cost(const struct report *r, const struct firn_report_result *x, struct err *e);

bool text_config(const struct report *r, const struct report_config *x, struct err *e);
bool text_explain(const struct report *r, const struct firn_explain_result *x, struct err *e);
bool text_policy_check(const struct report *r, const struct firn_policy_check *x, struct err *e);
bool text_doctor(const struct report *r, const struct firn_doctor_result *x);

/* failure NULL: the call succeeded. */
bool json_explain(const struct report *r, const struct firn_explain_result *x,
		  const struct err *failure, struct err *e);
bool json_policy_check(const struct report *r, const struct firn_policy_check *x,
		       const struct err *failure, struct err *e);
bool json_doctor(const struct report *r, const struct firn_doctor_result *x,
		 const struct err *failure, struct err *e);
bool json_config(const struct report *r, const struct report_config *x, const struct err *failure,
		 struct err *e);
bool json_init(const struct report *r, const struct firn_init_result *x, const struct err *failure,
	       struct err *e);
bool json_plan(const struct report *r, const struct firn_plan_result *x, const struct err *failure,
	       struct err *e);
bool json_pass(const struct report *r, const struct firn_pass_result *x, bool dry_run,
	       const struct err *failure, struct err *e);
bool json_touch(const struct report *r, const struct firn_touch_result *x,
		const struct err *failure, struct err *e);
bool json_rehydrate(const struct report *r, const struct firn_rehydrate_result *x, bool dry_run,
		    const struct err *failure, struct err *e);
bool json_maintain(const struct report *r, const struct firn_maintain_result *x, bool dry_run,
		   const struct err *failure, struct err *e);
bool json_status(const struct report *r, const struct firn_status_result *x,
		 const struct err *failure, struct err *e);
bool json_verify(const struct report *r, const struct firn_verify_result *x, bool deep,
		 const struct err *failure, struct err *e);
bool text_forget(const struct report *r, const struct firn_forget_result *x, bool confirm,
		 bool failed);
bool json_forget(const struct report *r, const struct firn_forget_result *x, bool confirm,
		 const struct err *failure, struct err *e);
bool text_transition(const struct report *r, const struct firn_transition_result *x, bool dry_run,
		     struct err *e);
bool json_transition(const struct report *r, const struct firn_transition_result *x, bool dry_run,
		     const struct err *failure, struct err *e);
bool json_lifecycle(const struct report *r, const struct firn_lifecycle *x, struct err *e);
bool json_gc(const struct report *r, const struct firn_gc_result *x, bool confirm,
	     const struct err *failure, struct err *e);
bool json_partitions_status(const struct report *r, const struct firn_partitions_status *x,
			    const struct err *failure, struct err *e);
bool json_partitions_advice(const struct report *r, const struct firn_partitions_advice *x,
			    const struct err *failure, struct err *e);
bool json_partitions_made(const struct report *r, const struct firn_partitions_made *x,
			  const struct err *failure, struct err *e);
bool json_indexes_made(const struct report *r, const struct firn_indexes_made *x, bool dry_run,
		       const struct err *failure, struct err *e);
bool json_indexes_status(const struct report *r, const struct firn_indexes_status *x,
			 const struct err *failure, struct err *e);
bool json_indexes_probe(const struct report *r, const struct firn_indexes_probe *x,
			const struct err *failure, struct err *e);
bool json_partitions_split(const struct report *r, const struct firn_split_result *x,
			   const struct err *failure, struct err *e);
bool json_versions_status(const struct report *r, const struct firn_versions_status *x,
			  const struct err *failure, struct err *e);
bool json_version_change(const struct report *r, const char *command,
			 const struct firn_version_result *x, const struct err *failure,
			 struct err *e);
bool json_keys_status(const struct report *r, const struct firn_keys_status *x,
		      const struct err *failure, struct err *e);
bool json_keys_rotate(const struct report *r, const struct firn_keys_rotate_result *x,
		      const struct err *failure, struct err *e);
bool text_what_if(const struct report *r, const struct firn_what_if_result *x, struct err *e);
bool json_what_if(const struct report *r, const struct firn_what_if_result *x,
		  const struct err *failure, struct err *e);
bool json_cost(const struct report *r, const struct firn_report_result *x,
	       const struct err *failure, struct err *e);
bool json_failure(const struct report *r, const char *command, const struct err *failure,
		  struct err *e);

#endif
