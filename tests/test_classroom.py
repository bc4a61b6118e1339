"""The classroom of docs/classroom.md: a real hub and proxy, three Linux users, and what each of them can read."""

import contextlib
import json
import os
import pwd
import secrets
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
import pytest
import requests
import websocket

from tests import small_course

pytestmark = pytest.mark.xdist_group("classroom")  # one process runs the hub, for all tests of this file

REPOSITORY = small_course.REPOSITORY
SETUP = REPOSITORY / "docs" / "classroom" / "setup.sh"
PROXY = "configurable-http-proxy@5.3.0"
PROXY_FOLDER = REPOSITORY / "build" / PROXY
ANSWERS = {"scale_rows": "def scale_rows(x, factors):\n    return x * factors[:, None]"}
LIST_OR_READ = """
import json, os
def attempt(path):
    try:
        return os.listdir(path) if os.path.isdir(path) else open(path, "rb").read().decode("latin-1")
    except OSError as error:
        return type(error).__name__
print(json.dumps({path: attempt(path) for path in PATHS}))
"""
RENAME = """
import os
try:
    os.rename(PATH, PATH + "-")
except OSError as error:
    print(type(error).__name__)
"""
EAVESDROP = """
import zmq
ear = zmq.Context.instance().socket(zmq.SUB)
ear.subscribe(b"")
for port in PORTS:
    ear.connect(f"tcp://127.0.0.1:{port}")
ear.poll(1000)
"""


class Login:
    """A person's browser: logged in at the hub, and the person's own Jupyter server once it is started."""

    def __init__(self, hub, name, password):
        self.hub, self.name = hub, name
        self.web = requests.Session()
        page = self.web.get(f"{hub}/hub/login")
        form = {"username": name, "password": password, "_xsrf": self.web.cookies.get("_xsrf", path="/hub/")}
        self.answer = self.web.post(page.url, data=form)
        self.server = f"{hub}/user/{name}"

    def start_server(self):
        self.web.get(f"{self.hub}/hub/spawn/{self.name}").raise_for_status()

    def wait_for_server(self):
        for _ in range(100):
            page = self.web.get(f"{self.server}/lab")  # by way of the hub, which vouches for the person
            if page.ok and page.url.startswith(self.server):
                return
            time.sleep(0.3)
        raise TimeoutError(f"the server of {self.name} did not start")

    def ask(self, what, **details):
        """What JupyterLab does for a click: send a request to the person's server, and return its answer."""
        token = self.web.cookies.get("_xsrf", path=f"/user/{self.name}/")
        answer = self.web.post(f"{self.server}/{what}", json=details, headers={"X-XSRFToken": token})
        answer.raise_for_status()
        return answer.json()

    def open_kernel(self):
        """Start a kernel in the person's own server, in the folder that JupyterLab shows first."""
        kernel = self.ask("api/kernels", path="")["id"]
        address = f"{self.server}/api/kernels/{kernel}/channels"
        cookies = self.web.prepare_request(requests.Request("GET", address)).headers["Cookie"]
        self.kernel = websocket.create_connection(address.replace("http", "ws", 1), cookie=cookies, timeout=60)

    def run(self, source):
        """Run code in the kernel; return what it prints."""
        name = uuid.uuid4().hex
        header = {"msg_id": name, "msg_type": "execute_request", "username": "", "session": "", "version": "5.3"}
        request = {"channel": "shell", "header": header, "parent_header": {}, "metadata": {}, "buffers": []}
        self.kernel.send(json.dumps(request | {"content": {"code": source, "silent": False}}))
        printed = []
        while True:
            message = json.loads(self.kernel.recv())
            kind, content = message["msg_type"], message["content"]
            if message["parent_header"].get("msg_id") != name:
                continue
            assert kind != "error", "\n".join(content["traceback"])
            if kind == "stream":
                printed.append(content["text"])
            elif kind == "status" and content["execution_state"] == "idle":
                return "".join(printed)

    def command(self, line):
        """Run a shell command as in a terminal of the person's server; it must succeed."""
        answer = self.run(
            "import subprocess, json\n"
            f"r = subprocess.run({line!r}, shell=True, capture_output=True, text=True)\n"
            "print(json.dumps([r.returncode, r.stdout + r.stderr]))"
        )
        status, said = json.loads(answer)
        assert status == 0, f"{self.name}: {line}\n{said}"
        return said

    def read(self, *paths):
        """What the person gets for each path: names, text, or the name of the error."""
        return json.loads(self.run(f"PATHS = {[str(path) for path in paths]}\n{LIST_OR_READ}"))


