/*
 * Embeddings for tools/demo without a model: hashed words, pairs of words and runs of three letters.
 *
 *     demo-embed FOLDER DOCUMENTS CHUNKS < texts      writes document, document_chunk and
 *                                                     workspace_index_state there, for COPY
 *     demo-embed --query TEXT                         prints one vector
 *
 * A text is a line "section TAB package TAB title TAB text", as tools/demo-texts writes them.
 * Every other workspace, in the order in which they appear, has been embedded again: its chunks
 * are written as hash-v1 (their text) and as hash-v2 (title and text), and hash-v2 is active.
 */
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { DIMS = 384, CHUNK = 600, SLOTS = 8192, TEXT = 65536, NAME = 128, SPACES = 512, SEEN = 65536 };

struct features {
	uint64_t hash[SLOTS]; /* 0: free */
	unsigned count[SLOTS];
	unsigned used;
};

struct corpus {
	FILE *documents;
	FILE *chunks;
	long documents_left;
	long chunks_left;
	char spaces[SPACES][NAME];
	unsigned space_count;
	uint64_t seen[SEEN]; /* texts: twins would tie in every search, and then order is chance */
	unsigned seen_count;
};

struct text {
	char package[NAME];
	char section[NAME];
	char title[256];
	char text[TEXT];
	size_t len;
};

static void die(const char *message)
{
	fprintf(stderr, "demo-embed: %s\n", message);
	exit(65);
}

/* FNV-1a, then mixed: its low bits alone are too regular to choose a dimension by. */
static uint64_t hash(uint64_t seed, const char *data, size_t len)
{
	uint64_t h = 0xcbf29ce484222325 ^ seed * 0x9e3779b97f4a7c15;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)data[i]) * 0x100000001b3;
	h = (h ^ (h >> 30)) * 0xbf58476d1ce4e5b9;
	h = (h ^ (h >> 27)) * 0x94d049bb133111eb;
	return h ^ (h >> 31);
}

static void add(struct features *f, uint64_t h)
{
	size_t i;

	h |= 1ULL << 63; /* never 0 */
	for (i = h % SLOTS; f->hash[i] && f->hash[i] != h; i = (i + 1) % SLOTS)
		;
	if (!f->hash[i] && f->used++ > SLOTS / 2)
		die("a chunk with too many features");
	f->hash[i] = h;
	f->count[i]++;
}

static bool in_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (unsigned char)c >= 0x80;
}

static void collect(struct features *f, const char *text)
{
	char low[CHUNK + 512];
	size_t len = 0;
	uint64_t last = 0;

	for (; text[len] && len < sizeof(low) - 1; len++)
		low[len] = (char)(text[len] >= 'A' && text[len] <= 'Z' ? text[len] + 32 : text[len]);
	low[len] = '\0';
	for (size_t i = 0; i < len;) {
		size_t start = i;
		uint64_t word;

		while (i < len && in_word(low[i]))
			i++;
		if (i == start) {
			i++;
			continue;
		}
		word = hash(1, low + start, i - start);
		add(f, word);
		if (last)
			add(f, hash(2 ^ last, low + start, i - start));
		last = word;
		for (size_t j = start; j + 3 <= i; j++)
			add(f, hash(3, low + j, 3));
	}
}

static void print_vector(FILE *out, const char *text)
{
	static struct features f;
	double v[DIMS] = { 0 }, norm = 0;

	memset(&f, 0, sizeof(f));
	collect(&f, text);
	for (size_t i = 0; i < SLOTS; i++) {
		/* The sign lets features that share a dimension cancel out instead of piling up. */
		if (f.hash[i])
			v[f.hash[i] % DIMS] += (f.hash[i] >> 40 & 1 ? 1 : -1) * (1 + log(f.count[i]));
	}
	for (int i = 0; i < DIMS; i++)
		norm += v[i] * v[i];
	if (norm == 0)
		v[0] = norm = 1; /* no direction at all has no cosine */
	norm = sqrt(norm);
	for (int i = 0; i < DIMS; i++)
		fprintf(out, "%c%.7g", i ? ',' : '[', v[i] / norm);
	fputc(']', out);
}

static void print_uuid(FILE *out, const char *kind, const char *name, int index)
{
	char key[3 * NAME];
	int len = snprintf(key, sizeof(key), "%s/%s/%d", kind, name, index);
	uint64_t a = hash(11, key, (size_t)len), b = hash(12, key, (size_t)len);

	fprintf(out, "%08x-%04x-%04x-%04x-%012llx", (unsigned)(a >> 32), (unsigned)(a >> 16 & 0xffff),
		(unsigned)(a & 0xffff), (unsigned)(b >> 48), (unsigned long long)(b & 0xffffffffffff));
}

static void print_text(FILE *out, const char *s)
{
	for (; *s; s++) {
		if (*s == '\\')
			fputc('\\', out);
		fputc(*s == '\t' || *s == '\r' || *s == '\n' ? ' ' : *s, out);
	}
}

static void print_time(FILE *out, const char *name)
{
	time_t t = time(NULL) - (time_t)(hash(13, name, strlen(name)) % (365 * 86400));
	struct tm tm;
	char buf[40];

	gmtime_r(&t, &tm);
	strftime(buf, sizeof(buf), "%Y-%m-%d %H:%M:%S+00", &tm);
	fputs(buf, out);
}

