"""Errors that beginners meet: cells skipped after a restart, old packages, another environment's kernel."""

import json
import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from visionlab import versions
from visionlab.skipped_cells import advice

ROOT = Path(__file__).resolve().parent.parent


def write(path, *cells):
    """Write a notebook: texts that begin with # are Markdown."""
    made = [new_markdown_cell(cell) if cell.startswith("#") else new_code_cell(cell) for cell in cells]
    nbformat.write(new_notebook(cells=made), path)


@pytest.fixture(autouse=True)
def no_session(monkeypatch):
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)


# ---------------------------------------------------------------------------------------------------------------------
# cells skipped


@pytest.mark.parametrize(
    "cell",
    [
        "def needed(x):\n    return x",
        "class needed:\n    pass",
        "other, (needed, _) = 1, (2, 3)",
        "import numpy as needed",
        "from math import pi as needed",
        "for needed in range(3):\n    pass",
        "%matplotlib inline\nneeded = 3",
    ],
)
def test_a_name_that_a_skipped_cell_defines_is_told_with_its_heading(tmp_path, cell):
    write(
        tmp_path / "a.ipynb", "# A lecture", "x = 1", "## 2 · What is *needed*\n\nText.", cell, "# Later", "needed = 0"
    )
    told = advice("needed", tmp_path)
    assert told.startswith(
        "There is no needed yet: run the cell that defines it first.\nIt is under the heading “2 · What"
    )
    assert "Run All Above Selected Cell" in told


@pytest.mark.parametrize(
    "cell",
    [
        "def f():\n    needed = 1",
        "print(needed)",
        "neededs = 1",
        "needed.x = 1",
        "this is no Python, needed = 1",
        "# needed = 1\nx = 1",
    ],
)
def test_a_name_that_no_cell_defines_is_left_to_python(tmp_path, cell):
    write(tmp_path / "a.ipynb", cell, "y = 1")
    (tmp_path / "b.ipynb").write_text('{"cells": [{"needed": 1}]')
    (tmp_path / "c.ipynb").write_text("[]")
    assert advice("needed", tmp_path) == ""


def test_only_the_kernels_own_notebook_counts_if_it_is_known(tmp_path, monkeypatch):
    write(tmp_path / "a.ipynb", "# In a", "needed = 1")
    write(tmp_path / "b.ipynb", "# In b", "needed = 1", "more = 2")
    assert "It is under" not in advice("needed", tmp_path)  # a or b: nobody knows
    assert "“In b”" in advice("more", tmp_path)
    monkeypatch.setenv("JPY_SESSION_NAME", str(tmp_path / "a.ipynb"))
    assert "“In a”" in advice("needed", tmp_path)
    assert advice("more", tmp_path) == ""


def test_in_a_notebook_the_advice_stands_below_the_error(tmp_path):
    cells = ["import visionlab", "check(conv)", "# Three", "def conv():\n    pass", "# Four", "convv", "1 / 0"]
    write(tmp_path / "a.ipynb", *cells, "from visionlab.checks import check")
    notebook = nbformat.read(tmp_path / "a.ipynb", as_version=4)
    notebook.cells[3].source = notebook.cells[-1].source = "pass"  # skipped
    client = NotebookClient(notebook, allow_errors=True, resources={"metadata": {"path": str(tmp_path)}})
    outputs = [cell.get("outputs", []) for cell in client.execute().cells]
    assert [output.output_type for output in outputs[1]] == ["error", "stream"]
    assert outputs[1][1].text.startswith("There is no check yet: run the cell that defines it first.\nIt is under the")
    assert [[output.output_type for output in cell] for cell in outputs[5:7]] == [["error"], ["error"]]


# ---------------------------------------------------------------------------------------------------------------------
# old versions


@pytest.fixture
def installed(monkeypatch):
    """Pretend that other versions are installed."""

    def pretend(**found):
        def version(name):
            if found.get(name, "") is None:
                raise metadata.PackageNotFoundError(name)
            return found.get(name, "99.0")

        wanted = ["numpy==2.4.6", "torch==2.13.0", "anywidget==0.11.0", "tqdm==4.70.1", 'ruff==1.0; extra == "test"']
        monkeypatch.setattr(metadata, "requires", lambda name: wanted)
        monkeypatch.setattr(metadata, "version", version)

    return pretend


