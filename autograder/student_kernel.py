"""Runs *inside* the sandbox: executes the student's cells and calls the student's functions when asked.

Everything in this process belongs to the student's code, which may replace any of it. The grader therefore believes
nothing that comes from here but what a returned value is; limits kept here are courtesies that give better messages.
"""

import resource
import signal
import sys
import time
from pathlib import Path

import numpy as np
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets import Type
from traitlets.config import Config

from autograder import wire
from visionlab.checks.handle import StudentError
from visionlab.checks.plain import changes, snapshot


class TimeLimit(BaseException):
    """The time for a cell or a call is over. Not an Exception, so that ``except Exception`` does not swallow it."""


class Outputs:
    """Collects a cell's outputs as notebook output dicts, up to a number of bytes."""

    def __init__(self, limit):
        self.left = limit
        self.cut = False
        self.items = []

    def add(self, item, size):
        """Keep one output, unless the limit is reached."""
        if size > self.left:
            self.cut = True
            return
        self.left -= size
        self.items.append(item)

    def write(self, name, text):
        """Keep a piece of stdout or stderr, cut at the limit."""
        if self.left <= 0:
            self.cut = True
            return
        kept = text[: self.left]
        self.cut |= len(kept) < len(text)
        self.left -= len(kept)
        if kept and self.items and self.items[-1].get("name") == name:
            self.items[-1]["text"].append(kept)
        elif kept:
            self.items.append({"output_type": "stream", "name": name, "text": [kept]})

    def take(self):
        """Return the outputs so far and start anew."""
        items, self.items = self.items, []
        for item in items:
            if item["output_type"] == "stream":
                item["text"] = "".join(item["text"])
        return items


class Stream:
    """Stands in for sys.stdout or sys.stderr."""

    encoding = "utf-8"

    def __init__(self, name, outputs):
        self._name = name
        self._outputs = outputs

    def write(self, text):
        """Keep the text."""
        self._outputs.write(self._name, str(text))
        return len(text)

    def flush(self):
        """Do nothing: there is no buffer."""

    def isatty(self):
        """Say that this is no terminal."""
        return False


class ResultHook(DisplayHook):
    """Keeps the value of a cell's last expression as an execute_result."""

    def __call__(self, result=None):
        """Keep one value."""
        if result is None or self.quiet():
            return
        data, metadata = self.compute_format_data(result)
        item = {"output_type": "execute_result", "data": data, "metadata": metadata}
        item["execution_count"] = self.shell.execution_count
        self.shell.outputs.add(item, sum(len(str(value)) for value in data.values()))
        self.update_user_ns(result)


class Publisher(DisplayPublisher):
    """Keeps what is displayed as display_data."""

    def publish(self, data, metadata=None, **_):
        """Keep one displayed object."""
        item = {"output_type": "display_data", "data": data, "metadata": metadata or {}}
        self.shell.outputs.add(item, sum(len(str(value)) for value in data.values()))

    def clear_output(self, wait=False):
        """Do nothing: a record keeps all that was shown."""


class Shell(InteractiveShell):
    """IPython, with outputs collected instead of printed."""

    displayhook_class = Type(ResultHook)
    display_pub_class = Type(Publisher)

    def showtraceback(self, *args, **kwargs):
        """Show an error; where memory has run out, use the reserve for it."""
        if isinstance(sys.exc_info()[1], MemoryError):
            hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
            resource.setrlimit(resource.RLIMIT_DATA, (hard, hard))
        super().showtraceback(*args, **kwargs)

    def _showtraceback(self, etype, evalue, stb):
        text = "\n".join(stb)
        item = {"output_type": "error", "ename": etype.__name__, "evalue": str(evalue)[:1000], "traceback": stb[-40:]}
        self.outputs.add(item, len(text))


