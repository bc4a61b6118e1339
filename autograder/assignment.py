"""An assignment as its folder under ``solutions/`` declares it: the instructor's notebook and ``exercises.py``."""

import ast
import importlib.util
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import nbformat
import numpy as np
from IPython.core.inputtransformer2 import TransformerManager

from autograder.exercise import Exercise, Limits
from visionlab.checks.cases import Recorder, parameters_of, run_case
from visionlab.checks.diagnosis import PreparedCase, same_outcome


class AssignmentError(Exception):
    """An assignment's folder is not as it should be; the message says what to change."""


@dataclass(frozen=True)
class GradedCell:
    """A graded (test) cell of the instructor's notebook: its nbgrader id, points and source."""

    grade_id: str
    points: float
    source: str


def python_source(source):
    """Translate a cell's source to plain Python: magics and shell lines become calls of ``get_ipython()``."""
    return TransformerManager().transform_cell(source)


def names_bound(source, imports=True):
    """Names that a cell's top level binds: functions, classes, assigned variables and, if wanted, imports.

    >>> sorted(names_bound("import numpy as np\\na, (b, c) = 1, (2, 3)\\ndef f(): d = 1"))
    ['a', 'b', 'c', 'f', 'np']
    """
    tree = ast.parse(python_source(source))
    bound = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            bound.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            bound.update((alias.asname or alias.name).split(".")[0] for alias in node.names if imports)
        else:
            bound.update(n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store))
    return bound


def names_used(source):
    """Names that a cell reads anywhere in its code."""
    tree = ast.parse(python_source(source))
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}