@dataclass
class Classroom:
    """The folders, the people and the address of the hub."""

    srv: Path
    mark: str
    password: str
    hub: str = ""
    people: dict = field(default_factory=dict)

    @property
    def group(self):
        return f"class{self.mark}"

    @property
    def instructor(self):
        return f"teacher{self.mark}"

    @property
    def students(self):
        return f"ada{self.mark}", f"bob{self.mark}"

    @property
    def environment(self):
        """What docs/classroom takes instead of /srv and the names there."""
        names = {"VISIONLAB_GROUP": self.group, "VISIONLAB_INSTRUCTOR": self.instructor}
        return os.environ | {"VISIONLAB_SRV": str(self.srv)} | names

    @property
    def course(self):
        return self.srv / "courses" / "visionlab"

    @property
    def exchange(self):
        return self.srv / "nbgrader" / "exchange" / "visionlab"


def get_proxy():
    """Install the proxy from its package, once."""
    if not shutil.which("npm"):
        pytest.skip("npm, which installs the hub's proxy, is not here: sudo apt-get install npm")
    program = PROXY_FOLDER / "node_modules" / ".bin"
    if not program.exists():
        install = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", PROXY_FOLDER, PROXY]
        done = subprocess.run(install, capture_output=True, text=True)
        if done.returncode:
            shutil.rmtree(PROXY_FOLDER, ignore_errors=True)
            pytest.skip(f"the hub's proxy could not be installed: {done.stderr[-300:]}")
    return program


def closed_folder(path):
    """The outermost folder on the way to a path that other users may not enter, or None."""
    return next((p for p in reversed(path.parents) if not p.stat().st_mode & stat.S_IXOTH), None)


def only_what_students_have():
    """Shell commands for a mount namespace of the hub's own, in which students can enter what they need, and no more.

    A classroom has Python and the two packages in a folder open to everybody. Here they may lie in somebody's home, and
    beside the solutions: such folders are covered, and only the needed parts shown in their place.
    """
    parts = [REPOSITORY / name for name in ("visionlab", "autograder", "data")]
    needed = [Path(sys.base_prefix), Path(sys.prefix), *parts, PROXY_FOLDER]
    covered = {REPOSITORY, *filter(None, map(closed_folder, needed))}
    covered = [p for p in covered if not any(q in p.parents for q in covered)]
    yield "mount -t tmpfs -o mode=755 classroom /mnt"
    for place in covered:
        inside = [path for path in needed if place in path.parents]
        new = [f"/mnt/{i}" for i in range(len(inside))]
        yield from (f"mkdir {n} && mount --bind '{path}' {n}" for path, n in zip(inside, new, strict=True))
        yield f"mount -t tmpfs -o mode=755 classroom '{place}'"
        yield from (f"mkdir -p '{path}' && mount --move {n} '{path}'" for path, n in zip(inside, new, strict=True))
        yield from (f"rmdir {n}" for n in new)
    yield "umount /mnt"


def free_ports(count):
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def add_people(room):
    subprocess.run(["groupadd", room.group], check=True)
    for name in (room.instructor, *room.students):
        home = room.srv / "home" / name
        subprocess.run(["useradd", "-m", "-d", home, "-U", "-G", room.group, "-s", "/bin/sh", name], check=True)
        subprocess.run(["chpasswd"], input=f"{name}:{room.password}", text=True, check=True)


def remove_people(room):
    for name in (room.instructor, *room.students):
        if subprocess.run(["id", name], capture_output=True).returncode == 0:
            end_processes_of(uid_of(name))
            subprocess.run(["userdel", name], check=True, capture_output=True)
    subprocess.run(["groupdel", room.group], capture_output=True)


def end_processes_of(uid):
    """Kill what has outlived the hub."""
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            if folder.stat().st_uid == uid:
                os.kill(int(folder.name), signal.SIGKILL)


def uid_of(name):
    return pwd.getpwnam(name).pw_uid


