"""Hostile submissions to the small assignment, for each row of the list of misbehaviours that a grader must survive.

Each has the honest answer to `scale_rows` (4 points) before its mischief, which sits in the cell of `half` or before.
"""

import json
from dataclasses import dataclass, field

import nbformat

from tests.small_course import answer

RIGHT = {
    "scale_rows": "def scale_rows(x, factors):\n    return x * factors[:, None]",
    "half": "def half(n):\n    if n < 0:\n        raise ValueError('negative')\n    return n // 2",
}


@dataclass
class Hostile:
    """A hostile submission and what must become of it.

    Attributes
    ----------
    row : str
        Number in the list, with a letter where there are several.
    content : object
        Notebook, bytes, or None for no notebook.
    status : str
    points : float or tuple
        Exactly, or at least and at most.
    files : dict of str to str
        Further files handed in.
    said : str
        Must be in the reason, the notes or a message.
    """

    row: str
    content: object
    status: str = "graded"
    points: object = 7
    files: dict = field(default_factory=dict)
    said: str = ""


def hostile_submissions(released):
    """Make all hostile submissions from the released notebook."""

    def half(source, **expected):
        return expected.pop("row"), answer(nbformat.read(released, as_version=4), RIGHT | {"half": source}), expected

    def blank_with(source, **expected):
        notebook = nbformat.read(released, as_version=4)
        notebook.cells.insert(1, nbformat.v4.new_code_cell(source))
        return expected.pop("row"), notebook, {"points": 0} | expected

    def right():
        return answer(nbformat.read(released, as_version=4), RIGHT)

    def change(row, edit, **expected):
        notebook = right()
        edit(notebook)
        return row, notebook, expected

    def cell(notebook, grade_id):
        return next(c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade_id") == grade_id)

    def metadata(notebook, **values):
        for one in notebook.cells:
            if one.metadata.get("nbgrader", {}).get("grade"):
                one.metadata.nbgrader.update(values)

    def copy_cell(notebook):
        notebook.cells.insert(4, nbformat.from_dict({**cell(notebook, "check_scale_rows"), "id": "copied"}))

    def drop_tests(notebook):
        notebook.cells = [c for c in notebook.cells if not c.source.startswith(("check(", "assert"))]

    def strip(notebook):
        for one in notebook.cells:
            one.metadata = {}

    def strip_ids(notebook):
        strip(notebook)
        notebook.nbformat_minor = 4
        for one in notebook.cells:
            one.pop("id")
        notebook.cells.insert(4, nbformat.v4.new_markdown_cell("My notes"))

    def disguise(notebook):
        for one in notebook.cells:
            if one.source.startswith("check("):
                one.cell_type = "markdown"
                one.pop("outputs", None)
                one.pop("execution_count", None)
            elif one.source.startswith("assert"):
                one.source = "100"

    def old_format(notebook):
        metadata(notebook, schema_version=1, points=1000)

    def everywhere(notebook):
        noise = "\nimport warnings, sys\nwarnings.warn('odd')\nprint('noise', file=sys.stderr)"
        cell(notebook, "half").source += noise

    escape = (
        "import glob, os\n"
        "for pattern in ('/**/exercises.py', '../**/*.ipynb', '/**/gradebook.db', '/**/submitted/*', '/etc/shadow'):\n"
        "    for path in glob.glob(pattern, recursive=True):\n"
        "        try: open(path, 'r+').write('')\n"
        "        except OSError: pass\n"
        "        found = path\n"
    )
    made = [
        half("def half(n):\n    while True: n", row="1", status="timed out", points=4),
        half(
            "import time\ndef half(n):\n    while True:\n        try:\n            while True: time.sleep(0.01)\n"
            "        except BaseException: time.sleep(0.01)",
            row="2",
            status="timed out",
            points=4,
        ),
        half("import os\nos._exit(1)", row="3a", status="died", points=4),
        half("import os\nos.kill(os.getpid(), 9)", row="3b", status="died", points=4),
        half("import ctypes\nctypes.string_at(0)", row="3c", status="died", points=4),
        half(
            RIGHT["half"] + "\nfor i in range(300_000): print('x' * 100)",
            row="4",
            status=("graded", "timed out"),
            said="cut off",
        ),
        half(RIGHT["half"] + "\nprint('x' * 200_000_000)", row="5a", said="cut off"),
        half(
            RIGHT["half"] + "\nfrom IPython.display import HTML, display\ndisplay(HTML('<b>x</b>' * 3_000_000))",
            row="5b",
            said="cut off",
        ),
        half(
            "kept = bytearray(30_000_000_000)",
            row="6a",
            status="out of memory",
            points=(4, 4),
        ),
        half(
            "import os, time\nfor _ in range(4): os.fork()\nkept = bytearray(b'x' * 50_000_000) * 2\ntime.sleep(9)",
            row="6b",
            status="out of memory",
            points=4,
        ),
        half("import os\nwhile True: os.fork()", row="7a", status=("died", "timed out", "graded"), points=4),
        half(
            RIGHT["half"] + "\nimport subprocess\nsubprocess.Popen(['sleep', '86399'], start_new_session=True)",
            row="7b",
        ),
        half(
            RIGHT["half"] + "\ntry:\n    for i in range(99): open(f'{i}', 'wb').write(b'x' * 90_000_000)\n"
            "except OSError: full = True",
            row="8",
        ),
        change("9", drop_tests, said="Missing, and put back"),
        change("10a", strip, said="metadata was gone"),
        change("10b", strip_ids, said="metadata was gone"),
        change("11", disguise, points=7),
        change("12", lambda n: metadata(n, grade=False, solution=True)),
        change("13a", copy_cell, said="There was a copy"),
        change("13b", old_format),
        ("14a", b"{nope", {"status": "unreadable", "points": 0, "said": "not valid JSON"}),
        ("14b", b"", {"status": "unreadable", "points": 0, "said": "is empty"}),
        ("14c", b" " * 50_000_000, {"status": "unreadable", "points": 0, "said": "50 MB"}),
        ("14d", "{}".encode("utf-16"), {"status": "unreadable", "points": 0, "said": "not UTF-8"}),
        ("14e", "folder", {"status": "unreadable", "points": 0, "said": "is a folder"}),
        ("14f", "link", {"status": "unreadable", "points": 0, "said": "is a link"}),
        ("15a", None, {"status": "missing", "points": 0, "said": "No notebook"}),
        ("15b", "renamed", {"points": 7, "said": "was called"}),
        blank_with(
            "import builtins, numpy as np\nnp.testing.assert_equal = lambda *a, **k: None\n"
            "np.allclose = np.array_equal = lambda *a, **k: True\n"
            "builtins.AssertionError = type('A', (Exception,), {})\n"
            "builtins.isinstance = lambda *a: True\ncheck = print",
            row="16",
        ),
        blank_with(
            "import ast\nclass Drop(ast.NodeTransformer):\n    def visit_Assert(self, node): return ast.Pass()\n"
            "    def visit_Raise(self, node): return ast.Return(ast.Constant(5))\n"
            "get_ipython().ast_transformers.append(Drop())\nget_ipython().run_cell = lambda *a, **k: None",
            row="17",
            points=(0, 1),  # the transformed stubs return 5, which is what one plain test wants
        ),
        blank_with(escape, row="18-21", status=("graded", "timed out")),
        half(
            RIGHT["half"] + "\nimport socket\ngot = []\nfor target in (('1.1.1.1', 53), ('127.0.0.1', 22)):\n"
            "    try: socket.create_connection(target, 1); got.append(target)\n"
            "    except OSError: pass\nassert not got",
            row="22",
        ),
        half(
            RIGHT["half"] + "\nimport os, signal\nfor pid in (os.getppid(), 1, -1):\n    try: os.kill(pid, 9)\n"
            "    except OSError: pass",
            row="23",
            status=("graded", "died"),
            points=(4, 7),
        ),
        ("24", right(), {"files": dict.fromkeys(SHADOWS, "raise SystemExit('shadowed')")}),
        change("25", everywhere),
        half(
            "class Yes(int):\n    def __eq__(self, other): return True\ndef half(n): return Yes(0)", row="28a", points=4
        ),
        half("def half(n): return lambda: n", row="28b", points=4),
        half("import numpy as np\ndef half(n): return np.array([n // 2], dtype=object)", row="28c", points=4),
        half(
            "class Bomb:\n    def __reduce__(self): return (print, ('never',))\ndef half(n): return Bomb()",
            row="28d",
            points=4,
        ),
        half("def half(n): return None", row="29a", points=4, said="yours is None"),
        half("def half(n): return 'five'", row="29b", points=4, said="yours is the text 'five'"),
        half("import numpy as np\ndef half(n): return np.ones(10**6)", row="29c", points=4, said="the limit is 2 MB"),
        half(
            "import gc, sys\ndef half(n):\n    frame = sys._getframe()\n    while frame.f_back: frame = frame.f_back\n"
            "    hidden = [o for o in gc.get_objects() if type(o).__name__ in ('Exercise', 'PreparedCase')]\n"
            "    import socket\n"
            "    for fd in range(3, 64):\n"
            "        try: socket.socket(fileno=fd).send(b'\\0' * 7 + b'\\1' + b'\\xc3')\n"
            "        except OSError: pass\n"
            "    return len(hidden)",
            row="30",
            status=("graded", "died"),
            points=4,
        ),
        half("def half(n): return {4: 2, 7: 3}.get(n, 0)", row="31", points=(4, 5)),
        half(
            RIGHT["half"] + "\nimport matplotlib.pyplot as plt\nplt.plot([1, 2]); plt.show()\n%timeit -n1 -r1 1 + 1\n"
            "get_ipython().system('pip install nothing')\n"
            "try: input()\nexcept EOFError: asked = True\n"
            "except Exception: asked = True",
            row="34",
        ),
    ]
    return [Hostile(row, content, **expected) for row, content, expected in made]


SHADOWS = ("numpy.py", "ipykernel_launcher.py", "conftest.py", "sitecustomize.py", "msgpack.py")


def lay_out(folder, hostile, released):
    """Put a hostile submission into a student's folder."""
    folder.mkdir(parents=True)
    path = folder / "small.ipynb"
    if hostile.content == "folder":
        path.mkdir()
    elif hostile.content == "link":
        path.symlink_to(released)
    elif hostile.content == "renamed":
        nbformat.write(answer(nbformat.read(released, as_version=4), RIGHT), folder / "My Copy.ipynb")
    elif isinstance(hostile.content, bytes):
        path.write_bytes(hostile.content)
    elif hostile.content is not None:
        path.write_text(json.dumps(hostile.content), encoding="utf-8")
    for name, content in hostile.files.items():
        (folder / name).write_text(content)
