"""docs/exercise.md followed to the letter: its commands run, its code is put where it says, the proof says the same."""

import re
import shutil
from pathlib import Path

import nbformat
import pytest
from typer.testing import CliRunner

from autograder.cli import app

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs/exercise.md").read_text(encoding="utf-8")


@pytest.fixture
def run(tmp_path, monkeypatch):
    shutil.copy(ROOT / "nbgrader_config.py", tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setattr("autograder.cli.console.width", 120, raising=False)
    return lambda command: CliRunner().invoke(app, command.split()[1:])


def test_a_new_user_who_follows_the_page_gets_a_proven_exercise(run, tmp_path):
    commands = re.findall(r"^autograder .*", PAGE, re.M)
    make, verify_first, verify_weak, verify_mended, release = commands
    assert run(make).exit_code == 0 and run(verify_first).exit_code == 0

    solution, check, *_ = re.findall(r"```python\n(.*?)```", dedent_lists(PAGE), re.S)
    fill_notebook(tmp_path / "solutions/hw7_colours/hw7_colours.ipynb", solution, check)

    cases, exercise, case, line = re.findall(r"^```python\n(.*?)```", PAGE, re.S | re.M)
    exercises = tmp_path / "solutions/hw7_colours/exercises.py"
    text = exercises.read_text()
    text = text.replace("EXERCISES = [", f"{cases}\n\nEXERCISES = [").replace("\n]\n", f"\n{exercise}]\n")
    exercises.write_text(text)
    weak = run(verify_weak)
    (complaint,) = re.findall(r"^✗ .*", PAGE, re.M)
    assert weak.exit_code == 1 and complaint in weak.output.replace("\n", " "), weak.output

    old = re.search(r" *cases=\[Case\(four_pixels\).*\n", text)[0]
    exercises.write_text(text.replace("EXERCISES = [", f"{case}\n\nEXERCISES = [").replace(old, line))
    mended = run(verify_mended)
    assert mended.exit_code == 0 and "just as bright as the threshold isn't brighter" in mended.output, mended.output
    assert run(release).exit_code == 0
    released = nbformat.read(tmp_path / "assignments/hw7_colours/hw7_colours.ipynb", as_version=4)
    assert "threshold).mean()" not in str(released) and "def bright_share" in str(released)


def dedent_lists(text):
    """Blocks that stand within the items of a list, moved to the left."""
    return "\n".join(line[3:] for line in text.splitlines() if line.startswith("   ") or not line)


def fill_notebook(path, solution, check):
    """Copy the example's three cells and change them, as the page tells to do by hand."""
    notebook = nbformat.read(path, as_version=4)
    copies = [nbformat.from_dict(cell) for cell in notebook.cells[-3:]]
    copies[0].source = "## 2 · Bright pixels"
    for cell, source, name, points in (
        (copies[1], solution, "bright_share", 0),
        (copies[2], check, "check_bright_share", 3),
    ):
        cell.source = source.strip()
        cell.metadata.nbgrader.grade_id = name
        cell.metadata.nbgrader.points = points
    for number, cell in enumerate(copies):
        cell.id = f"copy-{number}"
    notebook.cells += copies
    nbformat.write(notebook, path)
