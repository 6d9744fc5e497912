# Two commands for a newcomer: make demo, make test. Everything else is for those who work here.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.ready
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help setup demo check coverage tools test test-long bench docs lock clean

help:  ## say what there is
	@grep -hE '^[a-z%-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 16

setup: $(STAMP)  ## install into .venv, from the lock file with its hashes

$(STAMP): requirements.lock pyproject.toml tests/tools/python.sh
	@python=$$(sh tests/tools/python.sh); \
	echo "setting up .venv with $$($$python --version)"; \
	test -x $(PY) && $(PY) -c 'import sys; sys.exit(sys.version_info < (3, 12))' || $$python -m venv --clear $(VENV); \
	$(PY) -m pip install --quiet --require-hashes -r requirements.lock; \
	$(PY) -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $(STAMP)

DEMO := --cluster examples/cluster --config examples/migrate.yaml

demo: setup  ## translate and prove the example cluster, plan its migration, rehearse it and kill it at every step
	@rm -rf demo-output
	@$(VENV)/bin/c2c translate examples/policies --cluster examples/cluster --config examples/migrate.yaml \
	    --out demo-output/cilium -o table -o demo-output/translation.html --exit-zero
	@$(VENV)/bin/c2c preflight $(DEMO) -o table -o demo-output/preflight.html
	@$(VENV)/bin/c2c plan $(DEMO) -o demo-output/plan.json -o demo-output/plan.svg | head -24
	@$(VENV)/bin/c2c rehearse demo-output/plan.json --cluster examples/cluster --state-dir demo-output/runs \
	    --kill-at every-step -o table -o demo-output/rehearsal.json
	@$(VENV)/bin/c2c report --state-dir demo-output/runs -o table -o demo-output/rehearsal.html
	@echo "see demo-output/translation.html, preflight.html, plan.svg, rehearsal.html, cilium/"

check: setup  ## lint, types, contracts, fast tests: about a minute
	@$(VENV)/bin/ruff check translators migrate tests
	@$(VENV)/bin/ruff format --check translators migrate tests
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports
	@$(TESTS) tests/unit tests/meta $(wildcard tests/golden)

COVERED := tests/unit/test_translate.py tests/unit/translators tests/unit/migrate/engine tests/unit/migrate/driver tests/golden

coverage: setup  ## branches of translators and migrate.engine that their own fast tests take: 95 % at least
	@$(TESTS) $(COVERED) --cov=translators --cov=migrate.engine --cov-branch --cov-fail-under=95 \
	    --cov-report=term:skip-covered

tools: setup  ## build what the tests run against, or find it; needs Go 1.26
	@$(PY) -m tests.tools.binaries

TESTS := $(PY) -m pytest -q -n $(or $(TEST_PROCESSES),2)

test: setup  ## check, then everything that can run here; CI=true builds the tools first and skips nothing
	@C2C_PROFILE=$(if $(C2C_LONG),long,test) $(PY) -m tests.tools.steps \
	    check="$(MAKE) --no-print-directory check" \
	    $(if $(filter true,$(CI)),tools="$(PY) -m tests.tools.binaries") \
	    coverage="$(MAKE) --no-print-directory coverage" \
	    property="$(TESTS) tests/property" \
	    oracles="$(TESTS) tests/oracles" \
	    robustness="$(TESTS) tests/robustness" \
	    controlplane="$(MAKE) --no-print-directory test-controlplane" \
	    demo="$(MAKE) --no-print-directory demo"

test-long: setup  ## the same tests with larger counts
	@C2C_LONG=1 $(MAKE) --no-print-directory test

test-controlplane: setup  ## against a real API server, controllers, Helm and cilium-operator; one instance at a time
	@$(PY) -m pytest -q tests/controlplane || { \
	    echo "once more, by themselves, for clocks of a busy machine: the tests that failed above" >&2; \
	    $(PY) -m pytest -q tests/controlplane --last-failed --last-failed-no-failures=none; }

test-%: setup  ## one layer: test-unit, test-oracles, test-property, test-robustness
	@C2C_PROFILE=$(if $(C2C_LONG),long,test) $(TESTS) tests/$*

bench: setup  ## measure; BENCH=name for one case (minutes)
	@BENCH="$(BENCH)" $(PY) -m tests.bench

docs: setup  ## renew the generated pages; the site, if mkdocs can be had
	@C2C_REWRITE=1 $(PY) -m pytest tests/meta/test_docs.py tests/meta/test_runbooks.py -q
	@test -x build/docs-venv/bin/mkdocs || { $(PY) -m venv build/docs-venv && \
	    $(VENV)/bin/uv pip install --quiet --python build/docs-venv/bin/python --group docs; }
	@build/docs-venv/bin/mkdocs build --strict --quiet --site-dir build/site && echo "site: build/site/index.html"

lock: setup  ## renew requirements.lock
	@$(VENV)/bin/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate \
	    --python-version 3.12 --group dev --group build pyproject.toml -o requirements.lock

clean:  ## remove what was made here
	@rm -rf $(VENV) demo-output build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
