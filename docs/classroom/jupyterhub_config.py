"""A JupyterHub for one class on one server, as docs/classroom.md sets it up: ``jupyterhub -f jupyterhub_config.py``.

Each server runs as the Linux user who has logged in, so that the permissions of files decide who reads what.
"""

import os
import sys
from pathlib import Path

c = get_config()  # noqa: F821  (JupyterHub provides it)

INSTRUCTOR = os.environ.get("VISIONLAB_INSTRUCTOR", "instructor")
GROUP = os.environ.get("VISIONLAB_GROUP", "visionlab")
SRV = Path(os.environ.get("VISIONLAB_SRV", "/srv"))
COURSE = SRV / "courses" / "visionlab"
BIN = Path(sys.executable).parent

# Linux accounts and their passwords; whoever is not in the group stays outside.
c.JupyterHub.authenticator_class = "pam"
c.PAMAuthenticator.allowed_groups = {GROUP}

# The web server in front adds TLS: without it, passwords travel in the clear.
c.JupyterHub.bind_url = "http://127.0.0.1:8000"

# What would open every account stays in a folder of root's.
c.JupyterHub.db_url = f"sqlite:///{SRV}/jupyterhub/jupyterhub.sqlite"
c.JupyterHub.cookie_secret_file = f"{SRV}/jupyterhub/cookie_secret"
c.ConfigurableHTTPProxy.pid_file = f"{SRV}/jupyterhub/proxy.pid"

c.JupyterHub.spawner_class = "localprocess"
c.Spawner.cmd = [str(BIN / "jupyterhub-singleuser")]
# A kernel's TCP port sends all that it prints to every user of the machine who connects. Its sockets are files instead.
c.Spawner.args = ["--KernelManager.transport=ipc"]
c.Spawner.default_url = "/lab"
c.Spawner.environment = {
    "PATH": f"{BIN}:/usr/local/bin:/usr/bin:/bin",
    "JUPYTER_CONFIG_PATH": f"{SRV}/nbgrader",  # there lies nbgrader_config.py, for everybody
    # A short path in the closed home: the name of a socket has 107 characters at most.
    "JUPYTER_RUNTIME_DIR": lambda spawner: os.path.expanduser(f"~{spawner.user.name}/.runtime"),
}


def open_the_course(spawner):
    """Let the instructor's server begin in the course's folder, where formgrader finds the class."""
    if spawner.user.name == INSTRUCTOR:
        spawner.notebook_dir = str(COURSE)


c.Spawner.pre_spawn_hook = open_the_course
