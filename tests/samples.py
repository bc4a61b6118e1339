"""Sample submissions of hw3_convolution, good, bad and hostile, made from the release, the solution and the catalogue.

Nothing is copied: a sample is the released notebook with answers filled in, so that samples cannot drift from either.
"""

from dataclasses import dataclass
from textwrap import dedent

import nbformat

from tests.small_course import answer

ASSIGNMENT = "hw3_convolution"


@dataclass(frozen=True)
class Sample:
    """A submission and what grading must say of it.

    Attributes
    ----------
    student : str
        The name says what the sample is.
    notebook : nbformat.NotebookNode
    status : str
    points : dict of str to float
        Expected points of exercises; a pair gives the least and the most.
    mistakes : dict of str to str
        Known bugs that must be named, by exercise.
    """

    student: str
    notebook: nbformat.NotebookNode
    points: dict
    status: str = "graded"
    mistakes: dict = None


def samples(assignment, released):
    """Make all samples.

    Parameters
    ----------
    assignment : Assignment
    released : Path
        The released notebook.

    Returns
    -------
    list of Sample
    """
    exercises = assignment.exercises
    full = {name: exercise.points for name, exercise in exercises.items()}
    right = {name: assignment.solution_of(name) for name in exercises}
    nothing = dict.fromkeys(full, 0)

    def submission(answers, free_text="Windows that overlap share pixels."):
        return answer(nbformat.read(released, as_version=4), answers, free_text)

    def with_bugs(student, **names):
        answers, points = dict(right), dict(full)
        for exercise, name in names.items():
            bug = next(bug for bug in exercises[exercise].bugs if bug.name == name)
            answers[exercise] = bug.apply(right[exercise])
            points[exercise] = (0, full[exercise] - 0.01)
        return Sample(student, submission(answers), points, mistakes=names)

    def in_style(student, styles):
        answers = dict(right)
        for exercise, name in styles.items():
            answers[exercise] = next(style.source for style in exercises[exercise].correct if style.name == name)
        return Sample(student, submission(answers), full)

    blank = submission({}, free_text=None)
    loop = submission(right | {"max_pool_forward": "def max_pool_forward(x, size, stride):\n    while True: size"})
    crash = submission(right | {"conv_forward": "import ctypes\nctypes.string_at(0)"})
    deleted = submission(right | {"count_parameters": ""})
    deleted.cells = [cell for cell in deleted.cells if not cell.source.startswith("check(")]
    doubled = submission(right)
    place = next(i for i, cell in enumerate(doubled.cells) if cell.source == "check(conv_forward)")
    doubled.cells.insert(place, nbformat.from_dict({**doubled.cells[place], "id": "copied"}))

    return [
        Sample("perfect", submission(right), full),
        Sample("blank", blank, nothing),
        Sample(
            "half-done",
            submission({name: right[name] for name in ("conv_output_size", "count_parameters")}),
            nothing | {name: full[name] for name in ("conv_output_size", "count_parameters")},
        ),
        Sample(
            "only-pooling",
            submission({"max_pool_forward": right["max_pool_forward"]}),
            nothing | {"max_pool_forward": full["max_pool_forward"]},
        ),
        *(with_bugs(f"bugs-{i}", **names) for i, names in enumerate(BUGS, 1)),
        *(in_style(f"style-{i}", styles) for i, styles in enumerate(STYLES, 1)),
        Sample("hostile-01-endless-loop", loop, full | {"max_pool_forward": 0}, status="timed out"),
        Sample(
            "hostile-03-crash",
            crash,
            {name: full[name] if name.startswith("co") and name != "conv_forward" else 0 for name in full},
            status="died",
        ),
        Sample("hostile-09-deleted-tests", deleted, full | {"count_parameters": 0}),
        Sample("hostile-13-copied-test", doubled, full),
        Sample("hostile-16-patched-tests", _hostile(blank, PATCHES), nothing),
        Sample("hostile-17-ast-transformer", _hostile(blank, TRANSFORMER), nothing),
        Sample("hostile-19-runs-the-solution", _hostile(blank, RUNS_SOLUTION), nothing),
    ]


BUGS = [
    {"conv_output_size": "rounded up"},
    {"count_parameters": "biases not counted", "count_connections": "stride ignored"},
    {"conv_forward": "stride ignored"},
    {"conv_forward": "kernel flipped"},
    {"conv_forward": "[pad:-pad] without padding"},
    {"max_pool_forward": "stride ignored: windows side by side"},
]
"""Six submissions with known bugs: exercise -> the bug's name."""

STYLES = [
    {
        "conv_output_size": "counting the places",
        "count_connections": "counting every position",
        "conv_forward": "a sum over the weights, in place of the positions",
        "max_pool_forward": "shifted images",
    },
    {"conv_forward": "im2col", "max_pool_forward": "sliding windows, a view as result"},
    {
        "count_parameters": "a layer of torch",
        "conv_forward": "torch in float32, a tensor as result",
        "max_pool_forward": "torch",
    },
]
"""Three submissions that are right in other styles: exercise -> the style's name."""


def _hostile(notebook, source):
    """A blank notebook that attacks the grader in its first cell."""
    notebook = nbformat.from_dict(notebook)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(dedent(source).strip()))
    return notebook


PATCHES = """
import builtins, visionlab.checks, visionlab.checks.diagnosis
import numpy as np
np.testing.assert_allclose = np.allclose = np.array_equal = lambda *a, **k: True
np.isclose = lambda a, b, **k: np.ones(np.shape(a), bool)
builtins.AssertionError = builtins.NotImplementedError = type("Nothing", (BaseException,), {})
builtins.isinstance = lambda *a: True
visionlab.checks.check = check = lambda *a, **k: None
visionlab.checks.diagnosis.judge = lambda *a: None
"""

TRANSFORMER = """
import ast
class DropChecks(ast.NodeTransformer):
    def visit_Assert(self, node):
        return ast.Pass()
    def visit_Expr(self, node):
        return ast.Pass() if "check" in ast.dump(node) else node
    def visit_Raise(self, node):
        return ast.Return(ast.Constant(1))
shell = get_ipython()
shell.ast_transformers.append(DropChecks())
run_cell = shell.run_cell
"""

RUNS_SOLUTION = """
from pathlib import Path
import json
here = Path.cwd()
for folder in [here, *here.parents, Path("../../../source"), Path("../../../solutions"), Path("/")]:
    for path in folder.glob("**/hw3_convolution.ipynb"):
        for cell in json.loads(path.read_text())["cells"]:
            exec("".join(cell["source"]))
    for path in folder.glob("**/gradebook.db"):
        path.write_bytes(b"")
"""
