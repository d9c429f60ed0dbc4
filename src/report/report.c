#include "report/report.h"

#include <errno.h>

#include "report/render.h"

/* A full disk or a reader that went away shows only now. */
static bool written(const struct report *r, bool ok, struct err *e)
{
	if (!ok)
		return false;
	if (fflush(r->out) != 0 || ferror(r->out))
		return err_set_errno(e, ERR_IO, errno, "could not write the result");
	return true;
}

bool report_init(const struct report *r, const struct firn_init_result *result,
		 const struct err *failure, struct err *e)
{
	return written(r, r->json ? json_init(r, result, failure, e) : text_init(r, result, e), e);
}

bool report_plan(const struct report *r, const struct firn_plan_result *result,
		 const struct err *failure, struct err *e)
{
	if (failure && !r->json)
		return true;
	return written(r, r->json ? json_plan(r, result, failure, e) : text_plan(r, result, e), e);
}

bool report_pass(const struct report *r, const struct firn_pass_result *result, bool dry_run,
		 const struct err *failure, struct err *e)
{
	return written(r,
		       r->json ? json_pass(r, result, dry_run, failure, e)
			       : text_pass(r, result, dry_run, failure != NULL, e),
		       e);
}

bool report_touch(const struct report *r, const struct firn_touch_result *result,
		  const struct err *failure, struct err *e)
{
	return written(r,
		       r->json ? json_touch(r, result, failure, e)
			       : text_touch(r, result, failure != NULL),
		       e);
}

bool report_rehydrate(const struct report *r, const struct firn_rehydrate_result *result,
		      bool dry_run, const struct err *failure, struct err *e)
{
	return written(r,
		       r->json ? json_rehydrate(r, result, dry_run, failure, e)
			       : text_rehydrate(r, result, dry_run, failure != NULL, e),
		       e);
}

bool report_maintain(const struct report *r, const struct firn_maintain_result *result,
		     bool dry_run, const struct err *failure, struct err *e)
{
	return written(r,
		       r->json ? json_maintain(r, result, dry_run, failure, e)
			       : text_maintain(r, result, dry_run, failure != NULL, e),
		       e);
}

bool report_status(const struct report *r, const struct firn_status_result *result,
		   const struct err *failure, struct err *e)
{
	if (failure && !r->json)
		return true;
	return written(r, r->json ? json_status(r, result, failure, e) : text_status(r, result, e),
		       e);
}

bool report_verify(const struct report *r, const struct firn_verify_result *result, bool deep,
		   const struct err *failure, struct err *e)
{
	return written(r,
		       r->json ? json_verify(r, result, deep, failure, e)
			       : text_verify(r, result, deep, failure != NULL, e),
		       e);
}

bool report_gc(const struct report *r, const struct firn_gc_result *result,
	       const struct firn_gc_options *options, const struct err *failure, struct err *e)
{
	if (failure && !r->json && result->item_count == 0)
		return true;
	return written(r,
		       r->json ? json_gc(r, result, options->confirm, failure, e)
			       : text_gc(r, result, options, e),
		       e);
}

bool report_forget(const struct report *r, const struct firn_forget_result *result, bool confirm,
		   const struct err *failure, struct err *e)
{
	return written(r,
		       r->json ? json_forget(r, result, confirm, failure, e)
			       : text_forget(r, result, confirm, failure != NULL),
		       e);
}

bool report_transition(const struct report *r, const struct firn_transition_result *result,
		       bool dry_run, const struct err *failure, struct err *e)
{
	if (failure && !r->json && result->row_count == 0)
		return true;
	return written(r,
		       r->json ? json_transition(r, result, dry_run, failure, e)
			       : text_transition(r, result, dry_run, e),
		       e);
}

bool report_config(const struct report *r, const struct report_config *config,
		   const struct err *failure, struct err *e)
{
	if (failure && !r->json)
		return true;
	return written(r, r->json ? json_config(r, config, failure, e) : text_config(r, config, e),
		       e);
}

bool report_explain(const struct report *r, const struct firn_explain_result *result,
		    const struct err *failure, struct err *e)
{
	if (failure && !r->json)
		return true;
	return written(
		r, r->json ? json_explain(r, result, failure, e) : text_explain(r, result, e), e);
}

bool report_policy_check(const struct report *r, const struct firn_policy_check *check,
			 const struct err *failure, struct err *e)
{
	if (failure && !r->json)
		return true;
	return written(r,
		       r->json ? json_policy_check(r, check, failure, e)
			       : text_policy_check(r, check, e),
		       e);
}

bool report_doctor(const struct report *r, const struct firn_doctor_result *result,
		   const struct err *failure, struct err *e)
{
	return written(r, r->json ? json_doctor(r, result, failure, e) : text_doctor(r, result), e);
}

