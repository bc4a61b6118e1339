"""How an assignment declares its exercises: cases, known bugs, correct answers in other styles.

The reference is not declared: it is the solution cell of the instructor's notebook that defines the exercise's name.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from visionlab.checks.cases import outcome
from visionlab.checks.compare import Tolerance

__all__ = ["Bug", "Case", "Correct", "Exercise", "Limits", "Tolerance", "outcome", "replaced"]


@dataclass(frozen=True)
class Case:
    """One thing that an answer must get right.

    Parameters
    ----------
    observe : callable
        ``observe(student, rng) -> dict`` of named observations (plain data). Its docstring's first line is the title
        the student reads. The function, and what it uses of its module, must run with numpy, torch and visionlab alone:
        for visible cases its source goes to the student.
    hidden : bool
        Hidden cases are never released. Every case, visible or hidden, is drawn afresh at each grading.
    seed : int
        Seed of the released draw of a visible case.
    weight : float
        Share of the exercise's points.
    tolerance : Tolerance
    personal : bool
        Drawn for each student from the student's name in the class: ``rng`` is that of
        `visionlab.checks.personal.seed_of`, from which the student's notebook draws the same numbers. Never released.
    """

    observe: Callable
    hidden: bool = False
    seed: int = 0
    weight: float = 1.0
    tolerance: Tolerance = field(default_factory=Tolerance)
    personal: bool = False

    @property
    def name(self):
        """The function's name."""
        return self.observe.__name__

    @property
    def title(self):
        """First line of the function's docstring, without the full stop."""
        return self.observe.__doc__.strip().splitlines()[0].rstrip(".")


def replaced(source, *replacements):
    """Change a source: for bugs of answers in another style than the solution's.

    Parameters
    ----------
    source : str
    *replacements : (str, str)
        Old text, which must be there, and new text.

    Raises
    ------
    ValueError
        If a text to replace is not there.

    Examples
    --------
    >>> replaced("return a + b", ("+", "-"))
    'return a - b'
    """
    for old, new in replacements:
        if old not in source:
            raise ValueError(f"the source does not contain {old!r}")
        source = source.replace(old, new)
    return source


class Bug:
    """A mistake that students really make.

    Parameters
    ----------
    name : str
        A few words, unique in the exercise: 'stride ignored'.
    explanation : str
        One or two sentences to the student who made it; code between backticks.
    *replacements : (str, str)
        Changes to the solution cell that make the bug: old text (which must be there) and new text.
    source : str, optional
        Instead of replacements: a whole definition of the exercise's name.
    """

    def __init__(self, name, explanation, *replacements, source=None):
        if bool(replacements) == bool(source):
            raise TypeError(f"bug {name!r} needs either replacements in the solution or a source of its own")
        self.name = name
        self.explanation = explanation
        self.replacements = replacements
        self.source = source

    def apply(self, solution):
        """Return the source of the buggy answer.

        Raises
        ------
        ValueError
            If a text to replace is not in the solution: the catalogue has drifted from it.
        """
        try:
            return self.source or replaced(solution, *self.replacements)
        except ValueError as problem:
            raise ValueError(f"bug {self.name!r}: {problem}") from None


@dataclass(frozen=True)
class Correct:
    """A correct answer in another style, which must pass: the source of a definition of the exercise's name."""

    name: str
    source: str


@dataclass(frozen=True)
class Exercise:
    """One function or class that the student writes.

    Parameters
    ----------
    name : str
        The name it is defined under.
    points : float
        Must equal the points of the graded cell that checks it.
    cases : sequence of Case
    bugs : sequence of Bug
    correct : sequence of Correct
    extra : float
        Extra credit, for an exercise whose graded cell has no points: it is added to the score, and not to what counts
        as the most that can be reached.
    """

    name: str
    points: float
    cases: Sequence[Case]
    bugs: Sequence[Bug] = ()
    correct: Sequence[Correct] = ()
    extra: float = 0.0

    @property
    def visible(self):
        """The cases that are released."""
        return [case for case in self.cases if not (case.hidden or case.personal)]


@dataclass(frozen=True)
class Limits:
    """What a submission may use while it is graded; an assignment sets its own as ``LIMITS`` beside ``EXERCISES``.

    ``RERUN_LIMITS`` hold when trainings are run again (``autograder grade --rerun``); without them, ``LIMITS`` do.

    Attributes
    ----------
    cell_seconds, notebook_seconds : float
        Wall-clock time of one cell (a graded cell with all its calls counts as one), and of the whole notebook.
    output_bytes : int
        Output kept of the whole notebook.
    reply_bytes : int
        Size of one value that a call may return.
    memory_bytes : int
        Memory of all processes of the submission together, and private data of each.
    processes : int
        Processes and threads at one time.
    disk_bytes, files : int
        What may be written, and into how many files: in the working directory, and once more in /tmp and /dev/shm each.
    cpu_seconds : int
        Processor time of each process.
    gpu : bool
        Whether the assignment is graded on a GPU: its submissions go to workers that have one.
    """

    cell_seconds: float = 20.0
    notebook_seconds: float = 120.0
    output_bytes: int = 2_000_000
    reply_bytes: int = 64_000_000
    memory_bytes: int = 4_000_000_000
    processes: int = 64
    disk_bytes: int = 200_000_000
    files: int = 2_000
    cpu_seconds: int = 600
    gpu: bool = False

    def with_patience(self, times):
        """Return these limits with that many times the wall-clock time.

        Examples
        --------
        >>> Limits(cell_seconds=20).with_patience(2.5).cell_seconds
        50.0
        """
        return replace(self, cell_seconds=times * self.cell_seconds, notebook_seconds=times * self.notebook_seconds)
