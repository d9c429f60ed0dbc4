/* Small strings: parsing of numbers, sizes, durations; patterns; formatting for people. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

bool str_eq(const char *a, const char *b); /* NULL equals NULL only */
bool str_starts_with(const char *s, const char *prefix);

/* Whole string, decimal. ERR_DATA names the text. */
bool str_parse_i64(const char *s, int64_t *out, struct err *e);
bool str_parse_u64(const char *s, uint64_t *out, struct err *e);

/* true/false, yes/no, on/off, 1/0; case is ignored. */
bool str_parse_bool(const char *s, bool *out, struct err *e);

/* "10GiB", "5 MB", "4096": KiB MiB GiB TiB are powers of 1024, KB MB GB TB powers of 1000, B or nothing bytes. */
bool str_parse_bytes(const char *s, uint64_t *bytes_out, struct err *e);

/* "250000", "250k", "25M", "1G": powers of 1000. */
bool str_parse_count(const char *s, uint64_t *out, struct err *e);

/* "90s", "15min", "12h", "7d", "2w", "1d12h", "0": seconds; a bare number is refused unless it is 0. */
bool str_parse_duration(const char *s, int64_t *seconds_out, struct err *e);

/* "2026-03-01", "2026-03-01 12:00", "2026-03-01T12:00:00.25+02:00": ISO 8601 from year 1 to 9999, UTC where it names no
 * zone. Microseconds since 1970. */
bool str_parse_time(const char *s, int64_t *us_out, struct err *e);

/* Length of the UTF-8 sequence that s begins with; 0 when it is none. */
size_t str_utf8_len(const char *s);

/* Columns that UTF-8 text takes: code points, so that wide characters count once. */
size_t str_width(const char *s);

/* What a terminal is sent for this byte of text: "?" for a control character. */
char str_shown(char c);

/* Shell pattern with * and ? only, whole string, case matters. */
bool str_glob_match(const char *pattern, const char *s);

/* For "did you mean": whether name is like word, and more so than *best (UINT_MAX to begin with), which is updated.
 * Counts letters that were left out, added, changed or swapped; case is ignored. */
bool str_resembles(const char *word, const char *name, unsigned *best);

/* "1.2 GiB", "512 B": binary units, three digits or so. out_len of 16 is enough. Returns out. */
const char *str_format_bytes(uint64_t bytes, char *out, size_t out_len);

/* "2026-03-01T12:00:00Z", of seconds since 1970. out_len of 32 is enough. Returns out. */
const char *str_format_time(int64_t seconds, char *out, size_t out_len);

/* "1d 4h", "2min 10s", "5s". out_len of 32 is enough. Returns out. */
const char *str_format_duration(int64_t seconds, char *out, size_t out_len);

/* "12,345,678". out_len of 32 is enough. Returns out. */
const char *str_format_count(int64_t n, char *out, size_t out_len);

#endif
