"""Sample submissions of hw3_convolution, good, bad and hostile, made from the release, the solution and the catalogue.

Nothing is copied: a sample is the released notebooks with answers filled in, so that samples cannot drift from either.
All hand in every notebook; most have answers in the first one only, which keeps grading them quick.
"""

from dataclasses import dataclass
from textwrap import dedent

import nbformat

from tests.small_course import answer, submit

ASSIGNMENT = FIRST = "hw3_convolution"
"""The assignment's first notebook has the assignment's name."""


@dataclass(frozen=True)
class Sample:
    """A submission and what grading must say of it.

    Attributes
    ----------
    student : str
        The name says what the sample is.
    notebooks : dict of str to nbformat.NotebookNode
    status : str
    points : dict of str to float
        Expected points of exercises; a pair gives the least and the most.
    mistakes : dict of str to str
        Known bugs that must be named, by exercise.
    """

    student: str
    notebooks: dict
    points: dict
    status: str = "graded"
    mistakes: dict = None


def samples(assignment, released):
    """Make all samples.

    Parameters
    ----------
    assignment : Assignment
    released : Path
        The released folder.

    Returns
    -------
    list of Sample
    """
    exercises = assignment.exercises
    nothing = dict.fromkeys(exercises, 0)

    def solved(*notebooks):
        """Right answers to the exercises of these notebooks, and the points they earn."""
        own = [name for name in exercises if assignment.notebook_of(name).name in notebooks]
        return {name: assignment.solution_of(name) for name in own}, nothing | {n: exercises[n].points for n in own}

    right, full = solved(FIRST)
    everything, all_points = solved(*assignment.notebooks)

    def submission(answers, free_text="Windows that overlap share pixels."):
        read = {name: nbformat.read(released / f"{name}.ipynb", as_version=4) for name in assignment.notebooks}
        return {name: answer(notebook, answers, free_text) for name, notebook in read.items()}

    def with_bugs(student, **names):
        answers, points = solved(*(assignment.notebook_of(exercise).name for exercise in names))
        for exercise, name in names.items():
            bug = next(bug for bug in exercises[exercise].bugs if bug.name == name)
            answers[exercise] = bug.apply(answers[exercise])
            points[exercise] = (0, points[exercise] - 0.01)
        return Sample(student, submission(answers), points, mistakes=names)

    def in_style(student, styles):
        answers, points = solved(*(assignment.notebook_of(exercise).name for exercise in styles))
        for exercise, name in styles.items():
            answers[exercise] = next(style.source for style in exercises[exercise].correct if style.name == name)
        return Sample(student, submission(answers), points)

    blank = submission({}, free_text=None)
    loop = submission(right | {"max_pool_forward": "def max_pool_forward(x, size, stride):\n    while True: size"})
    crash = submission(right | {"conv_forward": "import ctypes\nctypes.string_at(0)"})
    deleted = submission(right | {"count_parameters": ""})
    deleted[FIRST].cells = [cell for cell in deleted[FIRST].cells if not cell.source.startswith("check(")]
    doubled = submission(right)
    cells = doubled[FIRST].cells
    place = next(i for i, cell in enumerate(cells) if cell.source == "check(conv_forward)")
    cells.insert(place, nbformat.from_dict({**cells[place], "id": "copied"}))

    return [
        Sample("perfect", submission(everything), all_points),
        Sample("first-part", submission(right), full),
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
            full | {"conv_forward": 0, "max_pool_forward": 0},
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
    {"conv_backward": "dx overwritten where windows overlap", "max_pool_backward": "ties share the gradient"},
]
"""Submissions with known bugs: exercise -> the bug's name."""

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
"""Submissions that are right in other styles: exercise -> the style's name."""


def hand_in(root, student, sample):
    """Put a sample's notebooks where nbgrader's collect puts a student's."""
    for name, notebook in sample.notebooks.items():
        submit(root, student, notebook, ASSIGNMENT, name)


def _hostile(notebooks, source):
    """Blank notebooks, the first of which attacks the grader in its first cell."""
    first = nbformat.from_dict(notebooks[FIRST])
    first.cells.insert(0, nbformat.v4.new_code_cell(dedent(source).strip()))
    return notebooks | {FIRST: first}


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
