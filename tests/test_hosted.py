"""The first cell of assignments 4 to 6 makes the course work where it is not installed."""

import json
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import nbformat
import pytest

from autograder.course import Course
from tools import hosted
from tools.bundle import NAME, make_bundle

ROOT = Path(__file__).resolve().parent.parent
COURSE = Course(ROOT)
HOSTED = [name for name in COURSE.assignment_names() if name >= "hw4"]


def first_cells(assignment):
    """The cell in each notebook of an assignment that is for hosted notebooks."""
    notebooks = [nbformat.read(path, 4) for path in COURSE.path("release", ".", assignment).glob("*.ipynb")]
    return [next(cell.source for cell in notebook.cells if cell.cell_type == "code") for notebook in notebooks]


@pytest.mark.parametrize("assignment", HOSTED)
def test_every_notebook_begins_with_the_cell(assignment):
    cells = first_cells(assignment)
    assert len(cells) >= 2 and len(set(cells)) == 1
    assert f'"{assignment}"' in cells[0] and 'find_spec("visionlab")' in cells[0]


def test_a_host_without_the_course_gets_it_from_the_zip(tmp_path):
    """A host is simulated: a Python that has this one's packages, but not visionlab."""
    venv.create(tmp_path / "python", with_pip=False)
    (site,) = (tmp_path / "python/lib").glob("python*/site-packages")
    packages = [path for path in sys.path if path.endswith("site-packages")]
    (site / "packages.pth").write_text("\n".join(packages))  # where they are, without what is installed as a link
    make_bundle(tmp_path / f"{NAME}.zip")
    program = (
        "import importlib.util\nassert not importlib.util.find_spec('visionlab')\n"
        f"{first_cells(HOSTED[0])[0]}\n"
        "import visionlab, os\nfrom visionlab import datasets\n"
        "print(visionlab.__file__, os.path.exists('checks.json'), len(datasets.load('cifar10', 'test').labels))"
    )
    python = tmp_path / "python/bin/python"
    ran = subprocess.run([python, "-c", program], cwd=tmp_path, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines()[-1] == f"{tmp_path / NAME / 'visionlab/__init__.py'} True 1000"


def test_where_the_course_is_installed_the_cell_does_nothing(tmp_path):
    ran = subprocess.run(
        [sys.executable, "-c", first_cells(HOSTED[0])[0]], cwd=tmp_path, capture_output=True, text=True
    )
    assert (ran.returncode, ran.stdout, list(tmp_path.iterdir())) == (0, "", [])


def test_what_is_missing_is_installed_and_torch_never(tmp_path, monkeypatch, capsys):
    for name in ("pyproject.toml", "tools"):
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, tmp_path / name)
    (tmp_path / "assignments/hw4").mkdir(parents=True)
    monkeypatch.setattr(hosted, "COURSE", tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.chdir(tmp_path)
    called = []
    monkeypatch.setattr(subprocess, "run", lambda command, **_: called.append(command[4:]))
    monkeypatch.setattr(hosted, "lacking", lambda requirements: ["anywidget==0.11.0"])
    hosted.main("hw4")
    assert called == [["--quiet", "anywidget==0.11.0"]] and Path.cwd() == tmp_path / "assignments/hw4"
    assert "The course is ready" in capsys.readouterr().out
    monkeypatch.setattr(hosted, "lacking", lambda requirements: ["torch==2.13.0"])
    with pytest.raises(SystemExit, match="no PyTorch"):
        hosted.main("hw4")
    assert len(called) == 1


def test_nothing_that_notebooks_need_is_left_out():
    """Every package that visionlab imports is either the host's or installed."""
    program = (
        "import sys, pkgutil, importlib, json, visionlab\n"
        f"for name in {sorted(hosted.NOT_NEEDED)}: sys.modules[name] = None\n"
        "names = [m.name for m in pkgutil.walk_packages(visionlab.__path__, 'visionlab.')]\n"
        "print(json.dumps([importlib.import_module(n).__name__ for n in names if not n.endswith('__main__')]))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert len(json.loads(ran.stdout)) > 5
