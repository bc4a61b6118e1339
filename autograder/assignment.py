"""An assignment as its folder under ``solutions/`` declares it: the instructor's notebooks and its exercises.

The exercises stand in ``exercises.py`` or, where they are many, in a package ``exercises/`` with a module for each part
of the assignment; ``EXERCISES`` of the module or the package lists them.
"""

import importlib.util
import sys
from functools import cached_property
from pathlib import Path

import numpy as np

from autograder.exercise import Exercise, Limits
from autograder.notebook import InstructorNotebook, names_bound
from visionlab.checks.cases import Recorder, parameters_of, run_case
from visionlab.checks.diagnosis import PreparedCase, same_outcome
from visionlab.checks.files import files_in
from visionlab.checks.personal import seed_of


class AssignmentError(Exception):
    """An assignment's folder is not as it should be; the message says what to change."""


def declaration(folder):
    """Path of the file that declares an assignment's exercises; None if the folder holds no assignment.

    Parameters
    ----------
    folder : Path
    """
    paths = (folder / "exercises.py", folder / "exercises" / "__init__.py")
    return next((path for path in paths if path.is_file()), None)


class Assignment:
    """One assignment.

    Parameters
    ----------
    folder : path
        ``solutions/NAME``, with one or more notebooks, and ``exercises.py`` or a package ``exercises/``.

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
        self._rerun_limits = getattr(module, "RERUN_LIMITS", self.limits)
        self._draws = {}

    def _load_module(self):
        path = declaration(self.folder)
        if path is None:
            raise AssignmentError(f"{self.folder} has no exercises.py: is {self.name!r} an assignment?")
        name = f"exercises_of_{self.name}"
        # Modules of a package find each other by its name; those of an earlier load may come from other files.
        for known in [known for known in sys.modules if known == name or known.startswith(f"{name}.")]:
            del sys.modules[known]
        spec = importlib.util.spec_from_file_location(name, path)
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        if not all(isinstance(exercise, Exercise) for exercise in getattr(module, "EXERCISES", [None])):
            raise AssignmentError(f"{path} must define EXERCISES, a list of autograder.exercise.Exercise.")
        return module

    def limits_of(self, rerun):
        """What a submission may use: when it is graded, or when all of it, trainings included, is run again."""
        return self._rerun_limits if rerun else self.limits

    @cached_property
    def notebooks(self):
        """The instructor's notebooks by name, in the order of their names."""
        found = [InstructorNotebook(path) for path in sorted(self.folder.glob("*.ipynb"))]
        if not found:
            raise AssignmentError(f"{self.folder} has no notebook.")
        return {notebook.name: notebook for notebook in found}

    def notebook_of(self, exercise):
        """The notebook in which a solution cell defines an exercise's name."""
        for notebook in self.notebooks.values():
            if exercise in notebook.student_names:
                return notebook
        raise AssignmentError(f"No solution cell of {self.name} defines {exercise!r}.")

    def solution_of(self, exercise):
        """Source of the solution cell that defines an exercise's name."""
        return next(s for s in self.notebook_of(exercise).solution_sources if exercise in names_bound(s))

    def define(self, exercise, source=None):
        """The object called ``exercise``: the solution's, or that of another ``source`` in its place.

        Parameters
        ----------
        exercise : str
        source : str, optional
            A bug, or a correct answer in another style.
        """
        return self.notebook_of(exercise).define(exercise, source)

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

    def own_files(self):
        """A context in which the solution's own files, those beside its exercises, are found beside the notebook."""
        return files_in(declaration(self.folder).parent)

    def prepare(self, exercise, cases, seeds, named=True):
        """Run reference and bugs on cases, so that a student's outcome can be judged.

        Parameters
        ----------
        exercise : str
        cases : sequence of Case
        seeds : sequence of int
        named : bool
            Whether mistakes are to be told by their names: only then do the bugs run.

        Returns
        -------
        list of PreparedCase
        """
        with self.own_files():
            return self._prepare(exercise, cases, seeds, self.bugs[exercise] if named else {})

    def _prepare(self, exercise, cases, seeds, bugs):
        reference = self.references[exercise]
        parameters = parameters_of(reference)
        prepared = []
        for case, seed in zip(cases, seeds, strict=True):
            expected = run_case(case.observe, Recorder(reference, parameters), seed)
            if expected.error or expected.unusable:
                problem = expected.error or f"it returned {expected.unusable}"
                raise AssignmentError(f"The reference {exercise} fails its own case {case.name!r}: {problem}")
            wrong = {}
            for name, bug in bugs.items():
                with np.errstate(all="ignore"):  # that a known mistake divides by zero is no news
                    seen = run_case(case.observe, Recorder(bug, parameters), seed)
                if not same_outcome(expected, seen, case.tolerance):
                    wrong[name] = seen
            prepared.append(
                PreparedCase(case.name, case.title, case.observe, seed, expected, wrong, case.tolerance, case.weight)
            )
        return prepared

    def draw(self, exercise, seed, student=""):
        """Prepare a fresh draw of all cases of an exercise: once for all submissions of a batch, except personal cases.

        Parameters
        ----------
        exercise : str
        seed : int
        student : str
            Whose personal cases are drawn; none are if it is empty.

        Returns
        -------
        list of PreparedCase
        """
        cases = self.exercises[exercise].cases
        if (exercise, seed) not in self._draws:
            common = [case for case in cases if not case.personal]
            seeds = np.random.default_rng(seed).integers(2**31, size=len(common)).tolist()
            self._draws[exercise, seed] = self.prepare(exercise, common, seeds)
        own = [case for case in cases if case.personal] if student else []
        return self._draws[exercise, seed] + self.prepare(exercise, own, [seed_of(student, exercise) for _ in own])

    def explanations(self, exercise):
        """The explanations of an exercise's bugs, by name."""
        return {bug.name: bug.explanation for bug in self.exercises[exercise].bugs}
