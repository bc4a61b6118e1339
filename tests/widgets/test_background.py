"""Jobs in the background: they run, hold, go on, stop, fail aloud, and leave no thread behind."""

import threading

from visionlab.widgets.background import Job


def threads():
    return [thread for thread in threading.enumerate() if thread.name == "visionlab job"]


class Counter:
    """Counts its own steps, for ever or up to a number."""

    def __init__(self, most=None):
        self.count, self.most, self.closed, self.said = 0, most, False, []
        self.job = Job(self.steps, lambda status, message: self.said.append((status, message)))

    def steps(self):
        try:
            while self.most is None or self.count < self.most:
                self.count += 1
                yield
        finally:
            self.closed = True


def test_it_runs_to_the_end():
    counter = Counter(5)
    counter.job.go()
    counter.job.wait()
    assert counter.count == 5 and counter.closed and not threads()
    assert counter.said == [("running", ""), ("done", "")]
    counter.job.go()
    assert counter.job.status == "done", "what has ended stays so"


def test_it_holds_and_goes_on_by_one_step():
    counter = Counter()
    for number in (1, 2, 3):
        counter.job.one()
        counter.job.wait()
        assert counter.job.status == "paused" and counter.count == number
    counter.job.go()
    counter.job.hold()
    counter.job.wait()
    at = counter.count
    assert counter.job.status == "paused" and len(threads()) == 1
    counter.job.one()
    counter.job.wait()
    assert counter.count == at + 1
    counter.job.stop()
    assert counter.job.status == "stopped" and counter.closed and not threads()


def test_two_orders_at_once_count_as_the_second():
    counter = Counter()
    counter.job.one()
    counter.job.wait()
    with Job._turn:  # so that the thread sees neither before both are given
        counter.job.go()
        counter.job.hold()
    counter.job.wait()
    assert counter.job.status == "paused" and counter.count == 1
    counter.job.stop()
    assert not threads()


def test_only_one_runs():
    one, two = Counter(), Counter()
    one.job.go()
    two.job.go()
    assert one.job.status == "stopped" and two.job.status == "running" and len(threads()) == 1
    two.job.stop()
    assert not threads()


def test_a_failure_is_told():
    def steps():
        yield
        raise KeyError("mine")

    said = []
    job = Job(steps, lambda *words: said.append(words))
    job.go()
    job.wait()
    assert said[-1] == ("failed", "KeyError: 'mine'") and not threads()


def test_stopping_before_it_started_is_harmless():
    counter = Counter()
    counter.job.stop()
    assert counter.count == 0 and not threads()
