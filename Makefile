# Set up and run Groundwork; `make help` lists the goals.
SHELL := /bin/bash
.DEFAULT_GOAL := run
VENV := .venv
BIN := $(VENV)/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
ARGS ?=

.PHONY: help setup run test adopt accept lock lint format clean

help:  ## list the goals
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

setup: $(VENV)/.installed  ## create .venv from the pinned lock

$(VENV)/.installed: envs/requirements.lock
	python3 -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r envs/requirements.lock
	@touch $@

run: setup  ## run the workflow of config.yaml (ARGS="..." goes to snakemake)
	@bash scripts/run.sh $(ARGS)

test: setup  ## run all tests
	$(BIN)/python -m pytest $(ARGS)

adopt: setup  ## verify results that came without .snakemake and take over those that are right
	@$(BIN)/python rules/adopt.py $(ARGS)

accept: setup  ## record that a refactor changes no result: make accept STEP=scripts.cleaning.annotate REASON="..."
	@$(BIN)/python -m scripts.reproducibility.accept --step "$(STEP)" --reason "$(REASON)"

lock: setup  ## pin what is installed and write the conda environments
	$(BIN)/python -m scripts.reproducibility.environments --lock

lint: setup  ## check style, types and the workflow
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile rules
	$(BIN)/mypy
	$(BIN)/snakemake --lint
	$(BIN)/python -m scripts.reproducibility.environments --check

format: setup  ## format the sources
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/snakefmt Snakefile rules

clean:  ## remove the results and Snakemake's records, not .venv
	rm -rf .snakemake $(filter-out results/README.md,$(wildcard results/* results/.[!.]*))
