"""The student's process, from the grader's end."""

import contextlib
from pathlib import Path

import numpy as np
import pytest

from autograder.exercise import Limits
from autograder.student_process import KernelServer, Proxy, StudentGone
from visionlab.checks.cases import StudentError


@pytest.fixture
def process(kernel_server):
    with kernel_server.start(Limits(cell_seconds=2, output_bytes=10_000, reply_bytes=1_000_000)) as process:
        yield process


def run(process, source):
    ran = process.run_cell(source)
    assert ran["failed"] is None, ran["failed"]
    return ran


def test_outputs_are_those_of_a_notebook(process):
    ran = run(process, "import sys\nprint('one')\nprint('two', file=sys.stderr)\n1 + 1")
    kinds = [(out["output_type"], out.get("name")) for out in ran["outputs"]]
    assert kinds == [("stream", "stdout"), ("stream", "stderr"), ("execute_result", None)]
    assert ran["outputs"][0]["text"] == "one\n"
    assert ran["outputs"][2]["data"]["text/plain"] == "2"


def test_figures_are_kept_as_pictures(process):
    process.deadline = type(process.deadline)(20)
    ran = process.run_cell(
        "import matplotlib.pyplot as plt\nplt.figure(figsize=(1, 1), dpi=20)\nplt.plot([1, 2])\nplt.show()"
    )
    assert ran["failed"] is None
    assert any("image/png" in out.get("data", {}) for out in ran["outputs"]) or ran["cut"]


def test_an_error_ends_its_cell_and_no_more(process):
    ran = process.run_cell("a = 1\nb = 1 / 0\nc = 3")
    assert ran["failed"].kind == "ZeroDivisionError"
    assert ran["outputs"][-1]["output_type"] == "error"
    assert process.get("a") == 1
    with pytest.raises(NameError):
        process.get("c")


def test_calls_carry_data_both_ways(process):
    run(process, "def f(x, *, k=1):\n    return x * k, {'shape': x.shape}")
    product, info = process.get("f")(np.arange(3.0), k=2)
    np.testing.assert_array_equal(product, [0, 2, 4])
    assert info == {"shape": (3,)}


def test_changes_in_place_come_back_only_from_functions_that_return_nothing(process):
    run(process, "def fill(x): x[...] = 7\ndef change(x):\n    x[...] = 7\n    return x.sum()")
    x = np.zeros(2)
    assert process.get("fill")(x) is None
    assert x.tolist() == [7, 7]
    x = np.zeros(2)
    assert process.get("change")(x) == 14
    assert x.tolist() == [0, 0]


def test_objects_are_handles_with_calls_attributes_and_arithmetic(process):
    run(
        process,
        "class V:\n"
        "    def __init__(self, v): self.v = v\n"
        "    def __add__(self, other): return V(self.v + getattr(other, 'v', other))\n"
        "    def double(self): return V(2 * self.v)\n"
        "    def __eq__(self, other): return True\n",
    )
    make = process.get("V")
    total = make(2) + make(3) + 1
    assert isinstance(total, Proxy)
    assert total.v == 6
    assert total.double().v == 12
    with pytest.raises(TypeError, match="cannot be compared"):
        assert total == 6
    with pytest.raises(TypeError, match="no truth value"):
        assert total


def test_exceptions_of_the_student_come_as_descriptions(process):
    run(process, "class Own(ValueError): pass\ndef f(x):\n    raise Own('no ' + x)")
    with pytest.raises(StudentError) as raised:
        process.get("f")("good")
    assert raised.value.kind == "Own"
    assert "ValueError" in raised.value.bases
    assert raised.value.message == "no good"
    assert raised.value.line == "raise Own('no ' + x)"
    assert raised.value.line_number == 3


def test_a_long_cell_is_interrupted_and_the_process_lives(process):
    process.deadline = type(process.deadline)(0.3)
    ran = process.run_cell("a = 1\nwhile True: pass")
    assert ran["failed"].kind == "TimeLimit"
    process.deadline = type(process.deadline)(2)
    assert process.get("a") == 1


def test_a_cell_that_refuses_to_stop_is_ended(process):
    process.deadline = type(process.deadline)(0.3)
    with pytest.raises(StudentGone) as gone:
        process.run_cell(
            "import time\n"
            "while True:\n"
            "    try:\n"
            "        while True: time.sleep(0.01)\n"
            "    except BaseException: time.time()"
        )
    assert gone.value.status == "timed out"
    with pytest.raises(StudentGone):
        process.get("a")