class Assignment:
    """One assignment.

    Parameters
    ----------
    folder : path
        ``solutions/NAME``, with ``NAME.ipynb`` and ``exercises.py``.

    Attributes
    ----------
    name : str
    folder : Path
    exercises : dict of str to Exercise
    limits : Limits
    """

    def __init__(self, folder):
        self.folder = Path(folder).resolve()
        self.name = self.folder.name
        module = self._load_module()
        self.exercises = {exercise.name: exercise for exercise in module.EXERCISES}
        self.limits = getattr(module, "LIMITS", Limits())
        self._draws = {}

    def _load_module(self):
        path = self.folder / "exercises.py"
        if not path.is_file():
            raise AssignmentError(f"{self.folder} has no exercises.py: is {self.name!r} an assignment?")
        spec = importlib.util.spec_from_file_location(f"exercises_of_{self.name}", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        if not all(isinstance(exercise, Exercise) for exercise in getattr(module, "EXERCISES", [None])):
            raise AssignmentError(f"{path} must define EXERCISES, a list of autograder.exercise.Exercise.")
        return module

    @property
    def exercises_path(self):
        """Path of ``exercises.py``."""
        return self.folder / "exercises.py"

    @cached_property
    def notebook(self):
        """The instructor's notebook."""
        path = self.folder / f"{self.name}.ipynb"
        if not path.is_file():
            raise AssignmentError(f"{self.folder} has no notebook {path.name}.")
        return nbformat.read(path, as_version=4)

    @cached_property
    def graded_cells(self):
        """The graded code cells in order, as a list of `GradedCell`."""
        return [
            GradedCell(cell.metadata.nbgrader.grade_id, float(cell.metadata.nbgrader.points), cell.source)
            for cell in self.notebook.cells
            if cell.cell_type == "code" and is_graded(cell) and not is_solution(cell)
        ]

    @cached_property
    def solution_sources(self):
        """Sources of the solution cells in order, without the markers of nbgrader."""
        return [
            re.sub(r"^ *### (BEGIN|END) SOLUTION *\n", "", cell.source + "\n", flags=re.M)
            for cell in self.notebook.cells
            if cell.cell_type == "code" and is_solution(cell)
        ]

    @cached_property
    def student_names(self):
        """The names that the solution cells bind: what tests may ask the student's process for, and nothing else."""
        return set().union(*(names_bound(source, imports=False) for source in self.solution_sources))

    @cached_property
    def support_sources(self):
        """Sources of the cells that bind names which solutions or tests use: imports, constants, helpers.

        Cells that only show something (plots made with the student's functions) are not among them.
        """
        graded = {cell.grade_id for cell in self.graded_cells}
        free = [
            cell.source
            for cell in self.notebook.cells
            if cell.cell_type == "code"
            and not is_solution(cell)
            and cell.metadata.get("nbgrader", {}).get("grade_id") not in graded
        ]
        readers = [*self.solution_sources, *(cell.source for cell in self.graded_cells)]
        needed = set().union(*map(names_used, readers))
        chosen = []
        for source in reversed(free):
            if names_bound(source) & needed and not names_used(source) & self.student_names:
                chosen.insert(0, source)
                needed |= names_used(source)
        return chosen

    def solution_of(self, exercise):
        """Source of the solution cell that defines an exercise's name."""
        for source in self.solution_sources:
            if exercise in names_bound(source):
                return source
        raise AssignmentError(f"No solution cell of {self.name} defines {exercise!r}.")

    def define(self, exercise, source=None):
        """Execute the instructor's definitions and return the object called ``exercise``.

        Parameters
        ----------
        exercise : str
        source : str, optional
            Used in place of the solution cell that defines it: a bug, or a correct answer in another style.
        """
        namespace = {"__name__": "__main__"}
        for text in self.support_sources:
            exec(compile(python_source(text), f"<{self.name}>", "exec"), namespace)
        for text in self.solution_sources:
            own = exercise in names_bound(text)
            exec(compile(source if own and source else text, f"<{self.name}: {exercise}>", "exec"), namespace)
        return namespace[exercise]

    @cached_property
    def references(self):
        """The reference object of each exercise, by name."""
        return {name: self.define(name) for name in self.exercises}

    @cached_property
    def bugs(self):
        """The buggy objects: exercise name -> bug name -> object."""
        return {
            name: {bug.name: self.define(name, bug.apply(self.solution_of(name))) for bug in exercise.bugs}
            for name, exercise in self.exercises.items()
        }

    def prepare(self, exercise, cases, seeds):
        """Run reference and bugs on cases, so that a student's outcome can be judged.

        Parameters
        ----------
        exercise : str
        cases : sequence of Case
        seeds : sequence of int

        Returns
        -------
        list of PreparedCase
        """
        reference = self.references[exercise]
        parameters = parameters_of(reference)
        prepared = []
        for case, seed in zip(cases, seeds, strict=True):
            expected = run_case(case.observe, Recorder(reference, parameters), seed)
            if expected.error or expected.unusable:
                problem = expected.error or f"it returned {expected.unusable}"
                raise AssignmentError(f"The reference {exercise} fails its own case {case.name!r}: {problem}")
            wrong = {}
            for name, bug in self.bugs[exercise].items():
                seen = run_case(case.observe, Recorder(bug, parameters), seed)
                if not same_outcome(expected, seen, case.tolerance):
                    wrong[name] = seen
            prepared.append(
                PreparedCase(case.name, case.title, case.observe, seed, expected, wrong, case.tolerance, case.weight)
            )
        return prepared

    def draw(self, exercise, seed):
        """Prepare a fresh draw of all cases of an exercise, once for all submissions of a batch."""
        if (exercise, seed) not in self._draws:
            cases = self.exercises[exercise].cases
            seeds = np.random.default_rng(seed).integers(2**31, size=len(cases)).tolist()
            self._draws[exercise, seed] = self.prepare(exercise, cases, seeds)
        return self._draws[exercise, seed]

    def explanations(self, exercise):
        """The explanations of an exercise's bugs, by name."""
        return {bug.name: bug.explanation for bug in self.exercises[exercise].bugs}


def is_graded(cell):
    """Whether nbgrader grades this cell."""
    return bool(cell.metadata.get("nbgrader", {}).get("grade"))


def is_solution(cell):
    """Whether the student writes this cell."""
    return bool(cell.metadata.get("nbgrader", {}).get("solution"))
