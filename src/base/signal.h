/* SIGTERM and SIGINT ask for a clean end: the work at hand is finished or undone, then the run stops. */
#ifndef BASE_SIGNAL_H
#define BASE_SIGNAL_H

#include <stdbool.h>

/* Installs the handlers; SIGPIPE is ignored. A second signal of the same kind ends the process at once. say: the first one
 * is answered on standard error by what happens now, and what a second one would do. */
void signal_install(bool say);

bool signal_stop_requested(void);

#endif
