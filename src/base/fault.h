/*
 * Named places where dying matters. In builds with FIRN_FAULTS the environment says what happens at which:
 *
 *     FIRN_FAULT=move.after_upload=kill       kill -9 of this process, the first time
 *     FIRN_FAULT=move.after_delete=error:2    fail, the second time it is reached
 *     FIRN_FAULT=rehydrate.insert=stop        SIGSTOP this process: a test goes on with SIGCONT
 *     FIRN_FAULT=move.before_commit=exec:CMD  run CMD by sh, the first time, and go on (a test kills Postgres there)
 *     FIRN_FAULT=move.before_commit=each:CMD  the same every time
 *
 * In releases FAULT() is the constant false. Every site is listed in fault_sites, and tests/crash walks that list.
 */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H

#include <stdbool.h>

#ifdef FIRN_FAULTS
bool fault_hit(const char *site);
#define FAULT(site) fault_hit(site)
#else
#define FAULT(site) (false)
#endif

/* NULL-terminated. */
extern const char *const fault_sites[];

#endif
