# The commands of this repository. All they need is Python ≥ 3.11, make, and root or sudo for the lab;
# `make quick` needs no root. The locked environment lives in .venv/ and is renewed when its lock changes.

.DELETE_ON_ERROR:
.PHONY: help venv quick test test-all test-slow demo bench-engine bench-check bench-parity bench-traffic bench-upgrade crash-matrix lab-ready test-ready static unit lock clean

BIN := .venv/bin
READY := .venv/.ready
# The lab needs root; nothing else does.
ROOT := $(if $(filter 0,$(shell id -u)),,sudo -E)
LOCK := requirements/dev.txt

help:
	@echo "make demo      set everything up and watch a whole upgrade under traffic (root or sudo)"
	@echo "make quick     lint, types, layers, unit tests (at most 2 minutes, no root)"
	@echo "make test      quick, then render, contract and end-to-end tests on the lab (root or sudo)"
	@echo "make test-all  everything: test, then what is slow; writes docs/results/ (root or sudo)"
	@echo "make test-slow only what is slow (two hours)"
	@echo "make bench-engine  where the time of a whole upgrade goes: build/bench/engine.json (root or sudo)"
	@echo "make bench-check   blueshift check on a cluster with 500 Ingresses: build/bench/check.json"
	@echo "make bench-parity  the proof that two sides serve 500 Ingresses alike: build/bench/parity.json"
	@echo "make bench-traffic counting logs, reading metrics, sending requests, beside other tools"
	@echo "make bench-upgrade plain helm, the way by hand and Blueshift side by side; carried on where it was"
	@echo "                   stopped, under six hours in all; SHORT=1: 25 minutes (root or sudo)"
	@echo "make crash-matrix  kill a run at every point of it; carried on where it was stopped (root or sudo)"
	@echo "make venv      only the locked environment in .venv/"
	@echo "make lock      resolve requirements/dev.txt anew"
	@echo "make clean     remove what make has made here (the lab's cache stays)"

venv: $(READY)

$(READY): $(LOCK) pyproject.toml tools/venv.sh
	sh tools/venv.sh $(LOCK) $@

static: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

unit: $(READY)
	$(BIN)/python -m pytest tests/unit --timeout 60 --cov --cov-report term:skip-covered

quick: static unit

lab-ready: $(READY)
	$(ROOT) $(BIN)/blueshift lab doctor --install
	$(ROOT) $(BIN)/blueshift lab build

# $(call programs,COMMANDS,PACKAGES): the packages, where one of the commands is missing.
define programs
missing=; for program in $(1); do command -v $$program >/dev/null || missing=yes; done; \
	[ -z "$$missing" ] || { $(ROOT) apt-get update -q; \
		$(ROOT) env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $(2); }
endef

# What only tests use: without it they would be skipped, and a machine of our own would hide that.
test-ready: lab-ready
	@$(call programs,busybox curl faketime openssl,busybox-static curl faketime openssl)
	@$(call programs,chromium,chromium fonts-dejavu-core) \
		|| echo "there is no package of Chromium (Ubuntu has none): reports are opened in no browser"

# The closing line is pytest's own, over all stages in one run.
test: quick test-ready
	$(ROOT) $(BIN)/python -m pytest -p no:cacheprovider -m "not slow" --durations 30 --durations-min 10 \
		tests/unit tests/render tests/contract tests/bad_input tests/crash tests/e2e

test-all: test test-slow

# What `make test` leaves out: some three hours, in as many sittings as it takes. The results are committed.
SLOW := $(BIN)/python -m pytest -p no:cacheprovider -p tests.results -m slow --results docs/results/slow.json
test-slow: venv test-ready
	$(ROOT) $(SLOW) $(ARGUMENTS) tests

# One run's time, memory and requests, accounted for from outside: build/bench/engine.json.
bench-engine: lab-ready
	$(ROOT) $(BIN)/python -m tests.bench.engine

# Time, requests and memory of a preflight: build/bench/check.json.
bench-check: lab-ready
	$(ROOT) $(BIN)/python -m tests.bench.check

# The same of route parity; it needs no cluster: build/bench/parity.json.
bench-parity: venv
	$(BIN)/python -m tests.bench.parity

# The witnesses of traffic beside GoAccess and wrk: build/bench/traffic.json.
bench-traffic: venv
	@$(call programs,goaccess wrk,goaccess wrk)
	$(BIN)/python -m tests.bench.traffic

# The same upgrade three ways: build/bench/upgrade.json, docs/results/ and docs/benchmarks.md, which are
# committed. SHORT=1 leaves the committed ones alone. ARGUMENTS=--help tells how to do a part of it.
bench-upgrade: lab-ready
	@$(call programs,wrk,wrk)
	$(ROOT) $(BIN)/python -m tests.bench.upgrade $(if $(SHORT),--short,--publish) $(ARGUMENTS)

# Writes docs/reliability.md, which is committed; ARGUMENTS=--help tells how to do a part of it.
crash-matrix: venv test-ready
	$(ROOT) $(BIN)/python -m tests.crash $(ARGUMENTS)

demo: lab-ready
	$(ROOT) $(BIN)/blueshift lab demo

lock: $(READY)
	sh tools/lock.sh $(LOCK)

clean:
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage
