# `make demo` renders the example shot; `make test` runs the tests. Both set everything up first.

PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || echo python3)
VENV := .venv
BIN := $(VENV)/bin
# Processes that share the tests. A file stays in one of them, since its tests share panels, workers and Blenders.
JOBS ?= 2
READY := $(VENV)/ready

# What Qt draws through, and what Blender's module links to.
SYSTEM_LIBRARIES := libegl1 libgl1 libxkbcommon0 libdbus-1-3 libfontconfig1 \
	libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1 libxcb-image0 libxcb-render-util0 libxkbcommon-x11-0 \
	libxi6 libxxf86vm1 libxfixes3 libxrender1 libsm6 libice6

.PHONY: demo test test-slow lint setup blender stage views mitsuba system clean

demo: setup
	$(BIN)/python examples/demo.py renders/demo

# The commands that tests start are compiled once, as those of an install are, also where the environment says not to.
test: export PYTHONDONTWRITEBYTECODE =
test: setup blender
	$(BIN)/ruff check .
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder

test-slow: setup
	$(BIN)/python -m pytest -m slow

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports

setup: system $(READY)

$(READY): setup.py pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if (3, 11) <= v <= (3, 13) else "Relamp needs Python 3.11 to 3.13, this is %d.%d: make PYTHON=python3.12 ..." % v)'
	$(PYTHON) -m venv $(VENV) || { echo "python3-venv is missing: apt-get install python3-venv"; exit 1; }
	$(BIN)/python -m pip install --quiet -c constraints.txt torch -e '.[all]'
	touch $(READY)

# A Blender of its own for the tests of the second host: bpy wants Python 3.11 exactly, and an old numpy.
BPY := .venv-bpy
blender: system
	@[ -e $(BPY)/ready ] && exit 0; \
	python3.11 -m venv $(BPY) && $(BPY)/bin/python -m pip install --quiet 'bpy==5.0.1' 'numpy<2' && touch $(BPY)/ready \
	|| { rm -rf $(BPY); echo "No Blender here (bpy 5.0.1 needs Python 3.11): its tests are skipped."; }

# A Blender that renders the training data (docs/training.md): Relamp without what its bpy has no room for.
STAGE := .venv-stage
stage: system
	python3.11 -m venv $(STAGE)
	$(STAGE)/bin/python -m pip install --quiet 'bpy==5.0.1' 'numpy<2' 'OpenImageIO<3.1' 'opencv-python-headless==4.10.0.84' \
		'scipy==1.13.0' safetensors pyoidn
	$(STAGE)/bin/python -m pip install --quiet --no-deps -e .

# What renders the views that the shape network is trained on: parametric bodies, and a ray caster.
VIEWS := .venv-views
views:
	$(PYTHON) -m venv $(VIEWS)
	$(VIEWS)/bin/python -m pip install --quiet -c constraints.txt torch anny embreex scipy opencv-python-headless safetensors threadpoolctl
	$(VIEWS)/bin/python -m pip install --quiet --no-deps -e .

# Mitsuba, which renders the validation shots and needs nothing of Relamp.
MITSUBA := .venv-mitsuba
mitsuba:
	$(PYTHON) -m venv $(MITSUBA)
	$(MITSUBA)/bin/python -m pip install --quiet 'mitsuba==3.9.1' pyoidn OpenImageIO

# Libraries no wheel brings are installed when we may, else the command is printed.
system:
	@if [ "$$(uname)" = Linux ] && command -v dpkg >/dev/null && ! dpkg -s $(SYSTEM_LIBRARIES) >/dev/null 2>&1; then \
		if [ "$$(id -u)" = 0 ]; then run=; elif sudo -n true 2>/dev/null; then run=sudo; else run=no; fi; \
		{ [ "$$run" != no ] && $$run apt-get update -qq && $$run apt-get install -y -qq $(SYSTEM_LIBRARIES); } \
		|| echo "The panel and Blender need system libraries; run: sudo apt-get install $(SYSTEM_LIBRARIES)"; \
	fi

clean:
	rm -rf $(VENV) $(BPY) $(STAGE) $(VIEWS) $(MITSUBA) renders build dist *.egg-info