@pytest.fixture(scope="module")
def classroom():
    """The hub, running, with everybody logged in and everybody's server started; all of it is removed in the end."""
    if os.geteuid() != 0:
        pytest.skip(
            "only root can make the Linux users of a classroom: sudo make test TEST_ARGS=tests/test_classroom.py"
        )
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode:
        pytest.skip("this machine makes no mount namespaces")
    proxy = get_proxy()
    room = Classroom(Path(tempfile.mkdtemp(dir="/var/tmp")), secrets.token_hex(2), secrets.token_hex(8))
    room.srv.chmod(0o755)
    environment = room.environment | {"PATH": f"{proxy}:{os.environ['PATH']}"}
    port, hub_port, proxy_port = free_ports(3)
    room.hub = f"http://127.0.0.1:{port}"
    log = room.srv / "hub.log"
    hub = None
    try:
        add_people(room)
        small_course.make_course(room.course)
        subprocess.run(["sh", SETUP], check=True, env=environment)
        command = [
            sys.executable, "-m", "jupyterhub", "-f", f"{room.srv}/jupyterhub/jupyterhub_config.py",
            f"--JupyterHub.bind_url={room.hub}", f"--JupyterHub.hub_port={hub_port}",
            f"--ConfigurableHTTPProxy.api_url=http://127.0.0.1:{proxy_port}",
        ]  # fmt: skip
        script = " && ".join([*only_what_students_have(), f"cd '{room.srv}' && exec {' '.join(command)}"])
        with log.open("w") as out:
            start = ["unshare", "--mount", "--propagation", "private", "sh", "-c", script]
            hub = subprocess.Popen(start, stdout=out, stderr=out, env=environment, start_new_session=True)
        wait_for(hub, f"{room.hub}/hub/api/", log)
        room.people = {name: Login(room.hub, name, room.password) for name in (room.instructor, *room.students)}
        for login in room.people.values():
            login.start_server()
        for login in room.people.values():
            login.wait_for_server()
            login.open_kernel()
        yield room
    finally:
        if hub:
            hub.terminate()
            try:
                hub.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(hub.pid, signal.SIGKILL)
        remove_people(room)
        print(log.read_text() if log.exists() else "the hub was not started")  # pytest shows it when a test fails
        shutil.rmtree(room.srv)


def wait_for(hub, address, log):
    for _ in range(100):
        time.sleep(0.3)
        try:
            requests.get(address, timeout=2).raise_for_status()
            return
        except requests.RequestException:
            assert hub.poll() is None, log.read_text()
    raise TimeoutError(log.read_text())


@pytest.fixture(scope="module")
def handed_in(classroom):
    """The class after one assignment, each step by its user: the commands in a terminal, the clicks in JupyterLab."""
    teacher = classroom.people[classroom.instructor]
    small = {"course_id": "visionlab", "assignment_id": "small"}
    teacher.command("autograder release small")
    assert teacher.ask("formgrader/api/assignment/small/release")["success"]
    for name, answers in zip(classroom.students, (ANSWERS, {}), strict=True):
        student = classroom.people[name]
        assert student.ask("assignments/fetch", **small)["success"]
        path = classroom.srv / "home" / name / "small" / "small.ipynb"
        nbformat.write(small_course.answer(path, answers), path)
        assert student.ask("assignments/submit", **small)["success"]
    assert teacher.ask("formgrader/api/assignment/small/collect")["success"]
    teacher.command("autograder grade small --jobs 1")
    return classroom


def test_only_members_with_their_password_come_in(classroom):
    assert Login(classroom.hub, classroom.students[0], "a guess").answer.status_code == 403
    assert classroom.people[classroom.students[0]].answer.ok


def test_each_server_runs_as_its_user(classroom):
    for name, login in classroom.people.items():
        assert login.run("import getpass, os; print(os.getuid(), end='')") == str(uid_of(name))


def test_students_cannot_listen_to_the_kernels_of_others(classroom):
    """Whoever connects to a kernel's TCP port is sent all that it prints: nothing may come that way."""
    ada, bob = (classroom.people[name] for name in classroom.students)
    sockets = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    listening = [s[1] for s in sockets if s[3] == "0A" and int(s[7]) == uid_of(ada.name)]
    ports = [int(address.split(":")[1], 16) for address in listening]
    bob.run(f"PORTS = {ports}\n{EAVESDROP}")
    assert ada.run("print('what ada works on')") == "what ada works on\n"
    assert bob.run("print(ear.poll(1000))") == "0\n"


