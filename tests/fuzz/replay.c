/*
 * Feeds the files of a corpus to a fuzz target, as TAP, with no need of libFuzzer:
 *
 *     replay_NAME [FILE or FOLDER...]     (default: tests/fuzz/corpus/NAME)
 *
 * An empty input is always tried first. A target that crashes ends the run before its plan, which prove reports.
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int tried;

static int replay_file(const char *path)
{
	uint8_t *data = NULL;
	size_t size = 0, room = 0;
	FILE *f = fopen(path, "rb");

	if (!f) {
		printf("not ok %d - %s: %s\n", ++tried, path, strerror(errno));
		return 1;
	}
	for (;;) {
		size_t n;

		if (size == room) {
			uint8_t *more = realloc(data, room = room ? room * 2 : 4096);

			if (!more)
				abort();
			data = more;
		}
		n = fread(data + size, 1, room - size, f);
		if (n == 0)
			break;
		size += n;
	}
	fclose(f);
	/* Exactly as large as the input, so that a read past its end is seen. */
	if (size > 0) {
		uint8_t *exact = realloc(data, size);

		if (exact)
			data = exact;
	}
	LLVMFuzzerTestOneInput(data, size);
	free(data);
	printf("ok %d - %s\n", ++tried, path);
	return 0;
}

static int replay(const char *path)
{
	struct stat st;
	struct dirent **entries = NULL;
	int failed = 0;

	if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
		return replay_file(path);
	int count = scandir(path, &entries, NULL, alphasort);

	for (int i = 0; i < count; i++) {
		char inner[4096];

		if (entries[i]->d_name[0] != '.') {
			snprintf(inner, sizeof(inner), "%s/%s", path, entries[i]->d_name);
			failed |= replay(inner);
		}
		free(entries[i]);
	}
	free(entries);
	return failed;
}

int main(int argc, char **argv)
{
	int failed = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
	printf("ok %d - an empty input\n", ++tried);
	for (int i = 1; i < argc; i++)
		failed |= replay(argv[i]);
	if (argc < 2) {
		const char *slash = strrchr(argv[0], '/');
		const char *name = strstr(slash ? slash : argv[0], "replay_");
		char corpus[4096];
		struct stat st;

		snprintf(corpus, sizeof(corpus), "%s/fuzz/corpus/%s", TEST_SRCDIR,
			 name ? name + strlen("replay_") : "");
		if (stat(corpus, &st) == 0)
			failed |= replay(corpus);
	}
	printf("1..%d\n", tried);
	return failed;
}