@pytest.mark.parametrize(
    ("end", "said"),
    [
        ("os._exit(3)", "ended with exit status 3 in the middle"),
        ("ctypes.string_at(0)", "ended by signal SIGSEGV in the middle"),
        ("os.kill(os.getpid(), 9)", "ended by signal SIGKILL in the middle"),
    ],
)
def test_exit_and_crash_are_the_end(process, end, said):
    with pytest.raises(StudentGone, match=said) as gone:
        process.run_cell(f"import ctypes, os; {end}")
    assert gone.value.status == "died"


def test_too_large_a_result_is_an_error_that_says_so(process):
    run(process, "import numpy as np\ndef f(): return np.zeros(10_000_000)")
    with pytest.raises(StudentError, match="a value of 80 MB was returned; the limit is 1 MB"):
        process.get("f")()


@pytest.mark.parametrize(
    "grab",
    [
        "kept = [bytearray(50_000_000) for i in range(100)]",
        "for i in range(3): os.fork()\nkept = bytearray(b'x' * 250_000_000)\ntime.sleep(9)",
        "kept = [mmap.mmap(-1, 50_000_000) for i in range(99)]\nfor m in kept: m.write(b'x' * 50_000_000)",
    ],
    ids=["private", "forked", "shared"],
)
def test_too_much_memory_is_the_end(kernel_server, grab):
    """All memory of all its processes counts."""
    with kernel_server.start(Limits(cell_seconds=20, memory_bytes=900_000_000)) as process:
        try:
            failed = process.run_cell(f"import mmap, os, time\n{grab}")["failed"]
            assert failed.kind in ("MemoryError", "OSError"), failed
        except StudentGone as gone:
            assert gone.status == "out of memory"


def test_too_many_processes_are_refused_or_the_end(process):
    bomb = "import os\nwhile True:\n    os.fork()"
    with pytest.raises((StudentGone, StudentError, AssertionError)):
        run(process, bomb)
    with contextlib.suppress(StudentGone, StudentError):
        process.run_cell("1")


def test_disk_is_limited(process):
    ran = process.run_cell("for i in range(99): open(f'{i}', 'wb').write(b'x' * 50_000_000)")
    assert ran["failed"].kind == "OSError"
    ran = process.run_cell("for i in range(9999): open(f'/dev/shm/{i}', 'w')")
    assert ran["failed"].kind == "OSError"
    ran = process.run_cell("open('big', 'wb').truncate(10**12)")
    assert ran["failed"].kind == "OSError"


@pytest.mark.parametrize(
    "call",
    [
        "os.memfd_create('x')",
        "os.unshare(0x10000000)",
        "socket.socket(40, socket.SOCK_STREAM)",
        "socket.socket(16, socket.SOCK_RAW)",
        "os.chroot('/')",
        "os.setuid(0)",
        "os.kill(1, 9) or open('/proc/1/mem', 'rb')",
        "os.mount('a', 'b') if hasattr(os, 'mount') else open('/proc/sys/kernel/hostname', 'w')",
        "open('/dev/kmsg')",
        "os.listdir('/proc/1/fd')",
    ],
)
def test_what_it_may_not_do(process, call):
    ran = process.run_cell(f"import os, socket\nif not hasattr(os, 'unshare'): raise OSError\n{call}")
    assert ran["failed"] is not None and ran["failed"].kind in ("PermissionError", "OSError", "FileNotFoundError")


def test_students_do_not_see_each_other(kernel_server):
    one = kernel_server.start(Limits())
    other = kernel_server.start(Limits())
    with one, other:
        run(
            one,
            "open('mine', 'w').write('secret'); import socket; s = socket.socket(socket.AF_UNIX); s.bind('\\0hello')",
        )
        look = (
            "import os, socket\n"
            "files = os.listdir('.') + os.listdir('/dev/shm')\n"
            "processes = [n for n in os.listdir('/proc') if n.isdigit()]\n"
            "s = socket.socket(socket.AF_UNIX)\n"
            "try:\n    s.connect('\\0hello'); met = True\nexcept OSError:\n    met = False\n"
            "descriptors = len(os.listdir('/proc/self/fd')) if processes else 0"
        )
        run(other, look)
        assert other.get("files") == []
        assert len(other.get("processes")) <= 2
        assert other.get("met") is False
        assert other.get("descriptors") < 12


def test_its_own_loopback_and_threads_and_processes_work(process):
    source = (
        "import socket, subprocess, threading, multiprocessing\n"
        "server = socket.create_server(('127.0.0.1', 0)); client = socket.create_connection(server.getsockname())\n"
        "said = subprocess.run(['echo', 'hello'], capture_output=True, text=True).stdout\n"
        "with multiprocessing.get_context('fork').Pool(2) as pool: squares = pool.map(abs, [-1, -2])\n"
    )
    run(process, source)
    assert process.get("said") == "hello\n"
    assert process.get("squares") == [1, 2]


