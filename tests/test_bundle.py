"""What students get: it holds no secret, and it works alone."""

import hashlib
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import numpy as np
import pytest
import torch

from autograder.course import Course
from autograder.hidden_images import LABELS, hidden_images
from tools.bundle import NAME, links, make_bundle
from tools.make_hidden_photographs import ALIKE, FOLDERS, as_floats, likeness
from visionlab.datasets import load

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


@pytest.mark.parametrize(("folder", "count"), FOLDERS.items(), ids=lambda value: str(value).split("/")[-3:][0])
def test_hidden_photographs_are_nowhere_in_it(bundle, folder, count):
    """Neither as they are nor nearly: not their positions in the full set, not their pixels, and nothing like them."""
    hidden, labels = hidden_images(folder)
    assert len(hidden) == count and np.bincount(labels).tolist() == [count // 10] * 10
    embedded = [load("cifar10", split).images for split in ("train", "test")]
    pixels = {image.transpose(1, 2, 0).tobytes() for image in hidden}
    assert len(pixels) == count and not pixels & {image.tobytes() for part in embedded for image in part}
    positions = json.loads((bundle / "data/cifar10/test.json").read_text())["positions"]
    assert not set(positions) & set(json.loads((folder / LABELS).read_text())["positions"])
    others = torch.cat([as_floats(part) for part in embedded])
    near = likeness(torch.from_numpy(hidden[::10]).float(), torch.cat([others, others.flip(3)]))
    assert near.max() <= ALIKE
    sums = {hashlib.sha256(path.read_bytes()).digest() for path in folder.iterdir() if path.is_file()}
    assert not sums & {hashlib.sha256(path.read_bytes()).digest() for path in bundle.rglob("*") if path.is_file()}


def test_a_copy_that_is_moved_or_mirrored_is_told_from_other_photographs():
    photographs = as_floats(load("cifar10", "train", 300).images)
    moved = photographs[:10].roll((2, -3), (2, 3))
    everything = torch.cat([photographs, photographs.flip(3)])
    assert likeness(moved, everything).min() > ALIKE and likeness(moved.flip(3), everything).min() > ALIKE
    assert (likeness(photographs[:10], photographs[10:]) < ALIKE).sum() >= 8  # ships are like ships


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


def test_its_pages_lead_only_to_what_is_there(bundle):
    pages = [bundle / "README.md", *bundle.glob("docs/*.md")]
    assert len(pages) >= 2
    for page in pages:
        targets = [target for _, target in links(page.relative_to(bundle).as_posix(), page.read_text())]
        assert [target for target in targets if not (bundle / target).exists()] == [], page.name
    readme = (bundle / "README.md").read_text()
    assert "make lab" in readme and "docs/pictures/explorer.png" in readme
    assert not re.search(r"make (test|bundle)|autograder \w+ hw|## For", readme)


def test_its_make_offers_what_students_can_use(bundle):
    helped = subprocess.run(["make", "help"], cwd=bundle, check=True, capture_output=True, text=True).stdout
    assert re.findall(r"^  (\S+)  ", helped, flags=re.M) == ["lab", "help", "clean"]
    assert subprocess.run(["make", "-n", "test"], cwd=bundle, capture_output=True).returncode


def test_make_lab_checks_its_data_and_opens_the_first_lecture(bundle, tmp_path):
    """As after the installation, with a stand-in for `jupyter` that says how it was called."""
    commands = tmp_path / "env" / "bin"
    commands.mkdir(parents=True)
    for name, program in {"python": f'exec "{sys.executable}" "$@"', "jupyter": 'echo "jupyter $*"'}.items():
        (commands / name).write_text(f"#!/bin/sh\n{program}\n")
        (commands / name).chmod(0o755)
    shutil.copytree(bundle, tmp_path / "course")
    (tmp_path / "env" / ".lab").touch()  # newer than pyproject.toml: installed

    def make_lab():
        # Nothing on the path but the system: that which runs can only be the bundle's own.
        environment = {"PATH": os.defpath, "HOME": str(tmp_path)}
        command = ["make", "lab", "VENV=../env", "LAB_ARGS=--port=1"]
        return subprocess.run(command, cwd=tmp_path / "course", env=environment, capture_output=True, text=True)

    opened = make_lab()
    assert opened.returncode == 0, opened.stderr
    assert re.search(
        r"jupyter lab .*--LabApp.default_url=/lab/tree/lectures/00_start_here.ipynb --port=1", opened.stdout
    )
    (tmp_path / "course/data/mnist/test.json").unlink()
    broken = make_lab()
    assert broken.returncode and "data/mnist/test.json is missing" in broken.stdout + broken.stderr
    assert "jupyter" not in broken.stdout


def solution_lines(source):
    """Lines that only the solution has: those of the function's body after its docstring."""
    return [line.strip() for line in source.rsplit('"""', 1)[-1].splitlines() if line.strip()]