def test_what_the_course_is_tested_with_is_new_enough():
    assert versions.too_old() == []
    asked = {line.partition("==")[0] for line in metadata.requires("visionlab")}
    assert set(versions.LOOKED_AT) <= asked


@pytest.mark.parametrize(
    "fine", [{}, {"torch": "2.13.0+cu126"}, {"numpy": "2.4.0"}, {"numpy": "2.10.0rc1"}, {"tqdm": "1.0"}]
)
def test_new_enough(installed, fine):
    installed(**fine)
    assert versions.too_old() == []


def test_an_old_and_a_missing_package_are_told_with_the_command_that_mends_it(installed):
    installed(numpy="1.26.4", torch="2.9.1+cpu", anywidget=None)
    with pytest.warns(versions.OldVersion) as warned:
        versions.look()
    old, older, missing = (str(one.message) for one in warned)
    assert old.startswith("numpy 1.26.4 is older than the course needs (2.4.6). Close JupyterLab and run make lab")
    assert f'"{sys.executable}" -m pip install "numpy==2.4.6"' in old
    assert older.startswith("torch 2.9.1+cpu is older") and missing.startswith("anywidget is not installed here.")


def test_without_an_installation_nothing_is_said(monkeypatch):
    def requires(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "requires", requires)
    assert versions.too_old() == []


def test_an_old_python_is_refused_in_a_sentence(monkeypatch):
    monkeypatch.setattr(versions.sys, "version_info", (3, 9, 18))
    with pytest.raises(ImportError, match=r"needs Python 3\.11 or newer, and this is Python 3\.9\..*make lab PYTHON="):
        versions.look()


def test_the_pythons_agree():
    project = (ROOT / "pyproject.toml").read_text()
    assert f'requires-python = ">={".".join(map(str, versions.PYTHON))}"' in project


# ---------------------------------------------------------------------------------------------------------------------
# another environment's kernel


def test_lab_offers_no_other_kernel(tmp_path):
    """Kernels of other environments, registered in the user's home, one under the name of the course's own."""
    for name in ("python3", "other"):
        folder = tmp_path / "data" / "kernels" / name
        folder.mkdir(parents=True)
        kernel = {"argv": ["/elsewhere/python", "{connection_file}"], "display_name": "Elsewhere", "language": "python"}
        (folder / "kernel.json").write_text(json.dumps(kernel))
    # A stand-in for `jupyter lab` that lists the kernels it would offer.
    stand_in = tmp_path / "bin" / "jupyter"
    stand_in.parent.mkdir()
    stand_in.write_text(
        "#!/bin/sh\nshift\nfor option; do case $option in --KernelSpec*) set -- $option ;; esac; done\n"
        f'exec "{sys.executable}" -m jupyter_client.kernelspecapp list --json "$1"\n'
    )
    stand_in.chmod(0o755)
    environment = {key: value for key, value in os.environ.items() if key != "VIRTUAL_ENV"}
    environment |= {"PATH": f"{stand_in.parent}:{os.defpath}", "JUPYTER_DATA_DIR": str(tmp_path / "data")}
    environment["JUPYTER_PREFER_ENV_PATH"] = "0"  # as in an environment that Jupyter does not know for one
    command = ["sh", str(ROOT / "tools/lab.sh")]
    listed = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
    kernels = json.loads(listed)["kernelspecs"]
    assert list(kernels) == ["python3"]
    assert kernels["python3"]["spec"]["display_name"] != "Elsewhere"


def test_an_environment_that_was_moved_is_told(tmp_path):
    (tmp_path / "jupyter").write_text("#!/moved/away/python\n")
    (tmp_path / "jupyter").chmod(0o755)
    command = ["sh", str(ROOT / "tools/lab.sh")]
    ran = subprocess.run(command, env={"PATH": f"{tmp_path}:{os.defpath}"}, capture_output=True, text=True)
    assert ran.returncode == 1
    assert ran.stderr.splitlines() == [
        "The environment does not work here. Was the course's folder moved or renamed? Run: make clean, then make lab"
    ]
