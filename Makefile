# Thin over meson: each build directory is set up once, and again only if its options change.
#   build/        the release, build/bongsu
#   build-asan/   tests under AddressSanitizer and UndefinedBehaviorSanitizer
#   build-clang/  the same tree under clang; build-tsan/ under ThreadSanitizer
#   build-bench/  benchmarks; build-fuzz/ libFuzzer targets
.DEFAULT_GOAL := all
.PHONY: all setup run check test bench campaign fuzz format install uninstall clean help
JOBS := $(shell nproc)
PREFIX ?= /usr/local
SECONDS_EACH ?= 60

all: ## build the release at build/bongsu
	@scripts/setup build
	@CC=gcc scripts/configure build
	@ninja -C build -j$(JOBS) --quiet

setup: ## install the Debian and npm packages that building and testing need
	@scripts/setup build test

run: all ## start a server with a sandbox for every channel, and send a first notification
	@scripts/run $(if $(ONCE),--once) $(if $(PORT),--port $(PORT))

check: setup ## the fast check of a change: format, layers, both compilers, tests under sanitizers
	@scripts/suite check

test: setup ## everything: check, long simulations, threads, the real binary against real peers
	@scripts/suite test

bench: all ## the benchmarks; JSON in build/bench, the page in docs/performance.md
	@scripts/setup build test bench
	@CC=gcc scripts/configure build-bench -Dtests=true
	@ninja -C build-bench -j$(JOBS) --quiet
	@bench/run.py --build build-bench

campaign: setup ## every campaign at its full figure, or ONLY=a1,c3 RUNS=100; docs/reliability.md
	@CC=gcc scripts/configure build-asan -Dtests=true -Db_sanitize=address,undefined \
	    -Dbuildtype=debugoptimized
	@ninja -C build-asan -j$(JOBS) --quiet
	@scripts/campaign full $(if $(ONLY),--only $(ONLY)) $(if $(RUNS),--runs $(RUNS)) \
	    $(if $(SEED),--seed $(SEED))

fuzz: setup ## fuzz each parser for SECONDS_EACH seconds (default 60)
	@scripts/fuzz $(SECONDS_EACH)

format: ## format every C file
	@scripts/format

install: all ## install under PREFIX (default /usr/local), DESTDIR before it
	@scripts/install install "$(DESTDIR)" "$(PREFIX)"

uninstall: ## remove what install has put there
	@scripts/install uninstall "$(DESTDIR)" "$(PREFIX)"

clean: ## remove what was built, and the server of make run with its data
	rm -rf build build-asan build-clang build-tsan build-bench build-fuzz

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' $(firstword $(MAKEFILE_LIST)) | \
	    awk -F'|' '{printf "%-16s %s\n", $$1, $$2}'
