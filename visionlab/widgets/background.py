"""Work in the background of the kernel, in steps between which it can be held and stopped."""

import threading


class Job:
    """A generator that a thread runs: on, held, one step further, or stopped, as it is told.

    Only one job runs at a time: the kernel has one processor to give, and starting a job stops the others.

    Parameters
    ----------
    steps : function
        Returns a generator; what it yields is dropped. It may raise: the job has then failed.
    say : function
        Called with a status and a message whenever the status changes, from whichever thread changes it: 'running',
        'paused', then 'done', 'stopped' or 'failed'.

    Examples
    --------
    >>> job = Job(lambda: (print(i) for i in range(3)), lambda status, message: print(status))
    >>> job.one(); job.wait()
    running
    0
    paused
    >>> job.go(); job.wait()
    running
    1
    2
    done
    """

    _turn = threading.Condition()  # guards the orders of all jobs, and which one runs
    _busy = None

    def __init__(self, steps, say):
        self._steps, self._tell = steps, say
        self._order = "hold"
        self._thread = None
        self.status = "ready"

    def go(self):
        """Run, or go on."""
        self._run("go")

    def one(self):
        """Go on by one step, then hold."""
        self._run("one")

    def hold(self):
        """Hold after the step it is at."""
        self._give("hold")

    def stop(self, wait=True):
        """End the job and its thread.

        Parameters
        ----------
        wait : bool
            Return only when the thread has ended.
        """
        self._give("stop")
        if wait and self._thread and self._thread is not threading.current_thread():
            self._thread.join()

    def wait(self):
        """Return when the job isn't running any more."""
        with Job._turn:
            Job._turn.wait_for(lambda: self.status != "running")
        if self._thread and self.status in ("done", "stopped", "failed"):
            self._thread.join()

    def _give(self, order):
        with Job._turn:
            self._order = order
            Job._turn.notify_all()

    def _run(self, order):
        if self.status in ("done", "stopped", "failed"):
            return
        with Job._turn:
            before, Job._busy = Job._busy, self
        if before is not None and before is not self:
            before.stop()
        self._say("running")
        self._give(order)
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="visionlab job", daemon=True)
            self._thread.start()

    def _work(self):
        end, why = "stopped", ""
        steps = None
        try:
            steps = self._steps()
            while self._may_go_on():
                next(steps)
        except StopIteration:
            end = "done"
        except Exception as problem:  # a student's network may raise anything, in a thread that nobody sees
            end, why = "failed", f"{type(problem).__name__}: {problem}"
        finally:
            if steps is not None:
                steps.close()
        with Job._turn:
            if Job._busy is self:
                Job._busy = None
        self._say(end, why)

    def _may_go_on(self):
        with Job._turn:
            while self._order == "hold":
                self._say("paused")  # anew after each order: "go", then "hold" may both come before this thread wakes
                Job._turn.wait()
            if self._order == "stop":
                return False
            self._say("running")
            if self._order == "one":
                self._order = "hold"
            return True

    def _say(self, status, message=""):
        with Job._turn:
            if status != self.status:
                self._tell(status, message)
                self.status = status
                Job._turn.notify_all()
