"""Batches: nothing graded twice, nothing lost, one grader at a time, and the same result wherever it runs."""

import json
import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from nbgrader.api import Gradebook

from autograder import batch, pool
from autograder.course import CourseError
from autograder.gradebook import GradebookWriter
from autograder.grading import Settings
from autograder.package import Package
from tests.autograder.test_grading import RIGHT
from tests.small_course import answer, submit

HALF_WRONG = RIGHT | {"half": "def half(n):\n    return n / 2"}


@pytest.fixture
def grade(course, kernel_server):
    """Grade all that was submitted; return the records and which of them are fresh."""

    def run(grader=None, force=False):
        package = Package.of(course, "small")
        grader = grader or (lambda work: pool.grade_here(work, package, Settings(seed=1), kernel_server))
        results = list(batch.grade_batch(course, package, batch.submitters(course, "small"), grader, force))
        return {record.student: record for record, _ in sorted(results, key=lambda r: r[0].student)}, {
            r.student for r, fresh in results if fresh
        }

    return run


@pytest.fixture
def released(course):
    return course.path("release", ".", "small") / "small.ipynb"


def submit_class(course, released, count, answers=(RIGHT, HALF_WRONG, {})):
    for i in range(count):
        submit(course.root, f"s{i:03}", answer(released, answers[i % len(answers)]))


def scores(course):
    with Gradebook(course.nbgrader.db_url) as gradebook:
        return {s.student.id: s.score for s in gradebook.assignment_submissions("small")}


def test_unchanged_work_is_not_graded_again(course, grade, released):
    submit_class(course, released, 3)
    first, fresh = grade()
    assert fresh == {"s000", "s001", "s002"}
    again, fresh = grade()
    assert fresh == set() and again == first
    _, fresh = grade(force=True)
    assert fresh == {"s000", "s001", "s002"}


def test_a_damaged_record_is_told_and_graded_again(course, grade, released):
    submit_class(course, released, 2)
    grade()
    batch.record_path(course, "small", "s001").write_text('{"student": "s001", "old": 1')
    with pytest.raises(CourseError, match=r"s001\.json is damaged, or was written by another version"):
        batch.load_records(course, "small")
    assert grade()[1] == {"s001"}
    assert len(batch.load_records(course, "small")) == 2


def test_changed_work_and_changed_tests_are_graded_again(course, grade, released):
    submit_class(course, released, 3)
    grade()
    submit(course.root, "s002", answer(released, RIGHT))
    records, fresh = grade()
    assert fresh == {"s002"} and records["s002"].points == 7
    assert scores(course)["s002"] == 7
    exercises = course.path("source", ".", "small") / "exercises.py"
    exercises.write_text(exercises.read_text() + "\n# another version\n")
    assert grade()[1] == {"s000", "s001", "s002"}


def test_a_worse_resubmission_replaces_the_better_result(course, grade, released):
    submit(course.root, "ann", answer(released, RIGHT))
    grade()
    assert scores(course)["ann"] == 7
    submit(course.root, "ann", answer(released, RIGHT | {"scale_rows": "import os; os._exit(1)"}))
    records, _ = grade()
    assert records["ann"].status == "died"
    assert scores(course)["ann"] == 0


def test_a_batch_cut_short_goes_on_with_the_rest(course, grade, kernel_server, released):
    submit_class(course, released, 5)
    package = Package.of(course, "small")

    def dies(work):
        for number, graded in enumerate(pool.grade_here(work, package, Settings(seed=1), kernel_server)):
            if number == 2:
                raise KeyboardInterrupt
            yield graded

    with pytest.raises(KeyboardInterrupt):
        grade(dies)
    assert len(scores(course)) == 2
    records, fresh = grade()
    assert len(records) == 5 and len(fresh) == 3
    assert list(scores(course).values()) == [7, 4, 0, 7, 4]


def test_local_workers_give_the_same_results(course, grade, kernel_server, released):
    submit_class(course, released, 8)
    alone, _ = grade()
    package = Package.of(course, "small")
    settings = Settings(seed=1)
    many, fresh = grade(lambda work: pool.grade_locally(work, package, settings, kernel_server, 2), force=True)
    assert len(fresh) == 8
    assert {s: (r.status, r.cells) for s, r in many.items()} == {s: (r.status, r.cells) for s, r in alone.items()}


