# The words of this project; `make` alone lists them. Every word is safe to repeat.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export npm_config_update_notifier := false
export npm_config_fund := false
export npm_config_audit := false
ifeq ($(shell test -w "$$HOME" && echo yes),)
# A home that cannot be written to (build users, containers): npm insists on a folder of its own.
export npm_config_cache := $(CURDIR)/.venv/npm-cache
endif
PYTHON ?= $(firstword $(wildcard /usr/bin/python3.13 /usr/bin/python3.12 /usr/bin/python3.11) python3)

DATA ?= heliograph-data
ARGS ?=
# Units first: where a test has driven a browser, the driver leaves a loop running, and no later test of that worker can start its own.
T ?= $(wildcard tests/unit tests/faults tests/conformance tests/e2e)
STAMP := .venv/.stamps
STATIC := src/heliograph/gateways/ui/static
BILL := src/heliograph/kit/bill.cdx.json
WEB_SOURCES := $(shell test -d web && find web -path web/node_modules -prune -o -path web/dist -prune -o -type f -print)
# Tests wait about as long as they work: files run beside each other, each worker with servers of its own, one worker more than cores.
WORKERS ?= $(shell cores=$$(nproc); echo $$((cores < 4 ? cores + 1 : 4)))
BESIDE := --numprocesses=$(WORKERS) --dist=loadfile --no-loadscope-reorder
TEST_PACKAGES := dcmtk orthanc orthanc-dicomweb dicom3tools wrk chromium-headless-shell rsyslog rsyslog-gnutls slapd fonts-noto-core fonts-noto-cjk
# A bucket for tests/unit/engine/test_s3.py, and the external database.
MORE_TEST_PACKAGES := postgresql swift-proxy swift-account swift-container swift-object memcached

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / {printf "  \033[1m%-12s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(STAMP)/python $(STATIC)/index.html $(BILL) ## virtual environment, packages, web client (under 2 s when nothing changed)

$(STAMP)/venv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: apt-get install python3 python3-venv" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' || { echo "the venv module is missing: apt-get install python3-venv" >&2; exit 1; }
	test -x .venv/bin/python || $(PYTHON) -m venv .venv
	mkdir -p $(STAMP)
	.venv/bin/python -m pip install -q --upgrade 'pip>=25.1'
	touch $@

# Where requirements.lock has an answer nothing is installed that it does not name, with its digest, the tools of the build included.
$(STAMP)/python: pyproject.toml requirements.lock | $(STAMP)/venv
	if .venv/bin/python tools/lock.py --fits; then \
	  .venv/bin/python -m pip install -q --require-hashes -r requirements.lock && \
	  .venv/bin/python -m pip install -q --no-deps --no-build-isolation -e .; \
	else .venv/bin/python -m pip install -q -e . --group web --group bill; fi
	touch $@

$(BILL): requirements.lock web/package-lock.json tools/sbom.py $(STAMP)/python web/node_modules/.stamp
	.venv/bin/python -m tools.sbom

.PHONY: sbom
sbom: $(BILL) ## what this build is made of, CycloneDX 1.6 (src/heliograph/kit/bill.cdx.json)

.PHONY: lock
lock: $(STAMP)/python ## requirements.lock anew, after a change of dependencies
	.venv/bin/python tools/lock.py

web/node_modules/.stamp: web/package.json web/package-lock.json | $(STAMP)/python
	npm --prefix web ci --no-progress
	touch $@

$(STATIC)/index.html: $(WEB_SOURCES) web/node_modules/.stamp
	npm --prefix web run build -- --outDir ../$(STATIC) --emptyOutDir
	touch $@

.PHONY: run
run: setup ## the whole service with a sample hospital (DATA=folder, ARGS="--http 127.0.0.1:9000")
	exec .venv/bin/heliograph serve --demo --data $(DATA) $(ARGS)

$(STAMP)/test: pyproject.toml | $(STAMP)/python
	.venv/bin/python -m pip install -q --group test
	touch $@

# First of all: who must ask somebody for packages hears it at once.
.PHONY: test-packages
test-packages:
	@tools/debian $(TEST_PACKAGES)

.PHONY: test-tools
test-tools: test-packages $(STAMP)/test

.PHONY: test
test: test-packages setup test-tools ## unit, conformance, e2e, faults at 5 rounds (T=path selects, ARGS=pytest options)
	$(if $(filter tests/unit,$(T)),npm --prefix web run -s test)
	.venv/bin/python -m pytest $(T) $(BESIDE) $(ARGS)

.PHONY: test-all-packages
test-all-packages:
	@tools/debian $(TEST_PACKAGES) $(MORE_TEST_PACKAGES)

.PHONY: test-all
test-all: test-all-packages setup test-tools ## full counts: 50 kill rounds, 20 power cuts, new random examples, a real bucket, and once more on Debian's PostgreSQL
	FAULT_ROUNDS=50 POWER_CUTS=20 .venv/bin/python -m pytest tests/unit tests/faults tests/conformance tests/e2e --hypothesis-profile=exploring $(ARGS)
	HELIOGRAPH_TEST_DATABASE=external .venv/bin/python -m pytest tests/unit tests/conformance tests/e2e $(ARGS)

.PHONY: bench
bench: test-packages setup test-tools ## Orthanc and Heliograph side by side, a table with ratios (ARGS="--only store1,frames")
	.venv/bin/python -m bench.run $(ARGS)

.PHONY: bench-scale
bench-scale: test-packages setup test-tools ## cost per instance up to 10^5 (ARGS="--to 1000000"), search times; resumable
	.venv/bin/python -m bench.scale $(ARGS)

$(STAMP)/check: pyproject.toml | $(STAMP)/test
	.venv/bin/python -m pip install -q --group check
	touch $@

.PHONY: check
check: setup $(STAMP)/check ## format, lint, strict types, import contracts, sizes, docs freshness (under 60 s warm)
	@tools/check

.PHONY: docs
docs: setup ## generated reference pages of settings, commands and API
	.venv/bin/python tools/docs.py

.PHONY: clean
clean: ## what can be made again; never the data folder
	rm -rf .venv web/node_modules web/dist $(STATIC) $(BILL) build dist bench/out tests/out .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find src tests tools bench -name __pycache__ -prune -exec rm -rf {} +
