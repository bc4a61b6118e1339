"""What students get: it holds no secret, and it works alone."""

import hashlib
import itertools
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import numpy as np
import pytest
import torch
from PIL import Image

from autograder.course import Course
from tools.bundle import NAME, make_bundle
from tools.make_hidden_photographs import ALIKE, as_floats, likeness
from tools.make_hidden_photographs import FOLDER as HIDDEN
from visionlab.datasets import cut_sheet, load

ROOT = Path(__file__).resolve().parent.parent
STEP = {"optimiser.zero_grad()", "loss.backward()", "optimiser.step()"}
"""PyTorch's own words for a step, which lectures teach and solutions use: no answer to anything."""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """The bundle, unpacked."""
    folder = tmp_path_factory.mktemp("bundle")
    with zipfile.ZipFile(make_bundle(folder / "course.zip")) as packed:
        packed.extractall(folder)
    return folder / NAME


def test_it_holds_the_course(bundle):
    for name in ("lectures", "assignments", "data", "visionlab", "Makefile", "pyproject.toml", "environment.yml"):
        assert (bundle / name).exists(), name
    assert list(bundle.glob("lectures/*.ipynb"))


def test_it_holds_no_secret(bundle):
    secret = ("exercises.py", "exercises", "solutions", "autograder", "tests")
    assert not [path for path in bundle.rglob("*") if path.name in secret]
    everything = {path: path.read_text(errors="replace") for path in bundle.rglob("*") if path.is_file()}
    notebooks = {path: text for path, text in everything.items() if path.suffix in (".ipynb", ".json")}
    course = Course(ROOT)
    for name in course.assignment_names():
        assignment = course.assignment(name)
        bodies = [solution_lines(source) for own in assignment.notebooks.values() for source in own.solution_sources]
        for exercise in assignment.exercises.values():
            hidden = [case.name for case in exercise.cases if case.hidden]
            sources = [bug.source for bug in exercise.bugs if bug.source] + [style.source for style in exercise.correct]
            for secret in [f"def {case}(" for case in hidden] + sources:
                assert holders(secret, everything) == []
        # One line of arithmetic may stand in a widget too; two in a row, or one in a notebook, would be an answer.
        for lines in bodies:
            for line in lines:
                assert len(line) < 25 or holders(json.dumps(line)[1:-1], notebooks) == []
            for one, two in itertools.pairwise(lines):
                assert {one, two} <= STEP or not [path for path, text in everything.items() if follows(one, two, text)]


def test_hidden_photographs_are_nowhere_in_it(bundle):
    """Neither as they are nor nearly: not their positions in the full set, not their pixels, and nothing like them."""
    about = json.loads((HIDDEN / "photographs.json").read_text())
    sheets = [np.asarray(Image.open(path)) for path in sorted(HIDDEN.glob("*.png"))]
    hidden = np.concatenate([cut_sheet(sheet, (32, 32, 3)) for sheet in sheets])
    assert len(hidden) == len(about["labels"]) == 2_000 and set(np.bincount([*map(int, about["labels"])])) == {200}
    embedded = [load("cifar10", split).images for split in ("train", "test")]
    assert not {image.tobytes() for image in hidden} & {image.tobytes() for part in embedded for image in part}
    positions = json.loads((bundle / "data/cifar10/test.json").read_text())["positions"]
    assert not set(positions) & set(about["positions"])
    others = torch.cat([as_floats(part) for part in embedded])
    assert likeness(as_floats(hidden[::10]), torch.cat([others, others.flip(3)])).max() <= ALIKE
    sums = {hashlib.sha256(path.read_bytes()).digest() for path in HIDDEN.iterdir() if path.is_file()}
    assert not sums & {hashlib.sha256(path.read_bytes()).digest() for path in bundle.rglob("*") if path.is_file()}


def holders(secret, texts):
    """Names of the files that hold a secret."""
    return [path.name for path, text in texts.items() if secret in text or json.dumps(secret)[1:-1] in text]


def follows(one, two, text):
    """Whether a file holds one line directly followed by another."""
    return re.search(re.escape(one) + r"(\\n|\n|\s|\"|,)*" + re.escape(two), text) is not None


def test_released_notebooks_have_no_outputs_and_no_answers(bundle):
    for path in bundle.glob("assignments/*/*.ipynb"):
        for cell in nbformat.read(path, as_version=4).cells:
            assert not cell.get("outputs")
            assert "SOLUTION" not in cell.source
            if cell.cell_type == "code" and cell.metadata.get("nbgrader", {}).get("solution"):
                assert "raise NotImplementedError" in cell.source


def test_visionlab_works_without_the_grader(bundle):
    """The student's package never imports the instructor's."""
    program = (
        "import sys, pkgutil, importlib\n"
        "sys.modules['autograder'] = None\n"
        f"sys.path.insert(0, {str(bundle)!r})\n"
        "import visionlab\n"
        f"assert visionlab.__file__.startswith({str(bundle)!r})\n"
        "names = [m.name for m in pkgutil.walk_packages(visionlab.__path__, 'visionlab.')]\n"
        "for name in names:\n"
        "    if not name.endswith('__main__'): importlib.import_module(name)\n"
        "print(len(names))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=bundle)
    assert ran.returncode == 0, ran.stderr
    assert int(ran.stdout) > 5


def test_its_project_file_names_no_grader(bundle):
    text = (bundle / "pyproject.toml").read_text()
    assert "autograder" not in text
    compile_toml = [sys.executable, "-c", "import tomllib, sys; tomllib.load(open(sys.argv[1], 'rb'))"]
    subprocess.run([*compile_toml, str(bundle / "pyproject.toml")], check=True)


def solution_lines(source):
    """Lines that only the solution has: those of the function's body after its docstring."""
    return [line.strip() for line in source.rsplit('"""', 1)[-1].splitlines() if line.strip()]
