# `make run` and `make test` are all you need to begin; each sets up .venv first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# The exact packages of the container, with their hashes; PyTorch is apart, whose build depends on the machine.
LOCK := requirements.lock
LOCK_OPTIONS := --generate-hashes --python-version 3.11 --python-platform x86_64-manylinux_2_28 --no-annotate --quiet \
	--custom-compile-command "make lock"
ONLY_WITH_TORCH := grep -oiE '^(torch|triton|nvidia-[a-z0-9-]+|cuda-[a-z0-9-]+)=='
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu

.PHONY: run test demo lint docs lock gpu clean

run: $(VENV)/.installed
	$(BIN)/python app.py

test: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -n logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder

demo: $(VENV)/.installed
	@out=augmented/demo-$$(date +%Y%m%d-%H%M%S) && \
	$(BIN)/augmentai examples -o $$out --variations 3 && \
	echo "The variations and their manifest are in $$out"

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/hadolint Dockerfile

# The site, into site/; a broken link or a name that is not there ends it.
docs: $(VENV)/.installed-dev
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

# Every package again, within the pins of requirements.txt, and the table of their licences.
lock: $(VENV)/.installed-dev
	$(BIN)/uv pip compile requirements.txt $(LOCK_OPTIONS) --output-file $(LOCK)
	$(BIN)/uv pip compile requirements.txt $(LOCK_OPTIONS) --output-file $(LOCK) \
		$$($(ONLY_WITH_TORCH) $(LOCK) | sed 's/==//; s/^/--no-emit-package /')
	$(BIN)/python docs/licence_table.py

# What needs a CUDA GPU; about half an hour, much of it compiling. Results go to runs/.
gpu: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -m cuda tests/engines
	$(BIN)/python benchmarks/diffusion.py --model runs/sd-turbo-shape --json runs/diffusion.json
	$(BIN)/python benchmarks/diffusion_checks.py --model runs/sd-turbo-shape
	$(BIN)/python benchmarks/diffusion_checks.py --tiny --checks job kill part

clean:
	rm -rf $(VENV) site .pytest_cache .mypy_cache .ruff_cache

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "AugmentAI needs Python 3.11 or newer; try: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "python3-venv is missing (Debian: apt-get install python3-venv)"; exit 1; }
	$(BIN)/python -m pip install --quiet --upgrade pip

# The package itself is installed in place, so that .venv/bin/augmentai runs this very code.
# PyTorch's build without CUDA is a tenth of the size: a machine without a GPU gets it, if its index can be reached.
$(VENV)/.installed: requirements.txt pyproject.toml | $(BIN)/python
	@command -v nvidia-smi >/dev/null || $(BIN)/python -c 'import torch' 2>/dev/null || \
		$(BIN)/python -m pip install --quiet --retries 0 --timeout 15 --index-url $(TORCH_INDEX) \
		"$$(grep '^torch==' requirements.txt)" 2>/dev/null || echo "PyTorch comes from the usual index"
	$(BIN)/python -m pip install --quiet -r requirements.txt
	$(BIN)/python -m pip install --quiet --no-deps --editable .
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt requirements.txt pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet -r requirements-dev.txt
	$(BIN)/python -m pip install --quiet --no-deps --editable .
	@touch $@ $(VENV)/.installed
