# Short targets; the work is done by the tools they call.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin

.PHONY: lab test grade-demo bench gpu-bench soak mnist-table proof bundle site clean

lab: $(VENV)/.lab
	@$(BIN)/python -m visionlab.datasets
	@PATH="$(CURDIR)/$(BIN):$$PATH" sh tools/lab.sh $(LAB_ARGS)

# One thread for each process: two that compute with all cores at once take ten times as long.
test proof: export OMP_NUM_THREADS = 1

test: $(VENV)/.test
	@sh tools/system_parts.sh
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/pytest -n 2 --dist loadgroup $(TEST_ARGS)

grade-demo: $(VENV)/.test
	@sh tools/system_parts.sh
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m tests.grade_demo

bench: $(VENV)/.test
	@sh tools/system_parts.sh
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m benchmarks.throughput
	@$(BIN)/python -m benchmarks.training
	@$(BIN)/python -m benchmarks.convolution

gpu-bench: $(VENV)/.lab
	@$(BIN)/python -m benchmarks.gpu

soak: $(VENV)/.test
	@sh tools/system_parts.sh
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m benchmarks.soak

mnist-table: $(VENV)/.test
	@$(BIN)/python -m experiments.mnist_table

proof: $(VENV)/.test
	@$(BIN)/python -m tools.proof

bundle: $(VENV)/.lab
	@$(BIN)/python tools/bundle.py

site: $(VENV)/.site
	@$(BIN)/python -m tools.website

# The environment is made once and again only when its versions change.
$(VENV)/.lab: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "This course needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Try: make lab PYTHON=python3.12")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing the course's packages into $(VENV) (some minutes, once) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.test: pyproject.toml $(VENV)/.lab
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch $@ $(VENV)/.site

$(VENV)/.site: pyproject.toml $(VENV)/.lab
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[site]'
	@touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info
