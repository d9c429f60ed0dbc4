#include "base/signal.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

/* One of the two mutable globals that STYLE allows. */
static volatile sig_atomic_t stop_flag;

static void on_signal(int number)
{
	(void)number;
	stop_flag = 1;
}

/* At once, whatever call the program is waiting in: only write(2) is safe here. */
static void on_signal_say(int number)
{
	static const char words[] =
		"\rfirn: stopping: what is at hand is finished or undone, and nothing is lost\n"
		"hint: A second signal ends it at once; the next run cleans up then.\n";
	int errno_before = errno;
	ssize_t ignored = stop_flag ? 0 : write(STDERR_FILENO, words, sizeof(words) - 1);

	(void)ignored;
	errno = errno_before;
	on_signal(number);
}

void signal_install(bool say)
{
	struct sigaction stop = { .sa_handler = say ? on_signal_say : on_signal,
				  .sa_flags = (int)SA_RESETHAND };
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	sigaction(SIGTERM, &stop, NULL);
	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
}

bool signal_stop_requested(void)
{
	return stop_flag != 0;
}
