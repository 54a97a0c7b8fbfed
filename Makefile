PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help train study cluster gcs-demo test lint format bench notebooks tensorboard image lock clean

help:  ## say what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

train: $(VENV)/.run  ## train on real digits; ARGS="--data=mnist --epochs=8" for more
	@$(BIN)/python -m trainer.task $(ARGS)

study: $(VENV)/.run  ## tune config.yaml's parameters on this machine; ARGS="--data=digits --epochs=2" for a short one
	@$(BIN)/python -m trainer.study $(ARGS)

cluster: $(VENV)/.run  ## train on two worker processes over loopback, as on two machines; ARGS as for train
	@$(BIN)/python -m trainer.local_cluster $(ARGS)

gcs-demo: $(VENV)/.run  ## train with all output on a bucket, gs://demo, without an account; ARGS as for train
	@$(BIN)/python -m tests.gcs.demo $(ARGS)

test: $(VENV)/.dev  ## run every test; ARGS="-m 'not slow'" for the fast ones
	@$(BIN)/python -m pytest $(ARGS)

lint: $(VENV)/.dev  ## check style, types and which way imports run
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.dev  ## put the code into the common style
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: $(VENV)/.benchmarks  ## measure accuracy and speed beside the peers, take a bucket away, and kill a run 60 times
	$(BIN)/python -m benchmarks.accuracy
	$(BIN)/python -m benchmarks.conv
	$(BIN)/python -m benchmarks.training
	$(BIN)/python -m benchmarks.checkpoint
	$(BIN)/python -m benchmarks.tensorboard
	$(BIN)/python -m benchmarks.storage
	$(BIN)/python -m benchmarks.outage
	$(BIN)/python -m benchmarks.tuning
	$(BIN)/python -m benchmarks.input
	$(BIN)/python -m benchmarks.serving
	$(BIN)/python -m benchmarks.chaos

notebooks: $(VENV)/.dev  ## run every notebook from top to bottom
	$(BIN)/python -m pytest tests/test_notebooks.py

tensorboard: $(VENV)/.run  ## show the logs of all runs in this folder; ARGS="--logdir=gs://bucket/run" for others
	@$(BIN)/python -m trainer.tensorboard $(ARGS)

image:  ## build the container image for Vertex AI
	docker build --tag trainer .

lock: $(VENV)/.dev  ## resolve the versions in constraints.txt anew
	$(BIN)/uv pip compile --quiet --universal --python-version=3.11 --all-extras --upgrade --no-header --no-annotate \
		--no-emit-index-url --no-emit-find-links --output-file=constraints.txt setup.py

clean:  ## remove what was installed and built, but no run
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache

$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
		|| { echo "make: PYTHON must be Python 3.11 or newer. Received: PYTHON=$(PYTHON)" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: EXTRAS :=
$(VENV)/.dev: EXTRAS := [dev,notebooks]
$(VENV)/.benchmarks: EXTRAS := [dev,notebooks,benchmarks]
$(VENV)/.%: setup.py constraints.txt | $(BIN)/pip
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint=constraints.txt --editable '.$(EXTRAS)'
	@touch $@
