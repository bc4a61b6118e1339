"""`make soak`: a thousand submissions in one batch. Is every score right, does memory stay flat, is anything left over?

The class is made from the sample submissions, good, bad and hostile; each must get in the end what its sample must get.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from autograder.batch import load_records
from autograder.course import Course
from autograder.gradebook import scores
from benchmarks.memory import descendants, own_bytes
from tests.samples import ASSIGNMENT, hand_in, samples
from tests.test_samples import make_course

ROOT = Path(__file__).resolve().parent.parent
SLOW = ("hostile-01-endless-loop", "perfect")
"""One waits until its time is up, the other trains a network: one of each in the class is enough."""


def main():
    """Grade the class, watch the grader, compare, and write docs/soak.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--students", type=int, default=1000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        course = Course(make_course(Path(folder) / "course"))
        expected = make_class(course, options.students)
        before = leftovers()
        status, watched = grade_and_watch(course)
        wrong = compare(course, expected)
        left = sorted(leftovers() - before)
    rows = [f"| {100 * share:.0f} % | {grader / 1e6:.0f} | {worker / 1e6:.0f} |" for share, grader, worker in watched]
    text = "\n".join(
        [
            "# Soak",
            "",
            f"Written by `make soak`: {options.students} submissions of {ASSIGNMENT}, made from the samples, in one "
            f"batch; exit status {status}.",
            "",
            f"- Scores that are not what they must be: {len(wrong)}{': ' + ', '.join(wrong[:5]) if wrong else ''}",
            f"- Processes and temporary files left over: {', '.join(left) or 'none'}",
            "",
            "| done | memory of the grader's own process, MB | the largest worker, MB |",
            "|--:|--:|--:|",
            *rows,
            "",
            "Memory is what a process shares with no other (unique set size): workers are forks of the grader, and "
            "share what it has loaded. No worker lives longer than the batch.",
        ]
    )
    print(text)
    (ROOT / "docs" / "soak.md").write_text(text + "\n", encoding="utf-8")
    sys.exit(bool(wrong or left or status))


def make_class(course, students):
    """Submit for ``students`` students; return what sample each has handed in."""
    made = samples(course.assignment(ASSIGNMENT), course.path("release", ".", ASSIGNMENT))
    often = [sample for sample in made if sample.student not in SLOW]
    order = [*made, *(often[i % len(often)] for i in range(students - len(made)))]
    expected = {f"student-{i:04}": sample for i, sample in enumerate(order)}
    for student, sample in expected.items():
        hand_in(course.root, student, sample)
    return expected


def grade_and_watch(course):
    """Run the command; return its exit status and (share done, grader's bytes, largest worker's bytes) ten times."""
    command = [Path(sys.executable).parent / "autograder", "grade", ASSIGNMENT, "--seed", "5"]
    total = len(list((course.root / "submitted").iterdir()))
    watched = []
    with subprocess.Popen(command, cwd=course.root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
        while run.poll() is None:
            done = len(list((course.root / "records").glob(f"{ASSIGNMENT}/*.json"))) / total
            workers = [own_bytes(pid) for pid, name in descendants(run.pid) if name.startswith("autograder")]
            if workers and done >= (len(watched) + 1) / 10.5:
                watched.append((done, own_bytes(run.pid), max(workers)))
            time.sleep(0.5)
    return run.returncode, watched


def compare(course, expected):
    """Students whose record or score is not that of their sample."""
    records = {record.student: record for record in load_records(course, ASSIGNMENT)}
    given = scores(course, ASSIGNMENT)
    wrong = []
    for student, sample in expected.items():
        record = records.get(student)
        right = record is not None and record.status == sample.status and given[student].points == record.points
        for cell in record.cells if right else ():
            for exercise in cell.exercises:
                want = sample.points[exercise]
                least, most = want if isinstance(want, tuple) else (want, want)
                right &= least <= cell.points <= most
        wrong += [student] * (not right)
    return wrong


def leftovers():
    """Processes and temporary files of a grader."""
    listing = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True, check=True).stdout
    processes = {line.strip() for line in listing.splitlines() if "fork_server" in line or "autograder grade" in line}
    return processes | {str(path) for path in Path(tempfile.gettempdir()).glob("autograder-*")}


if __name__ == "__main__":
    main()
