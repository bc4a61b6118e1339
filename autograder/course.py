"""Where a course keeps things: nbgrader's directory layout, found from its ``nbgrader_config.py``."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from nbgrader.coursedir import CourseDirectory
from traitlets.config.loader import PyFileConfigLoader

from autograder.assignment import Assignment, AssignmentError, declaration

CONFIG_NAME = "nbgrader_config.py"


class CourseError(Exception):
    """The course's folder is not as it should be; the message says what to do."""


@dataclass(frozen=True)
class Course:
    """A course's root folder.

    Parameters
    ----------
    root : Path
        The folder that holds ``nbgrader_config.py``.
    """

    root: Path

    @classmethod
    def find(cls, start="."):
        """Find the course that ``start`` lies in.

        Raises
        ------
        CourseError
            If no folder from ``start`` upwards holds ``nbgrader_config.py``.
        """
        start = Path(start).resolve()
        for folder in (start, *start.parents):
            if (folder / CONFIG_NAME).is_file():
                return cls(folder)
        raise CourseError(
            f"There is no {CONFIG_NAME} in {start} or above it. Run this inside the course's folder, or name it: "
            "--course FOLDER."
        )

    @cached_property
    def config(self):
        """nbgrader's configuration, a traitlets ``Config`` with the course's root set."""
        config = PyFileConfigLoader(CONFIG_NAME, path=str(self.root)).load_config()
        config.CourseDirectory.root = str(self.root)
        return config

    @cached_property
    def nbgrader(self):
        """nbgrader's own ``CourseDirectory``."""
        return CourseDirectory(config=self.config)

    def path(self, step, student=".", assignment="."):
        """Folder of a step ('source', 'release', 'submitted', 'autograded', 'feedback') in nbgrader's layout."""
        directory = getattr(self.nbgrader, f"{step}_directory")
        return Path(self.nbgrader.format_path(directory, student, assignment))

    def assignment(self, name):
        """Load one assignment.

        Raises
        ------
        CourseError
            If there is no such assignment: the message lists those there are.
        AssignmentError
            If its folder is not as it should be.
        """
        folder = self.path("source", ".", name)
        if not folder.is_dir():
            known = ", ".join(self.assignment_names()) or "none"
            raise CourseError(f"There is no assignment {name!r}. Assignments here: {known}.")
        return Assignment(folder)

    def assignment_names(self):
        """Names of the course's assignments, sorted."""
        return sorted(folder.name for folder in self.path("source").glob("*/") if declaration(folder))


__all__ = ["AssignmentError", "Course", "CourseError"]
