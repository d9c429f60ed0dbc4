/*
 * Lines at the foot of a terminal that are redrawn in place, while what is logged scrolls away above them. Several
 * threads may use one; while it has lines nobody else may write to that terminal but between board_pause and
 * board_go_on (log.h does). A NULL board is none, and every call but board_new takes one.
 */
#ifndef BASE_BOARD_H
#define BASE_BOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/err.h"

struct board;

/* Whether out is a terminal whose lines can be redrawn: not with TERM unset or "dumb". */
bool board_possible(FILE *out);
struct board *board_new(FILE *out, struct err *e);
/* Takes away what is still shown. */
void board_free(struct board *b);

/* Columns that a line may have, asked of the terminal anew each time: at least 10. */
size_t board_width(const struct board *b);

/* A line below those that are there, empty and not shown; -1 where there is no board or it is full. */
int board_open(struct board *b);
/* Shows the text, which is cut to the width; control characters become "?". line -1 does nothing. */
void board_set(struct board *b, int line, const char *text);
/* Takes the line away; last stays in its place, above the other lines, as log lines do. NULL: nothing stays. */
void board_close(struct board *b, int line, const char *last);

/* Takes the lines away for as long as the caller writes to the terminal, and keeps other threads from it. */
void board_pause(struct board *b);
void board_go_on(struct board *b);

#endif
