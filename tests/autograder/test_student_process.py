"""The student's process, from the grader's end."""

from pathlib import Path

import numpy as np
import pytest

from autograder.exercise import Limits
from autograder.student_process import Proxy, StudentGone, StudentProcess
from visionlab.checks.cases import StudentError

pytestmark = pytest.mark.usefixtures("sandboxed")


@pytest.fixture
def process():
    with StudentProcess(Limits(cell_seconds=2, output_bytes=10_000, reply_bytes=1_000_000)) as process:
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


def test_exit_and_crash_are_the_end(process):
    with pytest.raises(StudentGone) as gone:
        process.run_cell("import os; os._exit(0)")
    assert gone.value.status == "died"


def test_too_large_a_result_is_an_error_that_says_so(process):
    run(process, "import numpy as np\ndef f(): return np.zeros(10_000_000)")
    with pytest.raises(StudentError, match="a value of 80 MB was returned; the limit is 1 MB"):
        process.get("f")()


def test_output_is_cut(process):
    ran = run(process, "for i in range(100_000): print('x' * 100)")
    assert ran["cut"]
    assert sum(len(out["text"]) for out in ran["outputs"]) <= 10_000


def test_what_is_printed_while_tests_run_is_dropped(process):
    run(process, "def f(x): print(x)")
    process.get("f")(12345)
    assert run(process, "pass")["outputs"] == []


def test_only_its_own_world_is_there(process, tmp_path):
    probe = (
        "import os, socket\n"
        f"seen = [os.path.exists(p) for p in ('/etc/passwd', '{Path.home()}/.bashrc', '{tmp_path}', '/var')]\n"
        "environment = dict(os.environ)\n"
        "parent = open('/proc/1/environ').read()\n"
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
    assert process.get("modules") == ["__init__.py", "student_kernel.py", "wire.py"]
