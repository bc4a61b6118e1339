"""A course of one small assignment, to test the engine without any convolution in it."""

import shutil
from pathlib import Path
from textwrap import dedent

import nbformat

REPOSITORY = Path(__file__).resolve().parent.parent

EXERCISES = '''
import numpy as np

from autograder.exercise import Bug, Case, Correct, Exercise, Limits, outcome


def tiny(scale_rows, rng):
    """a 2×3 array."""
    x = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    return {"out": scale_rows(x, np.array([2.0, 10.0]))}


def drawn(scale_rows, rng):
    """an array of floats drawn at random."""
    rows, columns = rng.integers(2, 5, 2)
    x = rng.integers(1, 9, (rows, columns + 3)) / 4
    return {"out": scale_rows(x, _factors(rng, rows))}


def _factors(rng, rows):
    return rng.integers(2, 9, rows).astype(float)


def empty(scale_rows, rng):
    """no rows at all."""
    return {"out": scale_rows(np.zeros((0, 3)), np.zeros(0))}


def calls(half, rng):
    """some numbers."""
    return {f"half({n})": outcome(half, n) for n in (4, 7, -1)}


EXERCISES = [
    Exercise(
        "scale_rows",
        4,
        cases=[Case(tiny), Case(drawn, seed=3), Case(empty, hidden=True)],
        bugs=[
            Bug("columns scaled", "You scale the columns.", ("factors[:, None]", "np.resize(factors, x.shape[1])")),
            Bug("input changed", "You write into x.", ("    return x * factors[:, None]",
                "    x *= factors[:, None]\\n    return x")),
        ],
        correct=[Correct("loop", "def scale_rows(x, factors):\\n    return np.array([f * r for f, r in "
                 "zip(factors, x)]).reshape(x.shape)")],
    ),
    Exercise(
        "half",
        2,
        cases=[Case(calls)],
        bugs=[Bug("float division", "You divide with /.", ("n // 2", "n / 2"))],
    ),
]
LIMITS = Limits(cell_seconds=3, notebook_seconds=30, output_bytes=20_000, reply_bytes=2_000_000)
'''

SCALE_ROWS = """
def scale_rows(x, factors):
    ### BEGIN SOLUTION
    return x * factors[:, None]
    ### END SOLUTION
"""

HALF = '''
def half(n):
    """Half of a whole number, rounded down; negative numbers are refused."""
    ### BEGIN SOLUTION
    if n < 0:
        raise ValueError("negative")
    return n // 2
    ### END SOLUTION
'''


def code(source, grade_id=None, **nbgrader):
    """Make a code cell, with nbgrader's metadata if it has a ``grade_id``."""
    metadata = {}
    if grade_id:
        defaults = {"grade": False, "locked": False, "solution": False, "task": False, "schema_version": 3}
        metadata = {"nbgrader": defaults | {"grade_id": grade_id} | nbgrader}
    return nbformat.v4.new_code_cell(dedent(source).strip(), metadata=metadata, id=grade_id or "free")


def instructors_notebook():
    """Make the notebook of the assignment 'small'."""
    check = "from visionlab.checks import check\nimport numpy as np"
    graded = {"grade": True, "locked": True}
    question = nbformat.v4.new_markdown_cell("An answer.", id="why")
    question.metadata = {
        "nbgrader": {"grade": True, "solution": True, "locked": False, "task": False, "points": 1, "grade_id": "why"}
        | {"schema_version": 3}
    }
    return nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_markdown_cell("# Small", id="title"),
            code(check, "imports", locked=True),
            code(SCALE_ROWS, "scale_rows", solution=True),
            code("check(scale_rows)", "check_scale_rows", points=4, **graded),
            code("picture = scale_rows(np.ones((2, 2)), np.ones(2))"),
            code(HALF, "half", solution=True),
            code("check(half)", "check_half", points=2, **graded),
            code("assert half(10) == 5\nnp.testing.assert_equal(half(3), 1)", "plain_test", points=1, **graded),
            question,
        ],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    )


def make_course(root):
    """Lay the course out in a folder and return it."""
    root = Path(root)
    folder = root / "solutions" / "small"
    folder.mkdir(parents=True)
    nbformat.write(instructors_notebook(), folder / "small.ipynb")
    (folder / "exercises.py").write_text(EXERCISES, encoding="utf-8")
    shutil.copy(REPOSITORY / "nbgrader_config.py", root)
    return root


def answer(released, answers, free_text=None):
    """Fill the solution cells of a released notebook.

    Parameters
    ----------
    released : path or notebook
    answers : dict of str to str
        Source by ``grade_id``; others stay as released.
    """
    notebook = released if isinstance(released, dict) else nbformat.read(released, as_version=4)
    for cell in notebook.cells:
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
        if grade_id in answers:
            cell.source = dedent(answers[grade_id]).strip()
        elif free_text and cell.metadata.get("nbgrader", {}).get("grade") and cell.cell_type == "markdown":
            cell.source = free_text
    return notebook


def submit(root, student, notebook, assignment="small", name=None):
    """Put a notebook (or the bytes of one), by default called like its assignment, where nbgrader's collect puts it."""
    path = Path(root) / "submitted" / student / assignment / f"{name or assignment}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(notebook, bytes):
        path.write_bytes(notebook)
    else:
        nbformat.write(notebook, path)
    return path