static bool is_new(struct corpus *c, const char *text)
{
	uint64_t h = hash(14, text, strlen(text)) | 1;
	size_t i;

	for (i = h % SEEN; c->seen[i]; i = (i + 1) % SEEN) {
		if (c->seen[i] == h)
			return false;
	}
	if (c->seen_count++ > SEEN / 2)
		die("too many chunks");
	c->seen[i] = h;
	return true;
}

static unsigned space(struct corpus *c, const char *name)
{
	unsigned i;

	for (i = 0; i < c->space_count && strcmp(c->spaces[i], name); i++)
		;
	if (i == SPACES)
		die("too many sections");
	if (i == c->space_count)
		snprintf(c->spaces[c->space_count++], NAME, "%s", name);
	return i;
}

static void put_chunk(struct corpus *c, const struct text *s, int index, const char *text, int version)
{
	char titled[CHUNK + 512], key[2 * NAME];

	snprintf(key, sizeof(key), "v%d/%s", version, s->package);
	print_uuid(c->chunks, "chunk", key, index);
	fputc('\t', c->chunks);
	print_uuid(c->chunks, "document", s->package, 0);
	fprintf(c->chunks, "\t%s\t%d\t", s->section, index);
	print_text(c->chunks, text);
	fprintf(c->chunks, "\t%016llx\t", (unsigned long long)hash(15, text, strlen(text)));
	snprintf(titled, sizeof(titled), "%s %s", s->title, text);
	print_vector(c->chunks, version == 2 ? titled : text);
	fprintf(c->chunks, "\thash-v%d\t", version);
	print_time(c->chunks, s->package);
	fputc('\n', c->chunks);
	c->chunks_left--;
}

/* Up to CHUNK bytes, cut after a word where there is one. */
static size_t cut(const char *text, size_t len)
{
	size_t n = len < CHUNK ? len : CHUNK;

	if (n == len)
		return n;
	while (n > CHUNK / 2 && text[n] != ' ')
		n--;
	while (n > 1 && ((unsigned char)text[n] & 0xc0) == 0x80)
		n--; /* not inside of a UTF-8 character */
	return n;
}

static void put_document(struct corpus *c, struct text *s)
{
	const char *text = s->text;
	size_t left = s->len;
	bool again;
	int index = 0;

	if (!s->package[0] || !s->section[0] || s->len < 40 || c->documents_left <= 0 || c->chunks_left <= 0)
		return;
	again = space(c, s->section) % 2 == 0;
	while (left && c->chunks_left > 0) {
		char chunk[CHUNK + 1];
		size_t n = cut(text, left);

		snprintf(chunk, sizeof(chunk), "%.*s", (int)n, text);
		if (is_new(c, chunk)) {
			put_chunk(c, s, index, chunk, 1);
			if (again)
				put_chunk(c, s, index, chunk, 2);
			index++;
		}
		text += n;
		left -= n;
	}
	if (!index)
		return;
	print_uuid(c->documents, "document", s->package, 0);
	fprintf(c->documents, "\t%s\tpackages\t%s\t", s->section, s->package);
	print_text(c->documents, s->title);
	fputc('\t', c->documents);
	print_text(c->documents, s->text);
	fputc('\t', c->documents);
	print_time(c->documents, s->package);
	fputc('\n', c->documents);
	c->documents_left--;
}

/* Up to the next tab; NULL where the line ends before it. */
static char *field(char **line, char *out, size_t size)
{
	char *tab = strchr(*line, '\t');

	if (!tab)
		return NULL;
	*tab = '\0';
	snprintf(out, size, "%s", *line);
	*line = tab + 1;
	return out;
}

static void read_texts(struct corpus *c)
{
	static struct text s;
	char *line = NULL;
	size_t size = 0;
	ssize_t n;

	while ((n = getline(&line, &size, stdin)) >= 0) {
		char *at = line;

		memset(&s, 0, sizeof(s));
		/* A text may have been cut inside of its last UTF-8 character. */
		while (n && (line[n - 1] == '\n' || line[n - 1] == ' ' || (unsigned char)line[n - 1] >= 0x80))
			line[--n] = '\0';
		if (!field(&at, s.section, NAME) || !field(&at, s.package, NAME) ||
		    !field(&at, s.title, sizeof(s.title)))
			die("a line of other than four fields");
		snprintf(s.text, TEXT, "%s", at);
		s.len = strlen(s.text);
		put_document(c, &s);
	}
	free(line);
}

static FILE *create(const char *folder, const char *name)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "w");
	if (!f)
		die("cannot write into the folder");
	return f;
}

static void finish(FILE *f)
{
	bool bad = ferror(f) != 0;

	if (fclose(f) || bad)
		die("writing failed");
}

int main(int argc, char **argv)
{
	static struct corpus c;
	FILE *states;

	if (argc == 3 && !strcmp(argv[1], "--query")) {
		print_vector(stdout, argv[2]);
		putchar('\n');
		return 0;
	}
	if (argc != 4)
		die("usage: demo-embed FOLDER DOCUMENTS CHUNKS | demo-embed --query TEXT");
	c.documents = create(argv[1], "document");
	c.chunks = create(argv[1], "document_chunk");
	c.documents_left = strtol(argv[2], NULL, 10);
	c.chunks_left = strtol(argv[3], NULL, 10);
	read_texts(&c);
	finish(c.documents);
	finish(c.chunks);
	states = create(argv[1], "workspace_index_state");
	for (unsigned i = 0; i < c.space_count; i++)
		fprintf(states, "%s\thash-v%d\t\\N\t%d\n", c.spaces[i], i % 2 ? 1 : 2, i % 2 ? 1 : 2);
	finish(states);
	return 0;
}