def test_output_is_cut(process):
    ran = run(process, "for i in range(100_000): print('x' * 100)")
    assert ran["cut"]
    assert sum(len(out["text"]) for out in ran["outputs"]) <= 10_000


def test_what_is_printed_while_tests_run_is_dropped(process):
    run(process, "def f(x): print(x)")
    process.get("f")(12345)
    assert run(process, "pass")["outputs"] == []


def test_only_its_own_world_is_there(process, tmp_path):
    (tmp_path / "me").touch()
    probe = (
        "import os, socket\n"
        f"seen = [os.path.exists(p) for p in ('/etc/passwd', '{Path.home()}/.bashrc', '{tmp_path}/me', '/var')]\n"
        "environment = dict(os.environ)\n"
        "try:\n    parent = open('/proc/1/environ').read()\nexcept OSError:\n    parent = ''\n"
        "me = os.getuid()\n"
        "try:\n    socket.create_connection(('1.1.1.1', 53), 1)\n    network = True\n"
        "except OSError:\n    network = False\n"
        "try:\n    open('/usr/here', 'w')\n    writes = True\nexcept OSError:\n    writes = False\n"
    )
    run(process, probe)
    assert process.get("seen") == [False] * 4
    assert not any(process.get(name) for name in ("parent", "network", "writes"))
    assert process.get("me") == 65534
    assert set(process.get("environment")) <= {
        "HOME", "PATH", "LANG", "TMPDIR", "MPLCONFIGDIR", "IPYTHONDIR", "OMP_NUM_THREADS", "PWD", "MPLBACKEND",
        "TORCHINDUCTOR_CACHE_DIR",
    }  # fmt: skip


def test_the_grader_and_the_solutions_are_not_there(process):
    probe = (
        "from pathlib import Path\nimport autograder\n"
        "root = Path(autograder.__file__).parent.parent\n"
        "names = sorted(p.name for p in root.iterdir())\n"
        "modules = sorted(p.name for p in (root / 'autograder').iterdir())"
    )
    run(process, probe)
    assert set(process.get("names")) <= {"autograder", "data", "visionlab", ".venv"}
    assert process.get("modules") == ["__init__.py", "fork_server.py", "isolation.py", "student_kernel.py", "wire.py"]


def test_a_gpus_devices_are_there_when_the_assignment_asks_for_one(monkeypatch):
    """With another device in the GPU's place, as machines that run tests seldom have one."""
    stand_in = next((path for path in ("/dev/fuse", "/dev/loop-control", "/dev/kmsg") if Path(path).exists()), None)
    if stand_in is None:
        pytest.skip("no device to stand in for a GPU")
    monkeypatch.setattr("autograder.sandbox.GPU_NODES", (f"{stand_in}*",))
    probe = f"import os\nfound = os.path.exists('{stand_in}')\nsystem = os.path.exists('/sys/devices')"
    for gpu in (False, True):
        with KernelServer(gpu=gpu) as server, server.start(Limits(gpu=gpu)) as process:
            run(process, probe)
            assert process.get("found") is gpu and process.get("system") is gpu


def test_functions_can_be_passed_to_the_students_code(process):
    run(process, "def slope(f, x, h=1e-3):\n    return (f(x + h) - f(x - h)) / (2 * h)\ndef keep(f): return f")
    assert process.get("slope")(lambda x: float((x**2).sum()), np.array([3.0])) == pytest.approx(np.array([6.0]))
    assert process.get("slope")(f=lambda x: x**3, x=2.0) == pytest.approx(12, abs=1e-4)
    assert isinstance(process.get("keep")(lambda x: x), Proxy)


def test_what_a_passed_function_makes_of_the_students_arguments_is_the_students_to_hear(process):
    run(
        process,
        "def call(f, x):\n    return f(x)\n"
        "def catch(f):\n    try: f([1], a=2)\n    except RuntimeError as e: return str(e)",
    )
    with pytest.raises(StudentError, match="raised ZeroDivisionError"):
        process.get("call")(lambda x: 1 / x, 0)
    assert "TypeError" in process.get("catch")(lambda x: x)
    assert process.get("call")(abs, -3) == 3


def test_a_passed_function_ends_with_its_call_and_with_the_time(process):
    run(
        process,
        "def steal(f):\n    global kept\n    kept = f\n"
        "def later(x): return kept(x)\ndef forever(f):\n    while True: f(1)",
    )
    process.get("steal")(lambda x: x)
    with pytest.raises(StudentError, match="IndexError"):
        process.get("later")(5)
    process.deadline = type(process.deadline)(1)
    with pytest.raises((StudentError, StudentGone), match="took longer"):
        process.get("forever")(lambda x: x)
