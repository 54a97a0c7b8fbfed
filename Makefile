PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
SETS ?= oldest newest
PYTEST := $(BIN)/python -m pytest --numprocesses=logical --maxprocesses=4
# A worker without tests takes some of another's. Of the slow ones it takes whole files, since an image or a trained
# model is made once for all tests of a file; in the order of their names the longest, benchmarks, come first.
FAST := --dist=worksteal -m 'not slow'
SLOW := --dist=loadfile --no-loadscope-reorder -m slow

.DEFAULT_GOAL := help
.PHONY: help train study cluster gcs-demo submit destination vertex-demo test test-slow lint format bench notebooks tensorboard image compatibility dist docs flags lock clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { \
		line = sprintf("make %-14s", $$1); words = split($$2, word, " "); \
		for (i = 1; i <= words; i++) { \
			if (length(line word[i]) > 79) { print line; line = sprintf("%19s", "") } \
			line = line " " word[i] \
		} \
		print line \
	}' $(MAKEFILE_LIST)

train: $(VENV)/.run  ## train on real digits; ARGS="--data=mnist --epochs=8" for more
	@$(BIN)/python -m trainer.task $(ARGS)

study: $(VENV)/.run  ## tune the parameters of config.yaml on this machine; ARGS="--data=digits --epochs=2" for a short study
	@$(BIN)/python -m trainer.study $(ARGS)

cluster: $(VENV)/.run  ## train with two worker processes that simulate two machines; ARGS as for train
	@$(BIN)/python -m trainer.local_cluster $(ARGS)

gcs-demo: $(VENV)/.run  ## train with all output in a simulated bucket, gs://demo, without an account; ARGS as for train
	@$(BIN)/python -m tests.gcs.demo $(ARGS)

vertex-demo: $(VENV)/.vertex  ## run a simulated job service and bucket on this machine, for make submit without an account
	@$(BIN)/python -m tests.vertex.demo $(ARGS)

submit: destination $(VENV)/.vertex  ## submit the study in config.yaml to Vertex AI: PROJECT=… REGION=… BUCKET=…; ARGS="--dry_run" prints the request
	@$(BIN)/python -m trainer.study --target=vertex --project="$$PROJECT" --region="$$REGION" --bucket="$$BUCKET" $(ARGS)

# By the environment, so that neither make nor the shell reads a $ or a quote in them.
submit: export override PROJECT := $(value PROJECT)
submit: export override REGION := $(value REGION)
submit: export override BUCKET := $(value BUCKET)

destination:
	@missing=0; for example in PROJECT=my-project REGION=europe-west4 BUCKET=my-bucket; do \
		[ -n "$$(printenv "$${example%%=*}")" ] \
			|| { echo "make: $${example%%=*} must be given, as in $$example. Received: nothing" >&2; missing=2; }; \
	done; exit $$missing

test: $(VENV)/.dev  ## run the fast tests; ARGS=tests/data for one folder
	@$(PYTEST) $(FAST) $(ARGS)

test-slow: $(VENV)/.dev  ## run the slow tests: documents, notebooks, browser, container image, random kills; ARGS as for test
	@$(PYTEST) $(SLOW) $(ARGS)

lint: $(VENV)/.dev  ## check style, types and the order of imports
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/hadolint Dockerfile
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.dev  ## format the code
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: $(VENV)/.benchmarks  ## run all benchmarks: accuracy and speed compared with peers, a bucket outage, kills of runs and studies
	$(BIN)/python -m benchmarks.accuracy
	$(BIN)/python -m benchmarks.conv
	$(BIN)/python -m benchmarks.training
	$(BIN)/python -m benchmarks.checkpoint
	$(BIN)/python -m benchmarks.tensorboard
	$(BIN)/python -m benchmarks.storage
	$(BIN)/python -m benchmarks.outage
	$(BIN)/python -m benchmarks.tuning
	$(BIN)/python -m benchmarks.input
	$(BIN)/python -m benchmarks.ranks
	$(BIN)/python -m benchmarks.serving
	$(BIN)/python -m benchmarks.chaos
	$(BIN)/python -m benchmarks.killed_studies --of=study
	$(BIN)/python -m benchmarks.killed_studies --of=shared

notebooks: $(VENV)/.notebooks  ## open the notebooks in a browser, with JupyterLab; ARGS="--no-browser" prints the address only
	@$(BIN)/jupyter lab --LabApp.default_url=/lab/tree/notebooks/1_convolution.ipynb $(ARGS)

tensorboard: $(VENV)/.run  ## start TensorBoard with the logs in runs/; ARGS="--logdir=gs://bucket/run" for other logs
	@$(BIN)/python -m trainer.tensorboard $(ARGS)

image:  ## build the container image with docker, podman or buildah; ARGS="--extras=serve,gpu --tag=trainer:gpu" for GPUs
	@$(PYTHON) -m container $(if $(BASE_IMAGE),--base_image=$(BASE_IMAGE)) $(ARGS)

compatibility: $(VENV)/.dev  ## run the fast tests with the oldest and the newest dependencies; SETS=oldest for one set
	@$(BIN)/python -m tests.compatibility --sets="$(SETS)" $(ARGS)

dist: $(VENV)/.dev  ## build the source distribution and the wheel into dist/, and check them
	rm -rf dist *.egg-info
	$(BIN)/python -m build --no-isolation
	$(BIN)/twine check --strict dist/*

docs: $(VENV)/.docs  ## build the documentation site into build/site and check its links
	$(BIN)/mkdocs build --strict

flags: $(VENV)/.run  ## generate docs/flags.md from the programs
	@$(BIN)/python -m tests.documents.flags_page

lock: $(VENV)/.dev  ## update the versions in constraints.txt
	$(BIN)/uv pip compile --quiet --universal --python-version=3.11 --all-extras --upgrade --no-header --no-annotate \
		--no-emit-index-url --no-emit-find-links --output-file=constraints.txt setup.py

clean:  ## remove everything that make installed and built; runs are kept
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache

$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
		|| { echo "make: PYTHON must be Python 3.11 or newer. Received: PYTHON=$(PYTHON)" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: EXTRAS := [fonts]
$(VENV)/.dev: EXTRAS := [dev,notebooks]
$(VENV)/.docs: EXTRAS := [docs]
$(VENV)/.notebooks: EXTRAS := [notebooks]
$(VENV)/.vertex: EXTRAS := [vertex]
$(VENV)/.benchmarks: EXTRAS := [dev,notebooks,benchmarks]
$(VENV)/.%: setup.py constraints.txt | $(BIN)/pip
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint=constraints.txt --editable '.$(EXTRAS)'
	@touch $@
