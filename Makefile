# Everything runs in .venv, which `make setup` makes and keeps up to date. See scripts/setup.sh.
#
#   make PYTHON=3.10 …         another Python than the one chosen
#   make ACCELERATOR=gpu …     with the CUDA libraries
#   make bench DATA=folder WEIGHTS=file     images in train/, validation/, test/; MobileNetV2 without its top

SHELL := /bin/sh
MAKEFLAGS += --no-print-directory

# DVC finds `headstart` on the PATH. Nothing here calls home.
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export MLFLOW_DISABLE_TELEMETRY := true
export DO_NOT_TRACK := true
export DVC_NO_ANALYTICS := true
export DATA WEIGHTS

# A process for each core, up to four: each holds TensorFlow, and each story starts others.
PYTEST := pytest -n logical --maxprocesses 4 --no-loadscope-reorder --durations=10

.DEFAULT_GOAL := help
.PHONY: help setup run test test-long quick check lint digests bench bench-data lock test-modern clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s%s\n", $$1, $$2 }' Makefile

setup: ## make the environment, or bring it up to date
	@scripts/setup.sh

run: setup ## make the demo data, run the pipeline, print the result
	@headstart demo
	@dvc repro
	@headstart show
	@git diff --quiet -- dvc.lock 2>/dev/null || echo "dvc.lock differs, as after any run that trained: reports hold seconds."

test: setup ## run all tests
	@$(PYTEST)

test-long: setup ## run the tests that take minutes by nature
	@$(PYTEST) -m long

quick: setup ## run the tests without the stories of whole studies and the trainings
	@$(PYTEST) --ignore=tests/stories -m "not slow and not long"

digests: setup ## rewrite code.json after a change of code
	@headstart upgrade

lint: setup ## ruff, mypy and the import contracts
	@ruff check
	@ruff format --check
	@mypy
	@lint-imports

check: lint test ## lint, then the tests

bench: setup ## compare with the textbook script: seconds, accuracy, memory (see benchmarks/)
	@: $${DATA:?is the folder of images: make bench DATA=… WEIGHTS=…} $${WEIGHTS:?is the weights file: make bench DATA=… WEIGHTS=…}
	@python -m benchmarks.bench --data "$$DATA" --weights "$$WEIGHTS" $(OPTIONS)

bench-data: setup ## CPU seconds of each step of the data path, beside a bare decoding loop
	@: $${DATA:?is the folder of images: make bench-data DATA=… WEIGHTS=…} $${WEIGHTS:?is the weights file: make bench-data DATA=… WEIGHTS=…}
	@python -m benchmarks.data_path measure --data "$$DATA" --weights "$$WEIGHTS" $(OPTIONS)

lock: ## resolve requirements/ again; UPGRADE=1 takes the newest of everything
	@scripts/lock.sh

test-modern: ## run the tests on the modern stack, in a Debian 13 root (as root, on Debian and its like)
	@scripts/test_modern.sh

clean: ## remove the environment and the tools' caches; data and results stay
	@rm -rf .venv .tools build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache *.egg-info
	@find pipeline components headstart tests -name __pycache__ -type d -prune -exec rm -rf {} +
