# make demo: the main job, on Python 3.11+ and nothing else. make test: the tests.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo demo-docker test tests lint bench fuzz chaos clean

demo: $(STAMP)
	$(BIN)/canaryctl demo $(DEMO)

demo-docker: $(STAMP)
	$(BIN)/canaryctl demo --docker $(DEMO)

test: lint tests

# So many at once: most tests wait. Those that measure promised seconds come after, one by one.
# PYTEST="tests/e2e -x" for some; none in one of the two calls (5) is no failure.
WORKERS ?= 3
tests: $(STAMP)
	@$(BIN)/python -m pytest -n $(WORKERS) --no-loadscope-reorder \
	  -m "not alone" $(PYTEST); many=$$?; \
	$(BIN)/python -m pytest -m alone $(PYTEST); alone=$$?; \
	case "$$many$$alone" in 00|05|50) ;; *) exit 1;; esac

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# FUZZ=1000000 inputs; `make fuzz FUZZ="20000 --only canary.yaml"` for less.
FUZZ ?= 1000000
fuzz: $(STAMP)
	$(BIN)/python -m tests.fuzz --inputs $(FUZZ)

# Every way to fail, with real NGINX and Docker; CHAOS="matrix kills" for some parts. As root the
# faults of disks, names and Docker are part of it.
chaos: $(STAMP)
	$(BIN)/python -m tests.chaos $(CHAOS)

bench: $(STAMP)
	$(BIN)/python -m benchmarks $(BENCH)

# The lock holds the versions that the tests last ran with.
$(STAMP): pyproject.toml requirements.lock
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
