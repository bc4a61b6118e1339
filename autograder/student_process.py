"""The grader's end of a student's process: run cells in it, and call what the student wrote through proxies."""

import contextlib
import select
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from autograder import sandbox, wire
from visionlab.checks.cases import Recorder, StudentError

GRACE_SECONDS = 2.0
"""Time that a process gets to stop by itself after its time is over, before it is killed."""


START_SECONDS = 60.0
"""Time that a fresh process gets to import what it needs."""


class CannotStart(Exception):
    """No process for student code can be started on this machine: nothing that a student did."""


class StudentGone(BaseException):
    """The student's process has ended, or had to be ended.

    Not an Exception: no ``except Exception`` of a test may take it for an ordinary wrong answer.

    Attributes
    ----------
    status : str
        'died' or 'timed out'.
    message : str
        What happened, to the student.
    """

    def __init__(self, status, message):
        super().__init__(message)
        self.status = status
        self.message = message


class Deadline:
    """A point in time by which something must be done."""

    def __init__(self, seconds):
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    @property
    def left(self):
        """Seconds left, at least zero."""
        return max(0.0, self._end - time.monotonic())


class StudentProcess:
    """A process that runs one student's code, apart from everything else.

    Parameters
    ----------
    limits : Limits
    files : dict of str to Path
        Files to lay into its working directory.
    isolated : bool
        False runs it without the sandbox: for trusted code only.
    """

    def __init__(self, limits, files=None, isolated=True):
        self._limits = limits
        ours, theirs = socket.socketpair()
        self._socket = ours
        self.deadline = Deadline(limits.cell_seconds)
        argv = [sys.executable, "-I", "-m", "autograder.student_kernel", str(theirs.fileno())]
        argv += [str(n) for n in (limits.output_bytes, limits.reply_bytes, limits.memory_bytes)]
        self._folder = None
        if isolated:
            sandbox.require()
            argv, options = sandbox.command(argv, files or {}), {"env": {}}
        else:
            self._folder = tempfile.TemporaryDirectory()
            options = {"cwd": self._folder.name}
            for name, path in (files or {}).items():
                with contextlib.suppress(OSError):
                    (Path(self._folder.name) / name).write_bytes(path.read_bytes())
        options |= {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
        self._process = subprocess.Popen(argv, pass_fds=[theirs.fileno()], **options)
        theirs.close()
        self._wait_until_ready()

    def _wait_until_ready(self):
        """Wait for the first frame, which comes before any student code has run."""
        try:
            self._socket.settimeout(START_SECONDS)
            wire.receive(self._socket, 100)
        except (EOFError, OSError, wire.WireError):
            self._process.kill()
            reason = self._process.communicate()[1].decode(errors="replace").strip().splitlines()
            self.close()
            raise CannotStart(
                f"A process for student code could not be started: {reason[-1] if reason else 'no reason was given'}"
            ) from None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """End the process, whatever it is doing."""
        self._socket.close()
        self._process.kill()
        self._process.wait()
        self._process.stderr.close()
        if self._folder:
            self._folder.cleanup()

    def run_cell(self, source):
        """Run a cell.

        Returns
        -------
        dict
            ``outputs`` (notebook outputs), ``cut`` (whether some were left out), ``count`` (the execution count),
            ``failed`` (`StudentError` or None).

        Raises
        ------
        StudentGone
        """
        reply = self._request({"do": "run", "source": source})
        failed = reply.get("failed")
        return {
            "outputs": reply.get("outputs") or [],
            "cut": bool(reply.get("cut")),
            "count": reply.get("count"),
            "failed": _student_error(failed) if failed else None,
        }

    def get(self, name):
        """The student's object of this name: plain data by value, anything else as a `Proxy`.

        Raises
        ------
        NameError
            If the student has not defined it.
        StudentGone
        """
        try:
            value = self._request({"do": "get", "name": name})["value"]
        except StudentError as error:
            if error.kind == "KeyError":
                raise NameError(f"{name} is not defined in the notebook") from None
            raise
        if isinstance(value, Proxy):
            # What a function calls itself is the student's word; the grader goes by the name it asked for.
            value.__name__ = name
        return value

    def call(self, number, args, kwargs):
        """Call an object of the student's; return its result and the array arguments changed in place."""
        reply = self._request({"do": "call", "target": _Number(number), "args": list(args), "kwargs": kwargs})
        return reply.get("value"), dict(reply.get("changed") or [])

    def attribute(self, number, name):
        """Read an attribute of an object of the student's."""
        return self._request({"do": "attribute", "target": _Number(number), "name": name})["value"]

    def _request(self, request):
        if self._socket.fileno() < 0:
            raise StudentGone("died", "The notebook's process had ended before.")
        if not self.deadline.left:
            raise StudentError("TimeLimit", message=self._time_is_over())
        try:
            data = wire.encode(request | {"seconds": self.deadline.left}, _to_handle)
            self._socket.settimeout(self.deadline.left + GRACE_SECONDS)
            wire.send(self._socket, data)
            reply = self._receive()
        except (TimeoutError, EOFError, OSError, wire.WireError) as error:
            raise self._gone(error) from None
        if not isinstance(reply, dict):
            raise self._gone(wire.WireError("a reply that is none"))
        if error := reply.get("error"):
            error = _student_error(error)
            raise StudentError("TimeLimit", message=self._time_is_over()) if error.kind == "TimeLimit" else error
        return reply

    def _receive(self):
        # A process that trickles bytes must not stretch its time: the deadline holds for the whole reply.
        end = Deadline(self.deadline.left + GRACE_SECONDS)
        if not select.select([self._socket], [], [], end.left)[0]:
            raise TimeoutError
        self._socket.settimeout(max(end.left, 0.01))
        data = wire.receive(self._socket, self._limits.reply_bytes + self._limits.output_bytes + 100_000)
        return wire.decode(data, lambda parts: Proxy(self, *parts))

    def _gone(self, error):
        timed_out = isinstance(error, TimeoutError)
        self.close()
        if timed_out:
            return StudentGone("timed out", f"{self._time_is_over()} It did not stop when asked to, and was ended.")
        if isinstance(error, wire.WireError):
            return StudentGone("died", f"The notebook's process was ended: it sent {error}.")
        return StudentGone(
            "died", "The notebook's Python process ended in the middle of this cell (a crash, or an exit)."
        )

    def _time_is_over(self):
        return f"The code took longer than the {self.deadline.seconds:g} seconds it may take."


class _Number(int):
    """A handle's number on its way back to the student's process."""


def _to_handle(item):
    if isinstance(item, _Number):
        return int(item)
    if isinstance(item, Proxy):
        return int(item._number)
    raise wire.WireError(f"an object of type {type(item).__name__} cannot be passed to student code")


def _student_error(parts):
    try:
        kind, bases, message, line, line_number = parts
        return StudentError(str(kind), tuple(map(str, bases)), str(message), str(line), int(line_number))
    except (TypeError, ValueError):
        return StudentError("Exception", message="(an error that could not be read)")


class Proxy:
    """Stands for an object of the student's: calls, attributes and arithmetic go through, nothing else does.

    Comparison and truth value raise, so that no test passes because of what a student's object claims to equal.
    """

    def __init__(self, process, number, type_name):
        self._process = process
        self._number = int(number)
        self._stands_for = str(type_name)[:100]
        self._changed = {}

    def __call__(self, *args, **kwargs):
        """Call the student's object with plain data or other proxies."""
        result, self._changed = self._process.call(self._number, args, kwargs)
        if result is None:
            # A function that returns nothing works in place: let the caller see it.
            for key, value in self._changed.items():
                (args[key] if isinstance(key, int) else kwargs[key])[...] = value
        return result

    def __getattr__(self, name):
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        return self._process.attribute(self._number, name)

    def __repr__(self):
        return f"<the student's {self._stands_for}>"

    def __bool__(self):
        raise TypeError(f"the student's {self._stands_for} has no truth value here: compare plain data")

    def __eq__(self, other):
        raise TypeError(f"the student's {self._stands_for} cannot be compared here: compare plain data")

    __hash__ = None


def _forward(name):
    def method(self, *args):
        bound = self._process.attribute(self._number, name)
        return bound(*args)

    method.__name__ = name
    return method


ARITHMETIC = [
    "add",
    "radd",
    "sub",
    "rsub",
    "mul",
    "rmul",
    "truediv",
    "rtruediv",
    "pow",
    "rpow",
    "neg",
    "matmul",
    "rmatmul",
]
for _name in [*ARITHMETIC, "getitem", "len"]:
    setattr(Proxy, f"__{_name}__", _forward(f"__{_name}__"))


class ProxyRecorder(Recorder):
    """A `Recorder` around a `Proxy`: arguments changed in place are those that the student's process reports."""

    def _after_call(self, arguments):
        changed = getattr(self._student, "_changed", {})
        names = list(arguments)
        return arguments | {names[key] if isinstance(key, int) else key: value for key, value in changed.items()}