def test_students_cannot_read_what_is_not_theirs(handed_in):
    course, inbound = handed_in.course, handed_in.exchange / "inbound"
    for me, other in (handed_in.students, handed_in.students[::-1]):
        home = handed_in.srv / "home" / other
        submission = next(inbound.glob(f"{other}+small+*"))
        secrets_of_others = [
            home, home / "small" / "small.ipynb",
            inbound, submission, submission / "small.ipynb", submission / "submission_secret.txt",
            course, course / "solutions", course / "solutions" / "small" / "small.ipynb",
            course / "solutions" / "small" / "exercises.py",
            course / "gradebook.db",
            course / "records" / "small" / f"{other}.json", course / "records" / "small" / f"{me}.json",
            course / "submitted" / other / "small" / "small.ipynb",
            course / "autograded" / other / "small" / "small.ipynb",
            handed_in.srv / "jupyterhub" / "jupyterhub.sqlite", handed_in.srv / "jupyterhub" / "cookie_secret",
        ]  # fmt: skip
        for path in secrets_of_others:
            assert path.exists(), path
        assert handed_in.people[me].read(*secrets_of_others) == dict.fromkeys(
            map(str, secrets_of_others), "PermissionError"
        )


def test_students_cannot_change_the_exchange(handed_in):
    student = handed_in.people[handed_in.students[0]]
    theirs = next((handed_in.exchange / "inbound").glob(f"{handed_in.students[1]}+small+*"))
    for path in (handed_in.exchange, handed_in.exchange / "outbound" / "small", theirs):
        assert student.run(f"PATH = {str(path)!r}\n{RENAME}").strip() == "PermissionError"


def test_students_read_what_is_released(handed_in):
    released = handed_in.exchange / "outbound" / "small" / "small.ipynb"
    for name in handed_in.students:
        assert handed_in.people[name].read(released)[str(released)] == released.read_text()


def test_the_instructor_collects_and_grades_both(handed_in):
    teacher = handed_in.people[handed_in.instructor]
    records = [handed_in.course / "records" / "small" / f"{name}.json" for name in handed_in.students]
    right, empty = (json.loads(text) for text in teacher.read(*records).values())
    assert right["status"] == empty["status"] == "graded"
    points = [{c["grade_id"]: c["points"] for c in record["cells"]}["check_scale_rows"] for record in (right, empty)]
    assert points == [4, 0]


def test_feedback_reaches_its_student_only(handed_in):
    teacher, ada, bob = (handed_in.people[name] for name in (handed_in.instructor, *handed_in.students))
    for click in ("generate_feedback", "release_feedback"):
        answer = teacher.ask(f"formgrader/api/assignment/small/{click}")
        assert answer["success"], answer
    assert bob.read(handed_in.exchange / "feedback") == {str(handed_in.exchange / "feedback"): "PermissionError"}
    ada.ask("assignments/fetch_feedback", course_id="visionlab", assignment_id="small")
    pages = list((handed_in.srv / "home" / ada.name / "small" / "feedback").rglob("*.html"))
    assert [ada.name in page.read_text() for page in pages] == [True]


def test_setup_refuses_a_student_in_the_group_that_reads_submissions(classroom):
    student, team = classroom.students[0], classroom.instructor
    subprocess.run(["gpasswd", "-a", student, team], check=True, capture_output=True)
    done = subprocess.run(["sh", SETUP], env=classroom.environment, capture_output=True, text=True)
    subprocess.run(["gpasswd", "-d", student, team], check=True, capture_output=True)
    assert done.returncode == 1 and f"{student} is in the group {team}" in done.stderr


def test_a_server_opens_for_its_owner_only(classroom):
    me, other = (classroom.people[name] for name in classroom.students)
    assert other.web.get(f"{other.server}/api/contents").ok
    assert me.web.get(f"{other.server}/api/contents").status_code == 403
    assert me.web.get(f"{other.server}/lab").status_code == 403
    assert requests.get(f"{other.server}/api/contents").status_code == 403
