# The commands of instructors and contributors, which the Makefile includes; students' copies of it do without.

## For instructors

.PHONY: bundle grade-demo site

bundle: $(VENV)/.lab  ## pack one zip for students: no solutions, no hidden cases, no grader
	@$(BIN)/python tools/bundle.py

grade-demo: $(VENV)/.test  ## grade sample submissions, good, bad and hostile: grades, feedback, report, exports
	@sh tools/system_parts.sh
	@PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python -m tests.grade_demo

site: $(VENV)/.site  ## build the course as a site to read: dist/site/index.html
	@$(BIN)/python -m tools.website

## For contributors

.PHONY: test proof bench gpu-bench soak mnist-table

# One thread for each process: two that compute with all cores at once take ten times as long.
test proof: export OMP_NUM_THREADS = 1

test: $(VENV)/.test  ## lint, and run every test; TEST_ARGS="-k name" chooses
	@sh tools/system_parts.sh
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/pytest -n 2 --dist loadgroup $(TEST_ARGS)

proof: $(VENV)/.test  ## prove the tests of all assignments, and write docs/proof.md
	@$(BIN)/python -m tools.proof

bench: $(VENV)/.test  ## measure the grader's throughput, training and convolution: docs/benchmarks.md
	@sh tools/system_parts.sh
	@PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python -m benchmarks.throughput
	@$(BIN)/python -m benchmarks.training
	@$(BIN)/python -m benchmarks.convolution

gpu-bench: $(VENV)/.lab  ## train CIFAR-10 from scratch to 94 % on one GPU
	@$(BIN)/python -m benchmarks.gpu

soak: $(VENV)/.test  ## grade a thousand submissions in one batch: docs/soak.md
	@sh tools/system_parts.sh
	@PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python -m benchmarks.soak

mnist-table: $(VENV)/.test  ## run lecture 1's table of classifiers on the whole of MNIST
	@$(BIN)/python -m experiments.mnist_table

$(VENV)/.test: pyproject.toml $(VENV)/.lab
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch $@ $(VENV)/.site

$(VENV)/.site: pyproject.toml $(VENV)/.lab
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[site]'
	@touch $@