class Kernel:
    """Serves the grader's requests, one at a time.

    Parameters
    ----------
    sock : socket.socket
    shell : Shell
    reply_bytes : int
        Limit of a reply's size.
    """

    def __init__(self, sock, shell, reply_bytes):
        self.sock = sock
        self.shell = shell
        self.outputs = shell.outputs
        self.reply_bytes = reply_bytes
        self.objects = {}
        sys.stdout, sys.stderr = Stream("stdout", self.outputs), Stream("stderr", self.outputs)
        signal.signal(signal.SIGALRM, self._on_alarm)

    @staticmethod
    def _on_alarm(*_):
        raise TimeLimit

    def serve(self):
        """Answer requests until the grader hangs up."""
        actions = {
            "files": self.files,
            "run": self.run,
            "get": self.get,
            "call": self.call,
            "attribute": self.attribute,
        }
        while True:
            try:
                request = wire.decode(wire.receive(self.sock, 1 << 40), self.from_handle)
            except EOFError:
                return
            reply = {}
            try:
                signal.setitimer(signal.ITIMER_REAL, max(request.pop("seconds", 0.0), 0.001))
                try:
                    reply = actions[request.pop("do")](**request)
                finally:
                    signal.setitimer(signal.ITIMER_REAL, 0)
            except BaseException as error:
                reply = {"error": self.describe(error)}
            self.answer(reply)

    def answer(self, reply):
        """Send a reply; one that cannot be sent becomes an error that says why."""
        try:
            data = wire.encode(reply, self.to_handle)
            if len(data) > self.reply_bytes:
                raise wire.WireError(
                    f"a value of {len(data) / 1e6:,.0f} MB was returned; the limit is {self.reply_bytes / 1e6:,.0f} MB"
                )
        except BaseException as error:
            data = wire.encode({"error": self.describe(error)}, self.to_handle)
        wire.send(self.sock, data)

    def to_handle(self, item):
        """Keep an object that is not plain data, and return what stands for it on the other side."""
        self.objects[id(item)] = item
        return [id(item), type(item).__name__[:100]]

    def from_handle(self, handle):
        """The object that a handle stands for: one of the student's, or a function of the tests."""
        return self.function(handle[1]) if isinstance(handle, list) else self.objects[handle]

    def function(self, number):
        """A function that is called on the other side, with plain data."""

        def function(*args, **kwargs):
            # The alarm must not cut a message in two: it waits until the other side has answered.
            left, _ = signal.setitimer(signal.ITIMER_REAL, 0)
            asked = time.monotonic()
            try:
                request = {"callback": number, "args": list(args), "kwargs": kwargs}
                wire.send(self.sock, wire.encode(request, self.to_handle))
                reply = wire.decode(wire.receive(self.sock, 1 << 40), self.from_handle)
            finally:
                signal.setitimer(signal.ITIMER_REAL, max(left - (time.monotonic() - asked), 0.001))
            if "problem" in reply:
                raise RuntimeError(f"the function that your code was given raised {reply['problem']}")
            return reply["value"]

        return function

    @staticmethod
    def describe(error):
        """Describe an exception as plain data."""
        seen = StudentError.from_exception(error)
        return [
            seen.kind[:200],
            [str(b)[:200] for b in seen.bases],
            seen.message[:2000],
            seen.line[:300],
            seen.line_number,
        ]

    @staticmethod
    def files(files):
        """Lay files into the working directory."""
        for name, content in files.items():
            Path(name).write_bytes(content)
        return {}

    def run(self, source):
        """Run a cell; the reply holds its outputs and the error that ended it, if any."""
        result = self.shell.run_cell(source, store_history=True)
        error = result.error_before_exec or result.error_in_exec
        return {
            "outputs": self.outputs.take(),
            "cut": self.outputs.cut,
            "count": result.execution_count,
            "failed": self.describe(error) if error is not None else None,
        }

    def get(self, name):
        """Look up a name in the student's namespace."""
        return {"value": self.shell.user_ns[name]}

    def attribute(self, target, name):
        """Read an attribute of an object."""
        return {"value": getattr(target, name)}

    def call(self, target, args, kwargs):
        """Call an object; the reply also holds the arguments that the call has changed in place, as they are now."""
        given = dict(enumerate(args)) | kwargs
        before = snapshot(given)
        value = target(*args, **kwargs)
        changed = [[key, now] for key, (_, now) in changes(before, given).items()]
        self.outputs.take()  # what is printed while tests run could tell their inputs, and is not shown
        return {"value": value, "changed": changed}


def make_shell():
    """Make the shell that every notebook's kernel begins with: before forking, as it takes 0.1 s."""
    return Shell.instance(config=Config({"HistoryManager": {"enabled": False}}))  # its thread would not survive a fork


def make_kernel(shell, sock, limits):
    """Make the kernel of one notebook, in a freshly forked process."""
    np.random.seed()  # forks share their parent's state
    shell.outputs = Outputs(limits["output_bytes"])
    return Kernel(sock, shell, limits["reply_bytes"])
