/* Threads that leave signals to the one which started them. */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <pthread.h>
#include <stdbool.h>

#include "base/err.h"

/* Runs work(arg) in a thread with every signal blocked. The caller joins it. ERR_MEMORY. */
bool thread_start(pthread_t *thread, void *(*work)(void *), void *arg, struct err *e);

#endif
