"""`make grade-demo`: grade the sample submissions in a folder of their own and show the table, feedback and report."""

import subprocess
import sys
import tempfile
from pathlib import Path

from autograder.course import Course
from tests.samples import ASSIGNMENT, hand_in, samples
from tests.test_samples import make_course


def main():
    """Lay out a class in a temporary folder and grade it."""
    root = make_course(Path(tempfile.mkdtemp(prefix="grade-demo-")))
    course = Course(root)
    for sample in samples(course.assignment(ASSIGNMENT), course.path("release", ".", ASSIGNMENT)):
        hand_in(root, sample.student, sample)
    autograder = Path(sys.executable).parent / "autograder"
    for command in ("grade", "feedback", "report"):
        subprocess.run([autograder, command, ASSIGNMENT, "--course", root], check=True)
    print(f"The class is in {root}: open feedback/*/{ASSIGNMENT}/*.html and reports/{ASSIGNMENT}.html there.")


if __name__ == "__main__":
    main()
