# Short targets; the work is done by the tools they call. `make help` lists them.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin

.PHONY: lab help clean

lab: $(VENV)/.lab  ## install what the course needs (once), check its data, open JupyterLab on the first lecture
	@$(BIN)/python -m visionlab.datasets
	@PATH="$(abspath $(BIN)):$$PATH" sh tools/lab.sh $(LAB_ARGS)

help:  ## list these commands
	@echo "Usage: make COMMAND"
	@awk '/^## / { print "\n" substr($$0, 4) } /^[a-z-]+:.*  ## / { split($$0, part, ":"); sub(/.*  ## /, ""); printf "  %-12s %s\n", part[1], $$0 }' $(MAKEFILE_LIST)

clean:  ## remove the environment (.venv) and all that was built; your work in the notebooks stays
	rm -rf $(VENV) build dist *.egg-info

# The environment is made once and again only when its versions change.
$(VENV)/.lab: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "This course needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Try: make lab PYTHON=python3.12")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing the course's packages into $(VENV) (some minutes, once) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

# What instructors and contributors need is not in the students' bundle.
-include tools/course.mk
