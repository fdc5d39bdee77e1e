# The commands of this project, all of them; `make help` lists them.
#
# There is one cargo profile, release, for everything: RocksDB takes most of the first build, and
# should be compiled once. CARGO_TARGET_DIR is honoured, and made absolute, since tests run elsewhere.

override CARGO_TARGET_DIR := $(shell realpath -ms -- '$(or $(CARGO_TARGET_DIR),target)')
export CARGO_TARGET_DIR
# A c++ comes first that compiles RocksDB in a third of the time.
export PATH := $(CURDIR)/scripts/unity-build:$(PATH):$(CARGO_TARGET_DIR)/tools/cargo/bin

CARGO_BUILD := cargo build --release --locked --workspace
# What a server needs: no tests, no benches, and nothing that only they use.
CARGO_BUILD_PROGRAMS := $(CARGO_BUILD) --exclude dnsbl-tests --exclude dnsbl-bench --exclude dnsbl-client-bench \
	--exclude dnsbl-fuzz --exclude import-circles

# The sources of what users run, in which words that say too little are not used.
PRODUCT := $(filter-out bench/% tests/% fuzz/% scripts/% target/%,$(wildcard */src */*/src))
VAGUE := Said|Landed|News|Stranger|Teller|Phrases|Together|Flight|Inner|Knowledge

# What `make bench` compares (nothing is everything), at which sizes, for how many seconds each time,
# how often servers take turns, and another build of dnsbl-server.
COMPARE ?=
BEFORE ?=
SIZES ?= 1k,10k,1M,10M
SECONDS ?= 5
PAIRS ?= 5

.DEFAULT_GOAL := help
.PHONY: help run test test-all rounds lint fmt build deps tools picture fuzz fuzz-merge fuzz-smoke bench bench-quick bench-client \
	bench-criterion advisories msrv schemathesis clean-var

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-16s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

run: ## build, start a server with a sample zone, and print lines to try on it
	@scripts/preflight run
	@scripts/install-build-deps
	@command -v dig >/dev/null || scripts/fetch-tools || echo "make run: going on without dig" >&2
	$(CARGO_BUILD_PROGRAMS)
	@exec scripts/run-demo

# What takes minutes by its nature is short in `make test` and `make rounds`, and as its defaults say in `make test-all`.
test rounds: export DNSBL_CRASH_ROUNDS ?= 5
test rounds: export DNSBL_FUZZ_SECONDS ?= 5
test rounds: export DNSBL_POWER_CUTS ?= 10
test rounds: export DNSBL_BIT_SPACING ?= 8
test rounds: export DNSBL_RBLDNSD_FILES ?= 100
test: run-tests ## run all tests, those of the real programs and with real peers too, the longest ones short

test-all: run-tests ## run all tests in full length, as CI does

.PHONY: run-tests
run-tests:
	@scripts/preflight test
	@scripts/install-build-deps
	@scripts/fetch-tools
	$(CARGO_BUILD)
	cargo test --release --locked --workspace

rounds: build tools ## run the tests ROUNDS (20) times beside a compiler that keeps all cores busy; TESTS selects some
	@scripts/rounds $(TESTS)

lint: deps ## check format, lints, imports, words, spelling, licences and origin of dependencies, documentation
	cargo fmt --all --check
	@! grep -rnwE '$(VAGUE)' $(PRODUCT) || { echo "make lint: these words say too little; ARCHITECTURE.md has better ones" >&2; exit 1; }
	cargo run --release --locked -p import-circles
	@scripts/install-cargo-tools cargo-deny cargo-machete typos-cli
	typos
	cargo machete --with-metadata
	cargo deny --locked check --hide-inclusion-graph licenses bans sources
	cargo clippy --workspace --all-targets --release --locked --features dnsbl-fuzz/targets -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps --document-private-items --release --locked

fmt: ## format the code
	cargo fmt --all

build: deps ## build all programs
	$(CARGO_BUILD)

deps: ## install what the build needs beyond cargo and a C compiler, if it is missing
	@scripts/install-build-deps

tools: ## fetch the real peers the tests use (dig, unbound, …) into the target directory
	@scripts/fetch-tools

picture: build tools ## take the picture of the lookup page in README.md anew
	DNSBL_KEEP_PICTURE=yes cargo test --release --locked --workspace --test integration -- pages::picture

fuzz: deps ## let libFuzzer look for input that no reader of input expects, FUZZ_SECONDS (60) for each target
	@scripts/fuzz

fuzz-merge: ## put what `make fuzz` found new into fuzz/corpus, as little as says the same
	@scripts/fuzz --merge

fuzz-smoke: build ## throw a short run of random input at the server
	cargo test --release --locked --workspace --test integration -- fuzz_smoke

schemathesis: deps ## try what the description of the API allows, and what it does not, on a real server; about 3 minutes
	$(CARGO_BUILD_PROGRAMS)
	@scripts/schemathesis

bench: build tools ## measure beside rbldnsd, NSD and Knot into bench/RESULTS.md; half an hour or more
	$(CARGO_TARGET_DIR)/release/bench $(COMPARE) --sizes $(SIZES) --seconds $(SECONDS) --pairs $(PAIRS) \
		$(and $(BEFORE),--before $(BEFORE)) --results bench/RESULTS.md

bench-quick: build tools ## see whether the benches work, in about 7 minutes; figures are only printed
	$(CARGO_TARGET_DIR)/release/bench --sizes 1k,10k --seconds 1 --pairs 1 --settle 1

bench-client: tools ## measure the client beside libudns, adns and hickory-resolver into bench/CLIENT.md; 5 minutes
	cargo build --release --locked -p dnsbl-client-bench
	$(CARGO_TARGET_DIR)/release/bench-client --results bench/CLIENT.md

bench-criterion: deps ## measure codec, index and answer function by themselves
	cargo bench --locked --workspace --bench codec --bench index --bench answer

advisories: ## check dependencies for known vulnerabilities, where the network has the database of them
	@scripts/check-advisories

msrv: ## check that the libraries compile with the oldest Rust that Cargo.toml promises
	@scripts/check-msrv

clean-var: ## delete the data of the server that `make run` starts
	rm -rf var
