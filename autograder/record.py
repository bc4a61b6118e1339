"""The result of grading one submission, as it is kept on disk."""

import dataclasses
import json
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

STATUSES = ("graded", "timed out", "out of memory", "died", "unreadable", "missing")


@dataclass
class CellResult:
    """The result of one graded cell.

    Attributes
    ----------
    notebook, grade_id : str
        nbgrader's ids of the notebook and, in it, the cell.
    points, max_points : float
        ``points`` is None for a cell that a person must grade.
    extra : float
        Extra credit that the tests give, added to the points.
    passed : bool
    message : str
        The card or error, as plain text.
    html : str
        The same as HTML, '' if there is only text.
    exercises : list of str
        Exercises checked in the cell.
    mistakes : list of str
        Named bugs found, one an exercise at most.
    shares : dict of str to float
        What the checks tell beside the points: shares of something that went right, 0 to 1, by what they are shares of.
    """

    notebook: str
    grade_id: str
    max_points: float
    points: float | None = 0.0
    extra: float = 0.0
    passed: bool = False
    message: str = ""
    html: str = ""
    exercises: list = field(default_factory=list)
    mistakes: list = field(default_factory=list)
    shares: dict = field(default_factory=dict)


@dataclass
class Record:
    """The result of grading one submission.

    Attributes
    ----------
    student, assignment : str
    status : str
        One of `STATUSES`.
    reason : str
        What the status means here, to the student; '' for 'graded'.
    cells : list of CellResult
    notes : list of str
        What was unusual about the submission.
    seconds : float
        Wall-clock time of the grading.
    cpu_seconds : float
        Processor time of the student's process, as far as it was seen.
    memory_bytes : int
        Most memory that the student's processes were seen to have, beyond what they share with the fork server.
    timestamp : str
        When it was handed in; '' if that is not known.
    seed : int
        What the cases were drawn from.
    rerun : bool
        Whether its trainings were run again.
    key : str
        SHA-256 of all that the result depends on: an unchanged submission need not be graded again.
    """

    student: str
    assignment: str
    status: str = "graded"
    reason: str = ""
    cells: list = field(default_factory=list)
    notes: list = field(default_factory=list)
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    memory_bytes: int = 0
    timestamp: str = ""
    seed: int = 0
    rerun: bool = False
    key: str = ""

    @property
    def points(self):
        """Points given automatically, extra credit included."""
        return sum((cell.points or 0.0) + cell.extra for cell in self.cells)

    @property
    def max_points(self):
        """Points that can be given, those by a person included; extra credit comes on top."""
        return sum(cell.max_points for cell in self.cells)

    @property
    def was_read(self):
        """Whether there was a notebook that could be read: else there is nothing to give points for."""
        return self.status not in ("missing", "unreadable") or any(cell.message for cell in self.cells)

    @property
    def needs_manual_grade(self):
        """Whether a person must still grade a cell."""
        return any(cell.points is None for cell in self.cells)

    def without_pictures(self):
        """A copy that tells the same without the drawn cards."""
        return dataclasses.replace(self, cells=[dataclasses.replace(cell, html="") for cell in self.cells])

    def save(self, path):
        """Write the record; a reader sees the old one or the new one, never a part."""
        write_atomically(path, json.dumps(dataclasses.asdict(self), ensure_ascii=False, indent=1))

    @classmethod
    def load(cls, path):
        """Read a record."""
        data = json.loads(Path(path).read_text(encoding="utf-8"))
        data["cells"] = [CellResult(**cell) for cell in data["cells"]]
        return cls(**data)


def write_atomically(path, text):
    """Write a text file so that it is never seen half written."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.chmod(temporary, 0o644)
    os.replace(temporary, path)
