/* The stop flag lives inside the library, whose symbols an application cannot see: these two are its public face. */
#include "firn/firn.h"

#include "base/signal.h"

void firn_stop_on_signals(int say)
{
	signal_install(say != 0);
}

int firn_stop_requested(void)
{
	return signal_stop_requested();
}
