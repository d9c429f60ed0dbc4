/*
 * Text in pages that are well-formed both as HTML and as XML, so that any parser reads them alike. What a database
 * holds is hostile: it can only ever become text.
 */
#ifndef REPORT_HTML_H
#define REPORT_HTML_H

#include "base/buf.h"

/* As the content of an element or between double quotes: & < > " ' are escaped; bytes that are not UTF-8 and characters
 * that XML does not know (controls but tab and newline, U+FFFE, U+FFFF) become U+FFFD. NULL adds nothing. */
void html_text(struct buf *b, const char *s);

/* The same, where there is no element to bound it, as in a tooltip: white space becomes blanks, marks that turn the
 * direction of writing are left out, and after most_chars characters (0: no limit) comes an ellipsis. */
void html_line(struct buf *b, const char *s, size_t most_chars);

/* The same as the content of an element, which may break behind each . _ and -. */
void html_breaking(struct buf *b, const char *s, size_t most_chars);

/* A name in an element of its own, which keeps its direction of writing to itself. */
void html_name(struct buf *b, const char *s);

/* The style sheet of a page, for a <style> element. */
extern const char html_style[];

#endif