def test_a_killed_worker_loses_nothing(course, grade, kernel_server, released):
    submit_class(course, released, 12)
    package = Package.of(course, "small")
    killed = []

    def killing(work):
        for graded in pool.grade_locally(work, package, Settings(seed=1), kernel_server, 2):
            if len(killed) < 1:
                workers = [child.pid for child in multiprocessing.active_children()]
                killed.append(workers[0])
                os.kill(workers[0], signal.SIGKILL)
            yield graded

    records, fresh = grade(killing)
    assert killed and len(fresh) == 12
    assert [record.points for record in records.values()] == [7, 4, 0] * 4
    assert all(record.status == "graded" for record in records.values())


def test_a_submission_that_kills_its_worker_harms_no_other(course, grade, kernel_server, released, monkeypatch):
    submit_class(course, released, 9)
    package = Package.of(course, "small")
    grade_submission = pool.grade_submission

    def poisoned(handed_in, *rest):
        if handed_in.student == "s004":
            os.kill(os.getpid(), signal.SIGKILL)
        return grade_submission(handed_in, *rest)

    monkeypatch.setattr(pool, "grade_submission", poisoned)
    records, fresh = grade(lambda work: pool.grade_locally(work, package, Settings(seed=1), kernel_server, 2))
    assert len(fresh) == 9
    assert records["s004"].status == "died" and "more than once" in records["s004"].reason
    others = [record.points for student, record in records.items() if student != "s004"]
    assert others == [7, 4, 0, 7, 0, 7, 4, 0]


def test_only_one_grader_at_a_time(course):
    with batch.only_grader(course), pytest.raises(CourseError, match="Another grader is at work"):
        batch.only_grader(course).__enter__()
    with batch.only_grader(course):
        pass


def test_a_locked_gradebook_is_waited_for(course, grade, released):
    submit_class(course, released, 2)
    grade()
    database = sqlite3.connect(course.root / "gradebook.db", isolation_level=None, check_same_thread=False)
    database.execute("BEGIN EXCLUSIVE")
    threading.Timer(8, lambda: database.execute("COMMIT")).start()
    started = time.monotonic()
    records, _ = grade(force=True)
    assert len(records) == 2 and time.monotonic() - started > 3
    database.close()


def test_a_gradebook_that_stays_locked_is_told(course, grade, released, monkeypatch):
    submit_class(course, released, 1)
    grade()
    monkeypatch.setattr("autograder.gradebook.LOCK_SECONDS", 0)
    database = sqlite3.connect(course.root / "gradebook.db", isolation_level=None)
    database.execute("BEGIN EXCLUSIVE")
    with pytest.raises(CourseError, match="locked by another program"):
        grade(force=True)
    database.execute("COMMIT")
    database.close()


def test_writing_the_same_result_twice_changes_nothing(course, grade, released, kernel_server):
    submit_class(course, released, 1)
    grade()
    before = scores(course)
    package = Package.of(course, "small")
    work = [batch.hand_in(course, package, "s000")]
    (graded,) = pool.grade_here(work, package, Settings(seed=1), kernel_server)
    with GradebookWriter(course, package.assignment) as writer:
        writer.write(graded)
        writer.write(graded)
    assert scores(course) == before


def test_ctrl_c_stops_cleanly_and_what_is_done_is_kept(course, released):
    submit_class(course, released, 40, [RIGHT | {"half": RIGHT["half"] + "\nimport time; time.sleep(0.3)"}])
    command = [Path(sys.executable).parent / "autograder", "grade", "small", "--jobs", "2"]
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "start_new_session": True}

    def heed_interrupts():  # a test run started in the background has them ignored
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    with subprocess.Popen(command, cwd=course.root, preexec_fn=heed_interrupts, **options) as run:
        while len(list((course.root / "records").glob("small/*.json"))) < 3:
            assert run.poll() is None, run.stderr.read()
            time.sleep(0.1)
        os.kill(run.pid, signal.SIGINT)
        _, said = run.communicate(timeout=60)
    assert run.returncode == 130, said
    assert "are done and kept; the same command does the rest" in " ".join(said.split())
    assert "Traceback" not in said
    kept = {path.stem for path in (course.root / "records" / "small").glob("*.json")}
    assert 3 <= len(kept) < 40
    assert set(scores(course)) >= kept
    listing = subprocess.run(["ps", "-eo", "pgid="], capture_output=True, text=True).stdout.split()
    assert str(run.pid) not in listing


