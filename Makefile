# Each target does all of its own set-up.
VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin

.PHONY: demo share-demo test bench lock clean clean-cache

$(VENV)/.core: constraints.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r constraints.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	touch $@

$(VENV)/.dev: $(VENV)/.core constraints-dev.txt
	$(BIN)/python -m pip install --quiet --require-hashes -r constraints-dev.txt
	touch $@

demo: $(VENV)/.core
	$(BIN)/stillwatch demo --out demo

share-demo: $(VENV)/.dev
	$(BIN)/stillwatch share demo --out share-demo

test: $(VENV)/.dev
	$(BIN)/ruff check --no-cache .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	PATH=$(abspath $(BIN)):$$PATH $(BIN)/lint-imports
	$(BIN)/python -m pytest -n 2

bench: $(VENV)/.dev
	$(BIN)/python bench/scan.py
	$(BIN)/python bench/scale.py --phases

lock:
	UV_INDEX_URL= uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header pyproject.toml requirements-build.in -o constraints.txt
	UV_INDEX_URL= uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header --extra dev pyproject.toml requirements-build.in -o constraints-dev.txt

clean:
	rm -rf $(VENV) demo share-demo

clean-cache:
	find src -name '*.nbi' -delete -o -name '*.nbc' -delete
