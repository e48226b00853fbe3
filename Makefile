# Set up and run Groundwork; `make help` lists the goals.
SHELL := /bin/bash
.DEFAULT_GOAL := run
VENV := .venv
BIN := $(VENV)/bin
PYTHON := $(shell command -v python3.11 || echo python3)
OLD_PYTHON := error: Python 3.11 or later is needed, and this one is older; install it (python3.11 is taken where it is found).
export PATH := $(CURDIR)/$(BIN):$(PATH)
ARGS ?=

.PHONY: help setup run report test prove adopt accept lock lint format clean

help:  ## list the goals
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

setup: $(VENV)/.installed  ## create .venv from the pinned lock

$(VENV)/.installed: envs/requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit("$(OLD_PYTHON)" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r envs/requirements.lock
	@# A torch with CUDA needs libraries that the lock, written beside the CPU build, does not name; torch pins them itself.
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint envs/requirements.lock torch
	@touch $@

run: setup  ## run the workflow of config.yaml (ARGS="..." goes to snakemake)
	@bash scripts/run.sh $(ARGS)

report: setup  ## write results/report.html, and what it lacks
	@bash scripts/run.sh results/report.html $(ARGS)

test: setup  ## run all tests
	$(BIN)/python -m pytest --numprocesses logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder $(ARGS)

prove: setup  ## run the long proofs (kills at random moments) and write docs/proofs.md
	$(BIN)/python -m tests.prove $(ARGS)

adopt: setup  ## verify results that came without .snakemake and take over those that are right
	@$(BIN)/python rules/adopt.py $(ARGS)

accept: setup  ## record that a refactor changes no result: make accept STEP=scripts.cleaning.annotate REASON="..."
	@$(BIN)/python -m scripts.reproducibility.accept --step "$(STEP)" --reason "$(REASON)"

lock: setup  ## pin what is installed and write the conda environments
	$(BIN)/python -m scripts.reproducibility.environments --lock

lint: setup  ## check style, types, the workflow and what is generated
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m snakefmt --check Snakefile rules
	$(BIN)/python -m mypy
	$(BIN)/python -m snakemake --lint
	$(BIN)/python -m scripts.reproducibility.environments --check
	$(BIN)/python -m scripts.reproducibility.reference --check
	$(BIN)/python -m scripts.registry.filter_reference --check

format: setup  ## format the sources and write what is generated (the picture of the rules needs graphviz)
	$(BIN)/python -m ruff check --fix .
	$(BIN)/python -m ruff format .
	$(BIN)/python -m snakefmt Snakefile rules
	$(BIN)/python -m scripts.reproducibility.reference --write
	$(BIN)/python -m scripts.registry.filter_reference --write
	if command -v dot > /dev/null; then $(BIN)/python -m snakemake --rulegraph 2> /dev/null | grep -vE "label = .all.|-> 0$$" | tred | dot -Grankdir=LR -Tsvg > docs/rulegraph.svg; fi

clean:  ## remove the results and Snakemake's records, not .venv
	rm -rf .snakemake $(filter-out results/README.md,$(wildcard results/* results/.[!.]*))
