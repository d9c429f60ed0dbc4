/*
 * A stream that breaks long lines between words before they reach out, for sentences on a terminal. What follows
 * is indented like the line, or below its last column: a gap of two blanks or "-> " in the left half begins one.
 * A word that is wider than the terminal stays whole, so that it can be copied; a line that fits is not changed.
 */
#ifndef REPORT_WRAP_H
#define REPORT_WRAP_H

#include <stdio.h>

/* Lines of at most width characters (at least 1). Flush it to have all whole lines written and out flushed; fclose writes
 * what has no end of line yet, and leaves out open. NULL: out of memory. */
FILE *wrap_open(FILE *out, int width);

#endif