def test_a_killed_grader_loses_nothing_and_the_same_command_does_the_rest(course, released):
    """SIGKILL in the middle of a batch of 50; in the end the gradebook is that of an undisturbed run."""
    submit_class(course, released, 50)
    command = [Path(sys.executable).parent / "autograder", "grade", "small", "--seed", "1", "--jobs", "2"]
    with subprocess.Popen(
        command, cwd=course.root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as run:
        while len(list((course.root / "records").glob("small/*.json"))) < 10:
            assert run.poll() is None
            time.sleep(0.02)
        run.kill()
    kept = {path.stem for path in (course.root / "records" / "small").glob("*.json")}
    assert 10 <= len(kept) < 50
    deadline = time.monotonic() + 30
    while str(run.pid) in subprocess.run(["ps", "-eo", "pgid="], capture_output=True, text=True).stdout.split():
        assert time.monotonic() < deadline, "workers outlive the grader"
        time.sleep(0.1)
    again = subprocess.run(command, cwd=course.root, capture_output=True, text=True)
    assert again.returncode == 0, again.stderr
    assert f"{len(kept)} unchanged since they were last graded" in again.stdout
    assert scores(course) == {f"s{i:03}": (7, 4, 0)[i % 3] for i in range(50)}


def test_a_second_grader_is_sent_away_while_the_first_is_at_work(course, released):
    submit_class(course, released, 12, [RIGHT | {"half": RIGHT["half"] + "\nimport time; time.sleep(2)"}])
    command = [Path(sys.executable).parent / "autograder", "grade", "small", "--jobs", "1"]
    with subprocess.Popen(
        command, cwd=course.root, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as first:
        while not list((course.root / "records").glob("small/*.json")):
            assert first.poll() is None, first.stderr.read()
            time.sleep(0.05)
        second = subprocess.run(command, cwd=course.root, capture_output=True, text=True)
        assert first.poll() is None, "the first was too quick to be in the second's way"
        assert second.returncode == 2
        assert "Another grader is at work on this course" in " ".join(second.stderr.split())
        first.communicate(timeout=120)
    assert first.returncode == 0
    assert scores(course) == {f"s{i:03}": 7 for i in range(12)}


def test_strict_and_json(course, released):
    submit(course.root, "ann", answer(released, RIGHT))
    submit(course.root, "bob", b"{")
    command = [Path(sys.executable).parent / "autograder", "grade", "small", "--strict", "--json", "-j", "1"]
    ran = subprocess.run(command, cwd=course.root, capture_output=True, text=True)
    assert ran.returncode == 3
    assert [(r["student"], r["status"]) for r in json.loads(ran.stdout)] == [("ann", "graded"), ("bob", "unreadable")]


def test_a_dask_cluster_with_a_killed_worker_gives_the_same_gradebook(course, grade, kernel_server, released):
    """Several worker processes, one killed in the middle: graded exactly once, as on this machine alone."""
    from distributed import Client, LocalCluster

    submit_class(course, released, 300)
    package = Package.of(course, "small")
    alone, _ = grade(lambda work: pool.grade_locally(work, package, Settings(seed=1), kernel_server, 2))
    before = scores(course)
    with (
        LocalCluster(n_workers=3, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        killed = []

        def killing(work):
            for number, graded in enumerate(pool.grade_on_cluster(work, package, Settings(seed=1), True, client)):
                if number == 40:
                    killed.append(next(iter(client.run(os.getpid).values())))
                    os.kill(killed[0], signal.SIGKILL)
                yield graded

        many, fresh = grade(killing, force=True)
    assert killed and len(fresh) == 300
    assert {s: (r.status, r.cells) for s, r in many.items()} == {s: (r.status, r.cells) for s, r in alone.items()}
    assert scores(course) == before
