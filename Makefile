# `make` alone lists what there is. Everything runs from .venv, made by `make install`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
TOOLS := .nightshift/tools
CYCLONEDX := .nightshift/cyclonedx
CODE := bus services simulator cli examples benchmarks deploy tests
CASES := tests/fixtures/cases $(wildcard ../shared/cases/incidents)
STRINGS := $(wildcard ../shared/cases/injection)
REDTEAM := $(addprefix --strings ,$(STRINGS)) --at-once 12 --report .nightshift/redteam.html
EVAL := $(addprefix --cases ,$(CASES)) --at-once 8 --budget 20 --report .nightshift/evaluation.html

.DEFAULT_GOAL := help
.PHONY: help install check test chaos redteam validate eval bench demo up docs pictures lock sbom images pin-images laptop clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

install: $(STAMP) ## Make .venv and install from requirements.lock, hashes required

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0] + "; set PYTHON=") if sys.version_info < (3, 11) else None'
	@echo "installing into $(VENV) (a minute or two the first time)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@if command -v uv >/dev/null 2>&1 \
	&& uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements.lock; \
	then :; else $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock; fi
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(STAMP)

check: $(STAMP) ## ruff, mypy --strict, import-linter, spelling
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/ruff check $(CODE)
	$(BIN)/mypy $(CODE)
	$(BIN)/lint-imports
	$(BIN)/codespell

test: $(STAMP) ## Everything that needs no key and no cluster
	$(BIN)/pytest -n 3 --dist loadgroup $(ARGS)

chaos: $(STAMP) ## The services under fire, full lane (ARGS="--seed 7" repeats a run)
	$(BIN)/pytest tests/chaos --full -n 2 --dist loadgroup $(ARGS)

redteam: $(STAMP) ## A model that obeys every attacker, all cases, then all controls (ARGS="--seed 7")
	@mkdir -p .nightshift
	$(BIN)/nightshift redteam $(REDTEAM) $(ARGS)
	$(BIN)/pytest tests/redteam tests/toolrunner tests/ingest --full -n 2 --dist loadgroup $(ARGS)

validate: $(STAMP) ## Manifests by kubernetes-validate and checkov, both fetched (CRDS=file of KEDA's definitions)
	@test -x $(TOOLS)/bin/python || $(PYTHON) -m venv $(TOOLS)
	@$(TOOLS)/bin/python -m pip install --quiet --disable-pip-version-check --upgrade kubernetes-validate checkov
	PATH="$(abspath $(TOOLS))/bin:$$PATH" CRDS="$(CRDS)" $(BIN)/pytest tests/deploy/test_validity.py \
	  tests/deploy/test_checkov.py tests/deploy/test_drills.py tests/deploy/test_terraform.py --full -rs $(ARGS)

eval: $(STAMP) ## Incidents with known answers, graded (a model where a key is set, else scripts)
	@mkdir -p .nightshift
	@$(BIN)/nightshift eval $(EVAL) $(ARGS)

bench: $(STAMP) ## What the work costs on this machine (ARGS=condensing for one part)
	@$(BIN)/python -m benchmarks $(ARGS)

demo: $(STAMP) ## One alarm becomes one diagnosis, before your eyes (SCENARIO=adservice-oom)
	@$(BIN)/nightshift demo $(SCENARIO) $(ARGS)

up: $(STAMP) ## Everything on this machine until Ctrl-C
	@$(BIN)/nightshift up $(ARGS)

docs: $(STAMP) ## Write docs/events.md and docs/settings.md anew
	$(BIN)/python -m cli.docs

pictures: $(STAMP) ## Make the pictures of docs/cards.md anew (needs Chromium), and test the page in it
	$(BIN)/python -m cli.preview.pictures
	$(BIN)/pytest tests/cli/preview --full $(ARGS)

lock: $(STAMP) ## Compile requirements.lock anew (needs uv)
	uv pip compile pyproject.toml --universal --python-version 3.11.0 --all-extras --generate-hashes \
	  --no-emit-index-url --no-header --no-strip-extras --quiet --output-file requirements.lock

sbom: ## What is in each image, as CycloneDX in .nightshift/sbom, by cyclonedx-bom, which is fetched
	@test -x $(CYCLONEDX)/bin/python || $(PYTHON) -m venv $(CYCLONEDX)
	@$(CYCLONEDX)/bin/python -m pip install --quiet --disable-pip-version-check --upgrade 'cyclonedx-bom>=7.5,<8'
	@PYTHONWARNINGS=ignore::UserWarning $(CYCLONEDX)/bin/python -m deploy.sbom $(CYCLONEDX)/bin/cyclonedx-py .nightshift/sbom

images: ## An image per service: BASE_IMAGE=python:3.13-slim-bookworm, WHEELS=folder, BUILDER=podman
	@BASE_IMAGE="$(BASE_IMAGE)" WHEELS="$(WHEELS)" BUILDER="$(BUILDER)" TARGETS="$(TARGETS)" \
	  REASONER_EXTRAS="$(REASONER_EXTRAS)" sh deploy/images.sh build

pin-images: ## Write the digest behind each tag into deploy/k8s/images, where its registry answers
	@$(PYTHON) deploy/pin_images.py

laptop: ## Everything in containers on this machine, built first (BASE_IMAGE as for images)
	@BASE_IMAGE="$(BASE_IMAGE)" WHEELS="$(WHEELS)" BUILDER=docker \
	  TARGETS="ingest reasoner toolrunner notifier simulator" sh deploy/images.sh build
	@sh deploy/images.sh compose-env .nightshift/compose.env
	docker compose --env-file .nightshift/compose.env --file deploy/compose.yaml up $(ARGS)

clean: ## Remove .venv and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .nightshift
