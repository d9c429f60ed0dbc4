/*
 * The proxy of fault_proxy.h as a program.
 *
 *     fault_proxy ENDPOINT DIR     writes its port to DIR/port, serves until it is killed
 */
#include <stdio.h>
#include <unistd.h>

#include "lib/fault_proxy.h"

int main(int argc, char **argv)
{
	struct fault_proxy *p;
	FILE *port;

	if (argc != 3 || chdir(argv[2]) != 0)
		return 64;
	p = fault_proxy_start(argv[1]);
	if (!p)
		return 71;
	port = fopen("port.new", "w");
	if (!port || fprintf(port, "%d\n", fault_proxy_port(p)) < 0 || fclose(port) != 0 ||
	    rename("port.new", "port") != 0)
		return 73;
	for (;;)
		pause();
}
