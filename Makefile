# GNU make. Everything built goes under $(O); the tree itself is never written to.
#
#     make                    $(O)/firn and $(O)/libfirn.a
#     make check              everything that must hold, ending with prove's counts
#     make O=/tmp/b CC=clang  elsewhere, by another compiler
#
# SANITIZE=address,undefined, FAULTS=1 and COVER=1 make a variant; give each variant an O of its own.

VERSION = 0.1.0
O ?= build
# As one name, however it is given: the .d files name targets by it.
override O := $(patsubst $(CURDIR)/%,%,$(O))
PREFIX ?= /usr/local
FUZZ_SECONDS ?= 30
SANITIZE ?=
FAULTS ?=
COVER ?=

# V=1 shows every command.
V ?= 0
ifeq ($(V),0)
Q = @
say = @printf '  %-4s %s\n' $(1) '$(patsubst $(O)/%,%,$@)';
endif

LIB_LAYERS = base policy store segment catalog engine
TOOL_LAYERS = cli report

PKGS = libpq libcurl libzstd libcrypto libxxhash jansson expat libcyaml yaml-0.1 popt
ifneq ($(shell grep -rl 'include <sodium' src 2>/dev/null),)
PKGS += libsodium
endif
# These two come without a pkg-config file on Debian 12 or on some other systems.
PLAIN_LIBS = -llmdb -lroaring

# Targets that compile need the libraries; those that only hand over to another make, clean or format do not.
NEED_NO_LIBS = clean uninstall format check check-asan check-crash check-unit bench bench-upload demo fuzz cover
ifneq ($(filter-out $(NEED_NO_LIBS),$(or $(MAKECMDGOALS),all)),)
ifneq ($(shell pkg-config --exists $(PKGS) 2>/dev/null && echo yes),yes)
$(error a library is missing: run tools/bootstrap)
endif
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS))
PKG_LIBS := $(shell pkg-config --libs $(PKGS))
endif

OPT ?= -O2
FIRN_CFLAGS = -std=c11 -D_GNU_SOURCE $(OPT) -g -Wall -Wextra -Werror -pthread \
	-Isrc -Iinclude -I$(O)/gen -DFIRN_VERSION='"$(VERSION)"' $(PKG_CFLAGS)
FIRN_LDFLAGS = -pthread
# Messages live in fixed buffers and are cut on purpose; gcc would warn at each.
ifeq ($(findstring clang,$(shell $(CC) --version 2>/dev/null)),)
FIRN_CFLAGS += -Wno-format-truncation
endif
# What Debian's own packages are hardened by. Sanitizers look at the same, and better without it.
ifeq ($(SANITIZE)$(COVER)$(filter -O0,$(OPT)),)
FIRN_CFLAGS += -fPIE -fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
FIRN_LDFLAGS += -pie -Wl,-z,relro,-z,now
endif
ifneq ($(SANITIZE),)
FIRN_CFLAGS += -fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer
FIRN_LDFLAGS += -fsanitize=$(SANITIZE)
endif
ifneq ($(FAULTS),)
FIRN_CFLAGS += -DFIRN_FAULTS
endif
ifneq ($(COVER),)
FIRN_CFLAGS += --coverage
FIRN_LDFLAGS += --coverage
endif
LIBS = $(PKG_LIBS) $(PLAIN_LIBS) -lm