bool report_lifecycle(const struct report *r, const struct firn_lifecycle *rules,
		      const struct err *failure, struct err *e)
{
	if (failure && !r->json)
		return true;
	return written(r,
		       failure ? json_failure(r, "transition", failure, e)
			       : json_lifecycle(r, rules, e),
		       e);
}

bool report_what_if(const struct report *r, const struct firn_what_if_result *result,
		    const struct err *failure, struct err *e)
{
	if (failure && !r->json)
		return true;
	return written(
		r, r->json ? json_what_if(r, result, failure, e) : text_what_if(r, result, e), e);
}

bool report_cost(const struct report *r, const struct firn_report_result *result,
		 const struct err *failure, struct err *e)
{
	if (failure && !r->json)
		return true;
	if (r->other == REPORT_CSV)
		return written(r, csv_cost(r, result), e);
	if (r->other == REPORT_HTML)
		return written(r, html_cost(r, result, e), e);
	if (r->other == REPORT_PROMETHEUS)
		return written(r, prometheus_cost(r, result), e);
	return written(r, r->json ? json_cost(r, result, failure, e) : text_cost(r, result, e), e);
}

bool report_partitions_status(const struct report *r, const struct firn_partitions_status *result,
			      const struct err *failure, struct err *e)
{
	if (failure && !r->json)
		return true;
	return written(r,
		       r->json ? json_partitions_status(r, result, failure, e)
			       : text_partitions_status(r, result, e),
		       e);
}

bool report_partitions_advice(const struct report *r, const struct firn_partitions_advice *result,
			      const struct err *failure, struct err *e)
{
	if (failure && !r->json)
		return true;
	return written(r,
		       r->json ? json_partitions_advice(r, result, failure, e)
			       : text_partitions_advice(r, result),
		       e);
}

bool report_partitions_made(const struct report *r, const struct firn_partitions_made *result,
			    const struct err *failure, struct err *e)
{
	return written(r,
		       r->json ? json_partitions_made(r, result, failure, e)
			       : text_partitions_made(r, result, failure != NULL),
		       e);
}

bool report_indexes_made(const struct report *r, const struct firn_indexes_made *result,
			 bool dry_run, const struct err *failure, struct err *e)
{
	return written(r,
		       r->json ? json_indexes_made(r, result, dry_run, failure, e)
			       : text_indexes_made(r, result, dry_run, failure != NULL, e),
		       e);
}

bool report_indexes_status(const struct report *r, const struct firn_indexes_status *result,
			   const struct err *failure, struct err *e)
{
	if (failure && !r->json)
		return true;
	return written(r,
		       r->json ? json_indexes_status(r, result, failure, e)
			       : text_indexes_status(r, result, e),
		       e);
}

bool report_indexes_probe(const struct report *r, const struct firn_indexes_probe *result,
			  const struct err *failure, struct err *e)
{
	if (failure && !r->json && result->probe_count == 0)
		return true;
	return written(r,
		       r->json ? json_indexes_probe(r, result, failure, e)
			       : text_indexes_probe(r, result, e),
		       e);
}

bool report_partitions_split(const struct report *r, const struct firn_split_result *result,
			     const struct err *failure, struct err *e)
{
	return written(r,
		       r->json ? json_partitions_split(r, result, failure, e)
			       : text_partitions_split(r, result),
		       e);
}

bool report_versions_status(const struct report *r, const struct firn_versions_status *result,
			    const struct err *failure, struct err *e)
{
	if (failure && !r->json)
		return true;
	return written(r,
		       r->json ? json_versions_status(r, result, failure, e)
			       : text_versions_status(r, result, e),
		       e);
}

bool report_version_change(const struct report *r, const char *command,
			   const struct firn_version_result *result, const struct err *failure,
			   struct err *e)
{
	return written(r,
		       r->json ? json_version_change(r, command, result, failure, e)
			       : text_version_change(r, result, failure != NULL),
		       e);
}

bool report_keys_status(const struct report *r, const struct firn_keys_status *result,
			const struct err *failure, struct err *e)
{
	if (failure && !r->json && result->master_count == 0)
		return true;
	return written(r,
		       r->json ? json_keys_status(r, result, failure, e)
			       : text_keys_status(r, result, e),
		       e);
}

bool report_keys_rotate(const struct report *r, const struct firn_keys_rotate_result *result,
			const struct err *failure, struct err *e)
{
	return written(r,
		       r->json ? json_keys_rotate(r, result, failure, e)
			       : text_keys_rotate(r, result, failure != NULL),
		       e);
}

bool report_failure(const struct report *r, const char *command, const struct err *failure,
		    struct err *e)
{
	return !r->json || written(r, json_failure(r, command, failure, e), e);
}
