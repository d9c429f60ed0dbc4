/* What "firn doctor" says of a server. */
#ifndef CATALOG_SERVER_FACTS_H
#define CATALOG_SERVER_FACTS_H

#include "catalog/pg.h"

struct server_facts {
	char role[64], database[64];
	char version[64]; /* as the server has it: "15.14 (Debian 15.14-0+deb12u1)" */
	bool standby;
	int64_t clock_ms;        /* since 1970, by the server's clock */
	bool vector_offered;     /* pgvector's files are on the server */
	char repack[32];         /* version of pg_repack in this database; "": none */
	char repack_offered[32]; /* that its files have; "": none */
};
bool server_facts_read(struct pg *pg, struct server_facts *out, struct err *e);

#endif
