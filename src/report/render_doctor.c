/* What firn doctor found. */
#include <inttypes.h>
#include <string.h>

#include "report/json_doc.h"
#include "report/render.h"

static const char *const states[] = { "ok", "warning", "FAILED", "skipped" };

/* Names of a database must not speak to the terminal. */
static void put_line(FILE *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		fputc((unsigned char)text[i] < ' ' || text[i] == 127 ? '?' : text[i], out);
	fputc('\n', out);
}

bool text_doctor(const struct report *r, const struct firn_doctor_result *x)
{
	const char *subject = NULL;
	int width = 0;

	for (size_t i = 0; i < x->finding_count; i++)
		if ((int)strlen(x->findings[i].name) > width)
			width = (int)strlen(x->findings[i].name);
	for (size_t i = 0; i < x->finding_count; i++) {
		const struct firn_finding *f = &x->findings[i];

		if (f->subject && (!subject || strcmp(subject, f->subject) != 0)) {
			fputs("         ", r->out);
			put_line(r->out, f->subject, strlen(f->subject));
		}
		subject = f->subject;
		fprintf(r->out, "%-7s  %-*s  ", states[f->state], width, f->name);
		put_line(r->out, f->message, strlen(f->message));
		for (const char *hint = f->hint; hint && *hint;) {
			size_t len = strcspn(hint, "\n");

			fprintf(r->out, "%*s-> ", 7 + 2 + width + 2, "");
			put_line(r->out, hint, len);
			hint += len + (hint[len] == '\n');
		}
	}
	if (x->failed == 0 && x->warnings == 0)
		fputs("\nall is well\n", r->out);
	else
		fprintf(r->out, "\n%" PRId64 " failed, %" PRId64 " %s\n", x->failed, x->warnings,
			x->warnings == 1 ? "warning" : "warnings");
	return true;
}

bool json_doctor(const struct report *r, const struct firn_doctor_result *x,
		 const struct err *failure, struct err *e)
{
	static const char *const names[] = { "ok", "warning", "failed", "skipped" };
	json_t *o = begin("doctor"), *findings;

	set_int(o, "failed", x->failed);
	set_int(o, "warnings", x->warnings);
	findings = set_array(o, "findings");
	for (size_t i = 0; i < x->finding_count; i++) {
		json_t *f = add_object(findings);

		set_string(f, "name", x->findings[i].name);
		set_string(f, "state", names[x->findings[i].state]);
		set_string(f, "table", x->findings[i].subject);
		set_string(f, "message", x->findings[i].message);
		set_string(f, "hint", x->findings[i].hint);
	}
	return end(r, o, failure, e);
}
