/* Vector indexes of a table and its partitions: what is there, what one that is asked for would look like to the server,
 * and the statements that make, attach, rename and drop them. */
#ifndef CATALOG_VECTOR_INDEX_H
#define CATALOG_VECTOR_INDEX_H

#include "catalog/table_info.h"

/* Names that firn gives for a while: an index that is being made, and one that it has replaced. */
#define VECTOR_NEW_PREFIX "firn_new_"
#define VECTOR_OLD_PREFIX "firn_old_"

/* A relation of the table: itself, or a partition at any level. */
struct vector_node {
	uint32_t oid, parent; /* parent 0: the table itself */
	size_t parent_at;     /* in nodes; its own place for the table itself */
	bool leaf;            /* holds rows */
	bool busy;            /* another session builds or drops indexes on it */
	char *schema, *name, *qualified, *label;
};

/* Of an index the options that are 0 are not set: the access method's default holds. */
struct vector_options {
	int64_t m, ef_construction, lists;
};

struct vector_index {
	size_t node;
	uint32_t oid, parent; /* parent: index that it is attached to; 0: none */
	char *name, *qualified;
	char *quoted_name; /* as EXPLAIN shows it */
	char method[64];
	char *key;                 /* column's name, or an expression as SQL */
	bool expression;           /* the latter */
	char *opclass, *predicate; /* predicate "": of all rows */
	bool valid;
	struct vector_options options;
	int64_t bytes;
	char type_name[64]; /* of what is indexed: vector, halfvec, bit, sparsevec */
	int dimensions;
	char *type;       /* the same, as SQL */
	char *operator_;  /* that it orders by, as SQL: OPERATOR(public.<=>) */
	char *tablespace; /* quoted; "": the database's */
	char *comment;
};

struct vector_indexes {
	struct vector_node *nodes; /* the table first, each after its parent */
	size_t node_count;
	struct vector_index *items; /* by node, then name */
	size_t count;
};
bool vector_indexes_load(struct pg *pg, const struct table_info *t, struct vector_indexes *out,
			 struct err *e);
void vector_indexes_release(struct vector_indexes *v);

/* What is left of a build or a replacement that died. */
bool vector_index_is_leftover(const struct vector_index *ix);
bool vector_index_is_new(const struct vector_index *ix); /* named VECTOR_NEW_PREFIX... */
bool vector_index_is_old(const struct vector_index *ix);
/* hnsw or ivfflat */
bool vector_index_is_vector(const struct vector_index *ix);

/* Bytes of one value of the type; 0: not known. */
int vector_type_bytes(const char *type_name, int dimensions);

/* What is asked for. Expression, predicate, operator class and operator may be NULL; column is used without expression. */
struct vector_request {
	const char *method, *column, *expression, *predicate;
	const char *opclass, *op; /* not both; none: the type's cosine class, or bit_hamming_ops */
};

/* The same as the server understood it. */
struct vector_shape {
	char method[64];
	char *key;
	bool expression;
	char *opclass, *opclass_name; /* quoted and qualified; plain */
	char *predicate;
	char type_name[64];
	int dimensions;
};
/* Has the server parse it, in a transaction that is rolled back, by an index of an empty temporary table. Texts of the
 * operator are read with the role's own search_path, and are no more than an expression and a condition: what is kept is
 * what the server printed. ERR_CONFIG says what it refused. */
bool vector_shape_resolve(struct pg *pg, const struct table_info *t,
			  const struct vector_request *request, struct vector_shape *out,
			  struct err *e);
void vector_shape_release(struct vector_shape *s);
/* Whether the index is one of it, options aside. */
bool vector_shape_matches(const struct vector_shape *s, const struct vector_index *ix);

/* CREATE INDEX of the name on the node. Concurrently on a leaf, outside of transactions; ON ONLY elsewhere. */
void vector_add_create(struct pg *pg, struct buf *sql, const struct vector_shape *s,
		       const struct vector_node *node, const char *name,
		       const struct vector_options *options, const char *tablespace,
		       bool concurrently);
void vector_add_attach(struct buf *sql, const char *parent_qualified, const char *child_qualified);
/* Renames, and gives the new one the comment. */
bool vector_add_rename(struct pg *pg, struct buf *sql, const char *qualified, const char *to,
		       struct err *e);
bool vector_add_comment(struct pg *pg, struct buf *sql, const char *schema, const char *name,
			const char *comment, struct err *e);

/* Statements of one short transaction. ERR_BUSY when a lock does not come within wait_ms. */
bool vector_run_short(struct pg *pg, const char *sql, int wait_ms, struct err *e);
/* A statement that cannot run in a transaction, without limits. */
bool vector_run_alone(struct pg *pg, const char *sql, struct err *e);

/* Whether a relation of that name is in the schema. */
bool vector_name_taken(struct pg *pg, const char *schema, const char *name, bool *taken_out,
		       struct err *e);
bool vector_is_valid(struct pg *pg, const char *qualified, bool *valid_out, struct err *e);

/* Sets a session's memory and workers for a build; workers -1: the server's. Undone by vector_reset_build. */
bool vector_set_up_build(struct pg *pg, int64_t memory_bytes, int64_t workers, struct err *e);
bool vector_reset_build(struct pg *pg, struct err *e);

struct vector_memory {
	int64_t maintenance_bytes; /* maintenance_work_mem */
	int64_t shared_bytes;      /* shared_buffers */
};
bool vector_server_memory(struct pg *pg, struct vector_memory *out, struct err *e);

/* How far the build, or VACUUM, of another session is; *found_out false: it does neither. */
struct vector_progress {
	char phase[128];
	int64_t blocks, blocks_total, tuples, tuples_total;
};
bool vector_build_progress(struct pg *pg, int pid, bool *found_out, struct vector_progress *out,
			   struct err *e);
bool vector_cancel(struct pg *pg, int pid, struct err *e);

#endif
