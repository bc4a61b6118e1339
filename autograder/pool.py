"""Where submissions are graded: in this process, by local workers, or on a Dask cluster. The grading is the same."""

import contextlib
import itertools
import multiprocessing
import signal
import threading
from collections import Counter
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool

from autograder import isolation
from autograder.grading import Graded, blank_record, grade_submission
from autograder.package import Package
from autograder.student_process import KernelServer

ATTEMPTS = 2
"""How often a submission is tried whose worker was killed."""


def grade_here(submissions, package, settings, server):
    """Grade one after the other in this process; yield `Graded`."""
    for handed_in in submissions:
        yield grade_submission(handed_in, package, settings, server)


_worker = {}


def _start_worker(package, settings, server):
    # Ctrl-C goes to the grader alone, which lets its workers finish what they have in hand.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # A grader that is killed must not leave workers behind; where that cannot be asked for, they end with their pool.
    with contextlib.suppress(AttributeError, OSError):
        isolation.die_with_parent()
    _worker.update(package=package, settings=settings, server=server)


def _grade_in_worker(handed_in):
    return grade_submission(handed_in, _worker["package"], _worker["settings"], _worker["server"])


def grade_locally(submissions, package, settings, server, jobs):
    """Grade with ``jobs`` worker processes, forked from this one; yield `Graded` as they come.

    A worker that is killed takes nothing with it: what it had in hand is given to a new one.
    """
    waiting, running, again, attempts = iter(submissions), {}, [], Counter()

    def make_pool():
        context = multiprocessing.get_context("fork")
        return ProcessPoolExecutor(jobs, context, _start_worker, (package, settings, server))

    workers = make_pool()
    try:
        while True:
            broken = False
            # Few in flight: each submission that waits in a queue is held in memory, and must be redone after a crash.
            while len(running) < 2 * jobs and (handed_in := again.pop() if again else next(waiting, None)):
                try:
                    running[workers.submit(_grade_in_worker, handed_in)] = handed_in
                except BrokenProcessPool:
                    again.append(handed_in)
                    broken = True
                    break
            if not running and not broken:
                return
            done, _ = wait(running, return_when=FIRST_COMPLETED) if running else ((), ())
            for future in done:
                try:
                    yield future.result()
                    del running[future]
                except BrokenProcessPool:
                    broken = True
            if broken:
                attempts.update(handed_in.student for handed_in in running.values())
                again += running.values()
                running.clear()
                workers.shutdown(wait=False, cancel_futures=True)
                workers = make_pool()
                suspects = [handed_in for handed_in in again if attempts[handed_in.student] >= ATTEMPTS]
                again = [handed_in for handed_in in again if handed_in not in suspects]
                for handed_in in suspects:
                    # Alone: whose worker dies now is itself the cause.
                    yield from _grade_alone(make_pool, handed_in, package, settings)
    finally:
        workers.shutdown(wait=False, cancel_futures=True)


def _grade_alone(make_pool, handed_in, package, settings):
    with make_pool() as workers:
        try:
            yield workers.submit(_grade_in_worker, handed_in).result()
        except BrokenProcessPool:
            yield gave_up(handed_in, package, settings)


def gave_up(handed_in, package, settings):
    """The result for a submission that kills whatever grades it."""
    record = blank_record(handed_in, package, settings)
    record.status, record.reason = "died", "The grader's worker ended while it graded this notebook, more than once."
    return Graded(record)


# ---------------------------------------------------------------------------------------------------------------------
# Dask

_remote = {}
_one_at_a_time = threading.Lock()


def _grade_remotely(handed_in, package, settings, isolated):
    """Runs on a Dask worker, which has the packages installed and needs nothing else."""
    with _one_at_a_time:  # test cells run in the worker's own process
        limits = package.assignment.limits_of(settings.rerun)
        world = {"isolated": isolated, "gpu": limits.gpu, "full_data": settings.rerun}
        if _remote.get("world") != world:
            if "server" in _remote:
                _remote["server"].close()
            _remote.update(world=world, server=KernelServer(**world))
        return grade_submission(handed_in, package, settings, _remote["server"])


def grade_on_cluster(submissions, package, settings, isolated, client):
    """Grade on a Dask cluster; yield `Graded` as they come.

    Dask may run a task more than once (when a worker is lost after finishing it); each submission is yielded once.

    Parameters
    ----------
    submissions : iterable of HandedIn
    package, settings
        As for `grade_submission`.
    isolated : bool
    client : distributed.Client
    """
    from distributed import as_completed
    from distributed.scheduler import KilledWorker

    # A task rather than scattered data: should all workers that hold it end, it is simply made again.
    shared = client.submit(Package, package.name, package.source, package.released, pure=False)
    resources = {"GPU": 1} if package.assignment.limits_of(settings.rerun).gpu else None
    waiting, futures, running = iter(submissions), as_completed(loop=client.loop), 0

    def submit(handed_in):
        future = client.submit(_grade_remotely, handed_in, shared, settings, isolated, pure=False, resources=resources)
        future.handed_in = handed_in
        futures.add(future)

    while True:
        # Few in flight, as each is held in memory here; more as workers join.
        width = max(4, 2 * sum(client.nthreads().values()))
        for handed_in in itertools.islice(waiting, max(width - running, 0)):
            submit(handed_in)
            running += 1
        if not running:
            return
        future = next(futures)
        running -= 1
        try:
            yield future.result()
        except KilledWorker:
            yield gave_up(future.handed_in, package, settings)