SQL := $(sort $(wildcard src/catalog/sql/*.sql))
LIB_SRC := $(foreach l,$(LIB_LAYERS),$(sort $(wildcard src/$l/*.c)))
TOOL_SRC := $(foreach l,$(TOOL_LAYERS),$(sort $(wildcard src/$l/*.c)))
BASE_OBJ := $(patsubst src/%.c,$(O)/obj/%.o,$(filter src/base/%,$(LIB_SRC)))
LIB_OBJ := $(patsubst src/%.c,$(O)/obj/%.o,$(LIB_SRC)) $(O)/obj/catalog/sql.o
TOOL_OBJ := $(patsubst src/%.c,$(O)/obj/%.o,$(TOOL_SRC))
TEST_OBJ := $(LIB_OBJ) $(filter-out $(O)/obj/cli/main.o,$(TOOL_OBJ))
HEADERS := $(sort $(wildcard src/*/*.h include/firn/*.h))

UNIT_SRC := $(sort $(wildcard tests/unit/*/test_*.c))
CONTRACT_SRC := $(sort $(wildcard tests/contract/*.c tests/pg/test_*.c))
FUZZ_SRC := $(sort $(wildcard tests/fuzz/fuzz_*.c))
UNIT_BIN := $(UNIT_SRC:%.c=$(O)/%)
CONTRACT_BIN := $(CONTRACT_SRC:%.c=$(O)/%)
REPLAY_BIN := $(FUZZ_SRC:tests/fuzz/fuzz_%.c=$(O)/tests/fuzz/replay_%)
FUZZ_BIN := $(FUZZ_SRC:tests/fuzz/%.c=$(O)/tests/fuzz/%)

# What is written from tables and commented files: see src/README.md.
MADE_DOCS = $(O)/firn.1 $(O)/firn.yaml.5 $(O)/firn.bash $(O)/_firn

all: $(O)/firn $(O)/libfirn.a $(MADE_DOCS)

# --- the library and the tool -------------------------------------------------------------------------------------

$(O)/gen/sql.c $(O)/gen/sql.h &: $(SQL) tools/embed-sql src/catalog/sql
	@mkdir -p $(O)/gen
	tools/embed-sql $(O)/gen $(SQL)

$(O)/obj/catalog/sql.o: $(O)/gen/sql.c $(O)/gen/sql.h
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(FIRN_CFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(O)/obj/%.o: src/%.c | $(O)/gen/sql.h
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(FIRN_CFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# One object in which only the public API is left to see, so that an application's symbols never meet ours.
$(O)/libfirn.a: $(LIB_OBJ)
	$(call say,AR)$(LD) -r -o $(O)/libfirn.o $^
	$(Q)objcopy --wildcard --keep-global-symbol='firn_*' $(O)/libfirn.o
	@rm -f $@
	$(Q)$(AR) rcs $@ $(O)/libfirn.o

$(O)/libfirn-test.a: $(TEST_OBJ)
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

# The tool has its own copy of base: of the library it can reach only what is public.
$(O)/firn: $(TOOL_OBJ) $(BASE_OBJ) $(O)/libfirn.a
	$(call say,LD)$(CC) $(FIRN_LDFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

# The date of man pages is that of the source, so that two builds of it are the same.
export SOURCE_DATE_EPOCH ?= $(or $(shell git log -1 --format=%ct 2>/dev/null),$(shell stat -c %Y CHANGELOG.md))

$(O)/firn.1: $(O)/firn
	$(call say,GEN)$(O)/firn help --man >$@

$(O)/firn.bash: $(O)/firn
	$(call say,GEN)$(O)/firn help --bash-completion >$@

$(O)/_firn: $(O)/firn
	$(call say,GEN)$(O)/firn help --zsh-completion >$@

PAGE_SOURCES = policies/firn.example.yaml policies/reference.yaml
$(O)/firn.yaml.5: tools/man-config $(PAGE_SOURCES) Makefile
	@mkdir -p $(O)
	$(call say,GEN)tools/man-config $(VERSION) "$$(date -u -d @$$SOURCE_DATE_EPOCH +%F)" $(PAGE_SOURCES) >$@

# --- tests --------------------------------------------------------------------------------------------------------

TEST_CFLAGS = $(FIRN_CFLAGS) -Itests -DTEST_SRCDIR='"$(CURDIR)/tests"'

# $(filter): headers that -MMD names are prerequisites too, and are not for the linker.
$(UNIT_BIN) $(CONTRACT_BIN): $(O)/%: %.c $(O)/libfirn-test.a | $(O)/gen/sql.h
	@mkdir -p $(@D)
	$(call say,LD)$(CC) $(TEST_CFLAGS) $(CFLAGS) -MMD -MP -MF $@.d $(FIRN_LDFLAGS) $(LDFLAGS) -o $@ \
		$(filter %.c %.o %.a,$^) -lcmocka $(LIBS)

# Tests that reach the S3 server through a proxy that fails on purpose.
$(O)/tests/contract/test_store_contract $(O)/tests/contract/test_store_faults: $(O)/tests/lib/fault_proxy.o

$(O)/tests/lib/%.o: tests/lib/%.c
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(TEST_CFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# What a test does to archived objects as somebody who may write to the archive could.
FORGE_BIN := $(O)/tests/lib/e2e_forge
$(FORGE_BIN): tests/lib/e2e_forge.c $(O)/libfirn-test.a
	@mkdir -p $(@D)
	$(call say,LD)$(CC) $(TEST_CFLAGS) $(CFLAGS) $(FIRN_LDFLAGS) $(LDFLAGS) -o $@ $(filter %.c %.a,$^) $(LIBS)

$(REPLAY_BIN): $(O)/tests/fuzz/replay_%: tests/fuzz/fuzz_%.c tests/fuzz/replay.c $(O)/libfirn-test.a | $(O)/gen/sql.h
	@mkdir -p $(@D)
	$(call say,LD)$(CC) $(TEST_CFLAGS) $(CFLAGS) -MD -MP -MF $@.d $(FIRN_LDFLAGS) $(LDFLAGS) -o $@ \
		$(filter %.c %.a,$^) $(LIBS)

$(FUZZ_BIN): $(O)/tests/fuzz/%: tests/fuzz/%.c $(O)/libfirn-test.a | $(O)/gen/sql.h
	@mkdir -p $(@D)
	$(call say,LD)$(CC) $(TEST_CFLAGS) $(CFLAGS) -MMD -MP -MF $@.d -fsanitize=fuzzer $(FIRN_LDFLAGS) $(LDFLAGS) -o $@ \
		$(filter %.c %.a,$^) $(LIBS)

units: $(UNIT_BIN)
contracts: $(CONTRACT_BIN)
replays: $(REPLAY_BIN)
fuzzers: $(FUZZ_BIN)
test-binaries: units contracts replays $(FORGE_BIN)

# Every header compiles alone.
headers: $(O)/gen/sql.h
	@for h in $(HEADERS) $(O)/gen/sql.h; do \
		echo "#include \"$$h\"" | $(CC) $(FIRN_CFLAGS) $(CFLAGS) -I. -fsyntax-only -x c - || exit 1; \
	done

# `make check` needs two more variants than the release: one in which every mistake shows (sanitizers), and one that
# can be killed at a fault site but is as fast as the release. FIRN_FAULTS is in both.
CHECKED = $(MAKE) O=$(O)/check SANITIZE=address,undefined FAULTS=1 OPT=-O1
FAULTY = $(MAKE) O=$(O)/faults FAULTS=1
JOBS = -j$(shell nproc)

check:
	tools/bootstrap check
	tools/check-layers
	$(MAKE) $(JOBS) all headers
	$(MAKE) $(JOBS) O=$(O)/clang CC=clang all headers test-binaries
	$(CHECKED) $(JOBS) all test-binaries
	$(FAULTY) $(JOBS) all
	tools/run-tests $(O) unit contract fuzz pg cli crash

check-unit:
	$(CHECKED) $(JOBS) units replays
	tools/run-tests $(O) unit fuzz

check-asan:
	$(CHECKED) $(JOBS) all test-binaries
	tools/run-tests $(O) unit contract fuzz pg cli

check-crash:
	$(FAULTY) $(JOBS) all
	tools/run-tests $(O) crash

fuzz:
	$(MAKE) $(JOBS) O=$(O)/fuzz CC=clang SANITIZE=fuzzer-no-link,address,undefined fuzzers
	tools/run-fuzz $(O)/fuzz $(FUZZ_SECONDS)

cover:
	$(MAKE) $(JOBS) O=$(O)/cover COVER=1 FAULTS=1 OPT=-O0 all test-binaries
	find $(O)/cover -name '*.gcda' -delete
	FIRN_CHECKED=$(O)/cover tools/run-tests $(O) unit contract fuzz pg cli
	tools/cover-summary $(O)/cover

bench: all-release
	tools/bench
	tools/bench-maintain
	tools/bench-touch
	tools/bench-plan
	tools/bench-app
	$(MAKE) bench-upload

bench-upload:
	$(MAKE) $(JOBS) $(O)/bench-upload
	tools/bench-upload $(O)/bench-upload

$(O)/bench-upload: tools/bench-upload.c $(O)/libfirn-test.a
	$(call say,LD)$(CC) $(FIRN_CFLAGS) $(CFLAGS) $(FIRN_LDFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

demo:
	tools/bootstrap demo
	$(MAKE) $(JOBS) all
	tools/demo

all-release:
	$(MAKE) $(JOBS) all

tidy: $(O)/gen/sql.h
	clang-tidy --quiet --checks='-*,bugprone-*,-bugprone-easily-swappable-parameters,-bugprone-reserved-identifier,clang-analyzer-*,-clang-analyzer-security.insecureAPI.DeprecatedOrUnsafeBufferHandling' \
		$(LIB_SRC) $(TOOL_SRC) -- $(FIRN_CFLAGS)

format:
	clang-format -i $(sort $(wildcard src/*/*.[ch] include/firn/*.h tests/*/*.[ch] tests/unit/*/*.[ch]))

# --- installation -------------------------------------------------------------------------------------------------

$(O)/firn.pc: Makefile
	@mkdir -p $(O)
	@{ \
	echo 'prefix=$(subst $(BLANK),\ ,$(PREFIX))'; \
	echo 'libdir=$${prefix}/lib'; \
	echo 'includedir=$${prefix}/include'; \
	echo; \
	echo 'Name: firn'; \
	echo 'Description: tiered storage for Postgres and pgvector'; \
	echo 'Version: $(VERSION)'; \
	echo 'Requires.private: $(filter-out popt,$(PKGS))'; \
	echo 'Libs: -L$${libdir} -lfirn'; \
	echo 'Libs.private: $(PLAIN_LIBS) -lm -pthread'; \
	echo 'Cflags: -I$${includedir}'; \
	} >$@

DEST = $(DESTDIR)$(PREFIX)

# Where each thing goes, below PREFIX: "uninstall" removes these, and folders that are empty then.
EXAMPLES = share/doc/firn/examples
# Of firn.service, and of all whose names begin with "firn-".
DROP_INS = firn.service.d firn-.service.d
UNITS := $(sort $(notdir $(wildcard tools/systemd/*.timer)) $(patsubst %.in,%,$(notdir $(wildcard tools/systemd/*.service.in))))
POLICIES := $(sort $(shell find policies -type f))
INSTALLED = bin/firn lib/libfirn.a lib/pkgconfig/firn.pc $(addprefix include/firn/,$(notdir $(wildcard include/firn/*.h))) \
	$(addprefix share/firn/,$(POLICIES)) share/man/man1/firn.1 share/man/man5/firn.yaml.5 \
	share/bash-completion/completions/firn share/zsh/site-functions/_firn \
	$(addprefix lib/systemd/system/,$(UNITS) $(addsuffix /firn.conf,$(DROP_INS))) \
	$(addprefix $(EXAMPLES)/,firn.cron firn.yaml firn.rules.yml grafana.json)

# Names of files have no blanks in them, but PREFIX and DESTDIR may. install(1) looks at no umask.
install: all $(O)/firn.pc
	install -D -m 755 $(O)/firn "$(DEST)/bin/firn"
	install -D -m 644 $(O)/libfirn.a "$(DEST)/lib/libfirn.a"
	install -D -m 644 $(O)/firn.pc "$(DEST)/lib/pkgconfig/firn.pc"
	install -D -m 644 -t "$(DEST)/include/firn" include/firn/*.h
	for f in $(POLICIES); do install -D -m 644 $$f "$(DEST)/share/firn/$$f" || exit 1; done
	install -D -m 644 $(O)/firn.1 "$(DEST)/share/man/man1/firn.1"
	install -D -m 644 $(O)/firn.yaml.5 "$(DEST)/share/man/man5/firn.yaml.5"
	install -D -m 644 $(O)/firn.bash "$(DEST)/share/bash-completion/completions/firn"
	install -D -m 644 $(O)/_firn "$(DEST)/share/zsh/site-functions/_firn"
	install -D -m 644 -t "$(DEST)/lib/systemd/system" tools/systemd/*.timer
	for d in $(DROP_INS); do install -D -m 644 -t "$(DEST)/lib/systemd/system/$$d" tools/systemd/firn.conf || exit 1; done
	for f in $(filter %.service,$(UNITS)); do \
		sed "s|@PREFIX@/bin/firn|$(FIRN_IN_UNIT)|" tools/systemd/$$f.in >$(O)/$$f && \
		install -m 644 $(O)/$$f "$(DEST)/lib/systemd/system/$$f" || exit 1; done
	sed "s|@PREFIX@/bin/firn|$(PREFIX)/bin/firn|" tools/cron/firn.cron.in >$(O)/firn.cron
	install -D -m 644 $(O)/firn.cron "$(DEST)/$(EXAMPLES)/firn.cron"
	install -m 644 policies/firn.example.yaml "$(DEST)/$(EXAMPLES)/firn.yaml"
	install -m 644 tools/prometheus/firn.rules.yml "$(DEST)/$(EXAMPLES)/firn.rules.yml"
	install -m 644 tools/grafana/firn.json "$(DEST)/$(EXAMPLES)/grafana.json"

# systemd takes a blank in a name where there are quotes around it.
BLANK = $() $()
FIRN_IN_UNIT = $(if $(findstring $(BLANK),$(PREFIX)),\"$(PREFIX)/bin/firn\",$(PREFIX)/bin/firn)

# Folders that others use as well stay.
uninstall:
	for f in $(INSTALLED); do rm -f "$(DEST)/$$f" || exit 1; done
	find "$(DEST)/include/firn" "$(DEST)/share/firn" "$(DEST)/share/doc/firn" $(foreach d,$(DROP_INS),"$(DEST)/lib/systemd/system/$d") \
		-depth -type d -empty -delete 2>/dev/null || true

deb: all
	tools/deb $(O) $(VERSION)

clean:
	rm -rf $(O)

-include $(wildcard $(O)/obj/*/*.d $(O)/tests/*/*.d $(O)/tests/*/*/*.d)

.PHONY: $(O)/firn.pc all units contracts replays fuzzers test-binaries headers check check-unit check-asan check-crash fuzz cover \
	bench bench-upload demo all-release tidy format install uninstall deb clean
.DELETE_ON_ERROR:
